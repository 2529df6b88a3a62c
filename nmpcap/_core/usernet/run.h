/* run: requests carried out. */
#ifndef NMPCAP_USERNET_RUN_H
#define NMPCAP_USERNET_RUN_H

#include "usernet/impl.h"
#include "usernet/request.h"

int nmu_request_ctrl(struct nmu_device *, struct nmreq_header *); /* NIOCCTRL */
int nmu_request_run(struct nmu_device *, struct nmu_request *);    /* under no lock */
int nmu_legacy(struct nmu_device *, unsigned long request, struct nmreq *); /* legacy.c: NIOCGINFO, NIOCREGIF */

#endif
