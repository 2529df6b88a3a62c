/* The rings of a mapped port: found, checked, and their buffers moved about. */
#include <string.h>

#include "netmap/ring.h"
#include "netmap/impl.h"

bool nm_ring_init(struct nm_ring *r, struct netmap_ring *ring, const uint8_t *mem, size_t length)
{
    uintptr_t base = (uintptr_t)mem, end = base + length, at = (uintptr_t)ring, bufs;

    if (at < base || at > end || end - at < sizeof(*ring) || at % _Alignof(uint64_t))
        return false;
    if (ring->num_slots == 0 || ring->num_slots > (end - at - sizeof(*ring)) / sizeof(struct netmap_slot))
        return false;
    bufs = at + (uintptr_t)ring->buf_ofs;
    if (bufs < base || bufs >= end || ring->nr_buf_size == 0)
        return false;
    memset(r, 0, sizeof(*r));
    r->ring = ring;
    r->bufs = (uint8_t *)bufs;
    r->num_slots = ring->num_slots;
    r->buf_size = ring->nr_buf_size;
    r->num_bufs = (uint32_t)((end - bufs) / ring->nr_buf_size);
    r->offset_mask = ring->offset_mask;
    r->taken = r->seen_cur = ring->cur;
    return true;
}

static void swap_slots(struct netmap_slot *rx, struct netmap_slot *tx, uint64_t offset_mask)
{
    uint32_t buf_idx = tx->buf_idx;
    uint64_t moved = (tx->ptr ^ rx->ptr) & offset_mask;

    tx->buf_idx = rx->buf_idx;
    rx->buf_idx = buf_idx;
    tx->ptr ^= moved; /* a packet's offset goes with its buffer */
    rx->ptr ^= moved;
    tx->len = rx->len;
    tx->flags = (uint16_t)(NS_BUF_CHANGED | (rx->flags & NS_MOREFRAG));
    rx->flags |= NS_BUF_CHANGED;
}

static int copy_slots(struct nm_desc *to, const struct nm_ring *rxr, const struct netmap_slot *rx,
                      const struct nm_ring *txr, struct netmap_slot *tx)
{
    if (!nm_slot_valid(rxr, rx) || rx->len > rxr->buf_size - nm_slot_offset(rxr, rx) || !nm_slot_valid(txr, tx))
        return nm_desc_fail(to, EINVAL, "forwarding: a slot names a buffer outside its region (%u, %u)",
                            rx->buf_idx, tx->buf_idx);
    if (rx->len > txr->buf_size - nm_slot_offset(txr, tx))
        return nm_desc_fail(to, EMSGSIZE, "forwarding: a slot of %u bytes does not fit a buffer of %u", rx->len,
                            txr->buf_size - nm_slot_offset(txr, tx));
    memcpy(nm_slot_buf(txr, tx), nm_slot_buf(rxr, rx), rx->len);
    tx->len = rx->len;
    tx->flags = (uint16_t)((tx->flags & NS_BUF_CHANGED) | (rx->flags & NS_MOREFRAG));
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
    bool swap = nm_desc_same_region(from, to) && rx->offset_mask == tx->offset_mask;
    uint32_t i = nm_ring_taken(rx), o = tx->ring->head, room = nm_ring_space(tx), done = 0;
    bool unfinished = false;
    int error = 0;

    while (done < limit && !error) {
        uint32_t n = nm_ring_packet_slots(rx, i), k, bytes = 0;

        unfinished = n == 0 && i != rx->ring->tail;
        if (n == 0 || n > room)
            break;
        for (k = 0; k < n && !error; k++) {
            struct netmap_slot *in = &rx->ring->slot[nm_ring_add(rx, i, k)];
            struct netmap_slot *out = &tx->ring->slot[nm_ring_add(tx, o, k)];

            bytes += in->len;
            if (swap)
                swap_slots(in, out, rx->offset_mask);
            else
                error = copy_slots(to, rx, in, tx, out);
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
    rx->ring->head = rx->taken = i;
    rx->ring->cur = rx->seen_cur = unfinished ? rx->ring->tail : i;
    tx->ring->head = tx->ring->cur = o;
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
    else if (!nm_ring_sane(&from->rx[rx]) || !nm_ring_sane(&to->tx[tx]))
        error = nm_desc_fail(to, EIO, "forwarding: head, cur or tail of a ring lie outside it");
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

/* The word of a buffer that names the next one; NULL: not a buffer of the region. */
static uint32_t *extra_link(const struct nm_ring *r, uint32_t buf_idx)
{
    if (!r || buf_idx < 2 || buf_idx >= r->num_bufs)
        return NULL;
    return (uint32_t *)(void *)(r->bufs + (size_t)buf_idx * r->buf_size);
}

int nm_desc_extra_pop(struct nm_desc *desc, uint32_t *buf_idx)
{
    uint32_t *link;
    int error = 0;

    *buf_idx = 0;
    if (!nm_desc_enter(desc))
        return EBUSY;
    link = desc->nifp ? extra_link(any_ring(desc), desc->nifp->ni_bufs_head) : NULL;
    if (link) {
        *buf_idx = desc->nifp->ni_bufs_head;
        desc->nifp->ni_bufs_head = *link;
    } else {
        error = nm_desc_fail(desc, ENOBUFS, "taking an extra buffer: none is left");
    }
    nm_desc_leave(desc);
    return error;
}

int nm_desc_extra_push(struct nm_desc *desc, uint32_t buf_idx)
{
    uint32_t *link;
    int error = 0;

    if (!nm_desc_enter(desc))
        return EBUSY;
    link = extra_link(any_ring(desc), buf_idx);
    if (link) {
        *link = desc->nifp->ni_bufs_head;
        desc->nifp->ni_bufs_head = buf_idx;
    } else {
        error = nm_desc_fail(desc, EINVAL, "giving back extra buffer %u: not a buffer of the region", buf_idx);
    }
    nm_desc_leave(desc);
    return error;
}

uint32_t nm_desc_extra_list(struct nm_desc *desc, uint32_t *indexes, uint32_t max)
{
    const struct nm_ring *r = any_ring(desc);
    uint32_t n = 0, i = desc->nifp ? desc->nifp->ni_bufs_head : 0;
    uint32_t *link;

    /* A list that bites its own tail ends where it would be longer than there are buffers. */
    while ((link = extra_link(r, i)) != NULL && n < r->num_bufs) {
        if (n < max)
            indexes[n] = i;
        n++;
        i = *link;
    }
    return n;
}
