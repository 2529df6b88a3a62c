/*
 * ring: the arithmetic of netmap rings, inlined, over a private copy of what never changes.
 *
 * head, cur and tail live in shared memory and change hands at a sync, an opaque call with its own barriers;
 * between syncs only the program writes head and cur, and tail stands still. That is the rule, and whoever else
 * has the region mapped may break it at any moment: each call looks at the three once (nm_ring_look) and goes by
 * what it saw, and a slot is read once into a local (shared.h). Everything else of a ring is constant: it is copied
 * and checked when the ring is mapped, and a neighbour who scribbles over the region cannot lead us out of it.
 */
#ifndef NMPCAP_RING_H
#define NMPCAP_RING_H

#include <stdbool.h>

#include "shared.h"

struct nm_ring {
    struct netmap_ring *ring;
    uint8_t *bufs;        /* buffer 0 */
    uint32_t num_slots;
    uint32_t buf_size;
    uint32_t num_bufs;    /* buffers that lie in the mapping */
    uint64_t offset_mask; /* 0: no offsets */
    uint16_t ringid;

    /* rx: the first slot not handed out yet. head <= taken <= cur; beyond head where fill lent slots
     * out, short of cur where an unfinished chain waits for its rest. Void if cur is no longer seen_cur:
     * then the program has moved cur itself and counts from there. */
    uint32_t taken;
    uint32_t seen_cur;
    bool in_chain;        /* rx: nextpkt returned a fragment that is not the last */
};

static inline uint32_t nm_ring_next(const struct nm_ring *r, uint32_t i)
{
    return i + 1 == r->num_slots ? 0 : i + 1;
}

/* From a forward to b; both below num_slots. */
static inline uint32_t nm_ring_distance(const struct nm_ring *r, uint32_t a, uint32_t b)
{
    return b >= a ? b - a : b + r->num_slots - a;
}

static inline uint32_t nm_ring_add(const struct nm_ring *r, uint32_t i, uint32_t n)
{
    i += n;
    return i >= r->num_slots ? i - r->num_slots : i;
}

/* The three indexes as they are now. False if one of them is outside the ring: then nothing may be made of them. */
static inline bool nm_ring_look(const struct nm_ring *r, struct nm_indexes *at)
{
    *at = nm_ring_indexes(r->ring);
    return at->head < r->num_slots && at->cur < r->num_slots && at->tail < r->num_slots;
}

static inline struct nm_slot nm_ring_slot(const struct nm_ring *r, uint32_t i)
{
    return nm_slot_read(nm_slot_at(r->ring, i));
}

static inline uint32_t nm_slot_offset(const struct nm_ring *r, struct nm_slot slot)
{
    uint64_t offset = slot.ptr & r->offset_mask;

    return offset < r->buf_size ? (uint32_t)offset : r->buf_size;
}

static inline bool nm_slot_valid(const struct nm_ring *r, struct nm_slot slot)
{
    return slot.buf_idx >= 2 && slot.buf_idx < r->num_bufs;
}

/* Where the slot's bytes begin. Only for a valid slot. */
static inline uint8_t *nm_slot_buf(const struct nm_ring *r, struct nm_slot slot)
{
    return r->bufs + (size_t)slot.buf_idx * r->buf_size + nm_slot_offset(r, slot);
}

/* Where the program's slots of an rx ring begin that have not been handed out. */
static inline uint32_t nm_ring_taken(const struct nm_ring *r, uint32_t cur)
{
    return cur == r->seen_cur ? r->taken : cur;
}

/* rx: slots of the packet at i; 0 if its end has not come and the ring has room for it to come. */
static inline uint32_t nm_ring_packet_slots(const struct nm_ring *r, uint32_t i, uint32_t tail)
{
    uint32_t n = 1;

    if (i == tail)
        return 0;
    while (nm_ring_slot(r, i).flags & NS_MOREFRAG) {
        i = nm_ring_next(r, i);
        if (i == tail)
            return n + 1 < r->num_slots ? 0 : n;
        n++;
    }
    return n;
}

/*
 * nm_ring_init - copies the constants of a mapped ring, at an address that may be anywhere.
 *
 * Returns false, and leaves r alone, if the ring, its slots or its buffers do not lie in mem.
 */
bool nm_ring_init(struct nm_ring *r, uintptr_t at, const uint8_t *mem, size_t length);

#endif
