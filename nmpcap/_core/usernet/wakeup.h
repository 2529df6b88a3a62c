/* wakeup: who is alive, and waking those who sleep. */
#ifndef NMPCAP_USERNET_WAKEUP_H
#define NMPCAP_USERNET_WAKEUP_H

#include "usernet/impl.h"

int nmu_wake_open(struct nmu_device *, uint32_t desc);
bool nmu_desc_alive(struct nmu_device *, uint32_t desc);
bool nmu_socket_alive(struct nmu_device *, const char *name);
void nmu_notify(struct nmu_device *, uint32_t port); /* something happened there: wake who sleeps */
void nmu_wake(struct nm_device *);

/* For those who sleep. A token is the datagram that wakes a descriptor. */
bool nmu_arm(struct nmu_device *, uint32_t port); /* enters it among a port's sleepers; false: there is no place */
void nmu_disarm(struct nmu_device *, uint32_t port);
void nmu_send_token(struct nmu_device *, uint32_t desc);
void nmu_drain_tokens(struct nmu_device *);

#endif
