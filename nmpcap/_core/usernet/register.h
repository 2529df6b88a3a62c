/* register: REGISTER and the queries about ports. All but CSB under registry.lock. */
#ifndef NMPCAP_USERNET_REGISTER_H
#define NMPCAP_USERNET_REGISTER_H

#include "usernet/impl.h"
#include "usernet/request.h"

int nmu_register(struct nmu_device *, struct nmu_request *);
int nmu_describe(struct nmu_device *, const char *name, struct nmreq_register *, uint32_t *held_region);
int nmu_csb_enable(struct nmu_device *, struct nmu_option *);

#endif
