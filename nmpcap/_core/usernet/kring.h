/* kring: steps along a ring, which lead out of none, and the room in one. */
#ifndef NMPCAP_USERNET_KRING_H
#define NMPCAP_USERNET_KRING_H

#include <stdbool.h>

#include "usernet/records.h"

static inline uint32_t nmu_next(uint32_t index, uint32_t num_slots)
{
    return index + 1 >= num_slots ? 0 : index + 1;
}

static inline uint32_t nmu_prev(uint32_t index, uint32_t num_slots)
{
    return index == 0 ? num_slots - 1 : index - 1;
}

/* Slots from a to b, going up and round. Both are below num_slots. */
static inline uint32_t nmu_distance(uint32_t a, uint32_t b, uint32_t num_slots)
{
    return b >= a ? b - a : b + num_slots - a;
}

/* Slots that can be put into a ring that others fill; under its deliver lock. */
static inline uint32_t nmu_deliver_space(const struct nmu_kring *kring)
{
    uint32_t n = nmu_slots(kring);
    /* acquire: the receiver has finished with the slots it released */
    uint32_t hwcur = NMU_POSITION_ACQUIRE(kring->hwcur, n);

    return n - 1 - nmu_distance(hwcur, NMU_POSITION(kring->hwtail, n), n);
}

#endif
