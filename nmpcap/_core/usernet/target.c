/*
 * Delivering into the ring of a VALE port: bytes into the buffers its slots name, lengths and
 * flags into the slots, and at the end one store of hwtail. All under the ring's deliver lock.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "shared.h"
#include "usernet/copyin.h"
#include "usernet/header.h"
#include "usernet/kring.h"
#include "usernet/lock.h"
#include "usernet/monitor.h"
#include "usernet/region.h"
#include "usernet/vale.h"
#include "usernet/wakeup.h"

#define PREFETCH 8 /* packets: a cache line from the other core takes about as long */

/* ---- copying ----------------------------------------------------------------------- */

/* Where in the receiving buffer a fragment goes. Without offsets on either side: at its start.
 * With them it keeps the sender's place within a line of 64 bytes (netmap's rule, recorded). */
static uint32_t target_offset(const struct nmu_kring *kring, uint64_t ptr, uint32_t sent_at)
{
    uint32_t at = (uint32_t)(ptr & kring->offset_mask), line = sent_at % 64;

    return at - at % 64 + line + (line > at % 64 ? 64 : 0);
}

static inline void copy_lines(uint8_t *to, const uint8_t *from, uint32_t len, uint32_t room)
{
    uint32_t lines = (len + 63) / 64 * 64;

    if (len <= 64 && room >= 64)
        memcpy(to, from, 64); /* one line, of a size known here: no call */
    else
        memcpy(to, from, lines <= room ? lines : len);
}

/* What of ptr is the receiver's to know: an offset, or the time. */
static void put_ptr(const struct target *t, struct netmap_slot *slot, uint64_t ptr, uint32_t at, uint64_t now_ns)
{
    if (t->kring->offset_mask)
        nm_slot_set_ptr(slot, (ptr & ~t->kring->offset_mask) | at);
    else if (atomic_load_explicit(&t->kring->timestamps, memory_order_relaxed))
        nm_slot_set_ptr(slot, now_ns);
}

/* Copies a fragment into the buffer that a slot names: bytes that are there now. */
static uint16_t put_fragment(const struct target *t, struct netmap_slot *slot, const struct fragment *f,
                             uint64_t now_ns)
{
    struct nm_slot was = nm_slot_read(slot);
    uint32_t at = target_offset(t->kring, was.ptr, f->offset), index = was.buf_idx, len = f->len;
    uint32_t room = at <= t->objsize ? t->objsize - at : 0;

    if (len > room)
        len = 0;
    if (index >= 2 && index < t->objtotal && len) {
        uint8_t *to = t->bufs + (uint64_t)index * t->objsize + at;

        if (!(f->flags & NS_INDIRECT))
            copy_lines(to, f->data, len, room);
        else if (nmu_copyin(to, (uint64_t)(uintptr_t)f->data, len))
            len = 0;
    }
    put_ptr(t, slot, was.ptr, at, now_ns);
    return (uint16_t)len;
}

/* The buffer of a slot some packets on: the receiver has it in its cache, and the way is long. */
static inline void prefetch(const struct target *t, uint32_t tail)
{
    uint32_t ahead = tail + PREFETCH < t->num_slots ? tail + PREFETCH : tail + PREFETCH - t->num_slots;

    if (ahead < t->num_slots) {
        uint32_t index = nm_slot_read(nm_slot_at(t->ring, ahead)).buf_idx;

        if (index < t->objtotal)
            __builtin_prefetch(t->bufs + (uint64_t)index * t->objsize, 1);
    }
}

/* The same for the first of a packet whose header has to change its length. */
static uint16_t put_first(const struct sender *s, const struct target *t, struct netmap_slot *slot,
                          const struct fragment *f)
{
    struct nm_slot was = nm_slot_read(slot);
    uint32_t at = target_offset(t->kring, was.ptr, f->offset), index = was.buf_idx, len = UINT32_MAX;

    if (index >= 2 && index < t->objtotal && at < t->objsize)
        len = nmu_convert_header(t->bufs + (uint64_t)index * t->objsize + at, t->objsize - at, t->hdr_len, f->data,
                                 f->len, s->hdr_len, f->frags == 1);
    put_ptr(t, slot, was.ptr, at, s->now_ns);
    return len == UINT32_MAX ? 0 : (uint16_t)len;
}

bool nmu_target_accepts(const struct sender *s, const struct target *t, const struct fragment *first)
{
    return t->hdr_len == s->hdr_len ||
           (!(first->flags & NS_INDIRECT) && nmu_convertible(first->data, s->hdr_len, t->hdr_len, first->frags == 1) &&
            first->len - s->hdr_len + t->hdr_len <= t->objsize);
}

/* Copies one packet to the slots from tail on; the new tail. */
uint32_t nmu_target_put(struct sender *s, const struct target *t, const struct fragment *f, uint32_t tail)
{
    uint16_t count = (uint16_t)(f->frags << NS_PORT_SHIFT);
    bool convert = t->hdr_len != s->hdr_len;

    for (uint32_t left = f->frags; left; left--, f++) {
        struct netmap_slot *slot = nm_slot_at(t->ring, tail);
        uint16_t len;

        prefetch(t, tail);
        len = convert ? put_first(s, t, slot, f) : put_fragment(t, slot, f, s->now_ns);
        convert = false;
        nm_slot_fill(slot, len, left > 1 ? count | NS_MOREFRAG : count);
        tail = nmu_next(tail, t->num_slots);
    }
    return tail;
}

/* Takes a receiving ring for a delivery. */
int nmu_target_open(struct sender *s, uint32_t at, uint32_t ring, struct target *t)
{
    /* acquire: a place that is taken has its record behind it */
    uint64_t place = nmu_place_at(s->sw, at, memory_order_acquire);
    uint32_t index = nmu_place_kring(place, ring);
    const struct nmu_map *map = NULL;
    const struct nmu_pool *bufs;
    uint64_t ring_ofs;
    int error = ENXIO;

    if (!place || !index || index >= NMU_KRINGS)
        return ENXIO;
    t->port = nmu_place_port(place);
    t->kring = nmu_kring_at(s->reg, index);
    if (!atomic_load_explicit(&t->kring->on, memory_order_relaxed))
        return ENXIO;
    if (!nmu_lock(s->dev, &t->kring->deliver))
        return EBUSY;
    /* acquire: on means that its ring is there; and it stays while the lock is held. Only then does
     * the place say whether the ring is still this port's: it may have come back as another's. */
    if (atomic_load_explicit(&t->kring->on, memory_order_acquire) &&
        nmu_place_at(s->sw, at, memory_order_acquire) == place) {
        map = nmu_region_mapping(s->dev, nmu_place_region(place));
        error = ENOMEM; /* or too many files, a directory out of reach, damage: somebody is there who gets nothing */
    }
    ring_ofs = map && nmu_region_whole(map) ? nmu_ring_ofs(map->layout, t->kring) : 0;
    if (!ring_ofs) {
        nmu_unlock(&t->kring->deliver);
        return error;
    }
    t->hdr_len = nmu_hdr_len(nmu_port_at(s->reg, t->port));
    t->ring = (struct netmap_ring *)(map->base + ring_ofs);
    t->num_slots = nmu_slots(t->kring);
    bufs = &map->layout->pool[NMU_POOL_BUF];
    t->bufs = map->base + bufs->offset;
    t->objsize = bufs->objsize;
    t->objtotal = bufs->objtotal;
    if (atomic_load_explicit(&t->kring->timestamps, memory_order_relaxed) && !s->now_ns)
        s->now_ns = (uint64_t)nm_clock_ns(CLOCK_REALTIME);
    return 0;
}

/* Publishes what was put there, up to tail, and lets go of the ring. */
void nmu_target_close(struct sender *s, struct target *t, uint32_t tail, uint32_t packets, uint32_t lost)
{
    struct nmu_port *port = nmu_port_at(s->reg, t->port);
    uint32_t from = NMU_POSITION(t->kring->hwtail, t->num_slots);

    if (packets)
        atomic_fetch_add_explicit(&port->received, packets, memory_order_relaxed);
    if (lost)
        atomic_fetch_add_explicit(&port->dropped, lost, memory_order_relaxed);
    if (atomic_load_explicit(&t->kring->copy_monitors, memory_order_relaxed))
        nmu_monitor_copy(s->dev, t->kring, from, tail); /* before its reader may write there */
    /* release: the reader that sees the tail sees slots and payload */
    atomic_store_explicit(&t->kring->hwtail, tail, memory_order_release);
    nmu_unlock(&t->kring->deliver);
    if (packets)
        nmu_notify(s->dev, t->port);
}
