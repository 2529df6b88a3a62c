/* monitor: what watches other ports' rings. */
#ifndef NMPCAP_USERNET_MONITOR_H
#define NMPCAP_USERNET_MONITOR_H

#include "usernet/impl.h"

void nmu_monitor_start(struct nmu_device *, uint32_t port, uint64_t nr_flags);
void nmu_monitor_stop(struct nmu_device *, uint32_t port);      /* the monitor goes */
void nmu_monitor_orphan(struct nmu_device *, uint32_t port);    /* the monitored port goes */
void nmu_monitor_copy(struct nmu_device *, struct nmu_kring *, uint32_t from, uint32_t to);
void nmu_monitor_swap(struct nmu_device *, struct nmu_kring *, uint32_t from, uint32_t to);
void nmu_monitor_settle(struct nmu_device *, struct nmu_kring *); /* before the ring goes: after a death in a swap */

#endif
