/*
 * Receiving over a descriptor: rx slots into packets.
 *
 * Three ways, over one walk of the ring that never passes tail:
 *   nextpkt           a slot at a time, released at once
 *   next, dispatch    a packet at a time, released at once
 *   fill              a batch, lent until the next fill
 *
 * "Released at once" moves head; the bytes stay where they are until the next sync.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "dlt.h"
#include "netmap/impl.h"
#include "source.h"


/* The time of the ring's last rxsync. A device told to keep no time (no_timestamp) is asked to from
 * now on, and the clock stands in until it does. */
static int64_t ring_time(const struct nm_ring *r)
{
    if (r->ring->ts.tv_sec == 0) {
        r->ring->flags |= NR_TIMESTAMP;
        return nm_clock_ns(CLOCK_REALTIME);
    }
    return (int64_t)r->ring->ts.tv_sec * 1000000000 + (int64_t)r->ring->ts.tv_usec * 1000;
}

/* When a packet came: when it was sent, if its first slot tells, else the ring's time. */
static inline int64_t packet_time(const struct nm_desc *d, const struct netmap_slot *slot, int64_t ring_ns)
{
    return d->slot_times && slot->ptr ? (int64_t)slot->ptr : ring_ns;
}

/* The bytes of a slot that are there: none for an index outside the region, and no more than the buffer has. */
static inline uint32_t slot_bytes(struct nm_desc *d, const struct nm_ring *r, const struct netmap_slot *slot,
                                  const uint8_t **data)
{
    uint32_t room = r->buf_size - nm_slot_offset(r, slot);

    if (!nm_slot_valid(r, slot)) {
        d->stats.damaged++;
        *data = r->bufs;
        return 0;
    }
    *data = nm_slot_buf(r, slot);
    if (slot->len <= room)
        return slot->len;
    d->stats.damaged++;
    return room;
}

/* Room for the fragments of one packet; NULL without memory. One allocation serves all packets that the
 * rings can hold at once, so that nothing moves while views point into it. */
static uint8_t *scratch(struct nm_desc *d, size_t need)
{
    uint8_t *room;

    if (!d->scratch) {
        uint32_t i;

        for (i = 0; i < d->num_rx; i++)
            d->scratch_size += (size_t)d->rx[i].num_slots * d->rx[i].buf_size;
        d->scratch = malloc(d->scratch_size);
        if (!d->scratch)
            d->scratch_size = 0;
    }
    if (need > d->scratch_size - d->scratch_used) {
        nm_desc_fail(d, ENOMEM, "receiving: no memory to join the %zu bytes of a packet of several slots", need);
        return NULL;
    }
    room = d->scratch + d->scratch_used;
    d->scratch_used += need;
    return room;
}

/*
 * The packet of several slots at i, as a view. Returns its slots, or 0 if its end has not come: then it
 * stays, unless it fills the ring and never could end, or unless joining ran out of memory (-1).
 */
static int32_t take_chain(struct nm_desc *d, struct nm_ring *r, uint32_t i, uint32_t tail, struct nm_view *view)
{
    const struct netmap_slot *slots = r->ring->slot;
    const uint8_t *data, *end;
    uint32_t n = 1, k, last = i, bytes, at;
    bool adjacent = true;
    uint8_t *joined;

    view->len = slots[i].len;
    view->caplen = slot_bytes(d, r, &slots[i], &data);
    view->data = data;
    end = data + view->caplen;
    while (slots[last].flags & NS_MOREFRAG) {
        uint32_t next = nm_ring_next(r, last);

        if (next == tail) {
            if (n + 1 < r->num_slots)
                return 0;
            break;
        }
        bytes = slot_bytes(d, r, &slots[next], &data);
        if (bytes && data != end)
            adjacent = false;
        end = data + bytes;
        view->len += slots[next].len;
        view->caplen += bytes;
        last = next;
        n++;
    }
    if (adjacent)
        return (int32_t)n;
    joined = scratch(d, view->caplen);
    if (!joined)
        return -1;
    view->data = joined;
    for (k = 0, at = i; k < n; k++, at = nm_ring_next(r, at)) {
        bytes = slot_bytes(d, r, &slots[at], &data);
        memcpy(joined, data, bytes);
        joined += bytes;
    }
    return (int32_t)n;
}

/* The packet at i, not tail, as a view; returns as take_chain. A view of len 0 is no packet. */
static inline int32_t take(struct nm_desc *d, struct nm_ring *r, uint32_t i, uint32_t tail, struct nm_view *view)
{
    const struct netmap_slot *slot = &r->ring->slot[i];

    view->ifindex = 0;
    view->linktype = NM_DLT_EN10MB;
    view->flags = slot->flags & NS_TXMON ? NM_VIEW_OUT : 0;
    if (slot->flags & NS_MOREFRAG)
        return take_chain(d, r, i, tail, view);
    view->len = slot->len;
    view->caplen = slot_bytes(d, r, slot, &view->data);
    return 1;
}

/* Takes packets of one ring into the batch, lending their slots. */
static int fill_from(struct nm_desc *d, struct nm_ring *r, struct nm_batch *batch)
{
    uint32_t i = nm_ring_taken(r), tail = r->ring->tail, count = batch->count;
    int64_t ts_ns = i == tail ? 0 : ring_time(r);
    uint64_t bytes = 0;
    int32_t slots = 1;

    while (i != tail && count < batch->capacity) {
        struct nm_view *view = &batch->views[count];

        slots = take(d, r, i, tail, view);
        if (slots <= 0)
            break;
        view->ts_ns = packet_time(d, &r->ring->slot[i], ts_ns);
        bytes += view->len;
        count += view->len != 0;
        i = nm_ring_add(r, i, (uint32_t)slots);
    }
    d->stats.received += count - batch->count;
    d->stats.bytes += bytes;
    batch->count = count;
    r->taken = i;
    /* An unfinished packet is left, but seen: waiting for its rest must sleep. */
    r->ring->cur = r->seen_cur = slots == 0 ? tail : i;
    return slots < 0 ? ENOMEM : 0;
}

static int fill_from_all(struct nm_desc *d, struct nm_batch *batch)
{
    uint32_t tried;
    int error = 0;

    for (tried = 0; tried < d->num_rx && batch->count < batch->capacity && !error; tried++) {
        struct nm_ring *r = &d->rx[d->cur_rx];

        if (!nm_ring_sane(r))
            return nm_desc_fail(d, EIO, "receiving: head, cur or tail of rx ring %u lie outside it",
                                r->ring->ringid);
        error = fill_from(d, r, batch);
        d->cur_rx = d->cur_rx + 1 == d->num_rx ? 0 : d->cur_rx + 1;
    }
    return error;
}

/* Ends the last fill's loan. False if there was nothing to give back. */
static bool release_lent(struct nm_desc *d)
{
    bool moved = false;
    uint32_t i;

    for (i = 0; i < d->num_rx; i++)
        if (nm_ring_sane(&d->rx[i])) {
            uint32_t taken = nm_ring_taken(&d->rx[i]);

            moved |= d->rx[i].ring->head != taken;
            d->rx[i].seen_cur = d->rx[i].ring->cur;
            d->rx[i].ring->head = d->rx[i].taken = taken;
        }
    d->scratch_used = 0;
    return moved;
}

int nm_desc_fill(struct nm_desc *desc, struct nm_batch *batch)
{
    bool synced = false;
    int error;

    batch->count = 0;
    if (!nm_desc_enter(desc))
        return EBUSY;
    release_lent(desc);
    error = fill_from_all(desc, batch);
    /* Slots that held no packet go back at once: a ring full of them would never become ready. */
    while (!error && batch->count == 0 && (release_lent(desc) || !synced)) {
        synced = true;
        error = nm_desc_report(desc, "rxsync", desc->device->ops->rxsync(desc->device));
        if (!error)
            error = fill_from_all(desc, batch);
    }
    nm_desc_leave(desc);
    /* What was taken before an error is handed out; the error comes again with the next fill. */
    return batch->count ? 0 : error;
}

static void release(struct nm_ring *r, uint32_t i)
{
    r->ring->head = r->ring->cur = r->taken = r->seen_cur = i;
}

/* One packet or, if fragments, one slot of the first ring that has one. */
static const uint8_t *take_one(struct nm_desc *d, struct nm_pkthdr *hdr, bool fragments)
{
    uint32_t tried;

    for (tried = 0; tried < d->num_rx; tried++) {
        struct nm_ring *r = &d->rx[d->cur_rx];
        uint32_t i = nm_ring_taken(r), tail = r->ring->tail;

        while (nm_ring_sane(r) && i != tail) {
            struct netmap_slot *slot = &r->ring->slot[i];
            struct nm_view view;
            int32_t slots = 1;
            bool empty;

            if (fragments) {
                view.len = slot->len;
                view.caplen = slot_bytes(d, r, slot, &view.data);
                /* An empty slot is a packet's fragment or one of those VALE leaves in the ring. */
                empty = view.len == 0 && !r->in_chain && !(slot->flags & NS_MOREFRAG);
                r->in_chain = slot->flags & NS_MOREFRAG;
            } else {
                slots = take(d, r, i, tail, &view);
                if (slots <= 0)
                    break;
                empty = view.len == 0;
            }
            i = nm_ring_add(r, i, (uint32_t)slots);
            release(r, i);
            if (empty)
                continue;
            d->stats.received++;
            d->stats.bytes += view.len;
            *hdr = (struct nm_pkthdr){.ts_ns = packet_time(d, slot, ring_time(r)), .caplen = view.caplen, .len = view.len, .desc = d,
                                      .ring = r->ring, .slot = slot, .buf = view.data};
            return view.data;
        }
        d->cur_rx = d->cur_rx + 1 == d->num_rx ? 0 : d->cur_rx + 1;
    }
    return NULL;
}

const uint8_t *nm_desc_nextpkt(struct nm_desc *desc, struct nm_pkthdr *hdr)
{
    const uint8_t *data;

    if (!nm_desc_enter(desc))
        return NULL;
    data = take_one(desc, hdr, true);
    nm_desc_leave(desc);
    return data;
}

const uint8_t *nm_desc_next(struct nm_desc *desc, struct nm_pkthdr *hdr)
{
    const uint8_t *data;

    if (!nm_desc_enter(desc))
        return NULL;
    desc->scratch_used = 0;
    data = take_one(desc, hdr, false);
    nm_desc_leave(desc);
    return data;
}

/* Does a packet that is all there, and not empty, wait in the ring? */
static bool ring_pending(const struct nm_ring *r)
{
    uint32_t i = nm_ring_taken(r), n;

    while (nm_ring_sane(r) && (n = nm_ring_packet_slots(r, i)) > 0) {
        if (n > 1 || r->ring->slot[i].len > 0)
            return true;
        i = nm_ring_add(r, i, n);
    }
    return false;
}

int nm_desc_pending(struct nm_desc *desc)
{
    bool found = false;
    uint32_t k;

    if (!nm_desc_enter(desc))
        return 0;
    for (k = 0; k < desc->num_rx && !found; k++)
        found = ring_pending(&desc->rx[k]);
    nm_desc_leave(desc);
    return found;
}

int nm_desc_dispatch(struct nm_desc *desc, int cnt, nm_dispatch_cb *cb, void *arg, int *done)
{
    struct nm_pkthdr now, next;
    bool more;

    *done = 0;
    if (!nm_desc_enter(desc))
        return EBUSY;
    desc->scratch_used = 0;
    more = take_one(desc, &next, false) != NULL;
    while (more) {
        now = next;
        ++*done;
        more = (cnt <= 0 || *done < cnt) && take_one(desc, &next, false) != NULL;
        now.flags = more ? NM_MORE_PKTS : 0;
        cb(arg, &now, now.buf);
    }
    nm_desc_leave(desc);
    return 0;
}
