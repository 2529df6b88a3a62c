/* The handle: made and ended, when it stops, and what became of its packets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/impl.h"

/* How often stats() looks for a moment at which nobody takes a packet. */
#define STATS_TRIES 1000

/* The views and the locks: 0, or -ENOMEM and nothing of them is left. */
static int make_parts(struct nm_capture *c)
{
    c->batch.views = malloc(NM_CAPTURE_VIEWS * sizeof(*c->batch.views));
    c->sifted = malloc(NM_CAPTURE_VIEWS * sizeof(*c->sifted));
    if (c->batch.views && c->sifted && pthread_mutex_init(&c->life, NULL) == 0) {
        if (nm_turns_init(&c->turns) == 0)
            return 0;
        pthread_mutex_destroy(&c->life);
    }
    free(c->batch.views);
    free(c->sifted);
    return -ENOMEM;
}

int nm_capture_new(struct nm_source *source, const char *name, uint32_t snaplen, struct nm_capture **capture)
{
    struct nm_capture *c;
    size_t size = strlen(name) + 1;

    *capture = NULL;
    c = calloc(1, sizeof(*c) + size);
    if (!c || make_parts(c)) {
        free(c);
        source->ops->close(source);
        return -ENOMEM;
    }
    memcpy(c->name, name, size);
    c->batch.capacity = c->reserve = NM_CAPTURE_VIEWS;
    c->source = source;
    c->snaplen = snaplen;
    *capture = c;
    return 0;
}

void nm_capture_free(struct nm_capture *c)
{
    nm_capture_close(c);
    nm_turns_destroy(&c->turns);
    pthread_mutex_destroy(&c->life);
    nm_program_unref(c->filter.program);
    nm_mixed_reset(&c->mixed, false);
    free(c->batch.views);
    free(c->sifted);
    free(c);
}

/* ---- stopping, from anywhere ------------------------------------------------------- */

static void stop(struct nm_capture *c, int *reason)
{
    __atomic_store_n(reason, 1, __ATOMIC_SEQ_CST);
    nm_capture_rouse(c);
}

void nm_capture_break(struct nm_capture *c)
{
    stop(c, &c->broken);
}

void nm_capture_close(struct nm_capture *c)
{
    stop(c, &c->closed);
    nm_capture_close_if_alone(c);
}

int nm_capture_is_released(struct nm_capture *c)
{
    int released;

    pthread_mutex_lock(&c->life);
    released = c->source == NULL;
    pthread_mutex_unlock(&c->life);
    return released;
}

int nm_capture_stopped(struct nm_capture *c)
{
    if (nm_capture_is_closed(c))
        return 1;
    if (!__atomic_load_n(&c->window.stop, __ATOMIC_RELAXED))
        return 0;
    /* Taken back first: what is asked from here on sets it again. */
    __atomic_store_n(&c->window.stop, 0, __ATOMIC_SEQ_CST);
    nm_capture_pass(c);
    if (nm_capture_is_closed(c)) /* its stop may be the one just taken back */
        __atomic_store_n(&c->window.stop, 1, __ATOMIC_SEQ_CST);
    return __atomic_exchange_n(&c->broken, 0, __ATOMIC_SEQ_CST) || nm_capture_is_closed(c);
}

/* ---- looking at it ----------------------------------------------------------------- */

void nm_capture_stats(struct nm_capture *c, struct nm_stats *stats)
{
    struct nm_counters counters = {0};

    pthread_mutex_lock(&c->life);
    if (!c->source)
        counters = c->final;
    else if (c->source->ops->counters)
        c->source->ops->counters(c->source, &counters);
    pthread_mutex_unlock(&c->life);
    /* In the reverse of the order in which a packet is counted, so that no difference is negative; and
     * again while packets are taken meanwhile, so that they are not taken for waiting ones. */
    for (int tries = 0; tries < STATS_TRIES; tries++) {
        stats->delivered = __atomic_load_n(&c->window.taken, __ATOMIC_ACQUIRE);
        stats->filtered = __atomic_load_n(&c->filtered, __ATOMIC_ACQUIRE);
        stats->bytes = __atomic_load_n(&c->bytes, __ATOMIC_ACQUIRE);
        stats->received = __atomic_load_n(&c->received, __ATOMIC_ACQUIRE);
        if (stats->delivered == __atomic_load_n(&c->window.taken, __ATOMIC_ACQUIRE) &&
            stats->filtered == __atomic_load_n(&c->filtered, __ATOMIC_ACQUIRE))
            break;
    }
    stats->waiting = stats->received - stats->filtered - stats->delivered;
    stats->dropped = counters.dropped;
    stats->if_dropped = counters.if_dropped;
    stats->unread = counters.waiting;
    stats->forwarded = counters.forwarded;
    stats->flooded = counters.flooded;
    stats->discarded = counters.discarded;
    stats->sent = __atomic_load_n(&c->sent, __ATOMIC_RELAXED);
    stats->unsent = __atomic_load_n(&c->unsent, __ATOMIC_RELAXED);
}

int nm_capture_fileno(struct nm_capture *c)
{
    return c->source->ops->fileno ? c->source->ops->fileno(c->source) : -1;
}

struct nm_window *nm_capture_window(struct nm_capture *c)
{
    return &c->window;
}

const char *nm_capture_name(struct nm_capture *c)
{
    return c->name;
}

uint32_t nm_capture_snaplen(struct nm_capture *c)
{
    return c->snaplen;
}

const char *nm_capture_msg(struct nm_capture *c)
{
    return c->source->msg;
}
