/* interface: interfaces of the operating system as ports, over packet sockets. */
#ifndef NMPCAP_USERNET_INTERFACE_H
#define NMPCAP_USERNET_INTERFACE_H

#include "usernet/impl.h"

int nmu_interface_open(struct nmu_device *, const struct nmu_port *, const struct nmu_desc *);
void nmu_interface_close(struct nmu_device *);
int nmu_interface_txsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *); /* 0 or an errno value */
int nmu_interface_rxsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *);
uint64_t nmu_interface_waiting(struct nmu_device *); /* packets that no rxsync has taken from the socket yet */
int nmu_interface_news_fd(struct nmu_device *); /* readable while packets wait for rxsync; -1: not to be waited for */
int nmu_interface_fileno(struct nmu_device *);  /* the same and the wake-up socket, in one; -1: see errno */

#endif
