/* Sending through an interface: slots of a tx ring become frames of a packet socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "usernet/interface_impl.h"
#include "usernet/kring.h"

/* The bytes of a slot; NULL where it names no buffer, or more than there is in one. */
static const uint8_t *slot_bytes(const struct slots *s, struct nm_slot slot)
{
    uint64_t at = slot.ptr & s->kring->offset_mask;

    if (slot.buf_idx < 2 || slot.buf_idx >= s->objtotal || at > s->objsize || slot.len > s->objsize - at)
        return NULL;
    return s->bufs + (uint64_t)slot.buf_idx * s->objsize + at;
}

/* Puts the fragments in slots [from, to) together; NULL where one of them is impossible. */
static const uint8_t *gather(struct nmu_interface *a, const struct slots *s, uint32_t from, uint32_t to, size_t *len)
{
    size_t needed = (size_t)nmu_distance(from, to, s->num_slots) * s->objsize;

    if (a->frame_size < needed) {
        uint8_t *frame = realloc(a->frame, needed);

        if (!frame)
            return NULL;
        a->frame = frame;
        a->frame_size = needed;
    }
    *len = 0;
    for (; from != to; from = nmu_next(from, s->num_slots)) {
        struct nm_slot slot = nm_slot_read(nm_slot_at(s->ring, from));
        const uint8_t *bytes = slot_bytes(s, slot);

        if (!bytes)
            return NULL;
        memcpy(a->frame + *len, bytes, slot.len);
        *len += slot.len;
    }
    return a->frame;
}

/* The end of the packet that begins at a slot: what is unfinished at head ends there, as on a switch. */
static uint32_t packet_end(const struct slots *s, uint32_t from, uint32_t head)
{
    while (nm_slot_read(nm_slot_at(s->ring, from)).flags & NS_MOREFRAG) {
        uint32_t next = nmu_next(from, s->num_slots);

        if (next == head)
            break;
        from = next;
    }
    return nmu_next(from, s->num_slots);
}

/* Puts one packet into the socket's queue: 0, -EAGAIN, or why it can never be sent. */
static int queue_packet(struct nmu_device *dev, const struct slots *s, uint32_t from, uint32_t to)
{
    struct nmu_interface *a = dev->interface;
    struct nm_slot slot = nm_slot_read(nm_slot_at(s->ring, from));
    bool single = to == nmu_next(from, s->num_slots);
    size_t len = slot.len;
    const uint8_t *bytes = single ? slot_bytes(s, slot) : gather(a, s, from, to, &len);

    if (bytes)
        return a->source->ops->inject(a->source, bytes, len);
    nm_message_print(a->source->msg, port_of(dev)->name, "tx ring 0, slot %u: an impossible buffer or length", from);
    return -EINVAL;
}

/* Sends what is between *at and head, as far as it goes: *at is then the first packet that has not gone. 0 if all
 * have; -EAGAIN; or what is wrong, with that packet or with the interface. */
static int send_packets(struct nmu_device *dev, const struct slots *s, uint32_t *at, uint32_t head)
{
    const struct nm_source_ops *ops = dev->interface->source->ops;
    uint32_t end = *at, n = 0;
    int error = 0, flushed;

    while (end != head && !error) {
        uint32_t next = packet_end(s, end, head);

        error = queue_packet(dev, s, end, next);
        if (!error) {
            end = next;
            n++;
        }
    }
    flushed = ops->flush(dev->interface->source);
    if (flushed)
        n -= (uint32_t)ops->withdraw(dev->interface->source);
    atomic_fetch_add_explicit(&port_of(dev)->sent, n, memory_order_relaxed);
    if (!flushed)
        *at = end; /* as the packets were when they were read: their slots may say otherwise by now */
    for (; flushed && n && *at != end; n--)
        *at = packet_end(s, *at, end);
    return flushed ? flushed : error;
}

int nmu_interface_txsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    uint32_t n = nmu_slots(kring), first = NMU_POSITION(kring->hwcur, n), at = first, head = nmu_below(kring->rhead, n);
    int error = 0, failed = 0;
    uint32_t before;
    struct slots s;

    failed = slots_of(dev, kring, ring, &s);
    if (failed)
        return failed;
    if (dev->interface->owner != getpid() && (failed = nmu_interface_reopen(dev)))
        return failed;
    while (at != head) {
        before = at;
        error = send_packets(dev, &s, &at, head);
        if (error && error != -EAGAIN && !failed)
            failed = nmu_interface_report(dev, error);
        if (error == -EMSGSIZE || error == -EINVAL) { /* the packet's own fault: the others can do without it */
            at = packet_end(&s, at, head);
            atomic_fetch_add_explicit(&port_of(dev)->discarded, 1, memory_order_relaxed);
        } else if (error && at == before) {
            break;
        }
    }
    for (uint32_t i = first; i != at; i = nmu_next(i, n)) {
        struct netmap_slot *slot = nm_slot_at(ring, i);

        nm_slot_set_flags(slot, nm_slot_read(slot).flags & (uint16_t)~(NS_REPORT | NS_BUF_CHANGED));
    }
    /* release: slots before it have been read */
    atomic_store_explicit(&kring->hwcur, at, memory_order_release);
    atomic_store_explicit(&kring->hwtail, nmu_prev(at, n), memory_order_relaxed);
    return failed;
}
