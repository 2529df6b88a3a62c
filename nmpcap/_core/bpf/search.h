/* search: choices of A between many constants; a stage of lowering. */
#ifndef NMPCAP_BPF_SEARCH_H
#define NMPCAP_BPF_SEARCH_H

#include "bpf/op.h"

struct nm_key {
    uint32_t value; /* less nm_searches.blind */
    uint32_t target;
    uint32_t rank; /* search.c's own */
};

/* A choice: A against keys. */
struct nm_search {
    uint32_t head;         /* the comparison it starts with */
    uint32_t first, count; /* its keys, ascending, in nm_searches.keys */
    uint32_t otherwise;    /* where A equals none of them */
};

struct nm_searches {
    struct nm_search *list;
    struct nm_key *keys;
    uint32_t count;
    uint32_t nkeys;
    uint32_t blind;
};

/* nm_bpf_searches - makes a SEARCH of each choice large enough; *searches holds the blind. 0 or ENOMEM;
 * it must be freed either way. */
int nm_bpf_searches(struct nm_op *ops, uint32_t count, struct nm_searches *searches);
void nm_searches_free(struct nm_searches *searches);

#endif
