/*
 * Forwarding on a VALE switch, in the sender's txsync, a batch at a time.
 *
 *   collect   slots become fragments, fragments packets; each packet is looked up and queued for
 *             the ring it goes to (broadcasts in a queue of their own)
 *   deliver   ring by ring, under the ring's deliver lock: as many packets as fit are copied, in
 *             their order, then the ring's hwtail is moved once, then its readers are woken
 *
 * A packet that does not fit is lost, with all that follow it to that ring in this batch; unlike
 * the module, this counts them. With the back-pressure option the sender stops there instead.
 *
 * The forwarding table is the module's: 1024 buckets, one address each, never aged. An entry is
 * one 64-bit word, so senders share it without a lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared.h"
#include "usernet/copyin.h"
#include "usernet/kring.h"
#include "usernet/parameters.h"
#include "usernet/region.h"
#include "usernet/vale.h"

#define BATCH 1024u    /* the most that bridge_batch can ask for */
#define FRAGMENTS (BATCH + NMU_SLOTS_MAX)
#define FRAGS_MAX 255u /* the count has 8 bits; the module hangs on more, this discards them */
#define ETH_HLEN 14u
#define BROADCAST NMU_SWITCH_PORTS /* a place nobody has */
#define NOWHERE (NMU_SWITCH_PORTS + 1)
#define QUEUES (NMU_SWITCH_PORTS * NMU_RINGS_MAX)
#define END 0xffffu
#define MAC_MASK 0xffffffffffffull

struct queue {
    uint16_t head, tail;
    uint32_t slots;
};

struct nmu_forward {
    struct fragment fragment[FRAGMENTS];
    struct queue unicast[QUEUES]; /* by place and ring */
    struct queue broadcast;
    uint16_t used[QUEUES];        /* unicast queues with something in them */
    uint32_t used_count;
};

void nmu_forward_free(struct nmu_forward *forward)
{
    free(forward);
}

/* ---- where a packet goes ----------------------------------------------------------- */

/* Bob Jenkins' 96-bit mix, as the module applies it to an address. */
static uint32_t bucket(uint64_t mac)
{
    uint32_t a = 0x9e3779b9u + (uint32_t)mac, b = 0x9e3779b9u + (uint32_t)(mac >> 32), c = 0;

    a -= b, a -= c, a ^= c >> 13;
    b -= c, b -= a, b ^= a << 8;
    c -= a, c -= b, c ^= b >> 13;
    a -= b, a -= c, a ^= c >> 12;
    b -= c, b -= a, b ^= a << 16;
    c -= a, c -= b, c ^= b >> 5;
    a -= b, a -= c, a ^= c >> 3;
    b -= c, b -= a, b ^= a << 10;
    c -= a, c -= b, c ^= b >> 15;
    return c % NMU_HASH;
}

/* The place a header's destination has been seen at. Learns the source first: a sender's own
 * address may push out the one it sends to. */
static uint32_t route(struct sender *s, const uint8_t *header)
{
    uint64_t dmac, smac, entry;

    memcpy(&dmac, header, 8);
    memcpy(&smac, header + 4, 8);
    dmac &= MAC_MASK;
    smac >>= 16;
    if (!(header[6] & 1) && smac != atomic_load_explicit(&s->port->last_smac, memory_order_relaxed)) {
        /* relaxed: a packet looked up a moment too early is flooded, as before it was learned */
        atomic_store_explicit(&s->sw->table[bucket(smac)], smac | (uint64_t)s->port->switch_port << 48,
                              memory_order_relaxed);
        atomic_store_explicit(&s->port->last_smac, smac, memory_order_relaxed);
    }
    if (header[0] & 1)
        return BROADCAST;
    if (dmac != s->dmac) { /* most packets go where the one before went */
        s->dmac = dmac;
        s->dbucket = bucket(dmac);
    }
    entry = atomic_load_explicit(&s->sw->table[s->dbucket], memory_order_relaxed);
    return (entry & MAC_MASK) == dmac ? (uint32_t)(entry >> 48) : BROADCAST;
}

/* Where the packet of n fragments goes: a place, BROADCAST or NOWHERE. */
static uint32_t lookup(struct sender *s, const struct fragment *first)
{
    const struct fragment *from = first;
    uint8_t indirect[ETH_HLEN];
    const uint8_t *header;
    uint32_t skip = s->hdr_len, place;

    if (first->frags > FRAGS_MAX)
        return NOWHERE;
    if (first->len == skip && (first->flags & NS_MOREFRAG) && first->frags > 1) {
        from++; /* nothing but the virtio header, or nothing: the next slot begins the frame */
        skip = 0;
    }
    if (from->len < skip + ETH_HLEN)
        return NOWHERE;
    header = from->data + skip;
    if (from->flags & NS_INDIRECT) {
        if (nmu_copyin(indirect, (uint64_t)(uintptr_t)header, ETH_HLEN))
            return NOWHERE;
        header = indirect;
    }
    place = route(s, header);
    return place == s->port->switch_port ? NOWHERE : place;
}

/* ---- delivering queues ------------------------------------------------------------- */

/* Counts packets of a queue as lost to the port at a place. */
static void count_dropped(struct sender *s, uint32_t place, uint16_t queue)
{
    uint32_t port = nmu_place_port(nmu_place_at(s->sw, place, memory_order_relaxed));

    for (; port && queue != END; queue = s->fwd->fragment[queue].next)
        atomic_fetch_add_explicit(&nmu_port_at(s->reg, port)->dropped, 1, memory_order_relaxed);
}

/* Merges a ring's own queue with the broadcasts, in the order the packets were sent. */
static void deliver(struct sender *s, uint32_t place, uint32_t ring, uint16_t own, uint16_t all)
{
    const struct fragment *fragment = s->fwd->fragment;
    uint32_t space, tail, packets = 0, lost = 0;
    struct target t;
    int error = nmu_target_open(s, place, ring, &t);

    if (error)
        count_dropped(s, place, own);
    if (error == EBUSY || error == ENOMEM)
        count_dropped(s, place, all); /* where nobody has the ring open broadcasts just pass it by */
    if (error)
        return;
    space = nmu_deliver_space(t.kring);
    tail = NMU_POSITION(t.kring->hwtail, t.num_slots);
    while (own != END || all != END) {
        uint16_t *queue = own < all ? &own : &all;
        const struct fragment *f = &fragment[*queue];

        *queue = f->next;
        if (!nmu_target_accepts(s, &t, f)) {
            lost++;
            continue;
        }
        if (f->frags > space) {
            space = 0; /* nothing after it either: order before use of room */
            lost++;
            continue;
        }
        space -= f->frags;
        tail = nmu_target_put(s, &t, f, tail);
        packets++;
    }
    nmu_target_close(s, &t, tail, packets, lost);
}

static void flush(struct sender *s)
{
    struct nmu_forward *fwd = s->fwd;
    uint32_t highest = nmu_highest(s->sw);

    /* Broadcasts go to ring 0, together with what else is for it. */
    for (uint32_t place = 0; place < highest && fwd->broadcast.head != END; place++) {
        struct queue *own = &fwd->unicast[place * NMU_RINGS_MAX];

        if (place != s->port->switch_port)
            deliver(s, place, 0, own->head, fwd->broadcast.head);
        own->head = END;
    }
    fwd->broadcast.head = END;
    for (uint32_t i = 0; i < fwd->used_count; i++) {
        struct queue *own = &fwd->unicast[fwd->used[i]];

        if (own->head != END)
            deliver(s, fwd->used[i] / NMU_RINGS_MAX, fwd->used[i] % NMU_RINGS_MAX, own->head, END);
        own->head = END;
    }
    fwd->used_count = 0;
}

static void enqueue(struct nmu_forward *fwd, struct queue *queue, uint32_t packet)
{
    if (queue->head == END)
        queue->head = (uint16_t)packet;
    else
        fwd->fragment[queue->tail].next = (uint16_t)packet;
    queue->tail = (uint16_t)packet;
    fwd->fragment[packet].next = END;
}

/* Rx rings of the port at a place; 0: there is no port. */
static uint32_t ring_count(const struct sender *s, uint32_t place)
{
    return nmu_at_most(nmu_place_rings(nmu_place_at(s->sw, place, memory_order_relaxed)), NMU_RINGS_MAX);
}

/* Looks up the packets that were collected, and delivers them. */
static void forward(struct sender *s, uint32_t count)
{
    struct nmu_forward *fwd = s->fwd;
    uint64_t forwarded = 0, flooded = 0, discarded = 0;
    uint32_t slots, rings;

    for (uint32_t i = 0; i < count; i += slots) {
        uint32_t place = lookup(s, &fwd->fragment[i]);

        /* A packet too long to be one has no count to go by. */
        for (slots = fwd->fragment[i].frags; i + slots < count && !fwd->fragment[i + slots].frags; slots++)
            ;
        if (place == BROADCAST) {
            enqueue(fwd, &fwd->broadcast, i);
            flooded++;
        } else if (place < NMU_SWITCH_PORTS && (rings = ring_count(s, place))) {
            /* by the ring it ends in, so that what is for ring 0 keeps its order with broadcasts */
            uint32_t queue = place * NMU_RINGS_MAX + nmu_once(s->kring->id) % rings;

            if (fwd->unicast[queue].head == END)
                fwd->used[fwd->used_count++] = (uint16_t)queue;
            enqueue(fwd, &fwd->unicast[queue], i);
            forwarded++;
        } else {
            discarded++;
        }
    }
    atomic_fetch_add_explicit(&s->port->sent, forwarded + flooded + discarded, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->port->forwarded, forwarded, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->port->flooded, flooded, memory_order_relaxed);
    if (discarded)
        atomic_fetch_add_explicit(&s->port->discarded, discarded, memory_order_relaxed);
    flush(s);
}

/* ---- collecting -------------------------------------------------------------------- */

/* A slot as a fragment. A length that cannot be makes it empty; a buffer that cannot be is read
 * as buffer 0, which holds zeros. True if the packet goes on in the next slot. */
static bool collect(const struct sender *s, struct netmap_slot *client, struct fragment *f)
{
    struct nm_slot slot = nm_slot_read(client);
    uint64_t at = slot.ptr & s->kring->offset_mask;
    uint32_t index = slot.buf_idx;

    if (index < 2 || index >= s->bufs->objtotal)
        index = 0;
    if (slot.flags & NS_INDIRECT)
        at = 0;
    f->offset = (uint32_t)at;
    f->len = slot.len;
    f->flags = slot.flags;
    f->frags = 0;
    if ((slot.flags & s->refused) || at > s->bufs->objsize || slot.len > s->bufs->objsize - at) {
        f->data = s->base + s->bufs->offset; /* never looked at where it is refused: its packet is discarded */
        f->len = 0;
        f->flags &= s->refused;
    } else if (slot.flags & NS_INDIRECT) {
        f->data = (const uint8_t *)(uintptr_t)slot.ptr;
    } else {
        f->data = s->base + s->bufs->offset + (uint64_t)index * s->bufs->objsize + at;
    }
    if (slot.flags & NS_BUF_CHANGED)
        nm_slot_set_flags(client, slot.flags & (uint16_t)~NS_BUF_CHANGED);
    return slot.flags & NS_MOREFRAG;
}

/* A packet with a fragment that is refused is as impossible as one of too many. */
static void end_packet(const struct sender *s, struct fragment *first, uint32_t frags, uint16_t flags)
{
    first->frags = (uint16_t)(frags > FRAGS_MAX || (flags & s->refused) ? FRAGS_MAX + 1 : frags);
}

static void forward_slots(struct sender *s, struct netmap_ring *ring, uint32_t from, uint32_t to, uint32_t batch)
{
    struct fragment *fragment = s->fwd->fragment;
    uint32_t count = 0, frags = 0;
    uint16_t flags = 0;

    for (uint32_t i = from; i != to; i = nmu_next(i, s->num_slots)) {
        bool more = collect(s, nm_slot_at(ring, i), &fragment[count]);

        flags |= fragment[count++].flags;
        frags++;
        if (more)
            continue;
        end_packet(s, &fragment[count - frags], frags, flags);
        frags = flags = 0;
        if (count >= batch) {
            forward(s, count);
            count = 0;
        }
    }
    if (frags) { /* what is there of an unfinished packet is sent */
        fragment[count - 1].flags &= (uint16_t)~NS_MOREFRAG;
        end_packet(s, &fragment[count - frags], frags, flags);
    }
    if (count)
        forward(s, count);
}

/* ---- back-pressure ----------------------------------------------------------------- */

/* Puts one packet into every ring it is for, or into none of them; true if it went. Rings are
 * taken in the order of their places, by everybody, so two senders cannot hold each other up. */
static bool forward_whole(struct sender *s, const struct fragment *f, uint32_t place)
{
    uint32_t first = place == BROADCAST ? 0 : place;
    uint32_t last = place == BROADCAST ? nmu_highest(s->sw) : place + 1;
    struct target target[NMU_SWITCH_PORTS];
    uint32_t unmapped[NMU_SWITCH_PORTS], unmapped_count = 0;
    bool never[NMU_SWITCH_PORTS]; /* too small a ring for the packet, or no header it could have */
    uint32_t count = 0;
    bool fits = true;

    for (uint32_t p = first; p < last && fits; p++) {
        struct target *t = &target[count];
        int error = p == s->port->switch_port ? ENXIO : nmu_target_open(s, p, place == BROADCAST ? 0 : s->kring->id, t);

        if (error == EBUSY) { /* there is room when that sender goes on, or has died */
            s->kring->blocked_on = t->port;
            fits = false;
        }
        if (error == ENOMEM)
            unmapped[unmapped_count++] = t->port;
        if (error)
            continue;
        never[count] = f->frags >= t->num_slots || !nmu_target_accepts(s, t, f);
        fits = never[count] || f->frags <= nmu_deliver_space(t->kring);
        if (!fits)
            s->kring->blocked_on = t->port;
        count++;
    }
    while (count--) {
        struct target *t = &target[count];
        uint32_t tail = NMU_POSITION(t->kring->hwtail, t->num_slots);
        bool goes = fits && !never[count];

        nmu_target_close(s, t, goes ? nmu_target_put(s, t, f, tail) : tail, goes, fits && never[count]);
    }
    while (fits && unmapped_count)
        atomic_fetch_add_explicit(&nmu_port_at(s->reg, unmapped[--unmapped_count])->dropped, 1, memory_order_relaxed);
    return fits;
}

/* Sends packets one by one until one does not fit; the slot of the first that did not go. */
static uint32_t forward_patiently(struct sender *s, struct netmap_ring *ring, uint32_t from, uint32_t to)
{
    struct fragment *fragment = s->fwd->fragment;
    uint32_t n = s->num_slots;

    s->kring->blocked_on = 0;
    while (from != to) {
        uint32_t next = from, frags = 0, place;
        uint16_t flags = 0;
        bool more = true;

        for (; more && next != to; next = nmu_next(next, n)) {
            more = collect(s, nm_slot_at(ring, next), &fragment[frags]);
            flags |= fragment[frags++].flags;
        }
        fragment[frags - 1].flags &= (uint16_t)~NS_MOREFRAG;
        end_packet(s, fragment, frags, flags);
        place = lookup(s, fragment);
        if (place != NOWHERE && !forward_whole(s, fragment, place))
            break;
        atomic_fetch_add_explicit(&s->port->sent, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(place == BROADCAST ? &s->port->flooded
                                  : place == NOWHERE ? &s->port->discarded
                                                     : &s->port->forwarded,
                                  1, memory_order_relaxed);
        from = next;
        /* What has gone is not sent again by who takes the ring over after a death. */
        atomic_store_explicit(&s->kring->hwcur, from, memory_order_relaxed);
    }
    return from;
}

/* Packets of a port on no switch, or of a switch that is told to take none (bridge_batch 0): to nobody. */
static void count_nowhere(struct sender *s, struct netmap_ring *ring, uint32_t from, uint32_t to)
{
    uint64_t packets = 0;

    for (; from != to; from = nmu_next(from, s->num_slots))
        packets += !(nm_slot_read(nm_slot_at(ring, from)).flags & NS_MOREFRAG);
    if (!packets)
        return;
    atomic_fetch_add_explicit(&s->port->sent, packets, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->port->discarded, packets, memory_order_relaxed);
}

/* ---- txsync ------------------------------------------------------------------------ */

static struct nmu_forward *scratch(struct nmu_device *dev)
{
    if (!dev->forward && (dev->forward = malloc(sizeof(*dev->forward)))) {
        for (uint32_t i = 0; i < QUEUES; i++)
            dev->forward->unicast[i].head = END;
        dev->forward->broadcast.head = END;
        dev->forward->used_count = 0;
    }
    return dev->forward;
}

void nmu_vale_txsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_port *port = nmu_port_at(reg, kring->port);
    struct sender s = {
        .dev = dev,
        .reg = reg,
        .kring = kring,
        .num_slots = nmu_slots(kring),
        .port = port,
        .hdr_len = nmu_hdr_len(port),
        .refused = nmu_indirect_allowed(dev) ? 0 : NS_INDIRECT,
        .dmac = ~(uint64_t)0,
    };
    uint32_t from = NMU_POSITION(kring->hwcur, s.num_slots), to = nmu_below(kring->rhead, s.num_slots);
    const struct nmu_map *map;
    int64_t batch = nmu_parameter(reg, NMU_BRIDGE_BATCH);

    if (from != to && port->switch_id && batch > 0) {
        s.fwd = scratch(dev);
        if (!s.fwd)
            return; /* out of memory: all stays where it is, for another sync */
        s.sw = nmu_switch_at(reg, port->switch_id);
        map = nmu_region_mapping(dev, port->region);
        if (!map)
            return;
        s.base = map->base;
        s.bufs = &map->layout->pool[NMU_POOL_BUF];
        if (kring->backpressure) {
            to = forward_patiently(&s, ring, from, to);
        } else {
            /* Before they go: who takes over after a death must not send again what may have gone. */
            atomic_store_explicit(&kring->hwcur, to, memory_order_relaxed);
            forward_slots(&s, ring, from, to, batch > BATCH ? BATCH : (uint32_t)batch);
        }
    } else {
        count_nowhere(&s, ring, from, to);
    }
    /* The copies are made: every slot can be filled again. */
    atomic_store_explicit(&kring->hwcur, to, memory_order_relaxed);
    atomic_store_explicit(&kring->hwtail, nmu_prev(to, s.num_slots), memory_order_relaxed);
}
