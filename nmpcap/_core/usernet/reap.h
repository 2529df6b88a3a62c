/* reap: what the dead have left. All under registry.lock. */
#ifndef NMPCAP_USERNET_REAP_H
#define NMPCAP_USERNET_REAP_H

#include "usernet/impl.h"

bool nmu_reap(struct nmu_device *); /* unbinds the dead; true if there were any */
bool nmu_reap_port(struct nmu_device *, uint32_t port); /* those bound to it; true if it went with them */
void nmu_reap_at_end(struct nmu_device *); /* before leaving: unless somebody is left to do it */
void nmu_reap_holder(struct nmu_device *); /* somebody died holding the lock: nothing can be believed */

#endif
