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
    int64_t ts_ns = nm_ring_ts_ns(r->ring);

    if (ts_ns)
        return ts_ns;
    nm_ring_set_flags(r->ring, nm_ring_flags(r->ring) | NR_TIMESTAMP);
    return nm_clock_ns(CLOCK_REALTIME);
}

/* When a packet came: when it was sent, if its first slot tells, else the ring's time. */
static inline int64_t packet_time(const struct nm_desc *d, uint64_t ptr, int64_t ring_ns)
{
    return d->slot_times && ptr && ptr <= INT64_MAX ? (int64_t)ptr : ring_ns;
}

/* The bytes of a slot that are there: none for an index outside the region, and no more than the buffer has. */
static inline uint32_t slot_bytes(struct nm_desc *d, const struct nm_ring *r, struct nm_slot slot, const uint8_t **data)
{
    uint32_t room = r->buf_size - nm_slot_offset(r, slot);

    if (!nm_slot_valid(r, slot)) {
        d->stats.damaged++;
        *data = r->bufs;
        return 0;
    }
    *data = nm_slot_buf(r, slot);
    if (slot.len <= room)
        return slot.len;
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
static int32_t take_chain(struct nm_desc *d, struct nm_ring *r, uint32_t i, uint32_t tail, struct nm_slot slot,
                          struct nm_view *view)
{
    const uint8_t *data, *end;
    uint32_t n = 1, k, at = i, bytes, left;
    bool adjacent = true;
    uint8_t *joined;

    view->len = slot.len;
    view->caplen = slot_bytes(d, r, slot, &data);
    view->data = data;
    end = data + view->caplen;
    while (slot.flags & NS_MOREFRAG) {
        at = nm_ring_next(r, at);
        if (at == tail) {
            if (n + 1 < r->num_slots)
                return 0;
            break;
        }
        slot = nm_ring_slot(r, at);
        bytes = slot_bytes(d, r, slot, &data);
        if (bytes && data != end)
            adjacent = false;
        end = data + bytes;
        view->len += slot.len;
        view->caplen += bytes;
        n++;
    }
    if (adjacent)
        return (int32_t)n;
    joined = scratch(d, view->caplen);
    if (!joined)
        return -1;
    view->data = joined;
    for (k = 0, at = i, left = view->caplen; k < n; k++, at = nm_ring_next(r, at)) {
        bytes = slot_bytes(d, r, nm_ring_slot(r, at), &data);
        if (bytes > left) /* a mate has made it longer than it was: there is room for what was counted */
            bytes = left;
        memcpy(joined, data, bytes);
        joined += bytes;
        left -= bytes;
    }
    view->caplen -= left;
    return (int32_t)n;
}

/* The packet at i, not tail, as a view but for its time; returns as take_chain. A view of len 0 is no packet. slot:
 * its first. */
static inline int32_t take(struct nm_desc *d, struct nm_ring *r, uint32_t i, uint32_t tail, struct nm_slot slot,
                           struct nm_view *view)
{
    view->ifindex = 0;
    view->linktype = NM_DLT_EN10MB;
    view->flags = slot.flags & NS_TXMON ? NM_VIEW_OUT : 0;
    if (slot.flags & NS_MOREFRAG)
        return take_chain(d, r, i, tail, slot, view);
    view->len = slot.len;
    view->caplen = slot_bytes(d, r, slot, &view->data);
    return 1;
}

/* Takes packets of one ring into the batch, lending their slots. */
static int fill_from(struct nm_desc *d, struct nm_ring *r, struct nm_indexes ring, struct nm_batch *batch)
{
    uint32_t i = nm_ring_taken(r, ring.cur), tail = ring.tail, count = batch->count;
    int64_t ts_ns = i == tail ? 0 : ring_time(r);
    uint64_t bytes = 0;
    int32_t slots = 1;

    while (i != tail && count < batch->capacity) {
        struct nm_view *view = &batch->views[count];
        struct nm_slot slot = nm_ring_slot(r, i);

        slots = take(d, r, i, tail, slot, view);
        if (slots <= 0)
            break;
        view->ts_ns = packet_time(d, slot.ptr, ts_ns);
        bytes += view->len;
        count += view->len != 0;
        i = nm_ring_add(r, i, (uint32_t)slots);
    }
    d->stats.received += count - batch->count;
    d->stats.bytes += bytes;
    batch->count = count;
    r->taken = i;
    /* An unfinished packet is left, but seen: waiting for its rest must sleep. */
    r->seen_cur = slots == 0 ? tail : i;
    nm_ring_set_cur(r->ring, r->seen_cur);
    return slots < 0 ? ENOMEM : 0;
}

static int fill_from_all(struct nm_desc *d, struct nm_batch *batch)
{
    uint32_t tried;
    int error = 0;

    for (tried = 0; tried < d->num_rx && batch->count < batch->capacity && !error; tried++) {
        struct nm_ring *r = &d->rx[d->cur_rx];
        struct nm_indexes at;

        if (!nm_ring_look(r, &at))
            return nm_desc_fail(d, EIO, "receiving: head, cur or tail of rx ring %u lie outside it", r->ringid);
        error = fill_from(d, r, at, batch);
        d->cur_rx = d->cur_rx + 1 == d->num_rx ? 0 : d->cur_rx + 1;
    }
    return error;
}

/* Ends the last fill's loan. False if there was nothing to give back. */
static bool release_lent(struct nm_desc *d)
{
    bool moved = false;
    uint32_t i;

    for (i = 0; i < d->num_rx; i++) {
        struct nm_ring *r = &d->rx[i];
        struct nm_indexes at;

        if (!nm_ring_look(r, &at))
            continue;
        r->taken = nm_ring_taken(r, at.cur);
        r->seen_cur = at.cur;
        moved |= at.head != r->taken;
        nm_ring_set_head(r->ring, r->taken);
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
    r->taken = r->seen_cur = i;
    nm_ring_set_head(r->ring, i);
    nm_ring_set_cur(r->ring, i);
}

/* One packet or, if fragments, one slot of the first ring that has one. */
static const uint8_t *take_one(struct nm_desc *d, struct nm_pkthdr *hdr, bool fragments)
{
    uint32_t tried;

    for (tried = 0; tried < d->num_rx; tried++) {
        struct nm_ring *r = &d->rx[d->cur_rx];
        struct nm_indexes at;
        uint32_t i = nm_ring_look(r, &at) ? nm_ring_taken(r, at.cur) : at.tail;

        while (i != at.tail) {
            struct nm_slot slot = nm_ring_slot(r, i);
            uint32_t first = i;
            struct nm_view view;
            int32_t slots = 1;
            bool empty;

            if (fragments) {
                view.len = slot.len;
                view.caplen = slot_bytes(d, r, slot, &view.data);
                /* An empty slot is a packet's fragment or one of those VALE leaves in the ring. */
                empty = view.len == 0 && !r->in_chain && !(slot.flags & NS_MOREFRAG);
                r->in_chain = slot.flags & NS_MOREFRAG;
            } else {
                slots = take(d, r, i, at.tail, slot, &view);
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
            *hdr = (struct nm_pkthdr){.ts_ns = packet_time(d, slot.ptr, ring_time(r)), .caplen = view.caplen,
                                      .len = view.len, .desc = d, .ring = r->ring, .slot = nm_slot_at(r->ring, first),
                                      .buf = view.data};
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
    struct nm_indexes at;
    uint32_t i = nm_ring_look(r, &at) ? nm_ring_taken(r, at.cur) : at.tail, n;

    while (i != at.tail && (n = nm_ring_packet_slots(r, i, at.tail)) > 0) {
        if (n > 1 || nm_ring_slot(r, i).len > 0)
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

uint64_t nm_desc_waiting(struct nm_desc *desc)
{
    return desc->device->ops->waiting ? desc->device->ops->waiting(desc->device) : 0;
}
