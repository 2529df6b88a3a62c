/*
 * txsync and rxsync: what a client did to head and cur is read once, checked and carried out;
 * what happened meanwhile is published in tail.
 *
 * The checks and what follows a failed one are the module's, as it was recorded: an index in
 * range but wrong is forgiven at the next sync, one out of range resets the ring, slots with
 * impossible buffers or lengths are defused, the ioctl says nothing and poll says POLLERR.
 *
 * A ring is synced by one thread at a time; a second one skips it, as the module does.
 */
#include <errno.h>
#include <poll.h>
#include <sys/time.h>

#include "shared.h"
#include "usernet/interface.h"
#include "usernet/kring.h"
#include "usernet/lock.h"
#include "usernet/monitor.h"
#include "usernet/parameters.h"
#include "usernet/pipe.h"
#include "usernet/region.h"
#include "usernet/sync.h"
#include "usernet/vale.h"
#include "usernet/wakeup.h"

/* a, b and c come in this order, going up and round from a. */
static bool ordered(uint32_t a, uint32_t b, uint32_t c, uint32_t n)
{
    return b < n && nmu_distance(a, b, n) <= nmu_distance(a, c, n);
}

static bool valid_tx(struct nmu_kring *kring, struct netmap_ring *ring)
{
    uint32_t n = nmu_slots(kring), head = nm_ring_head(ring), cur = nm_ring_cur(ring);
    uint32_t rhead = nmu_once(kring->rhead), rtail = nmu_once(kring->rtail);

    if (rhead >= n || rtail >= n || !ordered(rhead, head, rtail, n) || !ordered(head, cur, rtail, n))
        return false;
    if (nm_ring_tail(ring) != rtail)
        nm_ring_set_tail(ring, rtail);
    kring->rhead = head;
    kring->rcur = cur;
    return true;
}

static bool valid_rx(struct nmu_kring *kring, struct netmap_ring *ring)
{
    uint32_t n = nmu_slots(kring), head = nm_ring_head(ring), cur = nm_ring_cur(ring);
    uint32_t hwcur = NMU_POSITION(kring->hwcur, n), hwtail = NMU_POSITION(kring->hwtail, n);

    kring->rhead = head;
    kring->rcur = cur;
    if (!ordered(hwcur, head, hwtail, n) || !ordered(head, cur, hwtail, n))
        return false;
    if (nm_ring_tail(ring) != kring->rtail)
        nm_ring_set_tail(ring, kring->rtail);
    return true;
}

/* The client's indexes as the ring's own ones have them. */
static struct nm_indexes reset(const struct nmu_kring *kring, struct netmap_ring *ring, uint32_t n)
{
    uint32_t head = NMU_POSITION(kring->hwcur, n), tail = NMU_POSITION(kring->hwtail, n);

    nm_ring_set_head(ring, head);
    nm_ring_set_cur(ring, head);
    nm_ring_set_tail(ring, tail);
    return (struct nm_indexes){head, head, tail};
}

static void follow(struct nmu_kring *kring, struct nm_indexes at)
{
    kring->rhead = at.head;
    kring->rcur = at.cur;
    kring->rtail = at.tail;
}

static void reinit(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    const struct nmu_region *layout = nmu_region_layout(dev, nmu_port_at(dev->reg, kring->port)->region);
    const struct nmu_pool *bufs = layout ? &layout->pool[NMU_POOL_BUF] : NULL;
    struct nm_indexes at = nm_ring_indexes(ring);
    uint32_t n = nmu_slots(kring);

    nmu_fail(dev, 0, "%s: %s ring %u: head %u, cur %u, tail %u of %u slots do not follow from the last sync",
             nmu_port_at(dev->reg, kring->port)->name, kring->tx ? "tx" : "rx", kring->id, at.head, at.cur, at.tail, n);
    for (uint32_t i = 0; bufs && i < n; i++) {
        struct netmap_slot *slot = nm_slot_at(ring, i);
        struct nm_slot is = nm_slot_read(slot);

        if (is.buf_idx < 2 || is.buf_idx >= bufs->objtotal) {
            nm_slot_set_buf_idx(slot, 0);
            nm_slot_set_len(slot, 0);
        } else if (is.len > bufs->objsize) {
            nm_slot_set_len(slot, 0);
        }
    }
    if (at.head >= n || at.cur >= n || at.tail >= n)
        at = reset(kring, ring, n);
    follow(kring, at);
}

static void publish(struct nmu_kring *kring, struct netmap_ring *ring)
{
    /* acquire: the client that reads tail may read the slots before it */
    uint32_t tail = NMU_POSITION_ACQUIRE(kring->hwtail, nmu_slots(kring));

    kring->rtail = tail;
    nm_ring_set_tail(ring, tail);
}

static void stamp(const struct nmu_device *dev, struct netmap_ring *ring)
{
    struct timeval now;

    if (nmu_parameter(dev->reg, NMU_NO_TIMESTAMP) && !(nm_ring_flags(ring) & NR_TIMESTAMP))
        return;
    gettimeofday(&now, NULL);
    nm_ring_set_ts(ring, now);
}

/* ---- the two syncs of one ring, under its sync lock -------------------------------- */

/* Returns 0, EIO where the port cannot send, or not from there, or what is wrong with the interface. */
static int txsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    const struct nmu_port *port = nmu_port_at(dev->reg, kring->port);
    uint32_t n = nmu_slots(kring), freed = NMU_POSITION(kring->hwtail, n), shown = kring->mon_tail;
    int error = 0;

    if (port->kind == NMU_MONITOR)
        return nmu_fail(dev, EIO, "%s: a monitor cannot send", port->name);
    if (port->kind == NMU_PIPE && !nmu_pipe_may_send(dev, kring)) {
        nmu_fail(dev, 0, "%s: tx ring %u: head %u leads through slots that the other end holds: nothing was sent",
                 port->name, kring->id, kring->rhead);
        follow(kring, reset(kring, ring, n));
        return EIO;
    }
    kring->mon_tail = kring->rhead;
    NMU_IN_THIS_ORDER(); /* who takes over after a death must not show again what may have been shown */
    if (kring->copy_monitors)
        nmu_monitor_copy(dev, kring, shown, kring->rhead);
    switch (port->kind) {
    case NMU_PIPE:
        nmu_pipe_txsync(dev, kring, ring);
        break;
    case NMU_VALE:
        nmu_vale_txsync(dev, kring, ring);
        break;
    case NMU_NIC:
        error = nmu_interface_txsync(dev, kring, ring);
        break;
    default:
        break; /* a null port: everything stays where it is */
    }
    if (kring->zcopy_monitor)
        nmu_monitor_swap(dev, kring, nmu_next(freed, n),
                         nmu_next(NMU_POSITION(kring->hwtail, n), n));
    publish(kring, ring);
    return error;
}

/* Hands released slots back to whoever fills the ring. */
static void release(struct nmu_kring *kring, struct netmap_ring *ring)
{
    uint32_t n = nmu_slots(kring), end = nmu_below(kring->rhead, n);

    for (uint32_t i = NMU_POSITION(kring->hwcur, n); i != end; i = nmu_next(i, n)) {
        uint16_t flags = nm_slot_read(nm_slot_at(ring, i)).flags;

        if (flags & NS_BUF_CHANGED)
            nm_slot_set_flags(nm_slot_at(ring, i), flags & (uint16_t)~NS_BUF_CHANGED);
    }
    /* release: the producer that reads hwcur sees what the client did to the slots */
    atomic_store_explicit(&kring->hwcur, end, memory_order_release);
}

static int rxsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    const struct nmu_port *port = nmu_port_at(dev->reg, kring->port);
    uint32_t hwcur = atomic_load_explicit(&kring->hwcur, memory_order_relaxed), seen = kring->zcopy_seen;
    int error = 0;

    if (port->kind == NMU_MONITOR && !port->monitored)
        return nmu_fail(dev, EIO, "%s: the port it watched has been closed", port->name);
    if (nmu_once(kring->rhead) >= nmu_slots(kring))
        return 0; /* reset a moment ago: nothing to release */
    if (kring->zcopy_monitor) {
        kring->zcopy_seen = kring->rhead;
        NMU_IN_THIS_ORDER(); /* before: after a death what was swapped must not be swapped back */
        nmu_monitor_swap(dev, kring, seen, kring->rhead);
    }
    if (port->kind == NMU_PIPE)
        nmu_pipe_rxsync(dev, kring, ring);
    else if (port->kind != NMU_NULL && hwcur != kring->rhead) {
        release(kring, ring);
        nmu_notify(dev, kring->port); /* senders that wait for room */
    }
    if (port->kind == NMU_NIC)
        error = nmu_interface_rxsync(dev, kring, ring);
    publish(kring, ring);
    return error;
}

/* ---- all rings of a descriptor ----------------------------------------------------- */

static int damaged(struct nmu_device *dev)
{
    return nmu_fail(dev, ESTALE, "runtime directory %s: the records or the memory of an open port have been damaged, or its "
                    "files cut short; close it", dev->dir);
}

/* Before any ring is taken: 0, or why none can be. */
static int prepare(struct nmu_device *dev)
{
    nmu_region_forget_stale(dev);
    if (atomic_load_explicit(&dev->reg->magic, memory_order_relaxed) != NMU_MAGIC ||
        !nmu_desc_at(dev->reg, dev->desc)->port)
        return damaged(dev);
    atomic_store_explicit(&dev->patience_ns, NMU_RING_PATIENCE_NS, memory_order_relaxed);
    return nmu_member(dev) ? 0 : nmu_member_join(dev); /* after a fork a child has to */
}

struct sync {
    struct nmu_kring *kring;
    struct netmap_ring *ring;
};

/* Takes the ring for a sync. EBUSY: it is to be skipped; ESTALE: the registry or the region have been damaged. */
static int begin(struct nmu_device *dev, bool tx, uint32_t index, struct sync *sync)
{
    const struct nmu_registry *reg = dev->reg;
    const struct nmu_port *port = nmu_port_at(reg, nmu_desc_at(reg, dev->desc)->port);
    const struct nmu_map *map;

    sync->kring = nmu_kring(reg, port, tx, index);
    if (!nmu_trylock(dev, &sync->kring->sync))
        return EBUSY; /* another thread's sync; or that of a process that shares the ring, going on or not */
    sync->ring = nmu_ring(dev, sync->kring);
    map = sync->ring ? nmu_region_mapping(dev, port->region) : NULL;
    if (map && nmu_region_whole(map) && atomic_load_explicit(&sync->kring->on, memory_order_relaxed))
        return 0;
    nmu_unlock(&sync->kring->sync);
    return damaged(dev);
}

/* The module's ioctls keep the errors of a port's own sync to themselves. Those of interfaces that cannot be
 * used are told, and of a pipe's slots that are the other end's. */
int nmu_sync_ioctl(struct nmu_device *dev, bool tx)
{
    const struct nmu_desc *desc = nmu_desc_at(dev->reg, dev->desc);
    uint32_t kind = nmu_port_at(dev->reg, desc->port)->kind;
    bool tells = kind == NMU_NIC || kind == NMU_PIPE;
    struct nmu_range range = nmu_range(desc, tx);
    struct sync sync;
    int error = 0, failed = prepare(dev);

    if (failed)
        return failed;
    for (uint32_t i = range.first; i < range.last; i++) {
        error = begin(dev, tx, i, &sync);
        if (error == ESTALE)
            return ESTALE;
        if (error)
            continue;
        if (tx) {
            if (valid_tx(sync.kring, sync.ring))
                error = txsync(dev, sync.kring, sync.ring);
            else
                reinit(dev, sync.kring, sync.ring);
        } else {
            if (!valid_rx(sync.kring, sync.ring))
                reinit(dev, sync.kring, sync.ring);
            error = rxsync(dev, sync.kring, sync.ring);
            stamp(dev, sync.ring);
        }
        if (tells && !failed)
            failed = error;
        nmu_unlock(&sync.kring->sync);
    }
    return failed;
}

static short poll_tx(struct nmu_device *dev, bool wanted)
{
    struct nmu_range range = nmu_range(nmu_desc_at(dev->reg, dev->desc), true);
    short revents = 0;
    struct sync sync;

    for (uint32_t i = range.first; i < range.last; i++) {
        int error = begin(dev, true, i, &sync);

        if (error == ESTALE)
            revents |= POLLERR;
        if (error)
            continue;
        /* Nothing to send there, and room is not asked for or found already. */
        if (wanted || nm_ring_head(sync.ring) != atomic_load_explicit(&sync.kring->hwcur, memory_order_relaxed)) {
            if (!valid_tx(sync.kring, sync.ring)) {
                reinit(dev, sync.kring, sync.ring);
                revents |= POLLERR;
            } else if (txsync(dev, sync.kring, sync.ring)) {
                revents |= POLLERR;
            }
            if (wanted && sync.kring->rcur != sync.kring->rtail) {
                revents |= POLLOUT;
                wanted = false;
            }
        }
        nmu_unlock(&sync.kring->sync);
    }
    return revents;
}

static short poll_rx(struct nmu_device *dev)
{
    struct nmu_range range = nmu_range(nmu_desc_at(dev->reg, dev->desc), false);
    short revents = 0;
    struct sync sync;

    for (uint32_t i = range.first; i < range.last; i++) {
        int error = begin(dev, false, i, &sync);

        if (error == ESTALE)
            revents |= POLLERR;
        if (error)
            continue;
        if (!valid_rx(sync.kring, sync.ring)) {
            reinit(dev, sync.kring, sync.ring);
            revents |= POLLERR;
        }
        if (rxsync(dev, sync.kring, sync.ring))
            revents |= POLLERR;
        stamp(dev, sync.ring);
        if (sync.kring->rcur != sync.kring->rtail)
            revents |= POLLIN;
        nmu_unlock(&sync.kring->sync);
    }
    return revents;
}

short nmu_sync_poll(struct nmu_device *dev, short events)
{
    short revents = 0;

    pthread_mutex_lock(&dev->busy);
    if (prepare(dev)) {
        revents = POLLERR;
        events = 0;
    } else if ((events & POLLOUT) || !(dev->nr_flags & NR_NO_TX_POLL)) {
        revents |= poll_tx(dev, events & POLLOUT);
    }
    if (events & POLLIN)
        revents |= poll_rx(dev);
    pthread_mutex_unlock(&dev->busy);
    return revents;
}
