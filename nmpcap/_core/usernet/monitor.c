/*
 * Monitors: ports whose rx rings fill with what another port sends or receives.
 *
 * Ring i of a monitor shows tx ring i and rx ring i of the watched port. A copy monitor gets its
 * copy when a packet is handed to txsync, or when it arrives; a zero-copy monitor takes the slot's
 * buffer itself, when the watched port is through with it, and gives its own empty one. Neither
 * ever holds the watched port up: of a burst that does not fit only the newest part is kept.
 *
 * Copy monitors of a ring form a list, zero-copy monitors a chain: each watches the rx ring of the
 * one before.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "shared.h"
#include "usernet/copyin.h"
#include "usernet/kring.h"
#include "usernet/lock.h"
#include "usernet/monitor.h"
#include "usernet/region.h"
#include "usernet/wakeup.h"

enum { RX, TX };

/* ---- delivering -------------------------------------------------------------------- */

/* The buffers of the region that a ring is in. */
struct buffers {
    uint8_t *base;
    uint32_t objsize, objtotal;
};

static bool buffers_of(struct nmu_device *dev, const struct nmu_kring *kring, struct buffers *b)
{
    const struct nmu_map *map = nmu_region_mapping(dev, nmu_port_at(dev->reg, kring->port)->region);
    const struct nmu_pool *pool = map ? &map->layout->pool[NMU_POOL_BUF] : NULL;

    if (!pool)
        return false;
    *b = (struct buffers){map->base + pool->offset, pool->objsize, pool->objtotal};
    return true;
}

/* The buffer of an index; buffer 0, which is all zeros, where the index is none. */
static uint8_t *buffer(const struct buffers *b, uint32_t index)
{
    return b->base + (uint64_t)(index < 2 ? 0 : nmu_below(index, b->objtotal)) * b->objsize;
}

/* Both slots are as they were read once: their owners may be writing at them. */
static uint16_t copy_bytes(struct nmu_device *dev, const struct nmu_kring *source, struct nm_slot from,
                           const struct nmu_kring *target, struct nm_slot to)
{
    uint32_t from_ofs = (uint32_t)(from.ptr & source->offset_mask), to_ofs = (uint32_t)(to.ptr & target->offset_mask);
    uint32_t length = from.len;
    struct buffers from_bufs, to_bufs;
    uint8_t *into;

    if (!buffers_of(dev, source, &from_bufs) || !buffers_of(dev, target, &to_bufs))
        return 0;
    if (from_ofs > from_bufs.objsize || to_ofs > to_bufs.objsize)
        length = 0;
    if (length > from_bufs.objsize - from_ofs)
        length = from_bufs.objsize - from_ofs;
    if (length > to_bufs.objsize - to_ofs)
        length = to_bufs.objsize - to_ofs;
    if (to.buf_idx < 2 || to.buf_idx >= to_bufs.objtotal)
        return (uint16_t)length;
    into = buffer(&to_bufs, to.buf_idx) + to_ofs;
    /* Only a sender's own sync may follow a pointer: an rx ring's slots are its reader's to write,
     * and this may be running in the process of who sent the packet. */
    if (source->tx && (from.flags & NS_INDIRECT) && !nmu_indirect_allowed(dev))
        return 0;
    if (source->tx && (from.flags & NS_INDIRECT))
        return nmu_copyin(into, from.ptr, length) ? 0 : (uint16_t)length;
    memcpy(into, buffer(&from_bufs, from.buf_idx) + from_ofs, length);
    return (uint16_t)length;
}

/* Exchanges the buffers of a watched slot and the monitor's own. It is announced: who dies between the
 * two stores leaves one buffer in both slots, and the other one in none. */
static void swap_slot(struct nmu_device *dev, const struct nmu_kring *watched, struct netmap_ring *source, uint32_t from,
                      struct nmu_kring *monitor, struct netmap_ring *target, uint32_t tail)
{
    struct netmap_slot *watched_slot = nm_slot_at(source, from), *own = nm_slot_at(target, tail);
    struct nm_slot seen = nm_slot_read(watched_slot), given = nm_slot_read(own);

    monitor->swap_watched = from;
    monitor->swap_own = tail;
    monitor->swap_given = given.buf_idx;
    NMU_IN_THIS_ORDER();
    atomic_store_explicit(&monitor->swapping, nmu_kring_index(dev->reg, watched), memory_order_relaxed);
    NMU_IN_THIS_ORDER();
    nm_slot_set_buf_idx(own, seen.buf_idx);
    NMU_IN_THIS_ORDER();
    nm_slot_set_buf_idx(watched_slot, given.buf_idx);
    NMU_IN_THIS_ORDER();
    atomic_store_explicit(&monitor->swapping, 0, memory_order_relaxed);
    NMU_IN_THIS_ORDER();
    nm_slot_set_len(own, seen.len);
    nm_slot_fill(watched_slot, given.len, seen.flags | NS_BUF_CHANGED);
}

/* After a death in a swap: the buffer that is in both slots stays in the watched one. Under the monitor's
 * deliver lock, before anything else is done to either slot. */
static void settle(struct nmu_device *dev, struct nmu_kring *monitor, struct netmap_ring *own)
{
    struct nmu_kring *watched = nmu_kring_at(dev->reg, monitor->swapping);
    struct netmap_ring *source = nmu_ring(dev, watched);
    struct netmap_slot *own_slot, *watched_slot;

    if (!own || !source)
        return; /* no memory to map it: left to another */
    own_slot = nm_slot_at(own, nmu_below(monitor->swap_own, nmu_slots(monitor)));
    watched_slot = nm_slot_at(source, nmu_below(monitor->swap_watched, nmu_slots(watched)));
    if (nm_slot_read(own_slot).buf_idx == nm_slot_read(watched_slot).buf_idx)
        nm_slot_set_buf_idx(own_slot, monitor->swap_given);
    NMU_IN_THIS_ORDER();
    atomic_store_explicit(&monitor->swapping, 0, memory_order_relaxed);
}

static inline bool in_a_swap(const struct nmu_kring *monitor)
{
    return atomic_load_explicit(&monitor->swapping, memory_order_relaxed);
}

/* Whether the monitor watches the ring, as the record is now that its deliver lock is held. */
static bool watches(struct nmu_device *dev, const struct nmu_kring *monitor, const struct nmu_kring *watched, bool swap)
{
    return swap ? watched->zcopy_monitor == nmu_kring_index(dev->reg, monitor)
                : monitor->monitored[nmu_is_tx(watched)] == nmu_kring_index(dev->reg, watched);
}

/* Shows the slots [from, to) of a watched ring to one monitor. */
static void show(struct nmu_device *dev, struct nmu_kring *watched, struct nmu_kring *monitor, uint32_t from,
                 uint32_t to, bool swap)
{
    struct netmap_ring *source = nmu_ring(dev, watched), *target;
    uint32_t n = nmu_slots(watched), own_slots = nmu_slots(monitor), count, lost, tail;
    uint64_t now = monitor->timestamps ? (uint64_t)nm_clock_ns(CLOCK_REALTIME) : 0;

    from = nmu_below(from, n);
    to = nmu_below(to, n);
    count = nmu_distance(from, to, n);
    if (!source)
        return;
    if (!nmu_lock(dev, &monitor->deliver)) {
        atomic_fetch_add_explicit(&nmu_port_at(dev->reg, monitor->port)->dropped, count, memory_order_relaxed);
        return;
    }
    target = watches(dev, monitor, watched, swap) ? nmu_ring(dev, monitor) : NULL;
    if (target && in_a_swap(monitor))
        settle(dev, monitor, target);
    if (target && atomic_load_explicit(&monitor->on, memory_order_acquire)) {
        for (lost = 0; count - lost > nmu_deliver_space(monitor); lost++)
            from = nmu_next(from, n);
        tail = NMU_POSITION(monitor->hwtail, own_slots);
        for (; from != to; from = nmu_next(from, n), tail = nmu_next(tail, own_slots)) {
            struct netmap_slot *own = nm_slot_at(target, tail);
            struct nm_slot seen = nm_slot_read(nm_slot_at(source, from));
            uint16_t flags = seen.flags & (uint16_t)~NS_TXMON;

            if (swap)
                swap_slot(dev, watched, source, from, monitor, target, tail);
            else
                nm_slot_set_len(own, copy_bytes(dev, watched, seen, monitor, nm_slot_read(own)));
            nm_slot_set_flags(own, watched->tx ? flags | NS_TXMON : flags);
            if (monitor->timestamps)
                nm_slot_set_ptr(own, now);
        }
        atomic_fetch_add_explicit(&nmu_port_at(dev->reg, monitor->port)->received, count - lost, memory_order_relaxed);
        atomic_fetch_add_explicit(&nmu_port_at(dev->reg, monitor->port)->dropped, lost, memory_order_relaxed);
        /* release: the monitor's reader that sees the tail sees slots and payload */
        atomic_store_explicit(&monitor->hwtail, tail, memory_order_release);
    }
    nmu_unlock(&monitor->deliver);
    nmu_notify(dev, monitor->port);
}

/* The next copy monitor of a ring's list. */
static uint32_t next_copy(const struct nmu_registry *reg, uint32_t monitor, const struct nmu_kring *watched)
{
    return nmu_kring_at(reg, monitor)->monitor_next[nmu_is_tx(watched)];
}

void nmu_monitor_copy(struct nmu_device *dev, struct nmu_kring *watched, uint32_t from, uint32_t to)
{
    struct nmu_registry *reg = dev->reg;

    uint32_t m = watched->copy_monitors;

    for (uint32_t hops = 0; m && hops < NMU_HOPS; hops++, m = next_copy(reg, m, watched))
        show(dev, watched, nmu_kring_at(reg, m), from, to, false);
}

void nmu_monitor_swap(struct nmu_device *dev, struct nmu_kring *watched, uint32_t from, uint32_t to)
{
    struct nmu_kring *monitor = nmu_kring_at(dev->reg, watched->zcopy_monitor);

    if (from != to || in_a_swap(monitor))
        show(dev, watched, monitor, from, to, true);
}

static void settle_locked(struct nmu_device *dev, struct nmu_kring *monitor)
{
    if (in_a_swap(monitor) && nmu_lock(dev, &monitor->deliver)) {
        if (in_a_swap(monitor))
            settle(dev, monitor, nmu_ring(dev, monitor));
        nmu_unlock(&monitor->deliver);
    }
}

void nmu_monitor_settle(struct nmu_device *dev, struct nmu_kring *kring)
{
    settle_locked(dev, kring);
    if (kring->zcopy_monitor)
        settle_locked(dev, nmu_kring_at(dev->reg, kring->zcopy_monitor));
}

/* ---- lists and chains, under registry.lock ----------------------------------------- */

/*
 * Those who go along a ring's list hold one of its two locks. One that holds it and does not go on (layout.h) may be
 * in the middle: it finds the old list or the new one then, and no monitor that no longer watches the ring: show() looks.
 */

/* On the zero-copy chain from a ring on the one whose monitor a kring is, or else the last. */
static struct nmu_kring *find_in_chain(const struct nmu_registry *reg, struct nmu_kring *from, uint32_t monitor)
{
    for (uint32_t hops = 0; hops < NMU_HOPS && from->zcopy_monitor && from->zcopy_monitor != monitor; hops++)
        from = nmu_kring_at(reg, from->zcopy_monitor);
    return from;
}

static void watch(struct nmu_device *dev, struct nmu_kring *monitor, struct nmu_kring *target, bool zcopy)
{
    struct nmu_registry *reg = dev->reg;
    uint32_t self = nmu_kring_index(reg, monitor);
    struct nmu_both both;

    monitor->monitored[nmu_is_tx(target)] = nmu_kring_index(reg, target);
    if (zcopy)
        target = find_in_chain(reg, target, self);
    if (target == monitor)
        return; /* on the chain already, by way of the other direction */
    both = nmu_lock_both(dev, target);
    if (zcopy) {
        target->zcopy_seen = atomic_load_explicit(&target->hwcur, memory_order_relaxed);
        target->zcopy_monitor = self;
    } else {
        if (!target->copy_monitors) { /* what has passed before is not shown */
            target->mon_tail = target->rhead;
            target->rx_mon_tail = atomic_load(nmu_port_at(reg, target->port)->kind == NMU_PIPE ? &target->pipe_tail
                                                                                         : &target->hwtail);
        }
        monitor->monitor_next[nmu_is_tx(target)] = target->copy_monitors;
        target->copy_monitors = self;
    }
    nmu_unlock_both(both);
}

static void unwatch_copy(struct nmu_registry *reg, struct nmu_kring *monitor, struct nmu_kring *target)
{
    uint32_t self = nmu_kring_index(reg, monitor), next = monitor->monitor_next[nmu_is_tx(target)], m = target->copy_monitors;

    if (target->copy_monitors == self)
        target->copy_monitors = next;
    else
        for (uint32_t hops = 0; m && hops < NMU_HOPS; hops++, m = next_copy(reg, m, target))
            if (next_copy(reg, m, target) == self)
                nmu_kring_at(reg, m)->monitor_next[nmu_is_tx(target)] = next;
    monitor->monitor_next[nmu_is_tx(target)] = 0;
}

static void unwatch(struct nmu_device *dev, struct nmu_kring *monitor, bool tx, bool zcopy)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_kring *target = nmu_kring_at(reg, monitor->monitored[tx]);
    uint32_t self = nmu_kring_index(reg, monitor);

    if (!monitor->monitored[tx])
        return;
    if (zcopy)
        target = find_in_chain(reg, target, self);
    if (target != monitor) {
        struct nmu_both both = nmu_lock_both(dev, target);

        if (!zcopy)
            unwatch_copy(reg, monitor, target);
        else if (target->zcopy_monitor == self)
            target->zcopy_monitor = monitor->zcopy_monitor;
        nmu_unlock_both(both);
    }
    monitor->monitored[tx] = 0; /* last: who dies before it is followed by one who unwatches again */
}

void nmu_monitor_start(struct nmu_device *dev, uint32_t index, uint64_t nr_flags)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_port *port = nmu_port_at(reg, index), *target = nmu_port_at(reg, port->monitored);
    struct nmu_range range = nmu_range(nmu_desc_at(reg, dev->desc), false);

    target->monitor_count++;
    for (uint32_t i = range.first; i < range.last; i++) {
        struct nmu_kring *monitor = nmu_kring(reg, port, false, i);

        if ((port->zcopy || (nr_flags & NR_MONITOR_TX)) && i < nmu_tx_rings(target))
            watch(dev, monitor, nmu_kring(reg, target, true, i), port->zcopy);
        if ((port->zcopy || (nr_flags & NR_MONITOR_RX)) && i < nmu_rx_rings(target))
            watch(dev, monitor, nmu_kring(reg, target, false, i), port->zcopy);
    }
}

void nmu_monitor_stop(struct nmu_device *dev, uint32_t index)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_port *port = nmu_port_at(reg, index);

    for (uint32_t i = 0; i < nmu_rx_rings(port); i++) {
        struct nmu_kring *monitor = nmu_kring(reg, port, false, i);
        struct nmu_both both;

        nmu_monitor_settle(dev, monitor); /* while its neighbours in the chain are known */
        unwatch(dev, monitor, TX, port->zcopy);
        unwatch(dev, monitor, RX, port->zcopy);
        both = nmu_lock_both(dev, monitor); /* whoever reads from the monitor may be in the middle of a sync */
        monitor->zcopy_monitor = 0;
        nmu_unlock_both(both);
    }
    port->monitored = 0;
}

void nmu_monitor_orphan(struct nmu_device *dev, uint32_t index)
{
    struct nmu_registry *reg = dev->reg;

    for (uint32_t i = 1; i < nmu_ports_high(reg); i++)
        if (nmu_port_at(reg, i)->kind == NMU_MONITOR && nmu_port_at(reg, i)->monitored == index) {
            nmu_monitor_stop(dev, i);
            nmu_notify(dev, i);
        }
}
