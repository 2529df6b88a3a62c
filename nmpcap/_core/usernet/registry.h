/* registry: the runtime directory and its registry file. Whoever uses it has its lock: session.h. */
#ifndef NMPCAP_USERNET_REGISTRY_H
#define NMPCAP_USERNET_REGISTRY_H

#include "usernet/impl.h"

int nmu_registry_open(struct nmu_device *);  /* finds it or makes it; no lock is held */
bool nmu_registry_whole(struct nmu_device *); /* false: somebody has cut it short, or written over its head */
void nmu_registry_unmap(struct nmu_device *);
void nmu_registry_leave(struct nmu_device *); /* lets go of the directory */
void nmu_registry_remove(struct nmu_device *); /* the file, and the directory if it is ours; under its lock */
int nmu_registry_unlink_gone(struct nmu_device *); /* the same for one marked gone, if the name is still its own */
int nmu_reserve(struct nmu_device *, const void *record, size_t size); /* backs it with memory */
bool nmu_any_file(struct nmu_device *, bool (*call)(struct nmu_device *, const char *name)); /* until true */

#endif
