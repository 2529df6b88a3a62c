/*
 * records: the registry's tables, reached by index.
 *
 * Whoever may write into the runtime directory may write anything into the registry, at any moment. So no file but this
 * one reaches into a table, and every index, count and position that comes from there is bounded on its way to its use:
 * what is out of bounds becomes record 0, which is nobody's, or position 0. What it then means is garbage like any other,
 * and ends as an error, or as packets lost to those who share the directory; it never leads out of the tables.
 *
 * A bound must hold for what is used: nmu_once keeps the compiler from reading a value again after its check.
 */
#ifndef NMPCAP_USERNET_RECORDS_H
#define NMPCAP_USERNET_RECORDS_H

#include <stdbool.h>

#include "usernet/layout.h"

static inline uint32_t nmu_once(uint32_t value)
{
    __asm__("" : "+r"(value));
    return value;
}

/* The value where it is below the limit; else 0. */
static inline uint32_t nmu_below(uint32_t value, uint32_t limit)
{
    value = nmu_once(value);
    return value < limit ? value : 0;
}

/* The value, or the most there can be. */
static inline uint32_t nmu_at_most(uint32_t value, uint32_t most)
{
    value = nmu_once(value);
    return value < most ? value : most;
}

/* ---- tables -------------------------------------------------------------------------- */

/* A record may be written to through a registry that the caller only reads. */
#define NMU_RECORD(type, table, index, size) \
    ((type *)(uintptr_t)&(table)[nmu_below(index, size)])

static inline struct nmu_port *nmu_port_at(const struct nmu_registry *reg, uint32_t index)
{
    return NMU_RECORD(struct nmu_port, reg->ports, index, NMU_PORTS);
}

static inline struct nmu_kring *nmu_kring_at(const struct nmu_registry *reg, uint32_t index)
{
    return NMU_RECORD(struct nmu_kring, reg->krings, index, NMU_KRINGS);
}

static inline struct nmu_region *nmu_region_at(const struct nmu_registry *reg, uint32_t index)
{
    return NMU_RECORD(struct nmu_region, reg->regions, index, NMU_REGIONS);
}

static inline struct nmu_desc *nmu_desc_at(const struct nmu_registry *reg, uint32_t index)
{
    return NMU_RECORD(struct nmu_desc, reg->descs, index, NMU_DESCS);
}

static inline struct nmu_switch *nmu_switch_at(const struct nmu_registry *reg, uint32_t index)
{
    return NMU_RECORD(struct nmu_switch, reg->switches, index, NMU_SWITCHES + 1);
}

/* One above the highest record in use. */
static inline uint32_t nmu_ports_high(const struct nmu_registry *reg)
{
    return nmu_at_most(reg->ports_high, NMU_PORTS);
}

static inline uint32_t nmu_descs_high(const struct nmu_registry *reg)
{
    return nmu_at_most(reg->descs_high, NMU_DESCS);
}

static inline uint32_t nmu_regions_high(const struct nmu_registry *reg)
{
    return nmu_at_most(reg->regions_high, NMU_REGIONS);
}

/* ---- ports --------------------------------------------------------------------------- */

static inline uint32_t nmu_tx_rings(const struct nmu_port *port)
{
    return nmu_at_most(port->tx_rings, NMU_PIPE_RINGS_MAX);
}

static inline uint32_t nmu_rx_rings(const struct nmu_port *port)
{
    return nmu_at_most(port->rx_rings, NMU_PIPE_RINGS_MAX);
}

/* Bytes of its packets' virtio-net header: 0, 10 or 12. */
static inline uint32_t nmu_hdr_len(struct nmu_port *port)
{
    uint32_t len = atomic_load_explicit(&port->hdr_len, memory_order_relaxed);

    return len == 10 || len == 12 ? len : 0;
}

/* The i-th of a port's krings, tx rings first. */
static inline uint32_t nmu_port_kring(const struct nmu_port *port, uint32_t i)
{
    return nmu_once(port->krings) % NMU_KRINGS + i;
}

static inline struct nmu_kring *nmu_kring(const struct nmu_registry *reg, const struct nmu_port *port, bool tx,
                                          uint32_t ring)
{
    return nmu_kring_at(reg, nmu_port_kring(port, tx ? ring : nmu_tx_rings(port) + ring));
}

static inline uint32_t nmu_kring_index(const struct nmu_registry *reg, const struct nmu_kring *kring)
{
    return (uint32_t)(kring - reg->krings);
}

/* Steps along a list of records, after which it goes round in a circle. */
#define NMU_HOPS NMU_PORTS

/* ---- switches ------------------------------------------------------------------------ */

/* One above the highest place in use. */
static inline uint32_t nmu_highest(struct nmu_switch *sw)
{
    return nmu_at_most(atomic_load_explicit(&sw->highest, memory_order_relaxed), NMU_SWITCH_PORTS);
}

/* What a switch knows of the port at a place. */
static inline uint64_t nmu_place_at(struct nmu_switch *sw, uint32_t at, memory_order order)
{
    return atomic_load_explicit(&sw->ports[nmu_below(at, NMU_SWITCH_PORTS)], order);
}

/* ---- descriptors --------------------------------------------------------------------- */

/* The rings of one direction that a descriptor is bound to: [first, last). */
struct nmu_range {
    bool tx;
    uint32_t first, last;
};

static inline struct nmu_range nmu_range(const struct nmu_desc *desc, bool tx)
{
    return (struct nmu_range){tx, nmu_once(tx ? desc->tx_first : desc->rx_first),
                              nmu_at_most(tx ? desc->tx_last : desc->rx_last, NMU_PIPE_RINGS_MAX)};
}

static inline void nmu_ranges(const struct nmu_desc *desc, struct nmu_range range[2])
{
    range[0] = nmu_range(desc, true);
    range[1] = nmu_range(desc, false);
}

/* ---- positions in a ring --------------------------------------------------------------- */

/* Slots of a ring, at least 1: positions are below it. */
static inline uint32_t nmu_slots(const struct nmu_kring *kring)
{
    uint32_t n = nmu_once(kring->num_slots);

    return n - 1 < NMU_SLOTS_MAX ? n : 1;
}

static inline bool nmu_is_tx(const struct nmu_kring *kring)
{
    return nmu_once(kring->tx) != 0;
}

/* A position that the registry holds, in a ring of n slots. acquire and relaxed are the order of the read. */
#define NMU_POSITION(field, n) nmu_below(atomic_load_explicit(&(field), memory_order_relaxed), n)
#define NMU_POSITION_ACQUIRE(field, n) nmu_below(atomic_load_explicit(&(field), memory_order_acquire), n)

#endif
