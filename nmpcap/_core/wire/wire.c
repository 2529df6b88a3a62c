/* Impairments in their order; of each packet all that is drawn is drawn for its index. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/draw.h"
#include "wire/queue.h"
#include "wire/wire.h"

struct nm_wire {
    struct nm_wire_config config;
    uint64_t stream[NM_DRAWS];
    struct nm_wire_queue queue;
    uint64_t index;         /* of the next packet */
    uint32_t drop_next;     /* first of the drop list that is not behind it */
    bool bad;               /* Gilbert-Elliott */
    int64_t arrival_ns;     /* of the last packet */
    int64_t departure_ns;   /* the latest of those in order */
    struct nm_wire_counters counters;
};

static void *copied(const void *from, size_t size)
{
    void *copy = malloc(size ? size : 1);

    if (copy && size)
        memcpy(copy, from, size);
    return copy;
}

int nm_wire_configure(struct nm_wire *wire, const struct nm_wire_config *config)
{
    int64_t *samples = copied(config->samples, config->samples_count * sizeof(*samples));
    uint64_t *drop = copied(config->drop, config->drop_count * sizeof(*drop));

    if (!samples || !drop) {
        free(samples);
        free(drop);
        return -ENOMEM;
    }
    free((void *)(uintptr_t)wire->config.samples);
    free((void *)(uintptr_t)wire->config.drop);
    wire->config = *config;
    wire->config.samples = samples;
    wire->config.drop = drop;
    wire->drop_next = 0;
    if (!config->burst_begins)
        wire->bad = false;
    return 0;
}

int nm_wire_new(uint64_t seed, uint32_t direction, const struct nm_wire_config *config, struct nm_wire **wire)
{
    struct nm_wire *w = calloc(1, sizeof(*w));
    int error = w ? nm_wire_configure(w, config) : -ENOMEM;

    *wire = error ? NULL : w;
    if (error) {
        free(w);
        return error;
    }
    for (int i = 0; i < NM_DRAWS; i++)
        w->stream[i] = nm_draw_stream(seed, direction, (enum nm_draw)i);
    w->arrival_ns = w->departure_ns = w->queue.end_ns = INT64_MIN;
    return 0;
}

void nm_wire_free(struct nm_wire *wire)
{
    if (!wire)
        return;
    nm_wire_queue_free(&wire->queue);
    free((void *)(uintptr_t)wire->config.samples);
    free((void *)(uintptr_t)wire->config.drop);
    free(wire);
}

void nm_wire_count(const struct nm_wire *wire, struct nm_wire_counters *counters)
{
    *counters = wire->counters;
}

/* ---- losses ------------------------------------------------------------------------ */

static bool listed(struct nm_wire *wire)
{
    const struct nm_wire_config *config = &wire->config;

    while (wire->drop_next < config->drop_count && config->drop[wire->drop_next] < wire->index)
        wire->drop_next++;
    return wire->drop_next < config->drop_count && config->drop[wire->drop_next] == wire->index;
}

/* The state before its change decides; it changes with every packet, whatever else becomes of that. */
static bool lost_in_burst(struct nm_wire *wire)
{
    const struct nm_wire_config *config = &wire->config;
    bool was_bad = wire->bad;

    if (!config->burst_begins)
        return false;
    wire->bad ^= nm_draw_happens(wire->stream[NM_DRAW_BURST_STATE], wire->index,
                                 was_bad ? config->burst_ends : config->burst_begins);
    wire->counters.bursts += !was_bad && wire->bad;
    return nm_draw_happens(wire->stream[NM_DRAW_BURST_LOSS], wire->index,
                           was_bad ? config->burst_loss : config->burst_good_loss);
}

static uint64_t of_some_bit(double bit_errors, uint32_t len)
{
    return (uint64_t)(-expm1(8.0 * len * log1p(-bit_errors)) * NM_WIRE_CERTAIN);
}

/* What becomes of the packet, and when it has been sent. */
static uint8_t fate_of(struct nm_wire *wire, int64_t arrival_ns, uint32_t len, int64_t *sent_ns)
{
    const struct nm_wire_config *config = &wire->config;
    bool burst = lost_in_burst(wire);

    if (config->down)
        return NM_WIRE_DOWN;
    if (listed(wire))
        return NM_WIRE_LISTED;
    if (!nm_wire_queue_offer(&wire->queue, config, arrival_ns, len, sent_ns))
        return NM_WIRE_QUEUE;
    if (nm_draw_happens(wire->stream[NM_DRAW_LOSS], wire->index, config->loss))
        return NM_WIRE_LOSS;
    if (burst)
        return NM_WIRE_BURST;
    if (config->bit_errors > 0 && nm_draw_happens(wire->stream[NM_DRAW_LOSS], ~wire->index, of_some_bit(config->bit_errors, len)))
        return NM_WIRE_BIT_ERROR;
    return NM_WIRE_DELIVERED;
}

/* ---- delay ------------------------------------------------------------------------- */

static int64_t jitter(const struct nm_wire *wire)
{
    const struct nm_wire_config *config = &wire->config;
    uint64_t stream = wire->stream[NM_DRAW_JITTER];

    if (config->samples_count)
        return config->samples[nm_draw_below(stream, wire->index, config->samples_count)];
    if (config->jitter_ns)
        return (int64_t)nm_draw_below(stream, wire->index, 2 * (uint64_t)config->jitter_ns + 1) - config->jitter_ns;
    return 0;
}

static void schedule(struct nm_wire *wire, int64_t sent_ns, struct nm_wire_verdict *verdict)
{
    const struct nm_wire_config *config = &wire->config;
    int64_t delay_ns = config->delay_ns + jitter(wire), departure_ns = sent_ns + (delay_ns > 0 ? delay_ns : 0);

    bool held = nm_draw_happens(wire->stream[NM_DRAW_REORDER], wire->index, config->reorder);

    if (held) {
        departure_ns += config->reorder_ns;
        wire->counters.held++;
    } else if (config->keep_order) {
        if (departure_ns < wire->departure_ns)
            departure_ns = wire->departure_ns;
        wire->departure_ns = departure_ns;
    }
    verdict->departure_ns = departure_ns;
    verdict->passable = held || !config->keep_order;
}

/* ---- all --------------------------------------------------------------------------- */

static void offer(struct nm_wire *wire, int64_t arrival_ns, uint32_t len, struct nm_wire_verdict *verdict)
{
    const struct nm_wire_config *config = &wire->config;
    int64_t sent_ns = arrival_ns;

    *verdict = (struct nm_wire_verdict){.index = wire->index, .corrupt_bit = UINT32_MAX};
    verdict->fate = fate_of(wire, arrival_ns, len, &sent_ns);
    wire->counters.offered++;
    wire->counters.fate[verdict->fate]++;
    if (verdict->fate == NM_WIRE_DELIVERED) {
        wire->counters.bytes += len;
        if (len && nm_draw_happens(wire->stream[NM_DRAW_CORRUPT], wire->index, config->corrupt)) {
            verdict->corrupt_bit = (uint32_t)nm_draw_below(wire->stream[NM_DRAW_CORRUPT_BIT], wire->index,
                                                           8 * (uint64_t)len);
            wire->counters.corrupted++;
        }
        schedule(wire, sent_ns, verdict);
        verdict->copies = 1 + nm_draw_happens(wire->stream[NM_DRAW_DUPLICATE], wire->index, config->duplicate);
        wire->counters.duplicated += verdict->copies - 1u;
    }
    wire->index++;
}

void nm_wire_offer(struct nm_wire *wire, const int64_t *arrival_ns, const uint32_t *len, uint32_t n,
                   struct nm_wire_verdict *verdicts)
{
    for (uint32_t i = 0; i < n; i++) {
        if (arrival_ns[i] > wire->arrival_ns)
            wire->arrival_ns = arrival_ns[i];
        offer(wire, wire->arrival_ns, len[i], &verdicts[i]);
    }
}
