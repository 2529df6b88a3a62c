/* switch: VALE switches and their ports. All under registry.lock. */
#ifndef NMPCAP_USERNET_SWITCH_H
#define NMPCAP_USERNET_SWITCH_H

#include "usernet/impl.h"

int nmu_switch_find(struct nmu_device *, const char *name, uint32_t *switch_id); /* by "vale0:..." */
int nmu_switch_join(struct nmu_device *, const char *name, uint32_t port);
void nmu_switch_leave(struct nmu_device *, uint32_t port);

#endif
