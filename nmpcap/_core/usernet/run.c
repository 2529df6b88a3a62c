/* Carries out one decoded request, under the registry's lock. */
#include <errno.h>
#include <string.h>

#include "usernet/control.h"
#include "usernet/reap.h"
#include "usernet/region.h"
#include "usernet/register.h"
#include "usernet/request.h"
#include "usernet/run.h"
#include "usernet/session.h"

#define CSB_ONLY "kernel sync loops and CSB rings are for hypervisors; user space has none"

static int port_info(struct nmu_device *dev, struct nmu_request *request)
{
    struct nmreq_port_info_get *info = &request->body.info;
    struct nmreq_register reg = {
        .nr_tx_slots = info->nr_tx_slots,
        .nr_rx_slots = info->nr_rx_slots,
        .nr_tx_rings = info->nr_tx_rings,
        .nr_rx_rings = info->nr_rx_rings,
        .nr_mem_id = info->nr_mem_id,
    };
    uint32_t region;
    int error = nmu_describe(dev, request->header.nr_name, &reg, &region);

    if (error)
        return error;
    info->nr_memsize = reg.nr_memsize;
    info->nr_tx_slots = reg.nr_tx_slots;
    info->nr_rx_slots = reg.nr_rx_slots;
    info->nr_tx_rings = reg.nr_tx_rings;
    info->nr_rx_rings = reg.nr_rx_rings;
    info->nr_host_tx_rings = reg.nr_host_tx_rings;
    info->nr_host_rx_rings = reg.nr_host_rx_rings;
    info->nr_mem_id = reg.nr_mem_id;
    nmu_region_release(dev, region);
    return 0;
}

static int pools_info(struct nmu_device *dev, struct nmu_request *request)
{
    struct nmreq_pools_info *info = &request->body.pools;
    struct nmreq_register reg = {.nr_mem_id = info->nr_mem_id};
    const struct nmu_pool *pool;
    uint32_t region;
    int error;

    if (!request->header.nr_name[0])
        return nmu_fail(dev, ENXIO, "a query of memory pools names a port");
    error = nmu_describe(dev, request->header.nr_name, &reg, &region);
    if (error)
        return error;
    pool = nmu_region_at(dev->reg, region)->pool;
    info->nr_memsize = reg.nr_memsize;
    info->nr_mem_id = (uint16_t)region;
    info->nr_if_pool_offset = pool[NMU_POOL_IF].offset;
    info->nr_if_pool_objtotal = pool[NMU_POOL_IF].objtotal;
    info->nr_if_pool_objsize = pool[NMU_POOL_IF].objsize;
    info->nr_ring_pool_offset = pool[NMU_POOL_RING].offset;
    info->nr_ring_pool_objtotal = pool[NMU_POOL_RING].objtotal;
    info->nr_ring_pool_objsize = pool[NMU_POOL_RING].objsize;
    info->nr_buf_pool_offset = pool[NMU_POOL_BUF].offset;
    info->nr_buf_pool_objtotal = pool[NMU_POOL_BUF].objtotal;
    info->nr_buf_pool_objsize = pool[NMU_POOL_BUF].objsize;
    nmu_region_release(dev, region);
    return 0;
}

static int run(struct nmu_device *dev, struct nmu_request *request)
{
    switch (request->header.nr_reqtype) {
    case NETMAP_REQ_REGISTER: return nmu_register(dev, request);
    case NETMAP_REQ_PORT_INFO_GET: return port_info(dev, request);
    case NETMAP_REQ_POOLS_INFO_GET: return pools_info(dev, request);
    case NETMAP_REQ_VALE_ATTACH: return nmu_control_attach(dev, request);
    case NETMAP_REQ_VALE_DETACH: return nmu_control_detach(dev, request);
    case NETMAP_REQ_VALE_LIST: return nmu_control_list(dev, request);
    case NETMAP_REQ_PORT_HDR_SET: return nmu_control_header(dev, request, true);
    case NETMAP_REQ_PORT_HDR_GET: return nmu_control_header(dev, request, false);
    case NETMAP_REQ_VALE_NEWIF: return nmu_control_newif(dev, request);
    case NETMAP_REQ_VALE_DELIF: return nmu_control_delif(dev, request);
    case NETMAP_REQ_VALE_POLLING_ENABLE: return nmu_control_polling(dev, request, true);
    case NETMAP_REQ_VALE_POLLING_DISABLE: return nmu_control_polling(dev, request, false);
    case NMPCAP_REQ_PORT_COUNTERS_GET: return nmu_control_counters(dev, request);
    case NMPCAP_REQ_PORT_LIST: return nmu_control_port_list(dev, request);
    case NMPCAP_REQ_PARAMETER_GET: return nmu_control_parameter(dev, request, false);
    default: return nmu_control_parameter(dev, request, true);
    }
}

/* What a failed request may owe to a process that died is worth another try once that is buried: a name or a pipe that
 * is taken, room, a port or an interface in the way. Lists end with an error, and looked for the dead as they began. */
static bool worth_another(int error, uint16_t type)
{
    return error && type != NETMAP_REQ_VALE_LIST && type != NMPCAP_REQ_PORT_LIST;
}

int nmu_request_run(struct nmu_device *dev, struct nmu_request *request)
{
    struct nmu_option *csb = nmu_option_find(request, NETMAP_REQ_OPT_CSB);
    uint16_t type = request->header.nr_reqtype;
    int error;

    if (type == NETMAP_REQ_SYNC_KLOOP_STOP)
        return dev->desc ? 0 : nmu_fail(dev, ENXIO, "the descriptor is not bound to a port");
    if (type == NETMAP_REQ_SYNC_KLOOP_START)
        return !dev->desc ? nmu_fail(dev, ENXIO, "the descriptor is not bound to a port")
                          : nmu_fail(dev, dev->csb ? EOPNOTSUPP : EINVAL, CSB_ONLY);
    if (type == NETMAP_REQ_CSB_ENABLE) {
        if (!csb)
            return nmu_fail(dev, EINVAL, "CSB_ENABLE comes with the CSB option");
        return nmu_csb_enable(dev, csb);
    }
    error = nmu_session_begin(dev);
    if (error)
        return error;
    error = run(dev, request);
    if (worth_another(error, type) && nmu_reap(dev)) {
        dev->device.msg[0] = '\0';
        error = run(dev, request);
    }
    nmu_session_end(dev);
    return error;
}

int nmu_request_ctrl(struct nmu_device *dev, struct nmreq_header *header)
{
    struct nmu_request request;
    int error = nmu_request_read(dev, header, &request);

    if (!error) {
        error = nmu_request_run(dev, &request);
        request.checked = true;
    }
    return nmu_request_answer(&request, header, error);
}
