/* Playing a recording back in its own time. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* ppoll */
#endif
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "sources/playback.h"
#include "source.h"

#define CAPACITY 256

struct playback {
    struct nm_source base;
    struct nm_source *inner;
    double speed;
    int wake_fd;
    int64_t first_ns;   /* time stamp of the first packet */
    int64_t start_ns;   /* CLOCK_MONOTONIC when it was given; 0: not yet */
    uint32_t next;      /* of the batch: the first packet not given yet */
    struct nm_batch batch;
    struct nm_view views[CAPACITY];
};

static struct playback *self(struct nm_source *source)
{
    return (struct playback *)source;
}

/* Nanoseconds from now until the packet is due; 0 or less: it is. */
static int64_t due_in(struct playback *p, const struct nm_view *view)
{
    double after = ((double)view->ts_ns - (double)p->first_ns) / p->speed;
    int64_t now = nm_clock_ns(CLOCK_MONOTONIC);

    if (!p->start_ns) {
        p->first_ns = view->ts_ns;
        p->start_ns = now;
        return 0;
    }
    if (after > 1e18)
        after = 1e18;
    return after < 0 ? 0 : p->start_ns - now + (int64_t)after;
}

static int pass_on(struct playback *p, int result)
{
    if (result < 0)
        memcpy(p->base.msg, p->inner->msg, sizeof(p->base.msg));
    return result;
}

static int fill(struct nm_source *source, struct nm_batch *batch)
{
    struct playback *p = self(source);

    batch->count = 0;
    if (p->next == p->batch.count) {
        int n;

        p->next = 0;
        p->batch.count = 0;
        p->batch.slab = NULL;
        n = p->inner->ops->fill(p->inner, &p->batch);
        if (n <= 0)
            return pass_on(p, n);
    }
    while (p->next < p->batch.count && batch->count < batch->capacity && due_in(p, &p->views[p->next]) <= 0)
        batch->views[batch->count++] = p->views[p->next++];
    batch->slab = p->batch.slab;
    return batch->count;
}

/* Sleeps until the time, or a wake: 0 or -EINTR. */
static int sleep_for(struct playback *p, int64_t ns)
{
    struct timespec left = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    struct pollfd woken = {.fd = p->wake_fd, .events = POLLIN};
    uint64_t count;
    int n = ppoll(&woken, 1, &left, NULL);

    if (n < 0)
        return -errno;
    if (n > 0 && read(p->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return -errno;
    return n ? -EINTR : 0;
}

static int wait_for(struct nm_source *source, int timeout_ms)
{
    struct playback *p = self(source);
    int64_t due, limit = timeout_ms < 0 ? INT64_MAX : timeout_ms * INT64_C(1000000);
    int error;

    if (p->next == p->batch.count)
        return pass_on(p, p->inner->ops->wait(p->inner, timeout_ms));
    due = due_in(p, &p->views[p->next]);
    if (due <= 0)
        return 1;
    error = sleep_for(p, due < limit ? due : limit);
    return error ? error : due <= limit;
}

static void wake(struct nm_source *source)
{
    uint64_t one = 1;

    (void)!write(self(source)->wake_fd, &one, sizeof(one));
    self(source)->inner->ops->wake(self(source)->inner);
}

static int inject(struct nm_source *source, const void *frame, size_t len)
{
    return pass_on(self(source), self(source)->inner->ops->inject(self(source)->inner, frame, len));
}

static void counters(struct nm_source *source, struct nm_counters *result)
{
    self(source)->inner->ops->counters(self(source)->inner, result);
}

static void close_playback(struct nm_source *source)
{
    self(source)->inner->ops->close(self(source)->inner);
    close(self(source)->wake_fd);
    free(source);
}

struct nm_source *nm_playback_open(struct nm_source *inner, double speed)
{
    static const struct nm_source_ops ops = {
        .name = "playback",
        .stored = true,
        .fill = fill,
        .wait = wait_for,
        .wake = wake,
        .inject = inject,
        .fileno = NULL, /* nothing becomes readable when a packet is due */
        .counters = counters,
        .close = close_playback,
    };
    struct playback *p = calloc(1, sizeof(*p));

    if (p)
        p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!p || p->wake_fd < 0) {
        free(p);
        inner->ops->close(inner);
        return NULL;
    }
    p->base.ops = &ops;
    p->inner = inner;
    p->speed = speed;
    p->batch.views = p->views;
    p->batch.capacity = CAPACITY;
    return &p->base;
}
