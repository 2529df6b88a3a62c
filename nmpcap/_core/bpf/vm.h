/* vm: the interpreter over the lowered form. */
#ifndef NMPCAP_BPF_VM_H
#define NMPCAP_BPF_VM_H

#include "bpf/lowered.h"

/* nm_vm_prepare - once after lowering: joins operations that often follow each other. */
void nm_vm_prepare(struct nm_lowered *lowered);

/* nm_vm_run - as nm_program_run; caplen is at most NM_BPF_MAX_CAPLEN. */
uint32_t nm_vm_run(const struct nm_lowered *lowered, const uint8_t *pkt, uint32_t wirelen, uint32_t caplen,
                   const struct nm_metadata *metadata);

#endif
