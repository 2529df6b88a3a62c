/*
 * op: an operation of a program on its way from instructions to the machines.
 *
 * A program is an array of operations. What it does next is named by index: a jump's
 * targets, and in the stages before the layout the successor of everything else, too.
 */
#ifndef NMPCAP_BPF_OP_H
#define NMPCAP_BPF_OP_H

#include <stdbool.h>

#include "bpf/opcode.h"

#define NM_BPF_MAX_CAPLEN INT32_MAX /* bytes of a packet that programs can see */

#define NM_OP_DEAD NM_OP_NONE /* not reachable; laid out nowhere */

struct nm_op {
    uint8_t operation; /* enum nm_bpf_operation */
    uint8_t dispatch;  /* the interpreter's: this operation, or one that does the next one, too */
    uint8_t local;     /* layout's own */
    uint32_t k;        /* LD_METADATA: index into nm_metadata.value; SIEVE: into nm_lowered.sieves;
                        * SEARCH: into nm_searches.list; KEY_EQ, KEY_GE: blinded, see lowered.h */
    uint32_t need;     /* reject unless caplen >= need; 0: known to be so */
    uint32_t need_x;   /* reject unless caplen >= X + need_x; 0: known to be so; then need is 0 */
    uint32_t jt, jf;   /* where a jump goes; jf: where a SIEVE goes with what does not pass; everything
                        * else goes on at jf before the layout, at the next operation after it */
};

static inline bool nm_op_branches(uint8_t operation)
{
    return (operation >= NM_OP_JEQ_K && operation <= NM_OP_JSET_X) || operation == NM_OP_KEY_EQ ||
           operation == NM_OP_KEY_GE;
}

static inline bool nm_op_jumps(uint8_t operation)
{
    return operation == NM_OP_JA || operation == NM_OP_JUMP;
}

static inline bool nm_op_returns(uint8_t operation)
{
    return operation == NM_OP_RET_K || operation == NM_OP_RET_A;
}

#endif
