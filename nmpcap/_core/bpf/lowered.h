/*
 * lowered: the form of a program that the machines run.
 *
 * In it
 *   - a load knows how much of the packet must be there: all of it that is certain to be
 *     loaded further on has been asked for at once, and what was asked for before is not
 *     asked for again (bounds.c);
 *   - a choice of A between many constants is a search (search.c), with a sieve in front;
 *     KEY_EQ and KEY_GE compare A - blind with keys from which blind has been taken, too;
 *   - jumps name operations, not distances; those that only led to another jump are gone,
 *     as is what cannot be reached.
 */
#ifndef NMPCAP_BPF_LOWERED_H
#define NMPCAP_BPF_LOWERED_H

#include "bpf/op.h"
#include "bpf/sieve.h"

struct nm_lowered {
    struct nm_op *ops;
    uint32_t count;
    struct nm_sieve *sieves;
    uint32_t nsieves;
    uint32_t blind;    /* what keys that stand in machine code are hidden by, or 0 */
    uint16_t mem_read; /* bit n: M[n] is read somewhere */
    uint16_t metadata; /* bit n: nm_metadata.value[n] is */
};

void nm_lowered_free(struct nm_lowered *lowered);

#endif
