/* request: NIOCCTRL's header, body and options, read from the caller's memory and answered there. */
#ifndef NMPCAP_USERNET_REQUEST_H
#define NMPCAP_USERNET_REQUEST_H

#include "usernet/impl.h"

/* One decoded request: the header's name, the body in local memory, the options' statuses. */
struct nmu_request {
    struct nmreq_header header;
    union {
        struct nmreq_register reg;
        struct nmreq_port_info_get info;
        struct nmreq_vale_attach attach;
        struct nmreq_vale_detach detach;
        struct nmreq_vale_list list;
        struct nmreq_port_hdr hdr;
        struct nmreq_vale_newif newif;
        struct nmreq_vale_polling polling;
        struct nmreq_pools_info pools;
        struct nmreq_sync_kloop_start kloop;
        struct nmreq_port_counters counters;
        struct nmreq_parameter parameter;
        struct nmreq_port_list ports;
    } body;
    struct nmu_option *options;
    uint32_t option_count;
    size_t size;  /* of the body */
    bool checked; /* the options' statuses are to be written back */
};

struct nmu_option {
    uint64_t address;
    union {
        struct nmreq_option head;
        struct nmreq_opt_offsets offsets;
        struct nmreq_opt_csb csb;
        struct nmreq_opt_sync_kloop_mode mode;
        struct nmreq_opt_extmem extmem;
    } u;
};

/* Reads a request; nmu_request_answer has to follow, whatever came of it. */
int nmu_request_read(struct nmu_device *, const struct nmreq_header *, struct nmu_request *);

/* Writes back what there is to answer, and frees the request; the error that the call ends with. */
int nmu_request_answer(struct nmu_request *, struct nmreq_header *, int error);

struct nmu_option *nmu_option_find(struct nmu_request *, uint32_t type);

#endif
