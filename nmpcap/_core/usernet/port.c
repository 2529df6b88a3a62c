/*
 * Ports: making, binding to a descriptor, unbinding, removing. All under registry.lock.
 *
 * A port's krings exist as long as it does; the rings a client sees, with their buffers, as long
 * as a descriptor is bound to them (a pipe's as long as either end is open).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared.h"
#include "usernet/files.h"
#include "usernet/kring.h"
#include "usernet/lock.h"
#include "usernet/monitor.h"
#include "usernet/pool.h"
#include "usernet/port.h"
#include "usernet/region.h"
#include "usernet/registry.h"
#include "usernet/rings.h"
#include "usernet/switch.h"

/* ---- records ----------------------------------------------------------------------- */

static bool kring_taken(const struct nmu_registry *reg, uint32_t index)
{
    return reg->krings_taken[index / 64] >> index % 64 & 1;
}

static void mark_krings(struct nmu_registry *reg, uint32_t first, uint32_t count, bool taken)
{
    for (uint32_t i = first; i < first + count && i < NMU_KRINGS; i++) {
        uint64_t bit = (uint64_t)1 << i % 64;

        reg->krings_taken[i / 64] = taken ? reg->krings_taken[i / 64] | bit : reg->krings_taken[i / 64] & ~bit;
    }
}

/* A run of free krings from first on; 0 if there is none. */
static uint32_t find_run(const struct nmu_registry *reg, uint32_t first, uint32_t count)
{
    uint32_t run = 0;

    for (uint32_t i = first; i < NMU_KRINGS; i++) {
        run = kring_taken(reg, i) ? 0 : run + 1;
        if (run == count)
            return i + 1 - count;
    }
    return 0;
}

/* Of a run the last kring that somebody who may go on any time has in his hands; 0: none. */
static uint32_t last_busy(struct nmu_device *dev, uint32_t first, uint32_t count)
{
    for (uint32_t i = first + count; i-- > first;)
        if (!nmu_kring_idle(dev, nmu_kring_at(dev->reg, i)))
            return i;
    return 0;
}

/* A run of free krings, backed with memory. ENOMEM with *first 0: there is none. */
static int find_krings(struct nmu_device *dev, uint32_t count, uint32_t *first)
{
    uint32_t busy = 0;

    *first = 0;
    while (count) {
        int error;

        *first = find_run(dev->reg, busy + 1, count);
        if (!*first)
            return ENOMEM;
        error = nmu_reserve(dev, nmu_kring_at(dev->reg, *first), count * sizeof(struct nmu_kring));
        if (error)
            return error;
        busy = last_busy(dev, *first, count);
        if (!busy)
            break;
    }
    return 0;
}

/* A sender may hold the index of a ring that has gone, and take its lock to find out: the locks
 * stay the same for the record's life, and the rest changes under them. */
static int init_kring(struct nmu_device *dev, struct nmu_kring *kring, uint32_t port, bool tx, uint32_t id,
                      uint32_t num_slots)
{
    struct nmu_both both = nmu_lock_both(dev, kring);

    if (!both.sync || !both.deliver) {
        nmu_unlock_both(both);
        return nmu_fail(dev, EBUSY, "runtime directory %s: ring record %u is locked by a process that does not go on",
                        dev->dir, nmu_kring_index(dev->reg, kring));
    }
    kring->port = port;
    kring->tx = tx;
    kring->id = id;
    kring->num_slots = num_slots;
    kring->ring_ofs = 0;
    kring->users = kring->exclusive = kring->pipe_peer = 0;
    kring->offset_mask = kring->offset_max = 0;
    kring->backpressure = 0;
    kring->zcopy_monitor = 0;
    atomic_store(&kring->swapping, 0);
    kring->monitor_next[0] = kring->monitor_next[1] = 0;
    kring->monitored[0] = kring->monitored[1] = 0;
    atomic_store(&kring->timestamps, 0);
    atomic_store(&kring->copy_monitors, 0);
    atomic_store(&kring->on, 0);
    nmu_unlock_both(both);
    return 0;
}

static uint32_t free_port(const struct nmu_registry *reg)
{
    for (uint32_t i = 1; i < NMU_PORTS; i++)
        if (i >= nmu_ports_high(reg) || nmu_port_at(reg, i)->kind == NMU_FREE)
            return i;
    return 0;
}

static void clear_port(struct nmu_port *port)
{
    memset((void *)port, 0, offsetof(struct nmu_port, sleepers));
    for (int i = 0; i < NMU_SLEEPERS; i++)
        atomic_store(&port->sleepers[i], 0);
    atomic_store(&port->last_smac, ~(uint64_t)0);
    atomic_store(&port->sent, 0);
    atomic_store(&port->forwarded, 0);
    atomic_store(&port->flooded, 0);
    atomic_store(&port->discarded, 0);
    atomic_store(&port->received, 0);
    atomic_store(&port->dropped, 0);
}

int nmu_port_create(struct nmu_device *dev, enum nmu_kind kind, const char *name, uint32_t region, uint32_t tx_rings,
                    uint32_t rx_rings, uint32_t tx_slots, uint32_t rx_slots, uint32_t *index)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_port *port;
    uint32_t krings;
    int error = find_krings(dev, tx_rings + rx_rings, &krings);

    if (error && krings)
        return error;
    *index = free_port(reg);
    if (!*index || error)
        return nmu_fail(dev, ENOMEM, "%s: runtime directory %s is full: %d ports, %d rings at most", name, dev->dir,
                        NMU_PORTS - 1, NMU_KRINGS - 1);
    port = nmu_port_at(reg, *index);
    error = nmu_reserve(dev, port, sizeof(*port));
    for (uint32_t i = 0; i < tx_rings + rx_rings && !error; i++)
        error = init_kring(dev, nmu_kring_at(reg, krings + i), *index, i < tx_rings, i < tx_rings ? i : i - tx_rings,
                           i < tx_rings ? tx_slots : rx_slots);
    if (error)
        return error;
    mark_krings(reg, krings, tx_rings + rx_rings, true);
    clear_port(port);
    snprintf(port->name, sizeof(port->name), "%s", name);
    port->generation = ++reg->next_generation;
    port->region = region;
    port->tx_rings = tx_rings;
    port->rx_rings = rx_rings;
    port->tx_slots = tx_slots;
    port->rx_slots = rx_slots;
    port->krings = krings;
    nmu_region_at(reg, region)->users++;
    if (*index >= nmu_ports_high(reg))
        reg->ports_high = *index + 1;
    NMU_IN_THIS_ORDER();
    port->kind = kind;
    return 0;
}

/* ---- binding ----------------------------------------------------------------------- */

static int check_exclusive(struct nmu_device *dev, const struct nmu_port *port, const struct nmu_desc *desc)
{
    struct nmu_range range[2];

    nmu_ranges(desc, range);
    for (int r = 0; r < 2; r++)
        for (uint32_t i = range[r].first; i < range[r].last; i++) {
            const struct nmu_kring *kring = nmu_kring(dev->reg, port, range[r].tx, i);

            if (kring->exclusive || (kring->users && desc->exclusive))
                return nmu_fail(dev, EBUSY, "%s: %s ring %u is %s", port->name, range[r].tx ? "tx" : "rx", i,
                                kring->exclusive ? "in somebody else's exclusive use"
                                                 : "in use, so it cannot be had exclusively");
        }
    return 0;
}

/* The descriptor's own netmap_if: every ring's offset, or 0 for those it is not bound to. */
static int make_if(struct nmu_device *dev, struct nmu_port *port, struct nmu_desc *desc)
{
    struct nmu_registry *reg = dev->reg;
    uint32_t index = nmu_once(port->region), tx_rings = nmu_tx_rings(port), rx_rings = nmu_rx_rings(port);
    const struct nmu_region *layout = nmu_region_layout(dev, index);
    struct netmap_if *nifp;
    struct nmu_range range[2];
    uint32_t object;
    int64_t offset;
    int error;

    if (!layout)
        return ESTALE;
    if (NM_IF_SIZE + (uint64_t)(tx_rings + rx_rings + 2) * sizeof(offset) > layout->pool[NMU_POOL_IF].objsize)
        return nmu_fail(dev, ENOMEM, "%s: %u rings do not fit the netmap_ifs of memory region %u, of %u bytes",
                        port->name, tx_rings + rx_rings, index, layout->pool[NMU_POOL_IF].objsize);
    error = nmu_pool_alloc(dev, index, NMU_POOL_IF, 1, &object);
    if (error)
        return error;
    if (!(layout = nmu_region_layout(dev, index)))
        return ESTALE;
    offset = (int64_t)nmu_object(layout, NMU_POOL_IF, object);
    nifp = (struct netmap_if *)(nmu_region_map(dev, index) + offset);
    memset((void *)nifp, 0, layout->pool[NMU_POOL_IF].objsize);
    nm_if_write(nifp, port->persistent ? port->ifname : port->name,
                (struct nm_if){.flags = index == NMU_REGION_GLOBAL ? 0 : NI_PRIV_MEM, .tx_rings = tx_rings,
                               .rx_rings = rx_rings, .host_tx_rings = 1, .host_rx_rings = 1});
    nmu_ranges(desc, range);
    for (int r = 0; r < 2; r++)
        for (uint32_t i = range[r].first; i < nmu_at_most(range[r].last, range[r].tx ? tx_rings : rx_rings); i++)
            nm_if_set_ring_ofs(nifp, range[r].tx ? i : tx_rings + 1 + i,
                               (int64_t)nmu_kring(reg, port, range[r].tx, i)->ring_ofs - offset);
    desc->if_index = object + 1;
    return 0;
}

static void count_users(struct nmu_device *dev, const struct nmu_port *port, const struct nmu_desc *desc, int by)
{
    struct nmu_range range[2];

    nmu_ranges(desc, range);
    for (int r = 0; r < 2; r++)
        for (uint32_t i = range[r].first; i < range[r].last; i++) {
            struct nmu_kring *kring = nmu_kring(dev->reg, port, range[r].tx, i);

            kring->users += (uint32_t)by;
            if (desc->exclusive)
                kring->exclusive = by > 0;
            if (by > 0) {
                /* release: who finds it on finds its ring */
                atomic_store_explicit(&kring->on, 1, memory_order_release);
            } else if (!kring->users) {
                /* Nobody is in the middle of a sync or a delivery once both locks were had; if they were not,
                 * the ring stays as it is (free_ring_object). */
                atomic_store_explicit(&kring->on, 0, memory_order_relaxed);
                nmu_unlock_both(nmu_lock_both(dev, kring));
            }
        }
}

int nmu_port_bind(struct nmu_device *dev, uint32_t port_index, uint32_t desc_index)
{
    struct nmu_port *port = nmu_port_at(dev->reg, port_index);
    struct nmu_desc *desc = nmu_desc_at(dev->reg, desc_index);
    int error = check_exclusive(dev, port, desc);

    if (error)
        return error;
    error = nmu_rings_make(dev, port, desc);
    if (!error)
        error = make_if(dev, port, desc);
    if (error) {
        nmu_rings_free(dev, port);
        return error;
    }
    port->users++;
    NMU_IN_THIS_ORDER();
    desc->port = port_index;
    count_users(dev, port, desc, 1);
    return 0;
}

/* ---- unbinding --------------------------------------------------------------------- */

/* Gives back the netmap_if and the buffers on its list. The list is the client's work: it may
 * lead anywhere, or round in circles. */
static void free_if(struct nmu_device *dev, const struct nmu_port *port, struct nmu_desc *desc)
{
    uint32_t region = nmu_once(port->region), if_index = nmu_once(desc->if_index), index, bufs;
    const struct nmu_map *map = nmu_region_mapping(dev, region);
    const struct nmu_region *layout = map ? map->layout : NULL;
    const uint8_t *base = map ? map->base : NULL;

    if (!map || !if_index)
        return;
    bufs = layout->pool[NMU_POOL_BUF].objtotal;
    index = nm_if_bufs_head((struct netmap_if *)(base + nmu_object(layout, NMU_POOL_IF, if_index - 1)));
    for (uint32_t i = 0; i < bufs && index >= 2 && index < bufs; i++) {
        uint32_t next;

        if (!nmu_pool_taken(dev, region, NMU_POOL_BUF, index))
            break; /* nobody's: perhaps a hole that there is no memory for, or the list's own start */
        next = nm_buf_next(base + nmu_object(layout, NMU_POOL_BUF, index));
        nmu_pool_free(dev, region, NMU_POOL_BUF, index);
        index = next;
    }
    nmu_pool_free(dev, region, NMU_POOL_IF, if_index - 1);
    desc->if_index = 0;
}

void nmu_port_unbind(struct nmu_device *dev, uint32_t desc_index)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_desc *desc = nmu_desc_at(reg, desc_index);
    uint32_t port_index = desc->port;
    struct nmu_port *port = nmu_port_at(reg, port_index);
    char name[NMU_FILE_NAME_SIZE];

    count_users(dev, port, desc, -1);
    if (--port->users == 0)
        nmu_monitor_orphan(dev, port_index);
    if (port->kind == NMU_MONITOR && port->users == 0)
        nmu_monitor_stop(dev, port_index);
    nmu_rings_free(dev, port);
    free_if(dev, port, desc);
    nmu_file_name(name, NMU_FILE_PORT, desc_index, desc->generation);
    unlinkat(dev->dirfd, name, 0);
    desc->port = 0;
    nmu_port_put(dev, port_index);
}

/* ---- removing ---------------------------------------------------------------------- */

void nmu_port_remove(struct nmu_device *dev, uint32_t index)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_port *port = nmu_port_at(reg, index);
    uint32_t high = nmu_ports_high(reg);

    if (port->switch_id)
        nmu_switch_leave(dev, index);
    mark_krings(reg, nmu_port_kring(port, 0), nmu_tx_rings(port) + nmu_rx_rings(port), false);
    port->kind = NMU_FREE;
    while (high > 1 && nmu_port_at(reg, high - 1)->kind == NMU_FREE)
        high--;
    reg->ports_high = high;
    nmu_region_release(dev, port->region);
}

void nmu_port_put(struct nmu_device *dev, uint32_t index)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_port *port = nmu_port_at(reg, index);

    if (port->kind == NMU_FREE || port->users || port->pipes || port->persistent || port->attached)
        return;
    if (port->kind == NMU_PIPE) {
        uint32_t parent = port->parent;

        if (nmu_port_at(reg, port->peer)->users || nmu_port_at(reg, port->peer)->pipes)
            return;
        nmu_port_remove(dev, port->peer);
        nmu_port_remove(dev, index);
        nmu_port_at(reg, parent)->pipes--;
        nmu_port_put(dev, parent);
        return;
    }
    nmu_port_remove(dev, index);
}
