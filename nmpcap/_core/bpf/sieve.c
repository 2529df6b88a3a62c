/* The size of a sieve, and its memory. */
#include <errno.h>
#include <stdlib.h>

#include "bpf/sieve.h"

int nm_sieve_init(struct nm_sieve *sieve, uint32_t count)
{
    uint32_t log = 6;

    /* Sixteen bits a key: one value in sixteen that is no key is searched for all the same. */
    while (log < 31 && 1u << log < (uint64_t)count * 16)
        log++;
    sieve->shift = 32 - log;
    sieve->words = calloc((size_t)1 << (log - 5), sizeof(*sieve->words));
    return sieve->words ? 0 : ENOMEM;
}

void nm_sieve_free(struct nm_sieve *sieve)
{
    free(sieve->words);
}
