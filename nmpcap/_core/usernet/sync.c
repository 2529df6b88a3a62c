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
    uint32_t n = kring->num_slots, head = nm_ring_head(ring), cur = nm_ring_cur(ring);

    if (kring->rhead >= n || kring->rtail >= n || !ordered(kring->rhead, head, kring->rtail, n) ||
        !ordered(head, cur, kring->rtail, n))
        return false;
    if (nm_ring_tail(ring) != kring->rtail)
        nm_ring_set_tail(ring, kring->rtail);
    kring->rhead = head;
    kring->rcur = cur;
    return true;
}

static bool valid_rx(struct nmu_kring *kring, struct netmap_ring *ring)
{
    uint32_t n = kring->num_slots;
    uint32_t hwcur = atomic_load_explicit(&kring->hwcur, memory_order_relaxed);
    uint32_t hwtail = atomic_load_explicit(&kring->hwtail, memory_order_relaxed);

    kring->rhead = nm_ring_head(ring);
    kring->rcur = nm_ring_cur(ring);
    if (!ordered(hwcur, kring->rhead, hwtail, n) || !ordered(kring->rhead, kring->rcur, hwtail, n))
        return false;
    if (nm_ring_tail(ring) != kring->rtail)
        nm_ring_set_tail(ring, kring->rtail);
    return true;
}

/* The client's indexes as the ring's own ones have them. */
static struct nm_indexes reset(const struct nmu_kring *kring, struct netmap_ring *ring)
{
    uint32_t head = atomic_load_explicit(&kring->hwcur, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&kring->hwtail, memory_order_relaxed);

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
    const struct nmu_pool *bufs = &dev->reg->regions[dev->reg->ports[kring->port].region].pool[NMU_POOL_BUF];
    struct nm_indexes at = nm_ring_indexes(ring);
    uint32_t n = kring->num_slots;

    nmu_fail(dev, 0, "%s: %s ring %u: head %u, cur %u, tail %u of %u slots do not follow from the last sync",
             dev->reg->ports[kring->port].name, kring->tx ? "tx" : "rx", kring->id, at.head, at.cur, at.tail, n);
    for (uint32_t i = 0; i < n; i++) {
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
        at = reset(kring, ring);
    follow(kring, at);
}

static void publish(struct nmu_kring *kring, struct netmap_ring *ring)
{
    /* acquire: the client that reads tail may read the slots before it */
    kring->rtail = atomic_load_explicit(&kring->hwtail, memory_order_acquire);
    nm_ring_set_tail(ring, kring->rtail);
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
    const struct nmu_port *port = &dev->reg->ports[kring->port];
    uint32_t freed = atomic_load_explicit(&kring->hwtail, memory_order_relaxed), n = kring->num_slots;
    uint32_t shown = kring->mon_tail;
    int error = 0;

    if (port->kind == NMU_MONITOR)
        return nmu_fail(dev, EIO, "%s: a monitor cannot send", port->name);
    if (port->kind == NMU_PIPE && !nmu_pipe_may_send(dev, kring)) {
        nmu_fail(dev, 0, "%s: tx ring %u: head %u leads through slots that the other end holds: nothing was sent",
                 port->name, kring->id, kring->rhead);
        follow(kring, reset(kring, ring));
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
                         nmu_next(atomic_load_explicit(&kring->hwtail, memory_order_relaxed), n));
    publish(kring, ring);
    return error;
}

/* Hands released slots back to whoever fills the ring. */
static void release(struct nmu_kring *kring, struct netmap_ring *ring)
{
    uint32_t n = kring->num_slots, end = kring->rhead;

    for (uint32_t i = atomic_load_explicit(&kring->hwcur, memory_order_relaxed); i != end; i = nmu_next(i, n)) {
        uint16_t flags = nm_slot_read(nm_slot_at(ring, i)).flags;

        if (flags & NS_BUF_CHANGED)
            nm_slot_set_flags(nm_slot_at(ring, i), flags & (uint16_t)~NS_BUF_CHANGED);
    }
    /* release: the producer that reads hwcur sees what the client did to the slots */
    atomic_store_explicit(&kring->hwcur, end, memory_order_release);
}

static int rxsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    const struct nmu_port *port = &dev->reg->ports[kring->port];
    uint32_t hwcur = atomic_load_explicit(&kring->hwcur, memory_order_relaxed), seen = kring->zcopy_seen;
    int error = 0;

    if (port->kind == NMU_MONITOR && !port->monitored)
        return nmu_fail(dev, EIO, "%s: the port it watched has been closed", port->name);
    if (kring->rhead >= kring->num_slots)
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

/* Before any ring is taken: 0, or why none can be. */
static int prepare(struct nmu_device *dev)
{
    nmu_region_forget_stale(dev);
    atomic_store_explicit(&dev->patience_ns, NMU_RING_PATIENCE_NS, memory_order_relaxed);
    return nmu_member(dev) ? 0 : nmu_member_join(dev); /* after a fork a child has to */
}

struct sync {
    struct nmu_kring *kring;
    struct netmap_ring *ring;
};

/* Takes the ring for a sync; false where it is to be skipped. */
static bool begin(struct nmu_device *dev, bool tx, uint32_t index, struct sync *sync)
{
    struct nmu_registry *reg = dev->reg;

    sync->kring = nmu_kring(reg, &reg->ports[reg->descs[dev->desc].port], tx, index);
    if (!nmu_trylock(dev, &sync->kring->sync))
        return false; /* another thread's sync; or that of a process that shares the ring, going on or not */
    sync->ring = nmu_ring(dev, sync->kring);
    if (sync->ring && atomic_load_explicit(&sync->kring->on, memory_order_relaxed))
        return true;
    nmu_unlock(&sync->kring->sync);
    return false;
}

/* The module's ioctls keep the errors of a port's own sync to themselves. Those of interfaces that cannot be
 * used are told, and of a pipe's slots that are the other end's. */
int nmu_sync_ioctl(struct nmu_device *dev, bool tx)
{
    const struct nmu_desc *desc = &dev->reg->descs[dev->desc];
    uint32_t kind = dev->reg->ports[desc->port].kind;
    bool tells = kind == NMU_NIC || kind == NMU_PIPE;
    struct sync sync;
    int error = 0, failed = prepare(dev);

    if (failed)
        return failed;
    for (uint32_t i = tx ? desc->tx_first : desc->rx_first; i < (tx ? desc->tx_last : desc->rx_last); i++) {
        if (!begin(dev, tx, i, &sync))
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
    const struct nmu_desc *desc = &dev->reg->descs[dev->desc];
    short revents = 0;
    struct sync sync;

    for (uint32_t i = desc->tx_first; i < desc->tx_last; i++) {
        if (!begin(dev, true, i, &sync))
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
    const struct nmu_desc *desc = &dev->reg->descs[dev->desc];
    short revents = 0;
    struct sync sync;

    for (uint32_t i = desc->rx_first; i < desc->rx_last; i++) {
        if (!begin(dev, false, i, &sync))
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
