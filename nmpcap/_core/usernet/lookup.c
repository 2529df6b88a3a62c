/* From a request's name to a port, which is made where netmap would make it, in the module's order: null port,
 * monitor, pipe, VALE port, persistent port, interface of the operating system. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shared.h"
#include "usernet/kring.h"
#include "usernet/lookup.h"
#include "usernet/names.h"
#include "usernet/parameters.h"
#include "usernet/port.h"
#include "usernet/reap.h"
#include "usernet/region.h"
#include "usernet/switch.h"

#define MONITOR_FLAGS (NR_MONITOR_TX | NR_MONITOR_RX | NR_ZCOPY_MON)
#define PIPES_PLANNED 2 /* the module sizes a VALE port's region for so many */

/* What a request asks for: 0 is the default, too much is as much as there is. */
static uint32_t clamp(uint32_t asked, uint32_t fallback, uint32_t most)
{
    return asked == 0 ? fallback : asked > most ? most : asked;
}

/* ---- interfaces of the operating system ---------------------------------------------- */

static uint64_t this_netns(void)
{
    struct stat st;

    return stat("/proc/thread-self/ns/net", &st) < 0 ? 0 : st.st_ino;
}

/* Of the same name there may be another by now, and one in every network namespace. */
bool nmu_interface_same(const struct nmu_port *port, const char *name)
{
    return !strcmp(port->name, name) && port->ifindex == if_nametoindex(name) && port->netns == this_netns();
}

/* The longest ring that a region has room for, whoever made it. */
static uint32_t slots_that_fit(const struct nmu_region *layout)
{
    uint32_t size = layout ? layout->pool[NMU_POOL_RING].objsize : 0;

    return size > NM_RING_SIZE ? nmu_at_most((size - NM_RING_SIZE) / NM_SLOT_SIZE, NMU_SLOTS_MAX) : 0;
}

static int interface_lookup(struct nmu_device *dev, const char *name, const struct nmu_config *config, uint32_t *port)
{
    uint32_t usual = (uint32_t)nmu_parameter(dev->reg, NMU_GENERIC_RINGSIZE), most, region;
    int error = nmu_region_find(dev, config->region ? config->region : NMU_REGION_GLOBAL, &region);

    if (error)
        return error;
    most = slots_that_fit(nmu_region_layout(dev, region));
    error = nmu_port_create(dev, NMU_NIC, name, region, 1, 1, clamp(config->tx_slots, usual, most),
                            clamp(config->rx_slots, usual, most), port);
    nmu_region_release(dev, region);
    if (error)
        return error;
    nmu_port_at(dev->reg, *port)->ifindex = if_nametoindex(name);
    nmu_port_at(dev->reg, *port)->netns = this_netns();
    return 0;
}

/* ---- ports that are there ------------------------------------------------------------ */

uint32_t nmu_port_find(struct nmu_device *dev, const char *name)
{
    const struct nmu_registry *reg = dev->reg;

    for (uint32_t i = 1; i < nmu_ports_high(reg); i++) {
        const struct nmu_port *port = nmu_port_at(reg, i);

        if (port->kind == NMU_VALE
                ? !strcmp(port->name, name) || (port->persistent && !strcmp(port->ifname, name))
                : port->kind == NMU_NIC && nmu_interface_same(port, name))
            return nmu_reap_port(dev, i) ? 0 : i;
    }
    return 0;
}

/* ---- switches ------------------------------------------------------------------------ */

/* A VALE port on no switch, in a region of its own unless the request names one. */
int nmu_vale_create(struct nmu_device *dev, const char *name, const struct nmu_config *config, uint32_t *port)
{
    uint32_t tx_rings = clamp(config->tx_rings, 1, NMU_RINGS_MAX);
    uint32_t rx_rings = clamp(config->rx_rings, 1, NMU_RINGS_MAX);
    uint32_t tx_slots = clamp(config->tx_slots, 1024, NMU_SLOTS_MAX);
    uint32_t rx_slots = clamp(config->rx_slots, 1024, NMU_SLOTS_MAX);
    uint32_t region = config->region;
    int error;

    if (region) {
        nmu_region_at(dev->reg, region)->users++;
    } else {
        struct nmu_geometry geometry;

        nmu_geometry_private(dev, &geometry, tx_rings, rx_rings, tx_slots, rx_slots, PIPES_PLANNED,
                             config->extra_bufs);
        error = nmu_region_create(dev, &geometry, &region);
        if (error)
            return error;
    }
    error = nmu_port_create(dev, NMU_VALE, name, region, tx_rings, rx_rings, tx_slots, rx_slots, port);
    nmu_region_release(dev, region);
    return error;
}

/* Finds the port of a switch, or makes it. */
static int vale_lookup(struct nmu_device *dev, const char *name, const struct nmu_config *config, uint32_t *port)
{
    size_t length = nmu_switch_part(name);
    const char *local = name + length + 1;
    int error;

    *port = nmu_port_find(dev, name);
    if (*port)
        return 0;
    if (length && local[0] && (nmu_port_find(dev, local) || nmu_is_interface(local)))
        return nmu_fail(dev, EINVAL, "%s: %s is an interface that is not attached to this switch; attach it first, or "
                        "choose another name", name, local);
    error = nmu_vale_create(dev, name, config, port);
    if (error)
        return error;
    error = nmu_switch_join(dev, name, *port);
    if (error)
        nmu_port_put(dev, *port);
    return error;
}

/* ---- pipes --------------------------------------------------------------------------- */

/* Finds or makes the port a pipe hangs on. The caller puts it back. */
static int find_parent(struct nmu_device *dev, const char *name, const struct nmu_config *config, uint32_t *parent)
{
    int error = nmu_lookup(dev, name, 0, NR_REG_ALL_NIC, config, parent);

    if (error != ENXIO)
        return error;
    if (strlen(name) >= NM_IFNAMSIZ)
        return nmu_fail(dev, ENXIO, "%s: the name of a pipe's port has at most %d characters", name, NM_IFNAMSIZ - 1);
    error = nmu_vale_create(dev, name, config, parent);
    if (!error)
        nmu_port_at(dev->reg, *parent)->automatic = 1;
    return error;
}

/* Both ends of a new pipe. The numbers asked for are the master's, whichever end is opened. */
static int make_ends(struct nmu_device *dev, const char *name, const char *brace, const struct nmu_config *config,
                     uint32_t parent, uint32_t *port)
{
    struct nmu_registry *reg = dev->reg;
    const struct nmu_port *p = nmu_port_at(reg, parent);
    uint32_t tx_rings = clamp(config->tx_rings, 1, NMU_PIPE_RINGS_MAX);
    uint32_t rx_rings = clamp(config->rx_rings, 1, NMU_PIPE_RINGS_MAX);
    uint32_t tx_slots = clamp(config->tx_slots, p->tx_slots, NMU_SLOTS_MAX);
    uint32_t rx_slots = clamp(config->rx_slots, p->rx_slots, NMU_SLOTS_MAX);
    char names[2][NETMAP_REQ_IFNAMSIZ];
    uint32_t ends[2]; /* master, slave */
    int error;

    if (p->pipes >= NMU_PIPES_MAX)
        return nmu_fail(dev, EINVAL, "%s: %s has %d pipes already, as many as a port can have", name, p->name,
                        NMU_PIPES_MAX);
    for (int i = 0; i < 2; i++) {
        snprintf(names[i], sizeof(names[i]), "%s", name);
        names[i][brace - name] = i ? '}' : '{';
    }
    error = nmu_port_create(dev, NMU_PIPE, names[0], p->region, tx_rings, rx_rings, tx_slots, rx_slots, &ends[0]);
    if (error)
        return error;
    error = nmu_port_create(dev, NMU_PIPE, names[1], p->region, rx_rings, tx_rings, rx_slots, tx_slots, &ends[1]);
    if (error) {
        nmu_port_remove(dev, ends[0]);
        return error;
    }
    for (int i = 0; i < 2; i++) {
        struct nmu_port *end = nmu_port_at(reg, ends[i]), *other = nmu_port_at(reg, ends[!i]);

        end->brace = (uint32_t)(brace - name);
        end->parent = parent;
        end->peer = ends[!i];
        for (uint32_t k = 0; k < nmu_tx_rings(end); k++) {
            struct nmu_kring *tx = nmu_kring(reg, end, true, k), *rx = nmu_kring(reg, other, false, k);

            tx->pipe_peer = nmu_kring_index(reg, rx);
            rx->pipe_peer = nmu_kring_index(reg, tx);
        }
    }
    nmu_port_at(reg, parent)->pipes++;
    *port = ends[*brace == '}'];
    return 0;
}

/* By the brace too: "x}1}2" is the slave of pipe 2 of "x}1", but also how the other end of
 * "x{1}2" would be written, which no name can open. */
static uint32_t find_end(struct nmu_device *dev, const char *name, uint32_t brace)
{
    const struct nmu_registry *reg = dev->reg;

    for (uint32_t i = 1; i < nmu_ports_high(reg); i++)
        if (nmu_port_at(reg, i)->kind == NMU_PIPE && nmu_port_at(reg, i)->brace == brace && !strcmp(nmu_port_at(reg, i)->name, name))
            return nmu_reap_port(dev, i) ? 0 : i;
    return 0;
}

static int pipe_lookup(struct nmu_device *dev, const char *name, const struct nmu_config *config, uint32_t *port)
{
    const char *brace = nmu_pipe_brace(name);
    char parent_name[NETMAP_REQ_IFNAMSIZ];
    uint32_t parent;
    int error;

    if (brace == name || !brace[1])
        return nmu_fail(dev, EINVAL, "%s: a pipe's name is PORT{ID or PORT}ID, and neither part may be empty", name);
    *port = find_end(dev, name, (uint32_t)(brace - name));
    if (*port)
        return 0;
    snprintf(parent_name, sizeof(parent_name), "%.*s", (int)(brace - name), name);
    error = find_parent(dev, parent_name, config, &parent);
    if (error)
        return error;
    error = make_ends(dev, name, brace, config, parent, port);
    nmu_port_put(dev, parent);
    return error;
}

/* ---- monitors ---------------------------------------------------------------------- */

static int monitor_lookup(struct nmu_device *dev, const char *name, uint64_t nr_flags, uint32_t nr_mode,
                       const struct nmu_config *config, uint32_t *port)
{
    struct nmu_registry *reg = dev->reg;
    bool zcopy = nr_flags & NR_ZCOPY_MON;
    char full[NETMAP_REQ_IFNAMSIZ];
    uint32_t watched, region, rx_rings, tx_slots, rx_slots;
    struct nmu_port *target;
    int error = nmu_lookup(dev, name, 0, nr_mode, config, &watched);

    if (error)
        return error;
    target = nmu_port_at(reg, watched);
    if (!target->users) {
        error = nmu_fail(dev, EINVAL, "%s: nobody has this port open, so there is nothing to monitor; open the port "
                         "first", name);
        nmu_port_put(dev, watched);
        return error;
    }
    rx_rings = nmu_tx_rings(target) > nmu_rx_rings(target) ? nmu_tx_rings(target) : nmu_rx_rings(target);
    tx_slots = clamp(config->tx_slots, target->tx_slots, NMU_SLOTS_MAX);
    rx_slots = clamp(config->rx_slots, target->rx_slots, NMU_SLOTS_MAX);
    region = target->region;
    if (!zcopy) {
        struct nmu_geometry geometry;

        nmu_geometry_private(dev, &geometry, 1, rx_rings, tx_slots, rx_slots, 0, 0);
        error = nmu_region_create(dev, &geometry, &region);
        if (error)
            return error;
    }
    snprintf(full, sizeof(full), "%.40s/%s%s%s#%u", name, zcopy ? "z" : "",
             zcopy || (nr_flags & NR_MONITOR_RX) ? "r" : "", zcopy || (nr_flags & NR_MONITOR_TX) ? "t" : "",
             target->monitor_count);
    error = nmu_port_create(dev, NMU_MONITOR, full, region, 1, rx_rings, tx_slots, rx_slots, port);
    if (!zcopy)
        nmu_region_release(dev, region);
    if (error)
        return error;
    nmu_port_at(reg, *port)->monitored = watched;
    nmu_port_at(reg, *port)->zcopy = zcopy;
    return 0;
}

/* ---- null ports, and all ------------------------------------------------------------- */

static int null_port(struct nmu_device *dev, const char *name, const struct nmu_config *config, uint32_t *port)
{
    char full[NETMAP_REQ_IFNAMSIZ];

    if (!config->region)
        return nmu_fail(dev, EINVAL, "%s: a null port lives in an existing memory region; name one in nr_mem_id", name);
    snprintf(full, sizeof(full), "null:%.*s", (int)sizeof(full) - 6, name);
    return nmu_port_create(dev, NMU_NULL, full, config->region, nmu_at_most(config->tx_rings, NMU_PIPE_RINGS_MAX),
                           nmu_at_most(config->rx_rings, NMU_PIPE_RINGS_MAX), nmu_at_most(config->tx_slots, NMU_SLOTS_MAX),
                           nmu_at_most(config->rx_slots, NMU_SLOTS_MAX), port);
}

int nmu_lookup(struct nmu_device *dev, const char *name, uint64_t nr_flags, uint32_t nr_mode,
               const struct nmu_config *config, uint32_t *port)
{
    if (nr_mode == NR_REG_NULL)
        return null_port(dev, name, config, port);
    if (nr_flags & MONITOR_FLAGS)
        return monitor_lookup(dev, name, nr_flags, nr_mode, config, port);
    if (nmu_pipe_brace(name))
        return pipe_lookup(dev, name, config, port);
    if (nmu_is_vale_name(name))
        return vale_lookup(dev, name, config, port);
    *port = nmu_port_find(dev, name);
    if (*port)
        return 0;
    if (nmu_is_interface(name))
        return interface_lookup(dev, name, config, port);
    return nmu_fail(dev, ENXIO, "%s: there is no such port or interface", name);
}
