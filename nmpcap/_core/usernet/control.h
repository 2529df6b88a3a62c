/* control: requests about switches, persistent ports, counters, parameters. All under registry.lock. */
#ifndef NMPCAP_USERNET_CONTROL_H
#define NMPCAP_USERNET_CONTROL_H

#include "usernet/impl.h"
#include "usernet/request.h"

int nmu_control_newif(struct nmu_device *, struct nmu_request *);
int nmu_control_delif(struct nmu_device *, struct nmu_request *);
int nmu_control_attach(struct nmu_device *, struct nmu_request *);
int nmu_control_detach(struct nmu_device *, struct nmu_request *);
int nmu_control_list(struct nmu_device *, struct nmu_request *);
int nmu_control_port_list(struct nmu_device *, struct nmu_request *);
int nmu_control_header(struct nmu_device *, struct nmu_request *, bool set);
int nmu_control_polling(struct nmu_device *, struct nmu_request *, bool enable);
int nmu_control_counters(struct nmu_device *, struct nmu_request *);
int nmu_control_parameter(struct nmu_device *, struct nmu_request *, bool set);

#endif
