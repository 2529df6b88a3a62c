/*
 * lower: from a checked program to the form the machines run.
 *
 * In the lowered form
 *   - a load knows how much of the packet must be there: all of it that is certain to be
 *     loaded further on has been asked for at once, and what was asked for before is not
 *     asked for again (bounds.c);
 *   - a choice of A between many constants is a search (search.c), with a sieve in front;
 *   - jumps name operations, not distances; those that only led to another jump are gone,
 *     as is what cannot be reached.
 */
#ifndef NMPCAP_BPF_LOWER_H
#define NMPCAP_BPF_LOWER_H

#include <stdbool.h>

#include "bpf/opcode.h"

#define NM_BPF_MAX_CAPLEN INT32_MAX /* bytes of a packet that programs can see */

struct nm_op {
    uint8_t operation; /* enum nm_bpf_operation */
    uint8_t dispatch;  /* the interpreter's: this operation, or one that does the next one, too */
    uint8_t local;     /* layout's own */
    uint32_t k;        /* LD_METADATA: index into nm_metadata.value; SIEVE: into nm_lowered.sieves;
                        * SEARCH: into nm_searches.list */
    uint32_t need;     /* reject unless caplen >= need; 0: known to be so */
    uint32_t need_x;   /* reject unless caplen >= X + need_x; 0: known to be so; then need is 0 */
    uint32_t jt, jf;   /* where a jump goes; jf: where a SIEVE goes with what does not pass; everything
                        * else goes on to the next operation */
};

/*
 * A sieve says of most values of A that they are none of a search's keys, by one bit: that
 * of the value's hash is set if a key has the same. What goes through is searched for.
 */
struct nm_sieve {
    uint32_t *words;
    uint32_t shift; /* the hash is what is left of A * NM_SIEVE_FACTOR */
};

#define NM_SIEVE_FACTOR 0x9e3779b1u /* 2^32 over the golden ratio, as in Fibonacci hashing */

static inline uint32_t nm_sieve_hash(const struct nm_sieve *sieve, uint32_t a)
{
    return a * NM_SIEVE_FACTOR >> sieve->shift;
}

static inline bool nm_sieve_passes(const struct nm_sieve *sieve, uint32_t a)
{
    uint32_t hash = nm_sieve_hash(sieve, a);

    return sieve->words[hash / 32] >> hash % 32 & 1;
}

struct nm_lowered {
    struct nm_op *ops;
    uint32_t count;
    struct nm_sieve *sieves;
    uint32_t nsieves;
    uint16_t mem_read; /* bit n: M[n] is read somewhere */
    uint16_t metadata; /* bit n: nm_metadata.value[n] is */
};

/* nm_bpf_lower - lowers a checked program. 0 or ENOMEM. */
int nm_bpf_lower(const struct nm_insn *insns, uint32_t count, struct nm_lowered *lowered);
void nm_lowered_free(struct nm_lowered *lowered);

static inline bool nm_op_branches(uint8_t operation)
{
    return operation >= NM_OP_JEQ_K && operation <= NM_OP_JSET_X;
}

static inline bool nm_op_jumps(uint8_t operation)
{
    return operation == NM_OP_JA || operation == NM_OP_JUMP;
}

static inline bool nm_op_returns(uint8_t operation)
{
    return operation == NM_OP_RET_K || operation == NM_OP_RET_A;
}

/* ---- between the stages ------------------------------------------------------------
 * A program is an array of operations in the order of its instructions; a jump's targets
 * and, as jf, the successor of everything else are indexes into it. */

#define NM_OP_DEAD NM_OP_NONE /* not reachable; emitted nowhere */

/* nm_bpf_bounds - fills need and need_x; what can only reject becomes RET_K 0. 0 or ENOMEM. */
int nm_bpf_bounds(struct nm_op *ops, uint32_t count);

struct nm_key {
    uint32_t value;
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
};

/* nm_bpf_searches - makes a SEARCH of each choice large enough. 0 or ENOMEM. */
int nm_bpf_searches(struct nm_op *ops, uint32_t count, struct nm_searches *searches);
void nm_searches_free(struct nm_searches *searches);

#endif
