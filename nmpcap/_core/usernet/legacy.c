/*
 * The two requests of old programs, in terms of today's: NIOCREGIF and NIOCGINFO with a struct
 * nmreq, whose nr_cmd says what else it may mean.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "usernet/request.h"
#include "usernet/run.h"

static void header_of(const struct nmreq *nmr, uint16_t type, struct nmu_request *request)
{
    memset(request, 0, sizeof(*request));
    request->header.nr_version = NETMAP_API;
    request->header.nr_reqtype = type;
    snprintf(request->header.nr_name, sizeof(request->header.nr_name), "%.*s", (int)sizeof(nmr->nr_name) - 1,
             nmr->nr_name);
}

static void name_back(const struct nmu_request *request, struct nmreq *nmr)
{
    memset(nmr->nr_name, 0, sizeof(nmr->nr_name));
    snprintf(nmr->nr_name, sizeof(nmr->nr_name), "%.*s", (int)sizeof(nmr->nr_name) - 1, request->header.nr_name);
}


/* ---- register ---------------------------------------------------------------------- */

static void mode_of(const struct nmreq *nmr, struct nmu_request *request)
{
    struct nmreq_register *reg = &request->body.reg;
    size_t length = strlen(request->header.nr_name), room = sizeof(request->header.nr_name) - length;

    reg->nr_mode = nmr->nr_flags & NR_REG_MASK;
    reg->nr_ringid = nmr->nr_ringid & NETMAP_RING_MASK;
    if (reg->nr_mode == NR_REG_DEFAULT) {
        reg->nr_mode = nmr->nr_ringid & NETMAP_HW_RING && nmr->nr_ringid & NETMAP_SW_RING ? NR_REG_SW
                       : nmr->nr_ringid & NETMAP_HW_RING                                  ? NR_REG_ONE_NIC
                       : nmr->nr_ringid & NETMAP_SW_RING                                  ? NR_REG_SW
                                                                                          : NR_REG_ALL_NIC;
    } else if (reg->nr_mode == NR_REG_PIPE_MASTER || reg->nr_mode == NR_REG_PIPE_SLAVE) {
        snprintf(request->header.nr_name + length, room, "%c%u", reg->nr_mode == NR_REG_PIPE_MASTER ? '{' : '}',
                 reg->nr_ringid);
        reg->nr_mode = NR_REG_ALL_NIC;
        reg->nr_ringid = 0;
    }
    reg->nr_flags = nmr->nr_flags & ~(uint32_t)NR_REG_MASK;
    if (nmr->nr_ringid & NETMAP_NO_TX_POLL)
        reg->nr_flags |= NR_NO_TX_POLL;
    if (nmr->nr_ringid & NETMAP_DO_RX_POLL)
        reg->nr_flags |= NR_DO_RX_POLL;
}

static int legacy_register(struct nmu_device *dev, struct nmreq *nmr)
{
    struct nmu_request request;
    struct nmreq_register *reg = &request.body.reg;
    int error;

    header_of(nmr, NETMAP_REQ_REGISTER, &request);
    reg->nr_tx_slots = nmr->nr_tx_slots;
    reg->nr_rx_slots = nmr->nr_rx_slots;
    reg->nr_tx_rings = nmr->nr_tx_rings;
    reg->nr_rx_rings = nmr->nr_rx_rings;
    reg->nr_mem_id = nmr->nr_arg2;
    reg->nr_extra_bufs = nmr->nr_arg3;
    mode_of(nmr, &request);
    error = nmu_request_run(dev, &request);
    if (error)
        return error;
    nmr->nr_offset = (uint32_t)reg->nr_offset;
    nmr->nr_memsize = (uint32_t)reg->nr_memsize;
    nmr->nr_tx_slots = reg->nr_tx_slots;
    nmr->nr_rx_slots = reg->nr_rx_slots;
    nmr->nr_tx_rings = reg->nr_tx_rings;
    nmr->nr_rx_rings = reg->nr_rx_rings;
    nmr->nr_arg2 = reg->nr_mem_id;
    nmr->nr_arg3 = reg->nr_extra_bufs;
    return 0;
}

/* ---- queries ----------------------------------------------------------------------- */

static int legacy_info(struct nmu_device *dev, struct nmreq *nmr)
{
    struct nmu_request request;
    struct nmreq_port_info_get *info = &request.body.info;
    int error;

    header_of(nmr, NETMAP_REQ_PORT_INFO_GET, &request);
    info->nr_tx_slots = nmr->nr_tx_slots;
    info->nr_rx_slots = nmr->nr_rx_slots;
    info->nr_tx_rings = nmr->nr_tx_rings;
    info->nr_rx_rings = nmr->nr_rx_rings;
    info->nr_mem_id = nmr->nr_arg2;
    error = nmu_request_run(dev, &request);
    if (error)
        return error;
    nmr->nr_memsize = (uint32_t)info->nr_memsize;
    nmr->nr_tx_slots = info->nr_tx_slots;
    nmr->nr_rx_slots = info->nr_rx_slots;
    nmr->nr_tx_rings = info->nr_tx_rings;
    nmr->nr_rx_rings = info->nr_rx_rings;
    nmr->nr_arg2 = info->nr_mem_id;
    return 0;
}

static int legacy_list(struct nmu_device *dev, struct nmreq *nmr)
{
    struct nmu_request request;
    int error;

    header_of(nmr, NETMAP_REQ_VALE_LIST, &request);
    request.body.list.nr_bridge_idx = nmr->nr_arg1;
    request.body.list.nr_port_idx = nmr->nr_arg2;
    error = nmu_request_run(dev, &request);
    if (error)
        return error;
    name_back(&request, nmr);
    nmr->nr_arg1 = request.body.list.nr_bridge_idx;
    nmr->nr_arg2 = (uint16_t)request.body.list.nr_port_idx;
    return 0;
}

/* ---- switches ---------------------------------------------------------------------- */

static int legacy_attach(struct nmu_device *dev, struct nmreq *nmr, bool attach)
{
    struct nmu_request request;
    int error;

    header_of(nmr, attach ? NETMAP_REQ_VALE_ATTACH : NETMAP_REQ_VALE_DETACH, &request);
    if (attach) {
        request.body.attach.reg.nr_mem_id = nmr->nr_arg2;
        request.body.attach.reg.nr_mode = nmr->nr_arg1 & NETMAP_BDG_HOST ? NR_REG_NIC_SW : NR_REG_ALL_NIC;
    }
    error = nmu_request_run(dev, &request);
    if (!error) /* the port's place on the switch */
        nmr->nr_arg2 = (uint16_t)(attach ? request.body.attach.port_index : request.body.detach.port_index);
    return error;
}

static int legacy_newif(struct nmu_device *dev, struct nmreq *nmr)
{
    struct nmu_request request;
    struct nmreq_vale_newif *newif = &request.body.newif;
    int error;

    header_of(nmr, NETMAP_REQ_VALE_NEWIF, &request);
    newif->nr_tx_slots = nmr->nr_tx_slots;
    newif->nr_rx_slots = nmr->nr_rx_slots;
    newif->nr_tx_rings = nmr->nr_tx_rings;
    newif->nr_rx_rings = nmr->nr_rx_rings;
    newif->nr_mem_id = nmr->nr_arg2;
    error = nmu_request_run(dev, &request);
    if (error)
        return error;
    nmr->nr_tx_slots = newif->nr_tx_slots;
    nmr->nr_rx_slots = newif->nr_rx_slots;
    nmr->nr_tx_rings = newif->nr_tx_rings;
    nmr->nr_rx_rings = newif->nr_rx_rings;
    nmr->nr_arg2 = newif->nr_mem_id;
    return 0;
}

static int legacy_header(struct nmu_device *dev, struct nmreq *nmr, bool set)
{
    struct nmu_request request;
    int error;

    header_of(nmr, set ? NETMAP_REQ_PORT_HDR_SET : NETMAP_REQ_PORT_HDR_GET, &request);
    request.body.hdr.nr_hdr_len = nmr->nr_arg1;
    error = nmu_request_run(dev, &request);
    if (!error && !set)
        nmr->nr_arg1 = (uint16_t)request.body.hdr.nr_hdr_len;
    return error;
}

static int legacy_bare(struct nmu_device *dev, struct nmreq *nmr, uint16_t type)
{
    struct nmu_request request;

    header_of(nmr, type, &request);
    return nmu_request_run(dev, &request);
}

/* ---- the two ioctls ---------------------------------------------------------------- */

static int regif(struct nmu_device *dev, struct nmreq *nmr)
{
    switch (nmr->nr_cmd) {
    case 0: return legacy_register(dev, nmr);
    case NETMAP_BDG_ATTACH: return legacy_attach(dev, nmr, true);
    case NETMAP_BDG_DETACH: return legacy_attach(dev, nmr, false);
    case NETMAP_BDG_VNET_HDR: return legacy_header(dev, nmr, true);
    case NETMAP_VNET_HDR_GET: return legacy_header(dev, nmr, false);
    case NETMAP_BDG_NEWIF: return legacy_newif(dev, nmr);
    case NETMAP_BDG_DELIF: return legacy_bare(dev, nmr, NETMAP_REQ_VALE_DELIF);
    case NETMAP_BDG_POLLING_ON: return legacy_bare(dev, nmr, NETMAP_REQ_VALE_POLLING_ENABLE);
    case NETMAP_BDG_POLLING_OFF: return legacy_bare(dev, nmr, NETMAP_REQ_VALE_POLLING_DISABLE);
    case NETMAP_PT_HOST_CREATE:
    case NETMAP_PT_HOST_DELETE:
        /* the module answers so since it has given these up */
        return nmu_fail(dev, ENOMEM, "%.16s: nr_cmd %u is no longer supported", nmr->nr_name, nmr->nr_cmd);
    default: return nmu_fail(dev, EINVAL, "%.16s: nr_cmd %u is unknown to NIOCREGIF", nmr->nr_name, nmr->nr_cmd);
    }
}

int nmu_legacy(struct nmu_device *dev, unsigned long ioctl, struct nmreq *nmr)
{
    if (nmr->nr_version < NETMAP_MIN_API)
        return nmu_fail(dev, EINVAL, "%.16s: request for API version %u; this is %u", nmr->nr_name, nmr->nr_version,
                        NETMAP_API);
    nmr->nr_name[sizeof(nmr->nr_name) - 1] = '\0';
    if (ioctl == NIOCREGIF)
        return regif(dev, nmr);
    return nmr->nr_cmd == NETMAP_BDG_LIST ? legacy_list(dev, nmr) : legacy_info(dev, nmr);
}
