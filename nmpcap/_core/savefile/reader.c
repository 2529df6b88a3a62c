/* A savefile as a source: moves bytes, chooses the format, orders packets before errors. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "savefile/format.h"

enum { SLICE_MS = 100 };

/* Counters have one writer and may be read by another thread; each stands for itself. */
static void count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* ---- before the format is known ------------------------------------------------------ */

static enum nm_parse choose_format(struct nm_reader *reader, struct nm_batch *batch)
{
    const uint8_t *magic = nm_input_at(&reader->in);

    if (nm_input_left(&reader->in) < 4)
        return nm_reader_want(reader, 4);
    if (nm_pcap_is_magic(magic)) {
        if (nm_input_left(&reader->in) < 24)
            return nm_reader_want(reader, 24);
        return nm_pcap_begin(reader);
    }
    if (nm_pcapng_is_magic(magic)) {
        reader->format = &nm_format_pcapng;
        reader->info.format = NM_SAVEFILE_PCAPNG;
        return reader->format->parse(reader, batch);
    }
    return nm_reader_damaged(reader, nm_input_offset(&reader->in), "unknown file format");
}

static void header_truncated(struct nm_reader *reader, size_t left)
{
    nm_reader_damaged(reader, nm_input_offset(&reader->in),
                      "truncated dump file; tried to read %zu file header bytes, only got %zu", reader->want, left);
}

const struct nm_format nm_format_unknown = {choose_format, header_truncated, NULL};

/* ---- the loop that every read goes through ------------------------------------------- */

static void cannot_read(struct nm_reader *reader, int error)
{
    reader->failure = error;
    reader->failure_at = nm_input_offset(&reader->in);
    errno = -error; /* for %m */
    snprintf(reader->base.msg, NM_MSG_SIZE, "error reading dump file: %m");
}

/* The input has ended where a record may or may not: 0 at a clean end, else the failure is set. */
static void end_of_input(struct nm_reader *reader)
{
    size_t left = nm_input_left(&reader->in);

    if (left || !reader->begun)
        reader->format->truncated(reader, left);
}

/* Salvage: head goes to the next believable record, or as far as there can be none. */
static enum nm_parse pass_damage(struct nm_reader *reader, bool ended)
{
    uint64_t before = nm_input_offset(&reader->in);
    enum nm_parse found = reader->format->resync(reader, ended);

    reader->damage.skipped += nm_input_offset(&reader->in) - before;
    reader->resyncing = found == NM_PARSE_MORE;
    return found;
}

static bool may_salvage(const struct nm_reader *reader)
{
    return reader->flags & NM_SAVEFILE_SALVAGE && reader->begun && reader->failure == -EBADMSG;
}

static enum nm_parse step(struct nm_reader *reader, struct nm_batch *batch)
{
    enum nm_parse stop;

    if (reader->resyncing) {
        stop = pass_damage(reader, reader->at_end);
        if (stop != NM_PARSE_FULL)
            return stop;
    }
    stop = reader->format->parse(reader, batch);
    if (stop == NM_PARSE_DAMAGED && may_salvage(reader)) {
        reader->failure = 0;
        reader->damage.places++;
        reader->resyncing = true;
        return nm_reader_want(reader, 0);
    }
    return stop;
}

/* After the end of the input inside a record: what of the rest can be saved. True: go on parsing. */
static bool salvage_rest(struct nm_reader *reader)
{
    if (!may_salvage(reader))
        return false;
    if (!reader->resyncing)
        reader->damage.places++;
    reader->failure = 0;
    pass_damage(reader, true);
    reader->resyncing = false;
    return nm_input_left(&reader->in) > 0;
}

/* Parses until the batch is full, or until getting more would mean ending the life of its
 * views. Returns 1 at a stop, 0 at the end of the input, -EAGAIN; or sets reader->failure. */
static int run(struct nm_reader *reader, struct nm_batch *batch)
{
    int got;

    for (;;) {
        enum nm_parse stop = step(reader, batch);

        if (stop != NM_PARSE_MORE)
            return 1;
        if (batch && batch->count)
            return 1;
        got = nm_input_want(&reader->in, reader->want);
        if (got == 1)
            continue;
        if (got == 0 && !reader->at_end && reader->flags & NM_SAVEFILE_SALVAGE) {
            reader->at_end = true; /* what waited for more is judged without it */
            continue;
        }
        if (got == 0) {
            end_of_input(reader);
            if (salvage_rest(reader))
                continue;
        } else if (got != -EAGAIN) {
            cannot_read(reader, got);
        }
        return got;
    }
}

int nm_savefile_begin(struct nm_source *source)
{
    struct nm_reader *reader = (struct nm_reader *)source;
    int got;

    if (reader->begun)
        return 0;
    while (!reader->failure) {
        got = run(reader, NULL);
        if (got == 1 && !reader->failure) {
            reader->begun = true;
            return 0;
        }
        if (got == -EAGAIN) {
            /* In slices: a signal that slips in before the wait does not end it. */
            got = nm_input_wait(&reader->in, SLICE_MS);
            if (got <= 0)
                return got < 0 ? got : -EINTR;
        }
    }
    return reader->failure;
}

static int fill(struct nm_source *source, struct nm_batch *batch)
{
    struct nm_reader *reader = (struct nm_reader *)source;
    int got = 0;
    int failure;

    batch->count = 0;
    reader->batch_bytes = 0;
    reader->at_end = false;
    if (reader->over)
        return NM_SOURCE_END;
    if (!reader->begun) {
        snprintf(reader->base.msg, NM_MSG_SIZE, "the savefile's header has not been read yet");
        return -EINVAL;
    }
    if (!reader->failure)
        got = run(reader, batch);
    if (batch->count) {
        batch->slab = reader->in.slab;
        count(&reader->received, batch->count);
        count(&reader->bytes, reader->batch_bytes);
        return (int)batch->count;
    }
    if (reader->failure) {
        failure = reader->failure;
        reader->over = true;
        return failure;
    }
    return got == 0 ? NM_SOURCE_END : 0;
}

/* ---- the other operations ------------------------------------------------------------ */

static int wait_for(struct nm_source *source, int timeout_ms)
{
    return nm_input_wait(&((struct nm_reader *)source)->in, timeout_ms);
}

static void wake(struct nm_source *source)
{
    nm_input_wake(&((struct nm_reader *)source)->in);
}

static int inject(struct nm_source *source, const void *frame, size_t len)
{
    (void)frame;
    (void)len;
    snprintf(source->msg, NM_MSG_SIZE, "Sending packets isn't supported on savefiles");
    return -EOPNOTSUPP;
}

static int descriptor(struct nm_source *source)
{
    return ((struct nm_reader *)source)->in.fd;
}

static void counters(struct nm_source *source, struct nm_counters *result)
{
    struct nm_reader *reader = (struct nm_reader *)source;

    *result = (struct nm_counters){
        .received = __atomic_load_n(&reader->received, __ATOMIC_RELAXED),
        .bytes = __atomic_load_n(&reader->bytes, __ATOMIC_RELAXED),
    };
}

static void close_reader(struct nm_source *source)
{
    struct nm_reader *reader = (struct nm_reader *)source;
    uint32_t i;

    nm_input_close(&reader->in);
    for (i = 0; i < reader->interface_count; i++)
        free(reader->interfaces[i].options);
    free(reader->interfaces);
    free(reader->chains.of);
    free(reader);
}

static const struct nm_source_ops savefile_ops = {
    .name = "savefile",
    .stored = true,
    .fill = fill,
    .wait = wait_for,
    .wake = wake,
    .inject = inject,
    .fileno = descriptor,
    .counters = counters,
    .close = close_reader,
};

struct nm_source *nm_savefile_open(int fd, int flags, uint64_t max_memory, char *msg)
{
    struct nm_reader *reader = calloc(1, sizeof *reader);
    int error = -ENOMEM;

    msg[0] = '\0';
    if (reader) {
        reader->base.ops = &savefile_ops;
        reader->format = &nm_format_unknown;
        reader->flags = flags;
        reader->memory_left = max_memory;
        error = nm_input_open(&reader->in, fd);
        if (!error)
            return &reader->base;
        close_reader(&reader->base);
    } else if (fd >= 0) {
        close(fd);
    }
    errno = -error; /* for %m */
    snprintf(msg, NM_MSG_SIZE, "error reading dump file: %m");
    return NULL;
}

int nm_savefile_feed(struct nm_source *source, const void *bytes, size_t len)
{
    int error = nm_input_feed(&((struct nm_reader *)source)->in, bytes, len);

    if (error == -EPIPE)
        snprintf(source->msg, NM_MSG_SIZE, "bytes fed to a savefile that has been finished, or reads its own");
    else if (error)
        snprintf(source->msg, NM_MSG_SIZE, "no memory for %zu more bytes of the savefile", len);
    return error;
}

void nm_savefile_finish(struct nm_source *source)
{
    ((struct nm_reader *)source)->in.ended = true;
}
