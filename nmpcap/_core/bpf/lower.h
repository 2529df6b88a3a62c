/* lower: from a checked program to the form the machines run. */
#ifndef NMPCAP_BPF_LOWER_H
#define NMPCAP_BPF_LOWER_H

#include "bpf/lowered.h"

/* nm_bpf_lower - lowers a checked program, to any blind. 0, or ENOMEM with nothing to free. */
int nm_bpf_lower(const struct nm_insn *insns, uint32_t count, uint32_t blind, struct nm_lowered *lowered);

#endif
