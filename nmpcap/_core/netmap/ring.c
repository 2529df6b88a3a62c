/* The rings of a mapped port: found, checked, and their buffers moved about. */
#include <string.h>

#include "netmap/ring.h"
#include "netmap/impl.h"

bool nm_ring_init(struct nm_ring *r, uintptr_t at, const uint8_t *mem, size_t length)
{
    uintptr_t base = (uintptr_t)mem, end = base + length, bufs;
    struct netmap_ring *ring = (struct netmap_ring *)at;
    struct nm_ring_constants c;

    if (at < base || at > end || end - at < NM_RING_SIZE || at % NM_RING_ALIGN)
        return false;
    c = nm_ring_constants(ring);
    bufs = at + (uintptr_t)c.buf_ofs;
    if (c.num_slots == 0 || c.num_slots > (end - at - NM_RING_SIZE) / NM_SLOT_SIZE || bufs < base || bufs >= end ||
        c.buf_size == 0)
        return false;
    *r = (struct nm_ring){.ring = ring, .bufs = (uint8_t *)bufs, .num_slots = c.num_slots, .buf_size = c.buf_size,
                          .num_bufs = (uint32_t)((end - bufs) / c.buf_size), .offset_mask = c.offset_mask,
                          .ringid = c.ringid};
    r->seen_cur = nm_ring_cur(ring);
    r->taken = r->seen_cur < c.num_slots ? r->seen_cur : 0;
    return true;
}

/* Exchanges the buffers of two slots, which hold rx and tx. */
static void swap_slots(struct netmap_slot *rx_slot, struct nm_slot rx, struct netmap_slot *tx_slot, struct nm_slot tx,
                       uint64_t offset_mask)
{
    uint64_t moved = (tx.ptr ^ rx.ptr) & offset_mask; /* a packet's offset goes with its buffer */

    nm_slot_write(tx_slot, (struct nm_slot){rx.buf_idx, rx.len, NS_BUF_CHANGED | (rx.flags & NS_MOREFRAG),
                                            tx.ptr ^ moved});
    nm_slot_write(rx_slot, (struct nm_slot){tx.buf_idx, rx.len, rx.flags | NS_BUF_CHANGED, rx.ptr ^ moved});
}

static int copy_slots(struct nm_desc *to, const struct nm_ring *rxr, struct nm_slot rx, const struct nm_ring *txr,
                      struct netmap_slot *tx_slot, struct nm_slot tx)
{
    if (!nm_slot_valid(rxr, rx) || rx.len > rxr->buf_size - nm_slot_offset(rxr, rx) || !nm_slot_valid(txr, tx))
        return nm_desc_fail(to, EINVAL, "forwarding: a slot names a buffer outside its region (%u, %u)", rx.buf_idx,
                            tx.buf_idx);
    if (rx.len > txr->buf_size - nm_slot_offset(txr, tx))
        return nm_desc_fail(to, EMSGSIZE, "forwarding: a slot of %u bytes does not fit a buffer of %u", rx.len,
                            txr->buf_size - nm_slot_offset(txr, tx));
    memcpy(nm_slot_buf(txr, tx), nm_slot_buf(rxr, rx), rx.len);
    nm_slot_fill(tx_slot, rx.len, (tx.flags & NS_BUF_CHANGED) | (rx.flags & NS_MOREFRAG));
    return 0;
}

/* Two views of one region, if it is one: the same mapping, or two of the same device's region. */
int nm_desc_same_region(struct nm_desc *a, struct nm_desc *b)
{
    if (!a->mapping || !b->mapping)
        return 0;
    return a->mapping == b->mapping || (a->netmap == b->netmap && a->reg.nr_mem_id == b->reg.nr_mem_id);
}

static int forward(struct nm_desc *from, struct nm_ring *rx, struct nm_desc *to, struct nm_ring *tx,
                   uint32_t limit, uint32_t *moved)
{
    bool swap = nm_desc_same_region(from, to) && rx->offset_mask == tx->offset_mask, unfinished = false;
    uint32_t i, o, room, done = 0;
    struct nm_indexes rx_at, tx_at;
    int error = 0;

    if (!nm_ring_look(rx, &rx_at) || !nm_ring_look(tx, &tx_at))
        return nm_desc_fail(to, EIO, "forwarding: head, cur or tail of a ring lie outside it");
    i = nm_ring_taken(rx, rx_at.cur);
    o = tx_at.head;
    room = nm_ring_distance(tx, tx_at.head, tx_at.tail);
    while (done < limit && !error) {
        uint32_t n = nm_ring_packet_slots(rx, i, rx_at.tail), k, bytes = 0;

        unfinished = n == 0 && i != rx_at.tail;
        if (n == 0 || n > room)
            break;
        for (k = 0; k < n && !error; k++) {
            struct netmap_slot *in = nm_slot_at(rx->ring, nm_ring_add(rx, i, k));
            struct netmap_slot *out = nm_slot_at(tx->ring, nm_ring_add(tx, o, k));
            struct nm_slot packet = nm_slot_read(in), room_for_it = nm_slot_read(out);

            bytes += packet.len;
            if (swap)
                swap_slots(in, packet, out, room_for_it, rx->offset_mask);
            else
                error = copy_slots(to, rx, packet, tx, out, room_for_it);
        }
        if (error)
            break;
        i = nm_ring_add(rx, i, n);
        /* The empty slots VALE may leave are no packets. */
        if (bytes == 0)
            continue;
        o = nm_ring_add(tx, o, n);
        room -= n;
        done++;
        from->stats.bytes += bytes;
    }
    rx->taken = i;
    rx->seen_cur = unfinished ? rx_at.tail : i;
    nm_ring_set_head(rx->ring, rx->taken);
    nm_ring_set_cur(rx->ring, rx->seen_cur);
    nm_ring_set_head(tx->ring, o);
    nm_ring_set_cur(tx->ring, o);
    from->stats.received += done;
    to->stats.sent += done;
    *moved = done;
    return error;
}

int nm_desc_forward(struct nm_desc *from, uint32_t rx, struct nm_desc *to, uint32_t tx, uint32_t limit,
                    uint32_t *moved)
{
    int error;

    *moved = 0;
    if (!nm_desc_enter(from))
        return EBUSY;
    if (from != to && !nm_desc_enter(to)) {
        nm_desc_leave(from);
        return EBUSY;
    }
    if (rx >= from->num_rx)
        error = nm_desc_fail(from, EINVAL, "forwarding from rx ring %u: there are %u", rx, from->num_rx);
    else if (tx >= to->num_tx)
        error = nm_desc_fail(to, EINVAL, "forwarding to tx ring %u: there are %u", tx, to->num_tx);
    else
        error = forward(from, &from->rx[rx], to, &to->tx[tx], limit, moved);
    if (from != to)
        nm_desc_leave(to);
    nm_desc_leave(from);
    return error;
}

/* ---- extra buffers: a list through the first word of each buffer, its head in the netmap_if ---- */

static const struct nm_ring *any_ring(const struct nm_desc *d)
{
    return d->num_tx ? d->tx : d->num_rx ? d->rx : NULL;
}

/* A buffer by its number; NULL: not one of the region's. */
static uint8_t *extra_buffer(const struct nm_ring *r, uint32_t buf_idx)
{
    return !r || buf_idx < 2 || buf_idx >= r->num_bufs ? NULL : r->bufs + (size_t)buf_idx * r->buf_size;
}

int nm_desc_extra_pop(struct nm_desc *desc, uint32_t *buf_idx)
{
    uint32_t first;
    uint8_t *buffer;
    int error = 0;

    *buf_idx = 0;
    if (!nm_desc_enter(desc))
        return EBUSY;
    first = desc->nifp ? nm_if_bufs_head(desc->nifp) : 0;
    buffer = extra_buffer(any_ring(desc), first);
    if (buffer) {
        *buf_idx = first;
        nm_if_set_bufs_head(desc->nifp, nm_buf_next(buffer));
    } else {
        error = nm_desc_fail(desc, ENOBUFS, "taking an extra buffer: none is left");
    }
    nm_desc_leave(desc);
    return error;
}

int nm_desc_extra_push(struct nm_desc *desc, uint32_t buf_idx)
{
    uint8_t *buffer;
    int error = 0;

    if (!nm_desc_enter(desc))
        return EBUSY;
    buffer = extra_buffer(any_ring(desc), buf_idx);
    if (buffer) {
        nm_buf_set_next(buffer, nm_if_bufs_head(desc->nifp));
        nm_if_set_bufs_head(desc->nifp, buf_idx);
    } else {
        error = nm_desc_fail(desc, EINVAL, "giving back extra buffer %u: not a buffer of the region", buf_idx);
    }
    nm_desc_leave(desc);
    return error;
}

uint32_t nm_desc_extra_list(struct nm_desc *desc, uint32_t *indexes, uint32_t max)
{
    const struct nm_ring *r = any_ring(desc);
    uint32_t n = 0, i = desc->nifp ? nm_if_bufs_head(desc->nifp) : 0;
    const uint8_t *buffer;

    /* A list that bites its own tail ends where it would be longer than there are buffers. */
    while ((buffer = extra_buffer(r, i)) != NULL && n < r->num_bufs) {
        if (n < max)
            indexes[n] = i;
        n++;
        i = nm_buf_next(buffer);
    }
    return n;
}
