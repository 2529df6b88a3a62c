/* kring: the rings of ports and of descriptors, and steps along one. */
#ifndef NMPCAP_USERNET_KRING_H
#define NMPCAP_USERNET_KRING_H

#include <stdbool.h>

#include "usernet/layout.h"

static inline struct nmu_kring *nmu_kring(struct nmu_registry *reg, const struct nmu_port *port, bool tx,
                                          uint32_t ring)
{
    return &reg->krings[port->krings + (tx ? ring : port->tx_rings + ring)];
}

static inline uint32_t nmu_kring_index(const struct nmu_registry *reg, const struct nmu_kring *kring)
{
    return (uint32_t)(kring - reg->krings);
}

/* The rings of one direction that a descriptor is bound to: [first, last). */
struct nmu_range {
    bool tx;
    uint32_t first, last;
};

static inline void nmu_ranges(const struct nmu_desc *desc, struct nmu_range range[2])
{
    range[0] = (struct nmu_range){true, desc->tx_first, desc->tx_last};
    range[1] = (struct nmu_range){false, desc->rx_first, desc->rx_last};
}

static inline uint32_t nmu_next(uint32_t index, uint32_t num_slots)
{
    return index + 1 == num_slots ? 0 : index + 1;
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

/* Puts slots into a ring that others fill. All under the ring's deliver lock. */
static inline uint32_t nmu_deliver_space(const struct nmu_kring *kring)
{
    /* acquire: the receiver has finished with the slots it released */
    uint32_t hwcur = atomic_load_explicit(&kring->hwcur, memory_order_acquire);
    uint32_t hwtail = atomic_load_explicit(&kring->hwtail, memory_order_relaxed);
    uint32_t used = hwtail >= hwcur ? hwtail - hwcur : hwtail + kring->num_slots - hwcur;

    return kring->num_slots - 1 - used;
}

#endif
