/* request: what nm_desc_open asks a device for; for desc.c. */
#ifndef NMPCAP_REQUEST_H
#define NMPCAP_REQUEST_H

#include "netmap/portname.h"
#include "netmap/impl.h"

/* What a name and the caller ask for, in the form both requests are made from. */
struct nm_request {
    char name[NETMAP_REQ_IFNAMSIZ];
    struct nmreq_register reg;
    struct nmreq legacy; /* name, ring and flags as a legacy name has them */
    struct nm_portname_options options;
    struct nm_mapping *extmem;
    uint64_t user_options;
    bool timestamps;
    bool backpressure;
    uint16_t pipes;
    uint16_t poll_flags; /* NETMAP_NO_TX_POLL, NETMAP_DO_RX_POLL */
};

/* nm_request_make - fills in a request from a name or a parent, and d->name. NM_DESC_FOREIGN or an errno value. */
int nm_request_make(struct nm_desc *d, const struct nm_open_args *args, struct nm_request *rq);

/* nm_request_bind - makes the request on d->device; notes the answer in d. What it mapped on the way
 * stays in rq->extmem, the caller's to let go. */
int nm_request_bind(struct nm_desc *d, const struct nm_open_args *args, struct nm_request *rq);

#endif
