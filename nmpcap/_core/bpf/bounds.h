/* bounds: how much of the packet each load must find; a stage of lowering. */
#ifndef NMPCAP_BPF_BOUNDS_H
#define NMPCAP_BPF_BOUNDS_H

#include "bpf/op.h"

/* nm_bpf_bounds - fills need and need_x; what can only reject becomes RET_K 0. 0 or ENOMEM. */
int nm_bpf_bounds(struct nm_op *ops, uint32_t count);

#endif
