/*
 * The window over a savefile's bytes: a descriptor read in large pieces, or bytes fed by the caller.
 *
 * Files are read, not mapped: a file that shrinks under a mapping kills the reader with
 * SIGBUS, and a copy into a slab that stays in the cache costs less than the page faults.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "savefile/input.h"

/* SLAB_SIZE fits the second-level cache of current machines; smaller pays in system calls, larger in misses. The
 * first slab is smaller: many files are opened for what stands at their beginning. */
enum { FIRST_SIZE = 16 * 1024, SLAB_SIZE = 256 * 1024 };

int nm_input_open(struct nm_input *in, int fd)
{
    struct stat status;

    memset(in, 0, sizeof *in);
    in->fd = fd;
    in->wake_fd = -1;
    if (fd >= 0) {
        if (fstat(fd, &status) < 0)
            return -errno;
        /* Reading a directory fails, and does so at once. */
        in->plain = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) || S_ISDIR(status.st_mode);
        if (!in->plain) {
            in->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            if (in->wake_fd < 0)
                return -errno;
        }
    }
    in->slab = nm_slab_new(FIRST_SIZE);
    if (!in->slab)
        return -ENOMEM;
    in->bytes = in->slab->bytes;
    return 0;
}

void nm_input_close(struct nm_input *in)
{
    nm_slab_release(in->slab);
    in->slab = NULL;
    for (unsigned i = 0; i < NM_INPUT_SPARES; i++) {
        nm_slab_release(in->spares[i]);
        in->spares[i] = NULL;
    }
    if (in->fd >= 0)
        close(in->fd);
    if (in->wake_fd >= 0)
        close(in->wake_fd);
    in->fd = in->wake_fd = -1;
}

/* A slab that nobody else holds, with room for capacity bytes: a spare one, or a new one. */
static struct nm_slab *other_slab(struct nm_input *in, size_t capacity)
{
    for (unsigned i = 0; i < NM_INPUT_SPARES; i++) {
        struct nm_slab *spare = in->spares[i];

        if (spare && spare->capacity >= capacity && nm_slab_is_alone(spare)) {
            in->spares[i] = NULL;
            in->next_spare = i;
            return spare;
        }
    }
    return nm_slab_new(capacity);
}

/* Moves what is left to another slab. */
static int change_slab(struct nm_input *in, size_t capacity)
{
    struct nm_slab *slab = other_slab(in, capacity);
    struct nm_slab **spare = &in->spares[in->next_spare];

    if (!slab)
        return -ENOMEM;
    memcpy(slab->bytes, in->bytes + in->head, in->tail - in->head);
    nm_slab_release(*spare);
    *spare = in->slab;
    in->next_spare = (in->next_spare + 1) % NM_INPUT_SPARES;
    in->slab = slab;
    in->bytes = slab->bytes;
    return 0;
}

/* Moves what is left to the front of a slab with room for capacity bytes: this one, if that has as many
 * and nobody holds it. */
static int compact(struct nm_input *in, size_t capacity)
{
    int error = 0;

    if (capacity <= in->slab->capacity && nm_slab_is_alone(in->slab))
        memmove(in->bytes, in->bytes + in->head, in->tail - in->head);
    else
        error = change_slab(in, capacity);
    if (error)
        return error;
    in->base += in->head;
    in->tail -= in->head;
    in->head = 0;
    return 0;
}

/* Room behind tail. The slab grows as bytes arrive, not as a record's length claims. */
static int make_room(struct nm_input *in)
{
    size_t capacity = in->slab->capacity;

    if (in->tail && capacity < SLAB_SIZE)
        return compact(in, SLAB_SIZE);
    if (in->head)
        return compact(in, capacity);
    return in->tail < capacity ? 0 : compact(in, capacity * 2);
}

static int readable_now(struct nm_input *in)
{
    struct pollfd poll_fd = {.fd = in->fd, .events = POLLIN};
    int ready = poll(&poll_fd, 1, 0);

    if (ready < 0)
        return -errno;
    return ready ? 1 : -EAGAIN;
}

/* One read into the room behind tail: the bytes got, 0 at the end, or a negative errno. */
static ssize_t read_more(struct nm_input *in)
{
    ssize_t got;
    int ready;

    if (in->fd < 0)
        return in->ended ? 0 : -EAGAIN;
    if (!in->plain) {
        ready = readable_now(in);
        if (ready < 0)
            return ready;
    }
    do
        got = read(in->fd, in->bytes + in->tail, in->slab->capacity - in->tail);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    in->tail += (size_t)got;
    return got;
}

int nm_input_want(struct nm_input *in, size_t len)
{
    ssize_t got;
    int error;

    in->starved = false;
    while (nm_input_left(in) < len) {
        error = make_room(in);
        if (error)
            return error;
        got = read_more(in);
        if (got <= 0) {
            in->starved = got == -EAGAIN;
            return (int)got;
        }
    }
    return 1;
}

int nm_input_feed(struct nm_input *in, const void *bytes, size_t len)
{
    size_t capacity = in->slab->capacity;
    int error;

    if (in->ended || (in->fd >= 0 && nm_input_offset(in)))
        return -EPIPE;
    while (capacity - nm_input_left(in) < len)
        capacity *= 2;
    error = compact(in, capacity);
    if (error)
        return error;
    memcpy(in->bytes + in->tail, bytes, len);
    in->tail += len;
    in->starved = false;
    return 0;
}

/* A wake that came before the wait counts for it, once. */
static bool take_wake(struct nm_input *in)
{
    return atomic_exchange_explicit(&in->woken, false, memory_order_acquire);
}

static void drain_wake_fd(struct nm_input *in)
{
    uint64_t count;

    while (read(in->wake_fd, &count, sizeof count) > 0)
        ;
}

int nm_input_wait(struct nm_input *in, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = in->fd, .events = POLLIN}, {.fd = in->wake_fd, .events = POLLIN}};
    int ready;

    if (take_wake(in))
        return -EINTR;
    if (!in->starved || in->plain)
        return 1;
    if (in->fd < 0)
        return in->ended ? 1 : -EAGAIN;
    ready = poll(fds, 2, timeout_ms);
    if (ready < 0)
        return -errno;
    if (fds[1].revents) {
        /* Drained only here: a count left by a wake that take_wake saw first costs one early return. */
        drain_wake_fd(in);
        take_wake(in);
        return -EINTR;
    }
    return ready > 0;
}

void nm_input_wake(struct nm_input *in)
{
    int saved = errno;
    uint64_t one = 1;

    /* Release pairs with take_wake's acquire: what the waker did before is seen by the woken. */
    atomic_store_explicit(&in->woken, true, memory_order_release);
    if (in->wake_fd >= 0 && write(in->wake_fd, &one, sizeof one) < 0)
        errno = EAGAIN; /* the counter is full: whoever waits is woken already */
    errno = saved;
}
