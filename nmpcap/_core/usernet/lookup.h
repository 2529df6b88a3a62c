/* lookup: from names to ports. Under registry.lock. */
#ifndef NMPCAP_USERNET_LOOKUP_H
#define NMPCAP_USERNET_LOOKUP_H

#include "usernet/impl.h"

struct nmu_config { /* what a request asks of a port that has to be made; 0: default */
    uint32_t tx_slots, rx_slots, tx_rings, rx_rings;
    uint32_t extra_bufs;
    uint32_t region; /* from mem_id; 0: a private one */
};

/* Finds the port a request names, making it where netmap would. The caller puts it back. */
int nmu_lookup(struct nmu_device *, const char *name, uint64_t nr_flags, uint32_t nr_mode,
               const struct nmu_config *, uint32_t *port);

/* A port that is there, and not the dead's alone; 0: none. */
uint32_t nmu_port_find(struct nmu_device *, const char *name);

/* A VALE port on no switch, in a region of its own unless the request names one. */
int nmu_vale_create(struct nmu_device *, const char *name, const struct nmu_config *, uint32_t *port);

bool nmu_interface_same(const struct nmu_port *, const char *name); /* the interface this name means now */

#endif
