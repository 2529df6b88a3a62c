/* What a port is asked for: from its name and its parent to a request, in either of netmap's two forms. */
#include "netmap/request.h"

#include <stdio.h>
#include <string.h>

#include "extensions.h"
#include "device/choose.h"

/* Why a device may have answered so, where it says nothing itself. netmap(4), "ERRORS", and what the
 * kernel module tells only to its log. */
static const char *register_hint(int error)
{
    switch (error) {
    case EINVAL: return "no such ring, mode or memory region on this port, or a monitor of a port that is not open";
    case EBUSY: return "in exclusive use by another program, or owned by the kernel";
    case ENXIO: return "there is no such interface";
    case ENODEV: return "the other end of the pipe does not exist";
    case ENOMEM: return "no netmap memory, switch or switch port is left for it, or the vale name is not valid";
    case EIO: return "the port has a virtio-net header, which the request does not accept";
    case EOPNOTSUPP: return "the port does not support an option of the request (the kernel's netmap has neither "
                            "timestamps nor back-pressure)";
    default: return strerror(error);
    }
}

/* ---- from a name and a parent ------------------------------------------------------------- */

static int bad_name(struct nm_desc *d, const struct nm_portname_error *error)
{
    return nm_desc_fail(d, EINVAL, "not a port name, character %zu: %s", error->position + 1,
                        nm_portname_reason(error->fault));
}

static void apply_options(struct nm_request *rq)
{
    const struct nm_portname_options *o = &rq->options;
    struct nmreq_register *reg = &rq->reg;

    if (o->tx_rings)
        reg->nr_tx_rings = o->tx_rings;
    if (o->rx_rings)
        reg->nr_rx_rings = o->rx_rings;
    if (o->host_tx_rings)
        reg->nr_host_tx_rings = o->host_tx_rings;
    if (o->host_rx_rings)
        reg->nr_host_rx_rings = o->host_rx_rings;
    if (o->tx_slots)
        reg->nr_tx_slots = o->tx_slots;
    if (o->rx_slots)
        reg->nr_rx_slots = o->rx_slots;
}

static int parse_modern(struct nm_desc *d, struct nm_request *rq)
{
    struct nm_portname_error error = {0};
    struct nmreq_header header;
    size_t position = 0;

    if (nm_portname_header(d->spec, &position, &header, &error) ||
        nm_portname_register(d->spec, &position, &rq->reg, &error) ||
        nm_portname_options(d->spec, &position, &rq->options, &error))
        return error.fault == NM_PORTNAME_FOREIGN && error.position == 0 ? NM_DESC_FOREIGN : bad_name(d, &error);
    memcpy(rq->name, header.nr_name, sizeof(rq->name));
    apply_options(rq);
    return 0;
}

/* The legacy name of a pipe's end is a mode and a number; everything else here knows it as part of the name. */
static int parse_legacy(struct nm_desc *d, struct nm_request *rq)
{
    struct nm_portname_error error = {0};
    uint32_t mode;

    if (nm_portname_legacy(d->spec, &rq->legacy, &error))
        return error.fault == NM_PORTNAME_FOREIGN ? NM_DESC_FOREIGN : bad_name(d, &error);
    mode = rq->legacy.nr_flags & NR_REG_MASK;
    memcpy(rq->name, rq->legacy.nr_name, sizeof(rq->legacy.nr_name));
    rq->reg.nr_flags |= rq->legacy.nr_flags & ~(uint32_t)NR_REG_MASK;
    rq->reg.nr_mem_id = rq->legacy.nr_arg2 ? rq->legacy.nr_arg2 : rq->reg.nr_mem_id;
    if (mode == NR_REG_PIPE_MASTER || mode == NR_REG_PIPE_SLAVE) {
        size_t len = strlen(rq->name);

        snprintf(rq->name + len, sizeof(rq->name) - len, "%c%u", mode == NR_REG_PIPE_MASTER ? '{' : '}',
                 rq->legacy.nr_ringid);
        rq->reg.nr_mode = NR_REG_ALL_NIC;
        rq->reg.nr_ringid = 0;
    } else {
        rq->reg.nr_mode = mode;
        rq->reg.nr_ringid = rq->legacy.nr_ringid;
    }
    return 0;
}

/* What NM_OPEN_* takes over from the parent. */
static int inherit(struct nm_desc *d, const struct nm_open_args *args, struct nm_request *rq)
{
    const struct nm_desc *parent = args->parent;

    if (args->flags & NM_OPEN_IFNAME) {
        memcpy(rq->name, parent->name, sizeof(rq->name));
        rq->reg.nr_mode = parent->reg.nr_mode;
        rq->reg.nr_ringid = parent->reg.nr_ringid;
        rq->reg.nr_flags = parent->reg.nr_flags;
        if (args->legacy && strlen(rq->name) >= sizeof(rq->legacy.nr_name))
            return nm_desc_fail(d, ENAMETOOLONG, "the parent's name '%s' is too long for a legacy request", rq->name);
        if (args->legacy) {
            memcpy(rq->legacy.nr_name, rq->name, strlen(rq->name) + 1);
            rq->legacy.nr_ringid = rq->reg.nr_ringid;
            rq->legacy.nr_flags = rq->reg.nr_mode;
        }
    }
    rq->pipes = args->flags & NM_OPEN_ARG1 ? parent->pipes : rq->pipes ? rq->pipes : 4;
    if (args->flags & NM_OPEN_ARG2)
        rq->reg.nr_mem_id = parent->reg.nr_mem_id;
    if (args->flags & NM_OPEN_ARG3)
        rq->reg.nr_extra_bufs = parent->reg.nr_extra_bufs;
    if (args->flags & NM_OPEN_RING_CFG) {
        rq->reg.nr_tx_rings = parent->reg.nr_tx_rings;
        rq->reg.nr_rx_rings = parent->reg.nr_rx_rings;
        rq->reg.nr_host_tx_rings = parent->reg.nr_host_tx_rings;
        rq->reg.nr_host_rx_rings = parent->reg.nr_host_rx_rings;
        rq->reg.nr_tx_slots = parent->reg.nr_tx_slots;
        rq->reg.nr_rx_slots = parent->reg.nr_rx_slots;
    }
    return 0;
}

int nm_request_make(struct nm_desc *d, const struct nm_open_args *args, struct nm_request *rq)
{
    int error = 0;

    memset(rq, 0, sizeof(*rq));
    if (args->req)
        rq->reg = *args->req;
    rq->pipes = args->pipes;
    rq->user_options = args->options;
    rq->timestamps = args->timestamps;
    rq->backpressure = args->backpressure;
    if (args->legacy && (args->options || args->timestamps || args->backpressure))
        return nm_desc_fail(d, EINVAL, "a legacy request has no options");
    if (!(args->flags & NM_OPEN_IFNAME))
        error = args->legacy ? parse_legacy(d, rq) : parse_modern(d, rq);
    else if (!args->parent)
        error = nm_desc_fail(d, EINVAL, "NM_OPEN_IFNAME takes the name of a parent, and there is none");
    if (!error && args->parent)
        error = inherit(d, args, rq);
    rq->poll_flags = args->flags & (NETMAP_NO_TX_POLL | NETMAP_DO_RX_POLL);
    if (rq->poll_flags & NETMAP_NO_TX_POLL)
        rq->reg.nr_flags |= NR_NO_TX_POLL;
    if (rq->poll_flags & NETMAP_DO_RX_POLL)
        rq->reg.nr_flags |= NR_DO_RX_POLL;
    if (!error)
        memcpy(d->name, rq->name, sizeof(d->name));
    return error;
}

/* ---- binding ---------------------------------------------------------------------------- */

static uint64_t address(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

static int control(struct nm_device *device, const char *name, uint16_t type, uint64_t options, void *body)
{
    struct nmreq_header header = {.nr_version = NETMAP_API, .nr_reqtype = type, .nr_options = options,
                                  .nr_body = address(body)};

    memcpy(header.nr_name, name, sizeof(header.nr_name));
    return nm_device_ioctl(device, NIOCCTRL, &header);
}

/* @share: the region of another port. */
static int share_region(struct nm_desc *d, struct nm_request *rq)
{
    struct nmreq_port_info_get info = {0};
    int error = control(d->device, rq->options.share, NETMAP_REQ_PORT_INFO_GET, 0, &info);

    if (error)
        return nm_desc_fail(d, error, "asking for the memory region of '%s': %s", rq->options.share,
                            *d->device->msg ? d->device->msg : register_hint(error));
    rq->reg.nr_mem_id = info.nr_mem_id;
    return 0;
}

/* Puts an option in front of others; returns what is now the first. */
static uint64_t chain(struct nmreq_option *option, uint64_t next)
{
    option->nro_next = next;
    return address(option);
}

static int register_modern(struct nm_desc *d, struct nm_request *rq)
{
    const struct nm_portname_options *o = &rq->options;
    struct nmreq_opt_extmem extmem = {.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_EXTMEM}};
    struct nmreq_opt_offsets offsets = {.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_OFFSETS}};
    struct nmreq_option timestamps = {.nro_reqtype = NMPCAP_OPT_TIMESTAMPS};
    struct nmreq_option backpressure = {.nro_reqtype = NMPCAP_OPT_BACKPRESSURE};
    uint64_t first = rq->user_options;
    int error;

    if (o->has_offset) {
        offsets.nro_max_offset = offsets.nro_initial_offset = o->offset_initial;
        offsets.nro_offset_bits = o->offset_bits;
        first = chain(&offsets.nro_opt, first);
    }
    if (rq->timestamps)
        first = chain(&timestamps, first);
    if (rq->backpressure)
        first = chain(&backpressure, first);
    if (o->extmem_file[0]) {
        error = nm_mapping_file(o->extmem_file, &rq->extmem);
        if (error)
            return nm_desc_fail(d, error, "mapping external memory '%s': %s", o->extmem_file, strerror(error));
        extmem.nro_usrptr = address(nm_mapping_mem(rq->extmem));
        extmem.nro_info.nr_memsize = nm_mapping_length(rq->extmem);
        extmem.nro_info.nr_if_pool_objtotal = o->extmem_if_num;
        extmem.nro_info.nr_if_pool_objsize = o->extmem_if_size;
        extmem.nro_info.nr_ring_pool_objtotal = o->extmem_ring_num;
        extmem.nro_info.nr_ring_pool_objsize = o->extmem_ring_size;
        extmem.nro_info.nr_buf_pool_objtotal = o->extmem_buf_num;
        extmem.nro_info.nr_buf_pool_objsize = o->extmem_buf_size;
        first = chain(&extmem.nro_opt, first);
    }
    return control(d->device, rq->name, NETMAP_REQ_REGISTER, first, &rq->reg);
}

static int register_legacy(struct nm_desc *d, struct nm_request *rq)
{
    struct nmreq_register *reg = &rq->reg;
    struct nmreq *req = &rq->legacy;
    int error;

    req->nr_version = NETMAP_API;
    req->nr_tx_slots = reg->nr_tx_slots;
    req->nr_rx_slots = reg->nr_rx_slots;
    req->nr_tx_rings = reg->nr_tx_rings;
    req->nr_rx_rings = reg->nr_rx_rings;
    req->nr_ringid = (uint16_t)(req->nr_ringid | rq->poll_flags);
    req->nr_arg1 = rq->pipes;
    req->nr_arg2 = reg->nr_mem_id;
    req->nr_arg3 = reg->nr_extra_bufs;
    req->nr_flags |= (uint32_t)reg->nr_flags & ~(uint32_t)NR_REG_MASK;
    error = nm_device_ioctl(d->device, NIOCREGIF, req);
    if (error)
        return error;
    reg->nr_offset = req->nr_offset;
    reg->nr_memsize = req->nr_memsize;
    reg->nr_tx_slots = req->nr_tx_slots;
    reg->nr_rx_slots = req->nr_rx_slots;
    reg->nr_tx_rings = req->nr_tx_rings;
    reg->nr_rx_rings = req->nr_rx_rings;
    reg->nr_mem_id = req->nr_arg2;
    reg->nr_extra_bufs = req->nr_arg3;
    rq->pipes = req->nr_arg1;
    return 0;
}

int nm_request_bind(struct nm_desc *d, const struct nm_open_args *args, struct nm_request *rq)
{
    int error = rq->options.share[0] ? share_region(d, rq) : 0;

    if (error)
        return error;
    d->msg[0] = '\0';
    error = args->legacy ? register_legacy(d, rq) : register_modern(d, rq);
    if (error && !d->msg[0])
        nm_desc_fail(d, error, "cannot open the port (%s netmap): %s", d->netmap,
                     *d->device->msg ? d->device->msg : register_hint(error));
    if (!error) {
        d->reg = rq->reg;
        d->pipes = rq->pipes;
        d->slot_times = rq->timestamps;
        /* Beyond 255 slots the kernel's switch never returns from the sync; pipes have no such limit. */
        d->max_slots = strpbrk(d->name, "{}") ? UINT32_MAX : 255;
    }
    return error;
}
