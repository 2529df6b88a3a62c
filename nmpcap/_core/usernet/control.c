/* What vale-ctl does: persistent ports, attaching, listing, header lengths; and the requests of
 * user space alone: counters, parameters, a list of all ports. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "usernet/control.h"
#include "usernet/lookup.h"
#include "usernet/names.h"
#include "usernet/parameters.h"
#include "usernet/port.h"
#include "usernet/reap.h"
#include "usernet/region.h"
#include "usernet/request.h"
#include "usernet/switch.h"

/* ---- persistent ports -------------------------------------------------------------- */

/* The kernel's rules for the name of an interface. */
static bool valid_ifname(const char *name)
{
    if (!name[0] || strlen(name) >= NM_IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
        return false;
    for (; *name; name++)
        if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
            return false;
    return true;
}

static struct nmu_port *persistent_port(struct nmu_device *dev, const char *name, uint32_t *index)
{
    *index = nmu_port_find(dev, name);
    if (!*index || strcmp(nmu_port_at(dev->reg, *index)->ifname, name))
        return NULL;
    return nmu_port_at(dev->reg, *index);
}

int nmu_control_newif(struct nmu_device *dev, struct nmu_request *request)
{
    const char *name = request->header.nr_name;
    struct nmreq_vale_newif *newif = &request->body.newif;
    struct nmu_config config = {
        .tx_slots = newif->nr_tx_slots,
        .rx_slots = newif->nr_rx_slots,
        .tx_rings = newif->nr_tx_rings,
        .rx_rings = newif->nr_rx_rings,
    };
    struct nmu_port *port;
    uint32_t index;
    int error;

    if (nmu_is_vale_name(name) || !valid_ifname(name))
        return nmu_fail(dev, EINVAL, "'%s': a persistent port has a name of 1 to %d characters without '/', ':' and "
                        "blanks, that does not begin with '%s'", name, NM_IFNAMSIZ - 1, NM_BDG_NAME);
    if (nmu_port_find(dev, name) || nmu_is_interface(name))
        return nmu_fail(dev, EEXIST, "%s: there is a port or interface of this name", name);
    if (newif->nr_mem_id && (error = nmu_region_find(dev, newif->nr_mem_id, &config.region)))
        return error;
    error = nmu_vale_create(dev, name, &config, &index);
    if (config.region)
        nmu_region_release(dev, config.region);
    if (error)
        return error;
    port = nmu_port_at(dev->reg, index);
    snprintf(port->ifname, sizeof(port->ifname), "%.*s", (int)sizeof(port->ifname) - 1, name);
    port->persistent = 1;
    newif->nr_tx_slots = port->tx_slots;
    newif->nr_rx_slots = port->rx_slots;
    newif->nr_tx_rings = (uint16_t)port->tx_rings;
    newif->nr_rx_rings = (uint16_t)port->rx_rings;
    newif->nr_mem_id = (uint16_t)port->region;
    return 0;
}

int nmu_control_delif(struct nmu_device *dev, struct nmu_request *request)
{
    const char *name = request->header.nr_name;
    uint32_t index;
    struct nmu_port *port = persistent_port(dev, name, &index);

    if (!port && index && nmu_port_at(dev->reg, index)->automatic)
        return nmu_fail(dev, EINVAL, "%s: made for its pipes, goes with them", name);
    if (!port && nmu_is_interface(name))
        return nmu_fail(dev, EINVAL, "%s: an interface of the system, not a persistent port", name);
    if (!port)
        return nmu_fail(dev, ENXIO, "%s: there is no persistent port of this name", name);
    if (port->attached || port->users || port->pipes)
        return nmu_fail(dev, EBUSY, "%s: is %s", name,
                        port->attached ? "attached to a switch; detach it first" : "open, or has pipes");
    port->persistent = 0;
    nmu_port_put(dev, index);
    return 0;
}

/* ---- attaching --------------------------------------------------------------------- */

/*
 * A persistent port may be on two switches, as netmap's own tests have it, and no more. On the second
 * a port of its own stands for it, that nobody is behind. The first attachment goes by the port's bare
 * name meanwhile, and cannot be detached before the second.
 */
static bool is_second(const struct nmu_port *port)
{
    return port->kind == NMU_VALE && port->persistent && port->attached && !port->ifname[0];
}

static uint32_t second_attachment(const struct nmu_device *dev, const struct nmu_port *first)
{
    const struct nmu_registry *reg = dev->reg;

    for (uint32_t i = 1; first->attached && i < nmu_ports_high(reg); i++)
        if (is_second(nmu_port_at(reg, i)) && !strcmp(strchr(nmu_port_at(reg, i)->name, ':') + 1, first->ifname))
            return i;
    return 0;
}

static int attach_again(struct nmu_device *dev, const char *name, const struct nmu_port *first, uint32_t *index)
{
    struct nmu_config config = {.tx_slots = 2, .rx_slots = 2, .tx_rings = nmu_tx_rings(first), .rx_rings = nmu_rx_rings(first)};
    int error = nmu_vale_create(dev, name, &config, index);

    if (error)
        return error;
    error = nmu_switch_join(dev, name, *index);
    if (error)
        nmu_port_put(dev, *index);
    else
        nmu_port_at(dev->reg, *index)->persistent = 1;
    return error;
}

int nmu_control_attach(struct nmu_device *dev, struct nmu_request *request)
{
    const char *name = request->header.nr_name, *colon = strchr(name, ':');
    struct nmreq_vale_attach *attach = &request->body.attach;
    uint32_t index, region;
    struct nmu_port *port;
    int error;

    if (!nmu_is_vale_name(name) || !colon)
        return nmu_fail(dev, EINVAL, "%s: what to attach is given as valeX:INTERFACE", name);
    if (attach->reg.nr_mem_id) {
        if ((error = nmu_region_find(dev, attach->reg.nr_mem_id, &region)))
            return error;
        nmu_region_release(dev, region);
    }
    if (nmu_port_find(dev, name))
        return nmu_fail(dev, EBUSY, "%s: there is a port of this name on the switch", name);
    port = persistent_port(dev, colon + 1, &index);
    if (!port && nmu_is_interface(colon + 1))
        return nmu_fail(dev, EOPNOTSUPP, "%s: attaching an interface of the system needs the kernel module: in "
                        "user space no thread would move its packets. Open netmap:%s and a port of the switch, and forward "
                        "between them", name, colon + 1);
    if (!port)
        return nmu_fail(dev, EINVAL, "%s: there is no persistent port %s", name, colon + 1);
    if (port->users || second_attachment(dev, port))
        return nmu_fail(dev, EBUSY, "%s: %s is %s", name, colon + 1,
                        port->users ? "open; close it first" : "attached to two switches; detach it from one first");
    if (port->attached) {
        error = attach_again(dev, name, port, &index);
        port = nmu_port_at(dev->reg, index);
    } else {
        error = nmu_switch_join(dev, name, index);
    }
    if (error)
        return error;
    snprintf(port->name, sizeof(port->name), "%s", name);
    port->attached = 1;
    attach->port_index = port->switch_port;
    return 0;
}

int nmu_control_detach(struct nmu_device *dev, struct nmu_request *request)
{
    const char *name = request->header.nr_name;
    uint32_t index;
    struct nmu_port *port;

    if (!nmu_is_vale_name(name))
        return nmu_fail(dev, EINVAL, "%s: what to detach is given as valeX:PORT", name);
    index = nmu_port_find(dev, name);
    if (!index)
        return nmu_fail(dev, ENXIO, "%s: there is no such port", name);
    port = nmu_port_at(dev->reg, index);
    if (!port->attached || port->users)
        return nmu_fail(dev, EBUSY, "%s: is %s", name,
                        port->attached ? "open; close it first" : "not attached but opened; it goes when it is closed");
    if (second_attachment(dev, port))
        return nmu_fail(dev, ENXIO, "%s: %s is on another switch as well; detach it there first", name, port->ifname);
    request->body.detach.port_index = port->switch_port;
    port->attached = 0;
    if (!port->ifname[0]) { /* of a second attachment nothing stays */
        port->persistent = 0;
        nmu_port_put(dev, index);
        return 0;
    }
    nmu_switch_leave(dev, index);
    memset(port->name, 0, sizeof(port->name));
    memcpy(port->name, port->ifname, sizeof(port->ifname));
    return 0;
}

/* ---- listing ----------------------------------------------------------------------- */

/* The first port at or after a place, over all switches. */
static int list_next(struct nmu_device *dev, struct nmu_request *request)
{
    struct nmu_registry *reg = dev->reg;
    struct nmreq_vale_list *list = &request->body.list;
    uint32_t place = list->nr_port_idx;

    for (uint32_t i = list->nr_bridge_idx; i < NMU_SWITCHES; i++, place = 0)
        for (; nmu_switch_at(reg, i + 1)->name[0] && place < NMU_SWITCH_PORTS; place++) {
            uint32_t port = nmu_place_port(nmu_place_at(nmu_switch_at(reg, i + 1), place, memory_order_seq_cst));

            if (!port)
                continue;
            snprintf(request->header.nr_name, sizeof(request->header.nr_name), "%s",
                     second_attachment(dev, nmu_port_at(reg, port)) ? nmu_port_at(reg, port)->ifname : nmu_port_at(reg, port)->name);
            list->nr_bridge_idx = (uint16_t)i;
            list->nr_port_idx = place;
            return 0;
        }
    return nmu_fail(dev, ENOENT, "no switch has a port from there on");
}

int nmu_control_list(struct nmu_device *dev, struct nmu_request *request)
{
    const char *name = request->header.nr_name;
    struct nmreq_vale_list *list = &request->body.list;
    uint32_t id, port;
    int error;

    if (!name[0]) {
        if (!list->nr_bridge_idx && !list->nr_port_idx)
            nmu_reap(dev);
        return list_next(dev, request);
    }
    port = nmu_port_find(dev, name);
    error = nmu_switch_find(dev, name, &id);
    if (error)
        return error;
    list->nr_bridge_idx = (uint16_t)(id - 1);
    list->nr_port_idx = port ? nmu_port_at(dev->reg, port)->switch_port : NMU_NOPORT;
    return 0;
}

/* Whether the port's name is one to open it by. A pipe's may be read as that of another pipe. */
static bool has_name(const struct nmu_port *port)
{
    if (port->kind == NMU_PIPE)
        return nmu_pipe_brace(port->name) == port->name + port->brace;
    return port->kind == NMU_VALE && (port->switch_id || port->persistent);
}

int nmu_control_port_list(struct nmu_device *dev, struct nmu_request *request)
{
    struct nmreq_port_list *list = &request->body.ports;

    if (!list->index)
        nmu_reap(dev);
    for (uint32_t i = list->index ? list->index : 1; i < nmu_ports_high(dev->reg); i++) {
        const struct nmu_port *port = nmu_port_at(dev->reg, i);

        if (!has_name(port))
            continue;
        memcpy(request->header.nr_name, port->name, sizeof(request->header.nr_name));
        *list = (struct nmreq_port_list){
            .index = i,
            .users = port->users,
            .on_switch = port->switch_id != 0,
            .persistent = port->persistent,
            .pipe = port->kind == NMU_PIPE,
        };
        return 0;
    }
    return nmu_fail(dev, ENOENT, "there is no port from there on");
}

/* ---- header length, polling -------------------------------------------------------- */

static bool any_port(struct nmu_device *dev, const char *name, uint32_t *index)
{
    *index = nmu_port_find(dev, name);
    if (*index || nmu_is_interface(name))
        return true;
    for (uint32_t i = 1; i < nmu_ports_high(dev->reg); i++)
        if (nmu_port_at(dev->reg, i)->kind != NMU_FREE && !strcmp(nmu_port_at(dev->reg, i)->name, name))
            return true;
    return false;
}

int nmu_control_header(struct nmu_device *dev, struct nmu_request *request, bool set)
{
    const char *name = request->header.nr_name;
    struct nmreq_port_hdr *hdr = &request->body.hdr;
    uint32_t index;

    if (set && hdr->nr_hdr_len != 0 && hdr->nr_hdr_len != 10 && hdr->nr_hdr_len != 12)
        return nmu_fail(dev, EINVAL, "%s: a virtio header has 0, 10 or 12 bytes, not %u", name, hdr->nr_hdr_len);
    if (!any_port(dev, name, &index) || (set && !(index && nmu_port_at(dev->reg, index)->switch_id)))
        return nmu_fail(dev, ENXIO, "%s: there is no such port%s", name, set ? " on a switch" : "");
    if (set)
        nmu_port_at(dev->reg, index)->hdr_len = hdr->nr_hdr_len;
    else
        hdr->nr_hdr_len = index ? nmu_port_at(dev->reg, index)->hdr_len : 0;
    return 0;
}

int nmu_control_polling(struct nmu_device *dev, struct nmu_request *request, bool enable)
{
    const char *name = request->header.nr_name;

    if (!nmu_is_vale_name(name))
        return nmu_fail(dev, EINVAL, "%s: the port is given as valeX:INTERFACE", name);
    if (!nmu_port_find(dev, name))
        return nmu_fail(dev, ENXIO, "%s: there is no such port", name);
    return nmu_fail(dev, EOPNOTSUPP, "%s: %s polling is for attached interfaces of the system, which need the kernel "
                    "module", name, enable ? "enabling" : "disabling");
}

/* ---- counters ---------------------------------------------------------------------- */

int nmu_control_counters(struct nmu_device *dev, struct nmu_request *request)
{
    struct nmreq_port_counters *counters = &request->body.counters;

    for (uint32_t i = 1; i < nmu_ports_high(dev->reg); i++) {
        struct nmu_port *port = nmu_port_at(dev->reg, i);

        if (port->kind == NMU_FREE || (port->kind == NMU_NIC && !nmu_interface_same(port, request->header.nr_name)) ||
            (strcmp(port->name, request->header.nr_name) && strcmp(port->ifname, request->header.nr_name)))
            continue;
        counters->sent = atomic_load_explicit(&port->sent, memory_order_relaxed);
        counters->received = atomic_load_explicit(&port->received, memory_order_relaxed);
        counters->forwarded = atomic_load_explicit(&port->forwarded, memory_order_relaxed);
        counters->flooded = atomic_load_explicit(&port->flooded, memory_order_relaxed);
        counters->discarded = atomic_load_explicit(&port->discarded, memory_order_relaxed);
        counters->dropped = atomic_load_explicit(&port->dropped, memory_order_relaxed);
        return 0;
    }
    return nmu_fail(dev, ENXIO, "%s: there is no such port", request->header.nr_name);
}

/* ---- parameters -------------------------------------------------------------------- */

int nmu_control_parameter(struct nmu_device *dev, struct nmu_request *request, bool set)
{
    int which = nmu_parameter_find(request->header.nr_name);

    if (!strcmp(request->header.nr_name, "max_bridges")) { /* the module's is set when it is loaded */
        if (set)
            return nmu_fail(dev, EPERM, "parameter max_bridges: it can be read, not set");
        request->body.parameter.value = NMU_SWITCHES;
        return 0;
    }
    if (which < 0)
        return nmu_fail(dev, ENOENT, "parameter %s: there is none of this name", request->header.nr_name);
    if (set)
        return nmu_parameter_set(dev, (enum nmu_parameter)which, request->body.parameter.value);
    request->body.parameter.value = nmu_parameter(dev->reg, (enum nmu_parameter)which);
    return 0;
}
