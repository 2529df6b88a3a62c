/*
 * Pipes: two ends, each tx ring tied to an rx ring of the other end, slot by slot.
 *
 * A packet crosses without being touched: the sender's sync copies slots into the reader's ring,
 * the reader's sync copies the slots it has released back. Each direction is a queue with one
 * producer and one consumer; the only words both write at are the two pipe_tails.
 *
 *     tx.hwcur     written by the sender: slots before it have gone over
 *     rx.pipe_tail written by the sender: end of what the reader may see (whole packets only)
 *     tx.pipe_tail written by the reader: end of what the sender may fill again
 *
 * A slot is written only where it differs: two ends that use the same lengths over and over then
 * keep their slots in both caches, and only the tails travel. For the way back the reader would
 * have to look into the sender's ring, which the sender is writing at; instead it compares with
 * what both rings held when the slot came over. That is kept out of the clients' reach, for each
 * tx ring ("agreed"): slot k of it is tx slot k as it was after the sync that handed it over.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "shared.h"
#include "usernet/kring.h"
#include "usernet/lock.h"
#include "usernet/monitor.h"
#include "usernet/pipe.h"
#include "usernet/pool.h"
#include "usernet/region.h"
#include "usernet/wakeup.h"

/* NULL: the record says nothing that could be. */
static struct netmap_slot *agreed_slots(struct nmu_device *dev, const struct nmu_kring *tx)
{
    const struct nmu_map *map = nmu_region_mapping(dev, nmu_port_at(dev->reg, tx->port)->region);
    uint64_t ring_ofs = map ? nmu_ring_ofs(map->layout, tx) : 0;

    return ring_ofs ? (struct netmap_slot *)(map->base + map->layout->agreed + ring_ofs -
                                             map->layout->pool[NMU_POOL_RING].offset)
                    : NULL;
}

static inline struct nmu_kring *peer_of(struct nmu_device *dev, const struct nmu_kring *kring)
{
    return nmu_kring_at(dev->reg, kring->pipe_peer);
}

/* Hands the sender's slots [from, to), not going round, over to the reader's ring. Returns the
 * position after the last that ends a packet, or complete if none does. */
static uint32_t hand_over(struct netmap_slot *tx, struct netmap_slot *rx, struct netmap_slot *agreed, uint32_t from,
                          uint32_t to, uint32_t complete)
{
    for (uint32_t i = from; i < to; i++) {
        struct nm_slot sent = nm_slot_read(nm_slot_nth(tx, i));

        nm_slot_update(nm_slot_nth(rx, i), sent);
        if (!(sent.flags & NS_MOREFRAG))
            complete = i + 1;
        if (sent.flags & NS_BUF_CHANGED) {
            sent.flags &= (uint16_t)~NS_BUF_CHANGED;
            nm_slot_set_flags(nm_slot_nth(tx, i), sent.flags);
            nm_slot_write(nm_slot_nth(agreed, i), sent);
        } else {
            nm_slot_update(nm_slot_nth(agreed, i), sent); /* as it was read: not put together anew */
        }
    }
    return complete;
}

/* Gives the reader's slots [from, to), not going round, back to the sender's ring. */
static void give_back(struct netmap_slot *rx, struct netmap_slot *tx, struct netmap_slot *agreed, uint32_t from,
                      uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct nm_slot released = nm_slot_read(nm_slot_nth(rx, i));

        if (!nm_slot_holds(nm_slot_nth(agreed, i), released)) {
            nm_slot_write(nm_slot_nth(tx, i), released);
            NMU_IN_THIS_ORDER(); /* a death between the two leaves a difference */
            nm_slot_write(nm_slot_nth(agreed, i), released);
        }
        if (released.flags & NS_BUF_CHANGED)
            nm_slot_set_flags(nm_slot_nth(rx, i), released.flags & (uint16_t)~NS_BUF_CHANGED);
    }
}

bool nmu_pipe_may_send(struct nmu_device *dev, const struct nmu_kring *tx)
{
    const struct nmu_kring *rx = peer_of(dev, tx);
    uint32_t n = nmu_slots(tx), hwcur = NMU_POSITION(tx->hwcur, n);
    uint32_t free_end = atomic_load_explicit(&tx->pipe_tail, memory_order_relaxed);
    uint32_t held = atomic_load_explicit(&rx->hwcur, memory_order_relaxed);

    /* Behind what is free comes what the reader holds, if it holds any. */
    return nmu_distance(hwcur, tx->rhead, n) <= nmu_distance(hwcur, free_end, n) ||
           held == atomic_load_explicit(&rx->hwtail, memory_order_relaxed);
}

void nmu_pipe_txsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    struct nmu_kring *peer = peer_of(dev, kring);
    uint32_t n = nmu_slots(kring), head = nmu_below(kring->rhead, n), hwcur = NMU_POSITION(kring->hwcur, n);
    uint32_t published = NMU_POSITION(peer->pipe_tail, n), complete = nmu_below(kring->complete, n);
    struct netmap_ring *target = nmu_ring(dev, peer);
    struct netmap_slot *agreed = hwcur != head ? agreed_slots(dev, kring) : NULL;

    /* acquire: the reader has written the slots before it gave them back */
    atomic_store_explicit(&kring->hwtail, NMU_POSITION_ACQUIRE(kring->pipe_tail, n), memory_order_relaxed);
    if (!target)
        return;
    if (agreed) {
        complete = hand_over(nm_slot_at(ring, 0), nm_slot_at(target, 0), agreed, hwcur, head > hwcur ? head : n, complete);
        if (head < hwcur)
            complete = hand_over(nm_slot_at(ring, 0), nm_slot_at(target, 0), agreed, 0, head, complete);
        if (complete == n)
            complete = 0;
        if (atomic_load_explicit(&peer->timestamps, memory_order_relaxed)) {
            uint64_t now = (uint64_t)nm_clock_ns(CLOCK_REALTIME);

            for (uint32_t i = hwcur; i != head; i = nmu_next(i, n))
                nm_slot_set_ptr(nm_slot_at(target, i), now);
        }
        /* In this order: who takes over after a death finds slots that have gone over counted,
         * and publishes them itself. */
        kring->complete = complete;
        atomic_store_explicit(&kring->hwcur, head, memory_order_release);
    }
    if (complete != published) {
        if (atomic_load_explicit(&peer->copy_monitors, memory_order_relaxed) && nmu_lock(dev, &peer->deliver)) {
            uint32_t shown = peer->rx_mon_tail;

            peer->rx_mon_tail = complete;
            nmu_monitor_copy(dev, peer, shown, complete); /* before the reader may write there */
            nmu_unlock(&peer->deliver);
        }
        /* release: the reader that sees the tail sees the slots, and the payload before them */
        atomic_store_explicit(&peer->pipe_tail, complete, memory_order_release);
        nmu_notify(dev, peer->port);
    }
}

void nmu_pipe_rxsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    struct nmu_kring *peer = peer_of(dev, kring);
    uint32_t n = nmu_slots(kring), head = nmu_below(kring->rhead, n), hwcur = NMU_POSITION(kring->hwcur, n);
    struct netmap_ring *target = nmu_ring(dev, peer);
    struct netmap_slot *agreed = hwcur != head ? agreed_slots(dev, peer) : NULL;

    /* acquire: slots and payload before the tail are there */
    atomic_store_explicit(&kring->hwtail, NMU_POSITION_ACQUIRE(kring->pipe_tail, n), memory_order_relaxed);
    if (!target)
        return;
    if (agreed) {
        give_back(nm_slot_at(ring, 0), nm_slot_at(target, 0), agreed, hwcur, head > hwcur ? head : n);
        if (head < hwcur)
            give_back(nm_slot_at(ring, 0), nm_slot_at(target, 0), agreed, 0, head);
        atomic_store_explicit(&kring->hwcur, head, memory_order_relaxed);
    }
    /* Compared, for who takes over from one that died before it could tell the sender. */
    if (atomic_load_explicit(&peer->pipe_tail, memory_order_relaxed) != nmu_prev(head, n)) {
        /* release: the sender that sees the tail sees the slots and may write the buffers */
        atomic_store_explicit(&peer->pipe_tail, nmu_prev(head, n), memory_order_release);
        nmu_notify(dev, peer->port);
    }
}

/* ---- making and ending pipes ------------------------------------------------------- */

/* Both rings of a direction start with the same buffers, the sender's. */
void nmu_pipe_share_slots(struct nmu_device *dev, struct nmu_kring *from, struct nmu_kring *to)
{
    struct netmap_ring *source = nmu_ring(dev, from), *target = nmu_ring(dev, to);

    for (uint32_t i = 0; source && target && i < nmu_slots(from); i++)
        nm_slot_write(nm_slot_at(target, i), nm_slot_read(nm_slot_at(source, i)));
}

/* A slot number's buffer belongs to the reader from its arrival until it is released, to the
 * sender otherwise; what the other ring says there is old. */
void nmu_pipe_free_buffers(struct nmu_device *dev, struct nmu_kring *tx, struct nmu_kring *rx)
{
    struct netmap_ring *tx_ring = nmu_ring(dev, tx), *rx_ring = nmu_ring(dev, rx);
    uint32_t n = nmu_slots(tx), region = nmu_once(nmu_port_at(dev->reg, tx->port)->region);
    uint32_t from = NMU_POSITION(rx->hwcur, n), over = nmu_distance(from, NMU_POSITION(tx->hwcur, n), n);

    if (!tx_ring || !rx_ring)
        return;
    for (uint32_t i = 0, k = from; i < n; i++, k = nmu_next(k, n))
        nmu_pool_free(dev, region, NMU_POOL_BUF, nm_slot_read(nm_slot_at(i < over ? rx_ring : tx_ring, k)).buf_idx);
}
