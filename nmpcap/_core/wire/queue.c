/*
 * The rate and the queue in front of it, exactly: the end of a packet is kept as nanoseconds and a
 * fraction of one whose denominator is the rate, so that nothing is lost to rounding however many packets follow
 * one another. A packet has been sent at the first whole nanosecond that is not earlier.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/queue.h"

#define SECOND_NS 1000000000u
#define FIRST_CAPACITY 64u

static uint64_t bits_of(const struct nm_wire_config *config, uint32_t len)
{
    uint64_t bytes = (uint64_t)len + config->overhead;

    if (config->cell)
        bytes = (bytes + config->cell - 1) / config->cell * ((uint64_t)config->cell + config->cell_overhead);
    return 8 * bytes;
}

static struct nm_waiting *at(struct nm_wire_queue *queue, uint32_t i)
{
    return &queue->waiting[(queue->first + i) & (queue->capacity - 1)];
}

static bool grow(struct nm_wire_queue *queue)
{
    uint32_t capacity = queue->capacity ? 2 * queue->capacity : FIRST_CAPACITY;
    struct nm_waiting *waiting = capacity ? malloc(capacity * sizeof(*waiting)) : NULL;

    if (!waiting)
        return false;
    for (uint32_t i = 0; i < queue->count; i++)
        waiting[i] = *at(queue, i);
    free(queue->waiting);
    queue->waiting = waiting;
    queue->capacity = capacity;
    queue->first = 0;
    return true;
}

/* Those that have begun to be sent wait no longer. */
static void begin(struct nm_wire_queue *queue, int64_t now_ns)
{
    while (queue->count && at(queue, 0)->start_ns <= now_ns) {
        queue->bytes -= at(queue, 0)->len;
        queue->first++;
        queue->count--;
    }
}

static bool has_room(const struct nm_wire_queue *queue, const struct nm_wire_config *config, int64_t wait_ns,
                     uint32_t len)
{
    switch (config->queue) {
    case NM_WIRE_QUEUE_PACKETS: return queue->count < config->queue_limit;
    case NM_WIRE_QUEUE_BYTES: return queue->bytes + len <= config->queue_limit;
    case NM_WIRE_QUEUE_NS: return (uint64_t)wait_ns <= config->queue_limit;
    default: return true;
    }
}

/* Puts a packet that has to wait into the queue. */
static bool enter(struct nm_wire_queue *queue, const struct nm_wire_config *config, int64_t arrival_ns,
                  int64_t start_ns, uint32_t len)
{
    begin(queue, arrival_ns);
    if (start_ns <= arrival_ns)
        return true;
    if (!has_room(queue, config, start_ns - arrival_ns, len))
        return false;
    if (queue->count == queue->capacity && !grow(queue))
        return false;
    *at(queue, queue->count++) = (struct nm_waiting){start_ns, len};
    queue->bytes += len;
    return true;
}

bool nm_wire_queue_offer(struct nm_wire_queue *queue, const struct nm_wire_config *config, int64_t arrival_ns,
                         uint32_t len, int64_t *sent_ns)
{
    int64_t start_ns = arrival_ns;
    uint64_t part = 0;
    unsigned __int128 time;

    *sent_ns = arrival_ns;
    if (!config->rate)
        return true;
    if (config->rate != queue->rate) { /* a fraction of another rate: the next whole nanosecond */
        queue->end_ns += queue->end_part > 0;
        queue->end_part = 0;
        queue->rate = config->rate;
    }
    if (queue->end_ns >= arrival_ns) {
        start_ns = queue->end_ns;
        part = queue->end_part;
    }
    if (!enter(queue, config, arrival_ns, start_ns + (part > 0), len))
        return false;
    time = (unsigned __int128)bits_of(config, len) * SECOND_NS + part;
    queue->end_ns = start_ns + (int64_t)(time / config->rate);
    queue->end_part = (uint64_t)(time % config->rate);
    *sent_ns = queue->end_ns + (queue->end_part > 0);
    return true;
}

void nm_wire_queue_free(struct nm_wire_queue *queue)
{
    free(queue->waiting);
}
