/* An open port: from a name to rings, and back. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "additions.h"
#include "netmap/portname.h"
#include "netmap/state.h"
#include "nmpcap.h"

/* What a name and the caller ask for, in the form both requests are made from. */
struct request {
    char name[NETMAP_REQ_IFNAMSIZ];
    struct nmreq_register reg;
    struct nmreq legacy; /* name, ring and flags as a legacy name has them */
    struct nm_portname_options options;
    struct nm_mapping *extmem;
    uint64_t user_options;
    bool timestamps;
    bool backpressure;
    uint16_t pipes;
    uint16_t poll_flags; /* NETMAP_NO_TX_POLL, NETMAP_DO_RX_POLL */
};

int nm_desc_fail(struct nm_desc *d, int error, const char *format, ...)
{
    va_list ap;
    int n = snprintf(d->msg, sizeof(d->msg), "%.200s: ", d->spec);

    va_start(ap, format);
    vsnprintf(d->msg + n, sizeof(d->msg) - (size_t)n, format, ap);
    va_end(ap);
    return error;
}

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

/* ---- the request ------------------------------------------------------------------------ */

static int bad_name(struct nm_desc *d, const struct nm_portname_error *error)
{
    return nm_desc_fail(d, EINVAL, "not a port name, character %zu: %s", error->position + 1,
                        nm_portname_reason(error->fault));
}

static void apply_options(struct request *rq)
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

static int parse_modern(struct nm_desc *d, struct request *rq)
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
static int parse_legacy(struct nm_desc *d, struct request *rq)
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
static int inherit(struct nm_desc *d, const struct nm_open_args *args, struct request *rq)
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

static int make_request(struct nm_desc *d, const struct nm_open_args *args, struct request *rq)
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
static int share_region(struct nm_desc *d, struct request *rq)
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

static int register_modern(struct nm_desc *d, struct request *rq)
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

static int register_legacy(struct nm_desc *d, struct request *rq)
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

static int bind_port(struct nm_desc *d, const struct nm_open_args *args, struct request *rq)
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

/* ---- rings ------------------------------------------------------------------------------- */

/* The rings of one direction: the entries of ring_ofs[from, to) that are not 0. */
static struct nm_ring *find_rings(struct nm_desc *d, uint32_t from, uint32_t to, uint32_t *count)
{
    const uint8_t *mem = nm_mapping_mem(d->mapping);
    size_t length = nm_mapping_length(d->mapping);
    struct nm_ring *rings = calloc(to - from + 1, sizeof(*rings));
    uint32_t i;

    *count = 0;
    for (i = from; rings && i < to; i++) {
        struct netmap_ring *ring = (struct netmap_ring *)(void *)((char *)d->nifp + d->nifp->ring_ofs[i]);

        if (d->nifp->ring_ofs[i] == 0)
            continue;
        if (!nm_ring_init(&rings[*count], ring, mem, length)) {
            free(rings);
            return NULL;
        }
        ++*count;
    }
    return rings;
}

static int find_all_rings(struct nm_desc *d)
{
    size_t length = nm_mapping_length(d->mapping), room;
    uint64_t tx, rx;

    if (d->reg.nr_offset > length || length - d->reg.nr_offset < sizeof(*d->nifp))
        return nm_desc_fail(d, EPROTO, "the region is damaged: no room for its netmap_if");
    d->nifp = (struct netmap_if *)(void *)((char *)nm_mapping_mem(d->mapping) + d->reg.nr_offset);
    room = (length - d->reg.nr_offset - sizeof(*d->nifp)) / sizeof(d->nifp->ring_ofs[0]);
    tx = (uint64_t)d->nifp->ni_tx_rings + d->nifp->ni_host_tx_rings;
    rx = (uint64_t)d->nifp->ni_rx_rings + d->nifp->ni_host_rx_rings;
    if (tx + rx > room)
        return nm_desc_fail(d, EPROTO, "the region is damaged: a netmap_if of %llu rings",
                            (unsigned long long)(tx + rx));
    d->tx = find_rings(d, 0, (uint32_t)tx, &d->num_tx);
    d->rx = find_rings(d, (uint32_t)tx, (uint32_t)(tx + rx), &d->num_rx);
    if (!d->tx || !d->rx)
        return nm_desc_fail(d, EPROTO, "the region is damaged: a ring or its buffers lie outside it");
    return 0;
}

static void forget_rings(struct nm_desc *d)
{
    free(d->tx);
    free(d->rx);
    d->tx = d->rx = NULL;
    d->num_tx = d->num_rx = 0;
    d->nifp = NULL;
}

/* Maps the region, or takes a share in shared if that is the same one. */
static int map_region(struct nm_desc *d, struct nm_mapping *shared)
{
    int error = 0;

    if (shared)
        d->mapping = nm_mapping_ref(shared);
    else
        error = nm_mapping_open(d->device, d->reg.nr_memsize, 0, &d->mapping);
    if (error)
        return nm_desc_fail(d, error, "mapping the region of %llu bytes: %s", (unsigned long long)d->reg.nr_memsize,
                            *d->device->msg ? d->device->msg : strerror(error));
    error = find_all_rings(d);
    if (error) {
        forget_rings(d);
        nm_mapping_unref(d->mapping);
        d->mapping = NULL;
    }
    return error;
}

static bool shares_region(const struct nm_desc *d, const struct nm_desc *parent)
{
    return parent && parent->mapping && parent->netmap == d->netmap && parent->reg.nr_mem_id == d->reg.nr_mem_id;
}

int nm_desc_mmap(struct nm_desc *desc, struct nm_desc *parent)
{
    int error = 0;

    if (!nm_desc_enter(desc))
        return EBUSY;
    if (parent && parent != desc && !nm_desc_enter(parent)) {
        nm_desc_leave(desc);
        return EBUSY;
    }
    if (!desc->mapping)
        error = map_region(desc, shares_region(desc, parent) ? parent->mapping : NULL);
    if (parent && parent != desc)
        nm_desc_leave(parent);
    nm_desc_leave(desc);
    return error;
}

/* ---- open and close ------------------------------------------------------------------------ */

static void shut(struct nm_desc *d)
{
    forget_rings(d);
    if (d->mapping)
        nm_mapping_unref(d->mapping);
    if (d->device)
        d->device->ops->close(d->device);
    d->mapping = NULL;
    d->device = NULL;
}

int nm_desc_shut(struct nm_desc *desc)
{
    /* Never left: whoever comes later is sent away. */
    if (!nm_desc_enter(desc))
        return EBUSY;
    shut(desc);
    return 0;
}

void nm_desc_free(struct nm_desc *desc)
{
    shut(desc);
    free(desc->scratch);
    free(desc->spec);
    free(desc);
}

int nm_desc_close(struct nm_desc *desc)
{
    int error = desc ? nm_desc_shut(desc) : 0;

    if (desc && !error)
        nm_desc_free(desc);
    return error;
}

static int which_device(const struct nm_open_args *args)
{
    if (!args->parent)
        return args->which;
    return strcmp(args->parent->netmap, "kernel") == 0 ? 1 : 2;
}

static int open_port(struct nm_desc *d, const struct nm_open_args *args, struct request *rq)
{
    int error = make_request(d, args, rq);

    if (!error)
        error = nm_device_open(which_device(args), &d->device, d->msg);
    if (!error) {
        d->netmap = d->device->ops->name;
        error = bind_port(d, args, rq);
    }
    if (!error && (args->parent || rq->extmem || !(args->flags & NM_OPEN_NO_MMAP)))
        error = map_region(d, rq->extmem ? rq->extmem
                              : shares_region(d, args->parent) ? args->parent->mapping : NULL);
    if (rq->extmem)
        nm_mapping_unref(rq->extmem);
    return error;
}

int nm_desc_open(const struct nm_open_args *args, struct nm_desc **desc, char *msg)
{
    const char *spec = args->flags & NM_OPEN_IFNAME && args->parent ? args->parent->spec : args->name;
    struct nm_desc *d = calloc(1, sizeof(*d));
    struct request request;
    int error;

    *desc = NULL;
    msg[0] = '\0';
    if (d)
        d->spec = strdup(spec);
    if (!d || !d->spec) {
        free(d);
        snprintf(msg, NM_MSG_SIZE, "%s: no memory for a descriptor", spec);
        return ENOMEM;
    }
    snprintf(d->name, sizeof(d->name), "%s", spec);
    if (args->parent && !nm_desc_enter(args->parent)) {
        nm_desc_free(d);
        snprintf(msg, NM_MSG_SIZE, "%s: the parent is in use by another thread", spec);
        return EBUSY;
    }
    error = open_port(d, args, &request);
    if (args->parent)
        nm_desc_leave(args->parent);
    if (error) {
        memcpy(msg, d->msg, NM_MSG_SIZE);
        nm_desc_free(d);
        return error;
    }
    *desc = d;
    return 0;
}
