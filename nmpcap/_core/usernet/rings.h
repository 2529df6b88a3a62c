/* rings: rings as clients see them. All under registry.lock. */
#ifndef NMPCAP_USERNET_RINGS_H
#define NMPCAP_USERNET_RINGS_H

#include "usernet/impl.h"

int nmu_rings_make(struct nmu_device *, struct nmu_port *, const struct nmu_desc *);
void nmu_rings_free(struct nmu_device *, struct nmu_port *);

#endif
