/* pool: allocation in memory regions. All under registry.lock. */
#ifndef NMPCAP_USERNET_POOL_H
#define NMPCAP_USERNET_POOL_H

#include "usernet/impl.h"

int nmu_pool_alloc(struct nmu_device *, uint32_t region, int pool, uint32_t count, uint32_t *index);
bool nmu_pool_taken(struct nmu_device *, uint32_t region, int pool, uint32_t index);
void nmu_pool_free(struct nmu_device *, uint32_t region, int pool, uint32_t index);
void nmu_pool_commit(struct nmu_device *);   /* what was allocated is referred to by its owner's records */
void nmu_pool_rollback(struct nmu_device *); /* after a death: what was allocated may not be */

#endif
