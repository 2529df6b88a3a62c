/* The sink: what its inlet hauls in, counted until there are enough. */
#include <errno.h>
#include <stdlib.h>

#include "capture/capture.h"
#include "netmap/impl.h"
#include "traffic/inlet.h"
#include "wire/pace.h"

int nm_sink_new(struct nm_desc *desc, struct nm_capture *capture, const struct nm_sink_config *config,
                struct nm_sink **sink)
{
    struct nm_sink *s;

    *sink = NULL;
    if (desc && !desc->num_rx)
        return -EBADF;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct nm_sink){.desc = desc, .capture = capture, .config = *config, .least_space = NM_SINK_NO_SPACE};
    if (config->sequence) {
        s->sequence = nm_sequence_new();
        if (!s->sequence) {
            free(s);
            return -ENOMEM;
        }
    }
    *sink = s;
    return 0;
}

void nm_sink_free(struct nm_sink *sink)
{
    if (sink)
        nm_sequence_free(sink->sequence);
    free(sink);
}

static void count(struct nm_sink *sink, const struct nm_haul *haul)
{
    int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC);

    if (!sink->counters.began_ns)
        __atomic_store_n(&sink->counters.began_ns, now_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&sink->counters.ended_ns, now_ns, __ATOMIC_RELAXED);
    nm_pace_count(&sink->counters.bytes, haul->bytes);
    nm_pace_count(&sink->counters.damaged, haul->damaged);
    nm_pace_count(&sink->counters.not_numbered, haul->not_numbered);
    nm_pace_count(&sink->counters.events, 1);
    nm_pace_count(&sink->counters.received, haul->packets);
}

int nm_sink_run(struct nm_sink *sink, int64_t for_ns)
{
    int64_t end_ns = for_ns < 0 ? INT64_MAX : nm_clock_ns(CLOCK_MONOTONIC) + for_ns;

    for (;;) {
        struct nm_haul haul = {0};
        uint64_t limit = sink->config.burst ? sink->config.burst : UINT64_MAX;
        int error;

        if (sink->config.count) {
            uint64_t left = sink->config.count - sink->counters.received;

            if (!left)
                return NM_CAPTURE_END;
            if (left < limit)
                limit = left;
        }
        error = sink->desc ? nm_take_rings(sink, limit, end_ns, &haul) : nm_take_capture(sink, limit, end_ns, &haul);
        if (haul.packets)
            count(sink, &haul);
        if (error)
            return error;
        if (nm_clock_ns(CLOCK_MONOTONIC) >= end_ns)
            return 0;
    }
}

void nm_sink_count(const struct nm_sink *sink, struct nm_sink_counters *counters)
{
    const uint64_t *from = (const uint64_t *)&sink->counters;
    uint64_t *to = (uint64_t *)counters;

    for (size_t i = 0; i < sizeof(*counters) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void nm_sink_count_sequence(const struct nm_sink *sink, struct nm_sequence_counters *counters)
{
    *counters = (struct nm_sequence_counters){0};
    if (sink->sequence)
        nm_sequence_count(sink->sequence, counters);
}

int nm_sink_gap(const struct nm_sink *sink, uint64_t n, struct nm_gap *gap)
{
    return sink->sequence ? nm_sequence_gap(sink->sequence, n, gap) : 0;
}

uint32_t nm_sink_least_space(struct nm_sink *sink)
{
    return __atomic_exchange_n(&sink->least_space, NM_SINK_NO_SPACE, __ATOMIC_RELAXED);
}
