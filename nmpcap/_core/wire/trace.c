/* Decisions as lines of text, gathered into large writes. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wire/trace.h"

#define SIZE 65536
#define LINE 160

struct nm_trace {
    int fd;
    size_t filled;
    char text[SIZE];
};

static const char *const fates[NM_WIRE_FATES] = {
    [NM_WIRE_DELIVERED] = "delivered", [NM_WIRE_LISTED] = "listed", [NM_WIRE_DOWN] = "down",
    [NM_WIRE_QUEUE] = "queue",         [NM_WIRE_LOSS] = "loss",     [NM_WIRE_BURST] = "burst",
    [NM_WIRE_BIT_ERROR] = "bit-error",
};

struct nm_trace *nm_trace_new(int fd)
{
    struct nm_trace *trace = malloc(sizeof(*trace));

    if (trace) {
        trace->fd = fd;
        trace->filled = 0;
    }
    return trace;
}

void nm_trace_free(struct nm_trace *trace)
{
    if (trace)
        (void)nm_trace_flush(trace);
    free(trace);
}

int nm_trace_flush(struct nm_trace *trace)
{
    size_t done = 0;

    while (done < trace->filled) {
        ssize_t n = write(trace->fd, trace->text + done, trace->filled - done);

        if (n < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = trace->fd, .events = POLLOUT};

            (void)poll(&room, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            trace->filled = 0;
            return -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    trace->filled = 0;
    return 0;
}

int nm_trace_put(struct nm_trace *trace, int64_t arrival_ns, uint32_t len, const struct nm_wire_verdict *verdict)
{
    char *line = trace->text + trace->filled;
    int size = snprintf(line, LINE, "%" PRIu64 " %" PRId64 " %" PRIu32 " %s", verdict->index, arrival_ns, len,
                        fates[verdict->fate]);

    if (verdict->copies) {
        size += snprintf(line + size, LINE - (size_t)size, " %" PRId64 " %u", verdict->departure_ns, verdict->copies);
        if (verdict->corrupt_bit == UINT32_MAX)
            size += snprintf(line + size, LINE - (size_t)size, " -");
        else
            size += snprintf(line + size, LINE - (size_t)size, " %" PRIu32, verdict->corrupt_bit);
    }
    line[size] = '\n';
    trace->filled += (size_t)size + 1;
    return trace->filled + LINE > SIZE ? nm_trace_flush(trace) : 0;
}
