/* From a request's name to a port, in the module's order: null port, monitor, pipe, VALE port,
 * persistent port, interface of the operating system. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "usernet/usernet.h"

#define MONITOR_FLAGS (NR_MONITOR_TX | NR_MONITOR_RX | NR_ZCOPY_MON)

bool nmu_is_interface(const char *name)
{
    return strlen(name) < NM_IFNAMSIZ && if_nametoindex(name) != 0;
}

static int null_port(struct nmu_device *dev, const char *name, const struct nmu_config *config, uint32_t *port)
{
    char full[NETMAP_REQ_IFNAMSIZ];

    if (!config->region)
        return nmu_fail(dev, EINVAL, "%s: a null port lives in an existing memory region; name one in nr_mem_id", name);
    snprintf(full, sizeof(full), "null:%.*s", (int)sizeof(full) - 6, name);
    return nmu_port_create(dev, NMU_NULL, full, config->region, config->tx_rings, config->rx_rings, config->tx_slots,
                           config->rx_slots, port);
}

int nmu_lookup(struct nmu_device *dev, const char *name, uint64_t nr_flags, uint32_t nr_mode,
               const struct nmu_config *config, uint32_t *port)
{
    if (nr_mode == NR_REG_NULL)
        return null_port(dev, name, config, port);
    if (nr_flags & MONITOR_FLAGS)
        return nmu_monitor_lookup(dev, name, nr_flags, nr_mode, config, port);
    if (nmu_pipe_brace(name))
        return nmu_pipe_lookup(dev, name, config, port);
    if (nmu_is_vale_name(name))
        return nmu_vale_lookup(dev, name, config, port);
    *port = nmu_port_find(dev, name);
    if (*port)
        return 0;
    if (nmu_is_interface(name))
        return nmu_adapter_lookup(dev, name, config, port);
    return nmu_fail(dev, ENXIO, "%s: there is no such port or interface", name);
}
