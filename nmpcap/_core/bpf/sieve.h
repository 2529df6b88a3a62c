/*
 * sieve: a test that says of most values that they are none of a set of keys.
 *
 * It takes one bit: that of the value's hash is set if a key has the same. What passes may
 * be a key, and is searched for.
 */
#ifndef NMPCAP_BPF_SIEVE_H
#define NMPCAP_BPF_SIEVE_H

#include <stdbool.h>
#include <stdint.h>

struct nm_sieve {
    uint32_t *words;
    uint32_t shift; /* the hash is what is left of a value * NM_SIEVE_FACTOR */
};

#define NM_SIEVE_FACTOR 0x9e3779b1u /* 2^32 over the golden ratio, as in Fibonacci hashing */

/* nm_sieve_init - an empty sieve, which nothing passes, with room for count keys. 0 or ENOMEM. */
int nm_sieve_init(struct nm_sieve *sieve, uint32_t count);
void nm_sieve_free(struct nm_sieve *sieve);

static inline uint32_t nm_sieve_hash(const struct nm_sieve *sieve, uint32_t value)
{
    return value * NM_SIEVE_FACTOR >> sieve->shift;
}

static inline void nm_sieve_add(struct nm_sieve *sieve, uint32_t key)
{
    uint32_t hash = nm_sieve_hash(sieve, key);

    sieve->words[hash / 32] |= 1u << hash % 32;
}

static inline bool nm_sieve_passes(const struct nm_sieve *sieve, uint32_t value)
{
    uint32_t hash = nm_sieve_hash(sieve, value);

    return sieve->words[hash / 32] >> hash % 32 & 1;
}

#endif
