/* poll: poll(2), a descriptor for select, and how much waits. */
#ifndef NMPCAP_USERNET_POLL_H
#define NMPCAP_USERNET_POLL_H

#include "usernet/impl.h"

void nmu_watch(struct nmu_device *); /* brings a watched fileno up to date after a sync; with dev->busy held */
int nmu_poll(struct nm_device *, short events, int timeout_ms, short *revents);
int nmu_fileno(struct nm_device *);
uint64_t nmu_waiting(struct nm_device *); /* slots that wait for the client; any thread */

#endif
