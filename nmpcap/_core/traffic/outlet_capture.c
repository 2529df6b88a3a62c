/* Frames through a handle: made in memory of our own, as many as a burst has, and injected at once. */
#include <errno.h>
#include <stdlib.h>

#include "capture/capture.h"
#include "traffic/outlet.h"
#include "traffic/stream.h"

#define PATIENCE_NS 100000000 /* for room, before signals are looked after */

struct outlet {
    struct nm_outlet outlet;
    struct nm_capture *capture;
    int same;             /* every frame of the stream is */
    uint32_t stride;      /* from one frame's memory to the next one's */
    uint32_t ready, next; /* frames made and not sent yet, and the first of them */
    uint32_t made;        /* memory that has held a frame */
    struct nm_frame *frame;
    uint8_t *memory;
};

static struct outlet *self(struct nm_outlet *outlet)
{
    return (struct outlet *)outlet;
}

static int enter(struct nm_outlet *outlet)
{
    int error = nm_capture_enter_aside(self(outlet)->capture, 1);

    return error == -EBADF ? NM_CAPTURE_STOPPED : error;
}

static void leave(struct nm_outlet *outlet)
{
    nm_capture_leave(self(outlet)->capture);
}

/* Has n frames ready; those that found no room the last time are first. */
static void make(struct outlet *o, struct nm_stream *stream, uint32_t n, struct nm_burst *burst)
{
    if (o->ready)
        return;
    for (o->next = 0; o->ready < n; o->ready++) {
        uint8_t *to = o->memory + (size_t)o->ready * o->stride;
        int fresh = o->ready >= o->made;

        if (fresh || !o->same)
            o->frame[o->ready] = (struct nm_frame){to, nm_stream_next(stream, to, fresh)};
        if (fresh)
            o->made++;
        burst->filled += (uint32_t)fresh;
    }
}

static int send(struct nm_outlet *outlet, struct nm_stream *stream, uint32_t n, struct nm_burst *burst)
{
    struct outlet *o = self(outlet);
    struct nm_deadline patience = {.timeout_ns = PATIENCE_NS};
    uint32_t sent = 0;
    int error;

    make(o, stream, n, burst);
    if (n > o->ready)
        n = o->ready;
    error = nm_capture_inject(o->capture, o->frame + o->next, n, &patience, &sent);
    for (uint32_t i = 0; i < sent; i++)
        burst->bytes += o->frame[o->next + i].len;
    burst->sent = sent;
    o->next += sent;
    o->ready -= sent;
    return error == -EAGAIN ? 0 : error; /* no room for the rest */
}

static int wait(struct nm_outlet *outlet, int timeout_ms)
{
    (void)outlet;
    (void)timeout_ms;
    return 0; /* sending has waited already */
}

static void let_go(struct nm_outlet *outlet)
{
    struct outlet *o = self(outlet);

    free(o->frame);
    free(o->memory);
    free(o);
}

static const struct nm_outlet_ops ops = {.enter = enter, .leave = leave, .send = send, .wait = wait, .free = let_go};

int nm_outlet_capture(struct nm_capture *capture, const struct nm_stream *stream, uint32_t burst,
                      struct nm_outlet **outlet)
{
    struct outlet *o = calloc(1, sizeof(*o));

    if (!o)
        return -ENOMEM;
    *o = (struct outlet){.outlet = {&ops}, .capture = capture, .same = nm_stream_same(stream),
                         .stride = nm_stream_longest(stream)};
    o->frame = calloc(burst, sizeof(*o->frame));
    o->memory = malloc((size_t)burst * o->stride);
    if (!o->frame || !o->memory) {
        let_go(&o->outlet);
        return -ENOMEM;
    }
    *outlet = &o->outlet;
    return 0;
}
