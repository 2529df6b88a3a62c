/*
 * shared: netmap's structures where they lie, in memory that other processes may be writing at.
 *
 * Whoever has a region mapped writes slots, indexes and even the constants of its rings, at any moment. So a value is
 * read once, into a local that nobody else can change, and what has been checked is what is used. This file is the only
 * one that looks into the three structures; for all others they are incomplete types, which tests/test_csource.py holds.
 *
 * Reads are volatile: the compiler neither repeats one nor saves it up. They order nothing. A sync does that, or the
 * caller's own fences.
 */
#ifndef NMPCAP_SHARED_H
#define NMPCAP_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "abi.h"

/* ---- slots --------------------------------------------------------------------------- */

#define NM_SLOT_SIZE 16  /* bytes */
#define NM_RING_SIZE 256 /* bytes of a ring before its slots */

/* A slot as it was at one moment; never in shared memory. The fields are struct netmap_slot's. */
struct nm_slot {
    uint32_t buf_idx;
    uint16_t len;
    uint16_t flags;
    uint64_t ptr;
};

_Static_assert(sizeof(struct netmap_slot) == NM_SLOT_SIZE && sizeof(struct nm_slot) == NM_SLOT_SIZE, "two words");

static inline struct netmap_slot *nm_slot_nth(struct netmap_slot *first, uint32_t n)
{
    return first + n;
}

/* index: below the ring's number of slots, as the caller knows it. */
static inline struct netmap_slot *nm_slot_at(struct netmap_ring *ring, uint32_t index)
{
    return (struct netmap_slot *)(void *)((uint8_t *)ring + NM_RING_SIZE) + index;
}

static inline struct nm_slot nm_slot_read(const struct netmap_slot *slot)
{
    const volatile uint64_t *words = (const volatile uint64_t *)(const volatile void *)slot;
    uint64_t now[2] = {words[0], words[1]};
    struct nm_slot copy;

    memcpy(&copy, now, sizeof(copy));
    return copy;
}

static inline void nm_slot_write(struct netmap_slot *slot, struct nm_slot value)
{
    memcpy(slot, &value, sizeof(value));
}

/* Whether the slot holds the value. What was seen there is used for nothing else, so this need be no volatile read. */
static inline bool nm_slot_holds(const struct netmap_slot *slot, struct nm_slot value)
{
    uint64_t there[2], words[2];

    memcpy(there, slot, sizeof(there));
    memcpy(words, &value, sizeof(words));
    return there[0] == words[0] && there[1] == words[1];
}

/* Writes only where there is a difference: two processes that both have the line in their caches keep it. */
static inline void nm_slot_update(struct netmap_slot *slot, struct nm_slot value)
{
    if (!nm_slot_holds(slot, value))
        nm_slot_write(slot, value);
}

/* What is in the slot's buffer: bytes, and NS_*. */
static inline void nm_slot_fill(struct netmap_slot *slot, uint16_t len, uint16_t flags)
{
    slot->len = len;
    slot->flags = flags;
}

static inline void nm_slot_set_buf_idx(struct netmap_slot *slot, uint32_t buf_idx)
{
    slot->buf_idx = buf_idx;
}

static inline void nm_slot_set_len(struct netmap_slot *slot, uint16_t len)
{
    slot->len = len;
}

static inline void nm_slot_set_flags(struct netmap_slot *slot, uint16_t flags)
{
    slot->flags = flags;
}

static inline void nm_slot_set_ptr(struct netmap_slot *slot, uint64_t ptr)
{
    slot->ptr = ptr;
}

/* ---- rings --------------------------------------------------------------------------- */

_Static_assert(sizeof(struct netmap_ring) == NM_RING_SIZE, "the slots follow");

/* A ring wherever it lies: netmap's module places rings by 64 bytes, its type asks for 128. */
#define NM_RING_ALIGN 8
typedef struct netmap_ring nm_placed_ring __attribute__((aligned(NM_RING_ALIGN)));
#define NM_PLACED(ring) ((volatile nm_placed_ring *)(void *)(uintptr_t)(ring))

/* The three indexes at one moment; any of them may be any number. */
struct nm_indexes {
    uint32_t head, cur, tail;
};

static inline uint32_t nm_ring_head(const struct netmap_ring *ring)
{
    return NM_PLACED(ring)->head;
}

static inline uint32_t nm_ring_cur(const struct netmap_ring *ring)
{
    return NM_PLACED(ring)->cur;
}

static inline uint32_t nm_ring_tail(const struct netmap_ring *ring)
{
    return NM_PLACED(ring)->tail;
}

static inline struct nm_indexes nm_ring_indexes(const struct netmap_ring *ring)
{
    return (struct nm_indexes){nm_ring_head(ring), nm_ring_cur(ring), nm_ring_tail(ring)};
}

static inline void nm_ring_set_head(struct netmap_ring *ring, uint32_t head)
{
    NM_PLACED(ring)->head = head;
}

static inline void nm_ring_set_cur(struct netmap_ring *ring, uint32_t cur)
{
    NM_PLACED(ring)->cur = cur;
}

/* release: who sees the tail, in another thread for one, sees the slots before it */
static inline void nm_ring_set_tail(struct netmap_ring *ring, uint32_t tail)
{
    __atomic_store_n(&NM_PLACED(ring)->tail, tail, __ATOMIC_RELEASE);
}

static inline uint32_t nm_ring_flags(const struct netmap_ring *ring)
{
    return NM_PLACED(ring)->flags;
}

static inline void nm_ring_set_flags(struct netmap_ring *ring, uint32_t flags)
{
    NM_PLACED(ring)->flags = flags;
}

/* Nanoseconds since the epoch; 0 if it was never stamped, or is no time. */
static inline int64_t nm_ring_ts_ns(const struct netmap_ring *ring)
{
    int64_t sec = NM_PLACED(ring)->ts.tv_sec, usec = NM_PLACED(ring)->ts.tv_usec;

    if (sec <= 0 || sec >= INT64_MAX / 1000000000 || usec < 0 || usec > 999999)
        return 0;
    return sec * 1000000000 + usec * 1000;
}

static inline void nm_ring_set_ts(struct netmap_ring *ring, struct timeval now)
{
    NM_PLACED(ring)->ts.tv_sec = now.tv_sec;
    NM_PLACED(ring)->ts.tv_usec = now.tv_usec;
}

/* Written once, before any program sees the ring, and then constant for all that keep to the rules. */
struct nm_ring_constants {
    int64_t buf_ofs;
    uint32_t num_slots;
    uint32_t buf_size;
    uint16_t ringid;
    uint16_t dir;
    uint64_t offset_mask;
};

static inline struct nm_ring_constants nm_ring_constants(const struct netmap_ring *ring)
{
    const volatile nm_placed_ring *now = NM_PLACED(ring);

    return (struct nm_ring_constants){.buf_ofs = now->buf_ofs, .num_slots = now->num_slots,
                                      .buf_size = now->nr_buf_size, .ringid = now->ringid, .dir = now->dir,
                                      .offset_mask = now->offset_mask};
}

static inline void nm_ring_set_offset_mask(struct netmap_ring *ring, uint64_t mask)
{
    *(uint64_t *)(uintptr_t)&NM_PLACED(ring)->offset_mask = mask;
}

static inline void nm_ring_set_constants(struct netmap_ring *ring, struct nm_ring_constants c)
{
    *(int64_t *)(uintptr_t)&NM_PLACED(ring)->buf_ofs = c.buf_ofs;
    *(uint32_t *)(uintptr_t)&NM_PLACED(ring)->num_slots = c.num_slots;
    *(uint32_t *)(uintptr_t)&NM_PLACED(ring)->nr_buf_size = c.buf_size;
    *(uint16_t *)(uintptr_t)&NM_PLACED(ring)->ringid = c.ringid;
    *(uint16_t *)(uintptr_t)&NM_PLACED(ring)->dir = c.dir;
    nm_ring_set_offset_mask(ring, c.offset_mask);
}

/* ---- netmap_if ----------------------------------------------------------------------- */

#define NM_IF_SIZE 56 /* bytes, before the offsets of its rings */

_Static_assert(sizeof(struct netmap_if) == NM_IF_SIZE, "the offsets follow");

struct nm_if {
    uint32_t flags;
    uint32_t tx_rings, rx_rings;
    uint32_t host_tx_rings, host_rx_rings;
};

static inline struct nm_if nm_if_read(const struct netmap_if *nifp)
{
    const volatile struct netmap_if *now = nifp;

    return (struct nm_if){.flags = now->ni_flags, .tx_rings = now->ni_tx_rings, .rx_rings = now->ni_rx_rings,
                          .host_tx_rings = now->ni_host_tx_rings, .host_rx_rings = now->ni_host_rx_rings};
}

/* name: shorter than NM_IFNAMSIZ. */
static inline void nm_if_write(struct netmap_if *nifp, const char *name, struct nm_if value)
{
    memset(nifp->ni_name, 0, sizeof(nifp->ni_name));
    memcpy(nifp->ni_name, name, strnlen(name, sizeof(nifp->ni_name) - 1));
    *(uint32_t *)(uintptr_t)&nifp->ni_flags = value.flags;
    *(uint32_t *)(uintptr_t)&nifp->ni_tx_rings = value.tx_rings;
    *(uint32_t *)(uintptr_t)&nifp->ni_rx_rings = value.rx_rings;
    *(uint32_t *)(uintptr_t)&nifp->ni_host_tx_rings = value.host_tx_rings;
    *(uint32_t *)(uintptr_t)&nifp->ni_host_rx_rings = value.host_rx_rings;
}

/* From the netmap_if to a ring, in bytes; 0: not there. */
static inline int64_t nm_if_ring_ofs(const struct netmap_if *nifp, uint32_t i)
{
    return *(const volatile int64_t *)&nifp->ring_ofs[i];
}

static inline void nm_if_set_ring_ofs(struct netmap_if *nifp, uint32_t i, int64_t offset)
{
    *(int64_t *)(uintptr_t)&nifp->ring_ofs[i] = offset;
}

/* The first of the extra buffers, whatever number that is; 0: none. */
static inline uint32_t nm_if_bufs_head(const struct netmap_if *nifp)
{
    return *(const volatile uint32_t *)&nifp->ni_bufs_head;
}

static inline void nm_if_set_bufs_head(struct netmap_if *nifp, uint32_t buf_idx)
{
    nifp->ni_bufs_head = buf_idx;
}

/* ---- extra buffers: a list through the first word of each ----------------------------- */

static inline uint32_t nm_buf_next(const uint8_t *buf)
{
    return *(const volatile uint32_t *)(const volatile void *)buf;
}

static inline void nm_buf_set_next(uint8_t *buf, uint32_t next)
{
    memcpy(buf, &next, sizeof(next));
}

#endif
