/* What a writer has gathered, on its way to a descriptor or to a caller that takes it. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "savefile/writer.h"

enum { SLICE_MS = 100 };

/* Waits until a pipe or the like takes more. A signal that slips in before the poll does not end it: hence the
 * slices. */
static int wait_for_room(const struct nm_writer *writer)
{
    struct pollfd poll_fd = {.fd = writer->fd, .events = POLLOUT};
    int ready = poll(&poll_fd, 1, SLICE_MS);

    if (ready < 0)
        return -errno;
    return ready ? 0 : -EINTR;
}

/* As write, of as much as is taken without waiting; EAGAIN: of nothing. */
static ssize_t write_now(struct nm_writer *writer, size_t size)
{
    struct pollfd poll_fd = {.fd = writer->fd, .events = POLLOUT};
    struct iovec pending = {.iov_base = writer->buffer + writer->sent, .iov_len = size};

    if (writer->plain)
        return write(writer->fd, pending.iov_base, size);
#ifdef RWF_NOWAIT
    if (!writer->cannot_try) {
        ssize_t done = pwritev2(writer->fd, &pending, 1, -1, RWF_NOWAIT);

        if (done >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
            return done;
        writer->cannot_try = true;
    }
#endif
    /* So much a pipe takes at once, if it takes anything. */
    if (poll(&poll_fd, 1, 0) == 1)
        return write(writer->fd, pending.iov_base, size < PIPE_BUF ? size : PIPE_BUF);
    errno = EAGAIN;
    return -1;
}

static int write_some(struct nm_writer *writer)
{
    size_t size = writer->used - writer->sent;
    ssize_t done;
    int error;

    if (writer->fd < 0) {
        snprintf(writer->msg, NM_MSG_SIZE, "the bytes pending have to be taken first");
        return -EAGAIN;
    }
    done = write_now(writer, size);
    if (done < 0 && errno == EAGAIN) {
        error = wait_for_room(writer);
        if (error)
            return error;
        done = write_now(writer, size);
    }
    if (done >= 0) {
        writer->sent += (size_t)done;
        return 0;
    }
    if (errno == EAGAIN) /* somebody else has filled it */
        return -EINTR;
    error = -errno;
    snprintf(writer->msg, NM_MSG_SIZE, "error writing dump file: %m (at byte %llu, %zu bytes are pending)",
             (unsigned long long)(writer->position + writer->sent), writer->used - writer->sent);
    return error;
}

static void empty_buffer(struct nm_writer *writer)
{
    writer->position += writer->used;
    writer->used = writer->sent = writer->header = 0;
}

int nm_writer_flush(struct nm_writer *writer)
{
    int error;

    while (writer->sent < writer->used) {
        error = write_some(writer);
        if (error)
            return error;
    }
    empty_buffer(writer);
    return 0;
}

size_t nm_writer_pending(struct nm_writer *writer, const uint8_t **bytes)
{
    *bytes = writer->buffer + writer->sent;
    return writer->used - writer->sent;
}

void nm_writer_taken(struct nm_writer *writer, size_t len)
{
    size_t pending = writer->used - writer->sent;

    writer->sent += len < pending ? len : pending;
    if (writer->sent == writer->used)
        empty_buffer(writer);
}

static int enlarge(struct nm_writer *writer, size_t capacity)
{
    uint8_t *buffer = realloc(writer->buffer, capacity);

    if (!buffer) {
        snprintf(writer->msg, NM_MSG_SIZE, "no memory for a record of %zu bytes", capacity);
        return -ENOMEM;
    }
    writer->buffer = buffer;
    writer->capacity = capacity;
    return 0;
}

uint8_t *nm_writer_reserve(struct nm_writer *writer, size_t len, int *error)
{
    if (writer->capacity - writer->used < len) {
        *error = writer->used ? nm_writer_flush(writer) : 0;
        if (!*error && writer->capacity < len)
            *error = enlarge(writer, len);
        if (*error)
            return NULL;
    }
    return writer->buffer + writer->used;
}
