/* port: ports: making, binding, unbinding, removing. All under registry.lock. */
#ifndef NMPCAP_USERNET_PORT_H
#define NMPCAP_USERNET_PORT_H

#include "usernet/impl.h"
#include "usernet/kring.h"

int nmu_port_create(struct nmu_device *, enum nmu_kind, const char *name, uint32_t region, uint32_t tx_rings,
                    uint32_t rx_rings, uint32_t tx_slots, uint32_t rx_slots, uint32_t *port);
void nmu_port_remove(struct nmu_device *, uint32_t port);
void nmu_port_put(struct nmu_device *, uint32_t port); /* removes it if nothing keeps it */
int nmu_port_bind(struct nmu_device *, uint32_t port, uint32_t desc);
void nmu_port_unbind(struct nmu_device *, uint32_t desc);

#endif
