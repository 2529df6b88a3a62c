/* REGISTER: binds the descriptor to a port, with the rings, options and extra buffers asked for;
 * and the two queries that make the port they ask about, if they have to, for a moment. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared.h"
#include "usernet/copyin.h"
#include "usernet/interface.h"
#include "usernet/kring.h"
#include "usernet/lock.h"
#include "usernet/lookup.h"
#include "usernet/monitor.h"
#include "usernet/pool.h"
#include "usernet/port.h"
#include "usernet/region.h"
#include "usernet/register.h"
#include "usernet/registry.h"
#include "usernet/request.h"
#include "usernet/wakeup.h"

#define CSB_ALIGN 64
#define EXTRA_BUFS_MAX (128 * 4096)

/* ---- which rings ------------------------------------------------------------------- */

static int choose_rings(struct nmu_device *dev, const struct nmu_port *port, const struct nmreq_register *reg,
                        struct nmu_desc *desc)
{
    uint32_t tx = 0, rx = 0;

    switch (reg->nr_mode) {
    case NR_REG_ALL_NIC:
    case NR_REG_NULL:
        desc->tx_last = nmu_tx_rings(port);
        desc->rx_last = nmu_rx_rings(port);
        break;
    case NR_REG_ONE_NIC:
        if (reg->nr_ringid >= port->tx_rings && reg->nr_ringid >= port->rx_rings)
            return nmu_fail(dev, EINVAL, "%s: there is no ring %u; it has %u tx and %u rx rings", port->name,
                            reg->nr_ringid, port->tx_rings, port->rx_rings);
        /* In the direction that has fewer rings, the first. */
        tx = reg->nr_ringid < port->tx_rings ? reg->nr_ringid : 0;
        rx = reg->nr_ringid < port->rx_rings ? reg->nr_ringid : 0;
        desc->tx_first = tx;
        desc->tx_last = tx + 1;
        desc->rx_first = rx;
        desc->rx_last = rx + 1;
        break;
    case NR_REG_SW:
    case NR_REG_NIC_SW:
    case NR_REG_ONE_SW:
        if (port->kind == NMU_NIC)
            return nmu_fail(dev, EOPNOTSUPP, "%s: host rings (^ and *) need the kernel module: a packet socket sees what "
                            "the host's stack sends and receives, but cannot take it away from it", port->name);
        return nmu_fail(dev, EINVAL, "%s: a port in user space has no host rings", port->name);
    default:
        return nmu_fail(dev, EINVAL, "%s: nr_mode %u is not one a request can have", port->name, reg->nr_mode);
    }
    if (reg->nr_flags & NR_TX_RINGS_ONLY)
        desc->rx_first = desc->rx_last = 0;
    if (reg->nr_flags & NR_RX_RINGS_ONLY)
        desc->tx_first = desc->tx_last = 0;
    return 0;
}

/* ---- options ----------------------------------------------------------------------- */

static int check_offsets(struct nmu_device *dev, const struct nmu_port *port, const struct nmreq_opt_offsets *o,
                         uint64_t *mask)
{
    const struct nmu_region *layout = nmu_region_layout(dev, port->region);
    uint32_t bufsize = layout ? layout->pool[NMU_POOL_BUF].objsize : 0;

    if (o->nro_offset_bits > 64)
        return nmu_fail(dev, EINVAL, "%s: offsets of %u bits", port->name, o->nro_offset_bits);
    *mask = o->nro_offset_bits == 0 || o->nro_offset_bits == 64 ? ~(uint64_t)0
                                                               : ((uint64_t)1 << o->nro_offset_bits) - 1;
    if (o->nro_max_offset > bufsize || (o->nro_max_offset & *mask) != o->nro_max_offset)
        return nmu_fail(dev, EINVAL, "%s: a maximum offset of %llu does not fit %u bits and buffers of %u bytes",
                        port->name, (unsigned long long)o->nro_max_offset, o->nro_offset_bits, bufsize);
    if (o->nro_initial_offset > o->nro_max_offset)
        return nmu_fail(dev, EINVAL, "%s: initial offset %llu is beyond the maximum of %llu", port->name,
                        (unsigned long long)o->nro_initial_offset, (unsigned long long)o->nro_max_offset);
    return 0;
}

static int offset_ring(struct nmu_device *dev, struct nmu_kring *kring, const struct nmreq_opt_offsets *o,
                       uint64_t mask)
{
    const char *name = nmu_port_at(dev->reg, kring->port)->name;
    struct netmap_ring *ring = nmu_ring(dev, kring);
    struct nmu_both both;

    if (!ring)
        return ESTALE;
    if (kring->offset_mask) { /* an earlier user's choice stands: it must be as wide and as far */
        if ((kring->offset_mask & mask) != mask || kring->offset_max < o->nro_max_offset)
            return nmu_fail(dev, EBUSY, "%s: another descriptor has asked for narrower or smaller offsets", name);
        return 0;
    }
    both = nmu_lock_both(dev, kring);
    if (!both.sync || !both.deliver) {
        nmu_unlock_both(both);
        return nmu_fail(dev, EBUSY, "%s: somebody who does not go on is in the middle of a sync of ring %u", name, kring->id);
    }
    kring->offset_max = o->nro_max_offset;
    kring->offset_mask = mask;
    nm_ring_set_offset_mask(ring, mask);
    for (uint32_t i = 0; kring->users == 1 && i < nmu_slots(kring); i++) {
        struct netmap_slot *slot = nm_slot_at(ring, i);

        nm_slot_set_ptr(slot, (nm_slot_read(slot).ptr & ~mask) | o->nro_initial_offset);
    }
    nmu_unlock_both(both);
    return 0;
}

static int apply_offsets(struct nmu_device *dev, struct nmu_port *port, const struct nmu_desc *desc,
                         const struct nmreq_opt_offsets *o)
{
    uint64_t mask = 0;
    int error = check_offsets(dev, port, o, &mask);

    for (uint32_t i = desc->tx_first; i < nmu_range(desc, true).last && !error; i++)
        error = offset_ring(dev, nmu_kring(dev->reg, port, true, i), o, mask);
    for (uint32_t i = desc->rx_first; i < nmu_range(desc, false).last && !error; i++)
        error = offset_ring(dev, nmu_kring(dev->reg, port, false, i), o, mask);
    /* A pipe's other end has the same slots, so it has the same offsets. */
    if (!error && port->kind == NMU_PIPE && !nmu_port_at(dev->reg, port->peer)->users) {
        struct nmu_port *peer = nmu_port_at(dev->reg, port->peer);

        for (uint32_t i = 0; i < nmu_tx_rings(peer) && !error; i++)
            error = offset_ring(dev, nmu_kring(dev->reg, peer, true, i), o, mask);
        for (uint32_t i = 0; i < nmu_rx_rings(peer) && !error; i++)
            error = offset_ring(dev, nmu_kring(dev->reg, peer, false, i), o, mask);
    }
    return error;
}

static int check_csb(struct nmu_device *dev, const char *name, bool exclusive, const struct nmreq_opt_csb *csb)
{
    uint8_t byte;

    if (!exclusive)
        return nmu_fail(dev, EINVAL, "%s: CSB needs the port exclusively (NR_EXCLUSIVE)", name);
    if ((csb->csb_atok | csb->csb_ktoa) % CSB_ALIGN)
        return nmu_fail(dev, EINVAL, "%s: CSB arrays must be aligned to %d bytes", name, CSB_ALIGN);
    if (nmu_copyin(&byte, csb->csb_atok, 1) || nmu_copyin(&byte, csb->csb_ktoa, 1))
        return nmu_fail(dev, EFAULT, "%s: a CSB array is at an address that cannot be read", name);
    return 0;
}

static int settle(struct nmu_option *option, int error)
{
    option->u.head.nro_status = (uint32_t)error;
    return error;
}

/* An option that this port does not have, with the reason. */
static int refuse_option(struct nmu_device *dev, const struct nmu_port *port, uint32_t option)
{
    switch (option) {
    case NMPCAP_OPT_BACKPRESSURE:
        return nmu_fail(dev, EOPNOTSUPP, "%s: back-pressure is for ports of a switch; a pipe keeps what finds no room "
                        "without it, and other ports have no receiver to wait for", port->name);
    case NMPCAP_OPT_TIMESTAMPS:
        return nmu_fail(dev, EOPNOTSUPP, "%s: time stamps are where offsets would be in a slot: one or the other",
                        port->name);
    default:
        return nmu_fail(dev, EOPNOTSUPP, "%s: option %u is unknown, or means nothing for this port", port->name, option);
    }
}

static int apply_options(struct nmu_device *dev, struct nmu_request *request, struct nmu_port *port,
                         const struct nmu_desc *desc)
{
    struct nmu_option *offsets = nmu_option_find(request, NETMAP_REQ_OPT_OFFSETS);
    struct nmu_option *csb = nmu_option_find(request, NETMAP_REQ_OPT_CSB);
    struct nmu_option *patient = nmu_option_find(request, NMPCAP_OPT_BACKPRESSURE);
    struct nmu_option *stamped = nmu_option_find(request, NMPCAP_OPT_TIMESTAMPS);
    int error;

    if (csb && (error = settle(csb, check_csb(dev, port->name, desc->exclusive, &csb->u.csb))))
        return error;
    if (offsets && !(port->kind == NMU_MONITOR && port->zcopy) &&
        (error = settle(offsets, apply_offsets(dev, port, desc, &offsets->u.offsets))))
        return error;
    if (patient && port->kind == NMU_VALE) {
        for (uint32_t i = desc->tx_first; i < nmu_range(desc, true).last; i++)
            nmu_kring(dev->reg, port, true, i)->backpressure = 1;
        settle(patient, 0);
    }
    if (stamped && !offsets) {
        for (uint32_t i = desc->rx_first; i < nmu_range(desc, false).last; i++)
            atomic_store_explicit(&nmu_kring(dev->reg, port, false, i)->timestamps, 1, memory_order_relaxed);
        settle(stamped, 0);
    }
    for (uint32_t i = 0; i < request->option_count; i++)
        if (request->options[i].u.head.nro_status)
            return refuse_option(dev, port, request->options[i].u.head.nro_reqtype);
    dev->csb |= csb != NULL;
    return 0;
}

/* ---- extra buffers ----------------------------------------------------------------- */

/* Links as many as there are, up to the number asked, into the descriptor's list. */
static int give_extra(struct nmu_device *dev, const struct nmu_port *port, const struct nmu_desc *desc,
                      uint32_t *count)
{
    uint32_t region = nmu_once(port->region), *index, free_count;
    const struct nmu_map *map = nmu_region_mapping(dev, region);
    const struct nmu_region *layout = map ? map->layout : NULL;
    uint8_t *base = map ? map->base : NULL;
    struct netmap_if *nifp;
    int error;

    if (!map)
        return ESTALE;
    nifp = (struct netmap_if *)(base + nmu_object(layout, NMU_POOL_IF, desc->if_index - 1));
    free_count = nmu_at_most(nmu_region_at(dev->reg, region)->pool[NMU_POOL_BUF].objfree,
                             layout->pool[NMU_POOL_BUF].objtotal);

    if (*count > free_count)
        *count = free_count;
    if (!*count)
        return 0;
    index = malloc(*count * sizeof(*index));
    if (!index)
        return ENOMEM;
    error = nmu_pool_alloc(dev, region, NMU_POOL_BUF, *count, index);
    for (uint32_t i = 0; i < *count && !error; i++)
        nm_buf_set_next(base + nmu_object(layout, NMU_POOL_BUF, index[i]), i + 1 < *count ? index[i + 1] : 0);
    if (!error)
        nm_if_set_bufs_head(nifp, index[0]);
    free(index);
    return error;
}

/* ---- binding ----------------------------------------------------------------------- */

static int new_desc(struct nmu_device *dev, uint32_t *index)
{
    struct nmu_registry *reg = dev->reg;
    uint32_t i = 1;
    int error;

    *index = 0;
    while (i < nmu_descs_high(reg) && nmu_desc_at(reg, i)->port)
        i++;
    if (i >= NMU_DESCS)
        return nmu_fail(dev, ENOMEM, "runtime directory %s: all %d descriptors are in use", dev->dir, NMU_DESCS - 1);
    error = nmu_reserve(dev, nmu_desc_at(reg, i), sizeof(struct nmu_desc));
    if (error)
        return error;
    atomic_store_explicit(&nmu_desc_at(reg, i)->generation, ++reg->next_generation, memory_order_relaxed);
    if (i >= nmu_descs_high(reg))
        reg->descs_high = i + 1;
    *index = i;
    return nmu_wake_open(dev, i);
}

static void drop_socket(struct nmu_device *dev)
{
    if (dev->wake_fd >= 0) {
        unlinkat(dev->dirfd, strrchr(dev->self.sun_path, '/') + 1, 0);
        close(dev->wake_fd);
    }
    dev->wake_fd = -1;
}

static int bind_port(struct nmu_device *dev, struct nmu_request *request, uint32_t port_index)
{
    struct nmreq_register *reg = &request->body.reg;
    struct nmu_port *port = nmu_port_at(dev->reg, port_index);
    struct nmu_desc range = {0}, *desc;
    uint32_t index;
    int error = choose_rings(dev, port, reg, &range);

    if (error)
        return error;
    if (port->hdr_len && !(reg->nr_flags & NR_ACCEPT_VNET_HDR))
        return nmu_fail(dev, EIO, "%s: its packets have a virtio header of %u bytes; say NR_ACCEPT_VNET_HDR if you "
                        "can deal with it", port->name, port->hdr_len);
    error = new_desc(dev, &index);
    if (error) {
        drop_socket(dev);
        return error;
    }
    desc = nmu_desc_at(dev->reg, index);
    desc->tx_first = range.tx_first;
    desc->tx_last = range.tx_last;
    desc->rx_first = range.rx_first;
    desc->rx_last = range.rx_last;
    desc->exclusive = (reg->nr_flags & NR_EXCLUSIVE) != 0;
    desc->if_index = 0;
    error = nmu_port_bind(dev, port_index, index);
    if (error) {
        drop_socket(dev);
        return error;
    }
    dev->desc = index;
    dev->nr_flags = reg->nr_flags;
    if (port->kind == NMU_NIC)
        error = nmu_interface_open(dev, port, desc);
    if (!error)
        error = apply_options(dev, request, port, desc);
    if (!error)
        error = give_extra(dev, port, desc, &reg->nr_extra_bufs);
    if (error) {
        nmu_interface_close(dev);
        nmu_port_unbind(dev, index);
        drop_socket(dev);
        dev->desc = 0;
        dev->csb = false;
        return error;
    }
    /* All is referred to by now; and from the next step on a monitor's buffers go into others' slots. */
    nmu_pool_commit(dev);
    if (port->kind == NMU_MONITOR)
        nmu_monitor_start(dev, port_index, reg->nr_flags);
    reg->nr_offset = nmu_region_layout(dev, port->region) ? nmu_object(nmu_region_layout(dev, port->region), NMU_POOL_IF, desc->if_index - 1) : 0;
    return 0;
}

static void describe_port(const struct nmu_device *dev, uint32_t index, struct nmreq_register *reg)
{
    const struct nmu_port *port = nmu_port_at(dev->reg, index);

    reg->nr_memsize = nmu_region_at(dev->reg, port->region)->memsize;
    reg->nr_mem_id = (uint16_t)port->region;
    reg->nr_tx_slots = port->tx_slots;
    reg->nr_rx_slots = port->rx_slots;
    reg->nr_tx_rings = (uint16_t)port->tx_rings;
    reg->nr_rx_rings = (uint16_t)port->rx_rings;
    /* Any interface has host rings for the module, bound or not. */
    reg->nr_host_tx_rings = reg->nr_host_rx_rings = port->kind == NMU_NIC;
}

/* Finds or makes the port, in the region asked for. */
static int find_port(struct nmu_device *dev, const char *name, const struct nmreq_register *reg, uint32_t *port,
                     uint32_t *region)
{
    struct nmu_config config = {
        .tx_slots = reg->nr_tx_slots,
        .rx_slots = reg->nr_rx_slots,
        .tx_rings = reg->nr_tx_rings,
        .rx_rings = reg->nr_rx_rings,
        .extra_bufs = reg->nr_extra_bufs,
    };
    int error;

    *region = 0;
    if (reg->nr_mem_id && (error = nmu_region_find(dev, reg->nr_mem_id, region)))
        return error;
    config.region = *region;
    error = nmu_lookup(dev, name, reg->nr_flags, reg->nr_mode, &config, port);
    if (error && *region) {
        nmu_region_release(dev, *region);
        *region = 0;
    }
    return error;
}

int nmu_register(struct nmu_device *dev, struct nmu_request *request)
{
    uint32_t port, region = 0;
    int error;

    if (dev->desc)
        return nmu_fail(dev, EBUSY, "%s: this descriptor is bound to %s already; open another one",
                        request->header.nr_name, nmu_port_at(dev->reg, nmu_desc_at(dev->reg, dev->desc)->port)->name);
    if (request->body.reg.nr_extra_bufs > EXTRA_BUFS_MAX)
        request->body.reg.nr_extra_bufs = EXTRA_BUFS_MAX;
    error = find_port(dev, request->header.nr_name, &request->body.reg, &port, &region);
    if (error)
        return error;
    error = bind_port(dev, request, port);
    if (!error)
        describe_port(dev, port, &request->body.reg);
    else
        nmu_port_put(dev, port);
    if (region)
        nmu_region_release(dev, region);
    return error;
}

/* ---- queries ----------------------------------------------------------------------- */

static void region_info(const struct nmu_device *dev, uint32_t index, struct nmreq_register *reg)
{
    memset(reg, 0, sizeof(*reg));
    reg->nr_memsize = nmu_region_at(dev->reg, index)->memsize;
    reg->nr_mem_id = (uint16_t)index;
}

/* What REGISTER would answer. Leaves the region in *held for the caller to release. */
int nmu_describe(struct nmu_device *dev, const char *name, struct nmreq_register *reg, uint32_t *held)
{
    uint32_t port;
    int error;

    if (!name[0]) {
        error = nmu_region_find(dev, reg->nr_mem_id ? reg->nr_mem_id : NMU_REGION_GLOBAL, held);
        if (!error)
            region_info(dev, *held, reg);
        return error;
    }
    reg->nr_mode = NR_REG_ALL_NIC;
    reg->nr_flags = 0;
    error = find_port(dev, name, reg, &port, held);
    if (error)
        return error;
    describe_port(dev, port, reg);
    if (!*held) {
        *held = nmu_port_at(dev->reg, port)->region;
        nmu_region_at(dev->reg, *held)->users++;
    }
    nmu_port_put(dev, port);
    return 0;
}

/* ---- CSB later than REGISTER ------------------------------------------------------- */

int nmu_csb_enable(struct nmu_device *dev, struct nmu_option *csb)
{
    const struct nmu_desc *desc;
    int error;

    if (!dev->desc)
        return settle(csb, nmu_fail(dev, ENXIO, "the descriptor is not bound to a port"));
    desc = nmu_desc_at(dev->reg, dev->desc);
    error = settle(csb, check_csb(dev, nmu_port_at(dev->reg, desc->port)->name, desc->exclusive, &csb->u.csb));
    dev->csb |= !error;
    return error;
}
