/* Packets where they lie in rx rings: counted by their slots, given back at the next sync. */
#include <poll.h>

#include "clock.h"
#include "netmap/impl.h"
#include "traffic/inlet.h"

#define MS_NS 1000000

/* One slot, which begins a packet or goes on with one. */
static void take_slot(struct nm_sink *sink, struct nm_ring *r, struct nm_slot slot, struct nm_haul *haul)
{
    bool whole = nm_slot_valid(r, slot) && slot.len <= r->buf_size - nm_slot_offset(r, slot);

    haul->bytes += slot.len;
    haul->damaged += !whole;
    if (sink->sequence && !r->in_chain) {
        if (whole)
            nm_sink_see(sink, nm_slot_buf(r, slot), slot.len, haul);
        else
            haul->not_numbered++;
    }
    r->in_chain = slot.flags & NS_MOREFRAG;
    haul->packets += !r->in_chain;
}

/* What a ring has, up to limit packets. */
static void take(struct nm_sink *sink, struct nm_ring *r, uint64_t limit, struct nm_haul *haul)
{
    uint64_t until = haul->packets + limit;
    struct nm_indexes at;
    uint32_t space;

    if (!nm_ring_look(r, &at))
        return; /* the sync tells what is wrong, and puts it right */
    space = r->num_slots - 1 - nm_ring_distance(r, at.head, at.tail);
    if (space < __atomic_load_n(&sink->least_space, __ATOMIC_RELAXED))
        __atomic_store_n(&sink->least_space, space, __ATOMIC_RELAXED);
    for (; at.head != at.tail && haul->packets < until; at.head = nm_ring_next(r, at.head))
        take_slot(sink, r, nm_ring_slot(r, at.head), haul);
    nm_ring_set_head(r->ring, at.head);
    nm_ring_set_cur(r->ring, at.head);
}

static int wait(struct nm_desc *d, int64_t end_ns)
{
    int64_t left_ns = end_ns - nm_clock_ns(CLOCK_MONOTONIC);
    int timeout_ms = left_ns <= 0 ? 0 : left_ns / MS_NS >= INT32_MAX ? INT32_MAX : (int)(left_ns / MS_NS) + 1;
    short revents = 0;
    int error = d->device->ops->poll(d->device, POLLIN, timeout_ms, &revents);

    if (!error && revents & POLLERR)
        return -nm_desc_report(d, "waiting for packets", EIO);
    return -nm_desc_report(d, "waiting for packets", error);
}

static int take_all(struct nm_sink *sink, uint64_t limit, int64_t end_ns, struct nm_haul *haul)
{
    struct nm_desc *d = sink->desc;

    for (uint32_t i = 0; i < d->num_rx && haul->packets < limit; i++)
        take(sink, &d->rx[i], limit - haul->packets, haul);
    if (!haul->packets)
        return wait(d, end_ns);
    d->stats.received += haul->packets;
    d->stats.bytes += haul->bytes;
    d->stats.damaged += haul->damaged;
    return -nm_desc_report(d, "rxsync", d->device->ops->rxsync(d->device));
}

int nm_take_rings(struct nm_sink *sink, uint64_t limit, int64_t end_ns, struct nm_haul *haul)
{
    int error;

    if (!nm_desc_enter(sink->desc))
        return -EBUSY;
    error = take_all(sink, limit, end_ns, haul);
    nm_desc_leave(sink->desc);
    return error;
}
