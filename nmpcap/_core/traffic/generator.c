/* The generator: how many frames are due, then as many into the outlet. */
#include <errno.h>
#include <stdlib.h>

#include "capture/capture.h"
#include "traffic/generator.h"
#include "traffic/outlet.h"
#include "wire/pace.h"

#define SECOND_NS 1000000000
#define MS_NS 1000000

struct nm_generator {
    struct nm_outlet *outlet;
    struct nm_stream *stream;
    struct nm_generator_config config;
    struct nm_generator_counters counters;
};

int nm_generator_new(struct nm_desc *desc, struct nm_capture *capture, struct nm_stream *stream,
                     const struct nm_generator_config *config, struct nm_generator **generator)
{
    struct nm_generator *g;
    int error;

    *generator = NULL;
    if (!config->burst || config->burst > NM_GENERATOR_BURST || (config->rate && !config->divisor))
        return -EINVAL;
    g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->stream = stream;
    g->config = *config;
    error = desc ? nm_outlet_rings(desc, stream, config->fragment, &g->outlet)
                 : nm_outlet_capture(capture, stream, config->burst, &g->outlet);
    if (error) {
        free(g);
        return error;
    }
    *generator = g;
    return 0;
}

void nm_generator_free(struct nm_generator *generator)
{
    if (generator)
        generator->outlet->ops->free(generator->outlet);
    free(generator);
}

void nm_generator_count(const struct nm_generator *generator, struct nm_generator_counters *counters)
{
    const uint64_t *from = (const uint64_t *)&generator->counters;
    uint64_t *to = (uint64_t *)counters;

    for (size_t i = 0; i < sizeof(*counters) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* ---- when -------------------------------------------------------------------------- */

/* When a frame is due that has so many before it. */
static int64_t due_ns(const struct nm_generator *g, uint64_t before)
{
    unsigned __int128 after = (unsigned __int128)before * SECOND_NS * g->config.divisor / g->config.rate;

    return after < INT64_MAX / 2 ? g->counters.began_ns + (int64_t)after : INT64_MAX / 2;
}

/* How many frames may go now; where none, *next_ns is when the next may. */
static uint32_t due(const struct nm_generator *g, int64_t now_ns, int64_t *next_ns)
{
    uint64_t n = g->config.burst, sent = g->counters.sent;

    if (g->config.count && n > g->config.count - sent)
        n = g->config.count - sent;
    if (g->config.rate) {
        uint64_t elapsed = (uint64_t)(now_ns - g->counters.began_ns);
        unsigned __int128 all = (unsigned __int128)elapsed * g->config.rate / ((unsigned __int128)SECOND_NS * g->config.divisor);

        /* The one that is due after exactly so long is among them. */
        if (all + 1 <= sent) {
            *next_ns = due_ns(g, sent);
            return 0;
        }
        if (all + 1 - sent < n)
            n = (uint64_t)(all + 1 - sent);
    }
    return (uint32_t)n;
}

/* ---- sending ----------------------------------------------------------------------- */

static void count(struct nm_generator *g, const struct nm_burst *burst, uint64_t first)
{
    int64_t now_ns;

    if (!burst->sent)
        return;
    nm_pace_count(&g->counters.bytes, burst->bytes);
    nm_pace_count(&g->counters.events, 1);
    nm_pace_count(&g->counters.filled, burst->filled);
    nm_pace_count(&g->counters.sent, burst->sent);
    now_ns = nm_clock_ns(CLOCK_MONOTONIC);
    __atomic_store_n(&g->counters.ended_ns, now_ns, __ATOMIC_RELAXED);
    if (g->config.rate && now_ns - due_ns(g, first) > g->counters.latest_ns)
        __atomic_store_n(&g->counters.latest_ns, now_ns - due_ns(g, first), __ATOMIC_RELAXED);
}

static int send(struct nm_generator *g, uint32_t n, int64_t left_ns)
{
    struct nm_burst burst = {0};
    uint64_t first = g->counters.sent;
    int error = g->outlet->ops->send(g->outlet, g->stream, n, &burst);

    count(g, &burst, first);
    if (error || burst.sent == n)
        return error;
    nm_pace_count(&g->counters.waited, 1);
    return g->outlet->ops->wait(g->outlet, left_ns > INT32_MAX ? INT32_MAX / MS_NS : (int)(left_ns / MS_NS));
}

static int generate(struct nm_generator *g, int64_t end_ns)
{
    int error = 0;

    while (!error) {
        int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC), next_ns = INT64_MAX;
        uint32_t n;

        if (g->config.count && g->counters.sent == g->config.count)
            return NM_CAPTURE_END;
        if (now_ns >= end_ns)
            return 0;
        n = due(g, now_ns, &next_ns);
        if (n) {
            error = send(g, n, end_ns - now_ns);
            continue;
        }
        if (next_ns > end_ns)
            next_ns = end_ns;
        if (next_ns - now_ns > NM_PACE_SPIN_NS)
            nm_pace_sleep(next_ns - NM_PACE_SPIN_NS);
    }
    return error;
}

int nm_generator_run(struct nm_generator *g, int64_t for_ns)
{
    int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC), end_ns = for_ns < 0 ? INT64_MAX : now_ns + for_ns;
    int error = g->outlet->ops->enter(g->outlet);

    if (error)
        return error;
    nm_pace_begin();
    if (!g->counters.began_ns)
        __atomic_store_n(&g->counters.began_ns, now_ns, __ATOMIC_RELAXED);
    error = generate(g, end_ns);
    g->outlet->ops->leave(g->outlet);
    return error;
}
