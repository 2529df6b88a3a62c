/* sync: txsync and rxsync of all rings of a descriptor. */
#ifndef NMPCAP_USERNET_SYNC_H
#define NMPCAP_USERNET_SYNC_H

#include "usernet/impl.h"

int nmu_sync_ioctl(struct nmu_device *, bool tx); /* with dev->busy held */
short nmu_sync_poll(struct nmu_device *, short events);

#endif
