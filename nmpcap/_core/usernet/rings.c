/*
 * Rings as clients see them, and their buffers: made when the first descriptor is bound to them,
 * freed when the last has gone; a pipe's all at once, with its first end and its last. All under
 * registry.lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared.h"
#include "usernet/kring.h"
#include "usernet/lock.h"
#include "usernet/monitor.h"
#include "usernet/pipe.h"
#include "usernet/pool.h"
#include "usernet/region.h"
#include "usernet/rings.h"

static void set_ring_constants(struct netmap_ring *ring, const struct nmu_region *region, uint64_t offset,
                               const struct nmu_kring *kring, uint32_t num_slots)
{
    const struct nmu_pool *bufs = &region->pool[NMU_POOL_BUF];

    nm_ring_set_constants(ring, (struct nm_ring_constants){.buf_ofs = (int64_t)(bufs->offset - offset),
                                                           .num_slots = num_slots, .buf_size = bufs->objsize,
                                                           .ringid = (uint16_t)kring->id, .dir = (uint16_t)kring->tx});
}

/* An empty rx ring, or a tx ring that is free but for one slot. */
static void reset_kring(struct nmu_kring *kring, uint32_t num_slots)
{
    uint32_t tail = kring->tx ? num_slots - 1 : 0;

    kring->rhead = kring->rcur = kring->mon_tail = kring->zcopy_seen = kring->rx_mon_tail = kring->complete = 0;
    kring->blocked_on = 0;
    kring->rtail = tail;
    atomic_store(&kring->hwcur, 0);
    atomic_store(&kring->hwtail, tail);
    atomic_store(&kring->pipe_tail, tail);
}

/* Makes the ring object, without buffers. */
static int make_ring(struct nmu_device *dev, uint32_t region, struct nmu_kring *kring)
{
    const struct nmu_region *layout = nmu_region_layout(dev, region);
    uint32_t object, n = nmu_slots(kring);
    uint64_t size = NM_RING_SIZE + (uint64_t)n * NM_SLOT_SIZE;
    struct netmap_ring *ring;
    uint64_t offset;
    int error;

    if (!layout)
        return ESTALE;
    if (size > layout->pool[NMU_POOL_RING].objsize)
        return nmu_fail(dev, ENOMEM, "memory region %u: a ring of %u slots does not fit its ring objects of %u bytes",
                        region, n, layout->pool[NMU_POOL_RING].objsize);
    error = nmu_pool_alloc(dev, region, NMU_POOL_RING, 1, &object);
    if (error)
        return error;
    reset_kring(kring, n);
    layout = nmu_region_layout(dev, region);
    if (!layout)
        return ESTALE;
    offset = nmu_object(layout, NMU_POOL_RING, object);
    ring = (struct netmap_ring *)(nmu_region_map(dev, region) + offset);
    memset((void *)ring, 0, size);
    set_ring_constants(ring, layout, offset, kring, n);
    nm_ring_set_tail(ring, kring->rtail);
    for (uint32_t i = 0; i < n; i++)
        nm_slot_set_len(nm_slot_at(ring, i), (uint16_t)layout->pool[NMU_POOL_BUF].objsize);
    NMU_IN_THIS_ORDER(); /* who finds it after a death finds no slots of who had it before */
    kring->ring_ofs = offset;
    return 0;
}

static int give_buffers(struct nmu_device *dev, uint32_t region, struct nmu_kring *kring)
{
    struct netmap_ring *ring = nmu_ring(dev, kring);
    uint32_t n = nmu_slots(kring), *index = malloc(n * sizeof(*index));
    int error = !index ? ENOMEM : ring ? nmu_pool_alloc(dev, region, NMU_POOL_BUF, n, index) : ESTALE;

    for (uint32_t i = 0; i < n && !error; i++)
        nm_slot_set_buf_idx(nm_slot_at(ring, i), index[i]);
    free(index);
    return error;
}

/* What is in the hands of somebody who does not go on stays taken until its region ends: he may still write there. */
static void free_ring_object(struct nmu_device *dev, uint32_t region, struct nmu_kring *kring, bool idle)
{
    const struct nmu_region *layout = nmu_region_layout(dev, region);
    uint64_t ring_ofs = layout ? nmu_ring_ofs(layout, kring) : 0;

    if (idle && ring_ofs)
        nmu_pool_free(dev, region, NMU_POOL_RING, (uint32_t)((ring_ofs - layout->pool[NMU_POOL_RING].offset) /
                                                             layout->pool[NMU_POOL_RING].objsize));
    kring->ring_ofs = 0;
    kring->offset_mask = kring->offset_max = 0;
    atomic_store(&kring->timestamps, 0);
    kring->backpressure = 0;
}

static void free_ring(struct nmu_device *dev, uint32_t region, struct nmu_kring *kring)
{
    struct netmap_ring *ring = nmu_ring(dev, kring);
    bool idle = nmu_kring_idle(dev, kring);
    uint32_t n = nmu_slots(kring);

    nmu_monitor_settle(dev, kring);
    for (uint32_t i = 0; ring && idle && i < n; i++)
        nmu_pool_free(dev, region, NMU_POOL_BUF, nm_slot_read(nm_slot_at(ring, i)).buf_idx);
    if (kring->ring_ofs)
        free_ring_object(dev, region, kring, idle);
}

static int create_ring(struct nmu_device *dev, uint32_t region, struct nmu_kring *kring)
{
    int error = make_ring(dev, region, kring);

    if (!error && (error = give_buffers(dev, region, kring)))
        free_ring_object(dev, region, kring, true);
    return error;
}

/* ---- rings of pipes: all four kinds at once ---------------------------------------- */

static void free_pipe_rings(struct nmu_device *dev, struct nmu_port *end)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_port *ends[2] = {end, nmu_port_at(reg, end->peer)};

    for (int e = 0; e < 2; e++)
        for (uint32_t i = 0; i < nmu_tx_rings(ends[e]); i++) {
            struct nmu_kring *tx = nmu_kring(reg, ends[e], true, i), *rx = nmu_kring_at(reg, tx->pipe_peer);
            bool idle = nmu_kring_idle(dev, tx) && nmu_kring_idle(dev, rx);

            if (idle)
                nmu_pipe_free_buffers(dev, tx, rx);
            if (tx->ring_ofs)
                free_ring_object(dev, end->region, tx, idle);
            if (rx->ring_ofs)
                free_ring_object(dev, end->region, rx, idle);
        }
}

static int create_pipe_rings(struct nmu_device *dev, struct nmu_port *end)
{
    struct nmu_registry *reg = dev->reg;
    int error = 0;

    for (int tx = 1; tx >= 0 && !error; tx--)
        for (uint32_t i = 0; i < (tx ? nmu_tx_rings(end) : nmu_rx_rings(end)) && !error; i++) {
            struct nmu_kring *own = nmu_kring(reg, end, tx, i), *peer = nmu_kring_at(reg, own->pipe_peer);

            if (own->ring_ofs)
                continue;
            error = create_ring(dev, end->region, own);
            if (!error && (error = make_ring(dev, end->region, peer)))
                free_ring(dev, end->region, own);
            if (error)
                break;
            nmu_pipe_share_slots(dev, own, peer);
            error = nmu_region_back_agreed(dev, end->region, tx ? own : peer);
        }
    if (error)
        free_pipe_rings(dev, end);
    return error;
}

/* ---- rings of a descriptor --------------------------------------------------------- */

/* Makes the rings of the descriptor's range that are not there yet. */
int nmu_rings_make(struct nmu_device *dev, struct nmu_port *port, const struct nmu_desc *desc)
{
    struct nmu_range range[2];
    int error = 0;

    if (port->kind == NMU_PIPE)
        return create_pipe_rings(dev, port);
    nmu_ranges(desc, range);
    for (int r = 0; r < 2 && !error; r++)
        for (uint32_t i = range[r].first; i < range[r].last && !error; i++) {
            struct nmu_kring *kring = nmu_kring(dev->reg, port, range[r].tx, i);

            if (!kring->ring_ofs)
                error = create_ring(dev, port->region, kring);
        }
    return error;
}

/* Frees the rings that nobody is bound to; a pipe's once nobody is at either end. */
void nmu_rings_free(struct nmu_device *dev, struct nmu_port *port)
{
    if (port->kind == NMU_PIPE) {
        if (!port->users && !nmu_port_at(dev->reg, port->peer)->users)
            free_pipe_rings(dev, port);
        return;
    }
    for (uint32_t i = 0; i < nmu_tx_rings(port) + nmu_rx_rings(port); i++) {
        struct nmu_kring *kring = nmu_kring_at(dev->reg, nmu_port_kring(port, i));

        if (!kring->users && kring->ring_ofs)
            free_ring(dev, port->region, kring);
    }
}
