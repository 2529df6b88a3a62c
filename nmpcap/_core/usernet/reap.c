/*
 * After a death: what a process leaves behind that was killed is found and removed by those that
 * are still there, whenever they hold registry.lock and have a reason to look.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "usernet/kring.h"
#include "usernet/pool.h"
#include "usernet/port.h"
#include "usernet/files.h"
#include "usernet/reap.h"
#include "usernet/region.h"
#include "usernet/registry.h"
#include "usernet/rings.h"
#include "usernet/wakeup.h"

static bool remove_unknown(struct nmu_device *dev, const char *name)
{
    const struct nmu_registry *reg = dev->reg;
    uint32_t index, generation;
    bool known = true;

    switch (nmu_file_parse(name, &index, &generation)) {
    case NMU_FILE_REGION:
        known = index < nmu_regions_high(reg) && nmu_region_at(reg, index)->users && nmu_region_at(reg, index)->generation == generation;
        break;
    case NMU_FILE_PORT:
        known = index < nmu_descs_high(reg) && nmu_desc_at(reg, index)->port && nmu_desc_at(reg, index)->generation == generation;
        break;
    default:
        break;
    }
    if (!known)
        unlinkat(dev->dirfd, name, 0);
    return false;
}

/* Removes files that no record speaks of: of processes that died while making something. */
static void sweep_files(struct nmu_device *dev)
{
    nmu_any_file(dev, remove_unknown);
}

/* ---- after the death of who held the lock ------------------------------------------ */

/* Pipes are made and removed one end after the other. */
static bool is_half_pipe(const struct nmu_registry *reg, uint32_t index)
{
    const struct nmu_port *port = nmu_port_at(reg, index), *peer = nmu_port_at(reg, port->peer);

    return port->kind == NMU_PIPE && (!port->peer || peer->kind != NMU_PIPE || peer->peer != index);
}

/* A persistent port is attached once it says so, and detached while it still does: neither is half done. */
static void settle_persistent(struct nmu_port *port)
{
    if (port->attached && port->switch_id)
        return;
    if (!port->ifname[0]) { /* a second attachment, which is nothing but that */
        port->persistent = 0;
        return;
    }
    port->attached = port->switch_id = 0;
    memset(port->name, 0, sizeof(port->name));
    memcpy(port->name, port->ifname, sizeof(port->ifname));
}

static void count_krings(struct nmu_registry *reg, const struct nmu_port *port)
{
    uint32_t first = nmu_port_kring(port, 0), end = nmu_at_most(first + nmu_tx_rings(port) + nmu_rx_rings(port), NMU_KRINGS);

    for (uint32_t kring = first; kring < end; kring++) {
        reg->krings_taken[kring / 64] |= (uint64_t)1 << kring % 64;
        nmu_kring_at(reg, kring)->users = nmu_kring_at(reg, kring)->exclusive = 0;
    }
}

static void count_ports(struct nmu_registry *reg)
{
    memset(reg->krings_taken, 0, sizeof(reg->krings_taken));
    for (uint32_t i = 1; i < nmu_regions_high(reg); i++)
        nmu_region_at(reg, i)->users = 0;
    for (uint32_t i = 1; i < nmu_ports_high(reg); i++) {
        struct nmu_port *port = nmu_port_at(reg, i);

        port->users = port->pipes = 0;
        if (is_half_pipe(reg, i))
            port->kind = NMU_FREE;
        if (port->kind == NMU_FREE)
            continue;
        if (port->persistent)
            settle_persistent(port);
        nmu_region_at(reg, port->region)->users++;
        count_krings(reg, port);
    }
    for (uint32_t i = 1; i < nmu_ports_high(reg); i++) /* a pipe has two ends and counts once */
        if (nmu_port_at(reg, i)->kind == NMU_PIPE && i < nmu_port_at(reg, i)->peer)
            nmu_port_at(reg, nmu_port_at(reg, i)->parent)->pipes++;
}

static void count_descs(struct nmu_registry *reg)
{
    for (uint32_t i = 1; i < nmu_descs_high(reg); i++) {
        const struct nmu_desc *desc = nmu_desc_at(reg, i);
        struct nmu_port *port = nmu_port_at(reg, desc->port);

        if (!desc->port)
            continue;
        port->users++;
        for (int tx = 0; tx < 2; tx++)
            for (uint32_t k = nmu_range(desc, tx).first; k < nmu_range(desc, tx).last; k++) {
                nmu_kring(reg, port, tx, k)->users++;
                nmu_kring(reg, port, tx, k)->exclusive |= desc->exclusive;
            }
    }
}

/* The switches as their ports say they are. */
static void count_switches(struct nmu_registry *reg)
{
    for (uint32_t id = 1; id <= NMU_SWITCHES; id++) {
        struct nmu_switch *sw = nmu_switch_at(reg, id);
        uint64_t places[NMU_SWITCH_PORTS] = {0};
        uint32_t highest = 0, free_count = 0;

        sw->ports_count = 0;
        for (uint32_t i = 1; i < nmu_ports_high(reg); i++) {
            const struct nmu_port *port = nmu_port_at(reg, i);
            uint32_t place;

            if (port->kind == NMU_FREE || port->switch_id != id)
                continue;
            place = nmu_below(port->switch_port, NMU_SWITCH_PORTS);
            places[place] = nmu_port_place(port, i);
            sw->ports_count++;
            if (place >= highest)
                highest = place + 1;
        }
        for (uint32_t place = NMU_SWITCH_PORTS; place-- > 0;) {
            atomic_store(&sw->ports[place], places[place]);
            if (!places[place])
                sw->free_places[free_count++] = (uint8_t)place;
        }
        sw->free_count = free_count;
        atomic_store(&sw->highest, highest);
        if (!sw->ports_count)
            sw->name[0] = '\0';
    }
}

/* Brings every count in line with the records it counts, and removes what was half made or half
 * removed. What the dead one had bound is unbound by the reaping that follows. */
static void recount(struct nmu_device *dev)
{
    struct nmu_registry *reg = dev->reg;

    count_ports(reg);
    count_descs(reg);
    count_switches(reg);
    nmu_pool_rollback(dev);
    for (uint32_t i = 1; i < nmu_ports_high(reg); i++)
        if (nmu_port_at(reg, i)->kind != NMU_FREE)
            nmu_rings_free(dev, nmu_port_at(reg, i));
    for (uint32_t i = nmu_ports_high(reg); i-- > 1;) /* pipes before the ports they hang on */
        nmu_port_put(dev, i);
    for (uint32_t i = 1; i < nmu_regions_high(reg); i++)
        if (!nmu_region_at(reg, i)->users)
            nmu_region_end(dev, i);
}

/* ---- looking for the dead ---------------------------------------------------------- */

/* Unbinds a descriptor if its owner has died; true if so. */
static bool bury(struct nmu_device *dev, uint32_t desc)
{
    uint32_t port = nmu_desc_at(dev->reg, desc)->port;

    if (!port || desc == dev->desc || nmu_desc_alive(dev, desc))
        return false;
    if (!nmu_region_map(dev, nmu_port_at(dev->reg, port)->region))
        return false; /* what it has taken cannot be given back from here: left to another */
    nmu_port_unbind(dev, desc);
    return true;
}

/* A sender may have died between publishing and waking: whoever sleeps looks for himself. */
static void wake_all(struct nmu_device *dev)
{
    for (uint32_t i = 1; i < nmu_ports_high(dev->reg); i++)
        if (nmu_port_at(dev->reg, i)->kind != NMU_FREE)
            nmu_notify(dev, i);
}

/* After a burial. */
static void see_to_the_rest(struct nmu_device *dev)
{
    sweep_files(dev);
    wake_all(dev);
}

bool nmu_reap(struct nmu_device *dev)
{
    bool found = false;

    for (uint32_t i = 1; i < nmu_descs_high(dev->reg); i++)
        found |= bury(dev, i);
    if (found)
        see_to_the_rest(dev);
    dev->reg->last_reap_ns = (uint64_t)nm_clock_ns(CLOCK_MONOTONIC);
    return found;
}

bool nmu_reap_port(struct nmu_device *dev, uint32_t index)
{
    const struct nmu_port *port = nmu_port_at(dev->reg, index);
    uint32_t peer = port->kind == NMU_PIPE ? port->peer : index;
    bool found = false;

    for (uint32_t i = 1; i < nmu_descs_high(dev->reg); i++)
        if (nmu_desc_at(dev->reg, i)->port == index || nmu_desc_at(dev->reg, i)->port == peer)
            found |= bury(dev, i);
    if (found)
        see_to_the_rest(dev);
    return port->kind == NMU_FREE;
}

void nmu_reap_at_end(struct nmu_device *dev)
{
    bool found = false;

    for (uint32_t i = 1; i < nmu_descs_high(dev->reg); i++) {
        if (!nmu_desc_at(dev->reg, i)->port)
            continue;
        if (!bury(dev, i))
            break;
        found = true;
    }
    if (found)
        see_to_the_rest(dev);
}

void nmu_reap_holder(struct nmu_device *dev)
{
    recount(dev);
    nmu_reap(dev);
    sweep_files(dev);
}
