/* layout: the last stage of lowering, which writes out what the machines run. */
#ifndef NMPCAP_BPF_LAYOUT_H
#define NMPCAP_BPF_LAYOUT_H

#include "bpf/lowered.h"
#include "bpf/search.h"

/* nm_bpf_lay_out - fills an empty out from ops. 0 or ENOMEM; out must be freed either way. */
int nm_bpf_lay_out(const struct nm_op *ops, uint32_t count, const struct nm_searches *searches,
                   struct nm_lowered *out);

#endif
