/* Receiving from an interface: frames of a packet socket fill the slots of the rx ring, by one process at a time. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "usernet/interface_impl.h"
#include "usernet/kring.h"
#include "usernet/monitor.h"
#include "usernet/wakeup.h"

#define PATIENCE_NS 2500000000u /* who sleeps in poll looks every second */
#define COUNT_NS 10000000u      /* how often the socket's losses are asked for */
#define NO_ROOM UINT32_MAX

/* Whether this process is to fill the rx ring; 0 or what went wrong in becoming the one that is. */
static int take_turn(struct nmu_device *dev, bool *mine)
{
    struct nmu_interface *a = dev->interface;
    struct nmu_port *port = port_of(dev);
    uint64_t now = (uint64_t)nm_clock_ns(CLOCK_MONOTONIC);
    const struct nmu_desc *filler = nmu_desc_at(dev->reg, port->filler);
    int error = a->owner == getpid() ? 0 : nmu_interface_reopen(dev);

    if (error)
        return error;
    *mine = is_filler(dev);
    if (!*mine && port->filler && filler->port == nmu_desc_at(dev->reg, dev->desc)->port &&
        now - port->filler_seen_ns < PATIENCE_NS) {
        nmu_interface_watch(a, false);
        return 0;
    }
    if (!*mine) {
        if (port->filled != a->filled && (error = nmu_interface_reopen(dev)))
            return error;
        port->filler = dev->desc;
        a->filled = ++port->filled;
        *mine = true;
    }
    nmu_interface_watch(a, true);
    port->filler_seen_ns = now;
    return 0;
}

/* Copies a frame into slots from tail on, up to end: the new tail, or NO_ROOM. */
static uint32_t put_frame(const struct slots *s, const struct nm_view *view, uint32_t tail, uint32_t end)
{
    const uint8_t *from = view->data;
    uint32_t left = view->caplen;

    do {
        struct netmap_slot *slot = nm_slot_at(s->ring, tail);
        struct nm_slot was = nm_slot_read(slot);
        uint64_t at = was.ptr & s->kring->offset_mask;
        uint32_t room = at < s->objsize ? s->objsize - (uint32_t)at : 0, part = left < room ? left : room;

        if (tail == end || !part)
            return NO_ROOM;
        if (was.buf_idx >= 2 && was.buf_idx < s->objtotal)
            memcpy(s->bufs + (uint64_t)was.buf_idx * s->objsize + at, from, part);
        from += part;
        left -= part;
        nm_slot_fill(slot, (uint16_t)part, left ? NS_MOREFRAG : 0);
        if (s->kring->timestamps)
            nm_slot_set_ptr(slot, (uint64_t)view->ts_ns);
        tail = nmu_next(tail, s->num_slots);
    } while (left);
    return tail;
}

/* Adds to the port's losses what the socket has lost since the last look. */
static void count_losses(struct nmu_interface *a, struct nmu_port *port)
{
    struct nm_counters counters = {0};

    if (port->filler_seen_ns - a->counted_ns < COUNT_NS)
        return;
    a->counted_ns = port->filler_seen_ns;
    a->source->ops->counters(a->source, &counters);
    atomic_fetch_add_explicit(&port->dropped, counters.dropped - a->dropped, memory_order_relaxed);
    a->dropped = counters.dropped;
}

/* The next frames that the socket has; where there are none, what is wrong with the interface. */
static int refill(struct nmu_device *dev)
{
    struct nmu_interface *a = dev->interface;
    int n = a->source->ops->fill(a->source, &a->batch);
    uint32_t kept = 0;

    a->next = 0;
    if (n == 0)
        n = a->source->ops->wait(a->source, 0);
    if (n < 0) {
        a->batch.count = 0;
        return n == -EINTR ? 0 : nmu_interface_report(dev, n);
    }
    /* What was on its way out before the socket knew that it is not wanted. */
    for (uint32_t i = 0; i < a->batch.count; i++)
        if (!(a->views[i].flags & NM_VIEW_OUT))
            a->views[kept++] = a->views[i];
    a->batch.count = kept;
    return 0;
}

int nmu_interface_rxsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    struct nmu_interface *a = dev->interface;
    struct nmu_port *port = port_of(dev);
    uint32_t n = nmu_slots(kring), end = nmu_prev(NMU_POSITION(kring->hwcur, n), n);
    uint32_t first = NMU_POSITION(kring->hwtail, n), tail = first;
    struct slots s;
    uint64_t received = 0, dropped = 0;
    bool mine = false;
    int error = take_turn(dev, &mine);

    if (!mine)
        return error;
    error = slots_of(dev, kring, ring, &s);
    if (error)
        return error;
    while (tail != end) {
        const struct nm_view *view = &a->views[a->next];
        uint32_t next;

        if (a->next == a->batch.count) {
            error = refill(dev);
            if (error || !a->batch.count)
                break;
            continue;
        }
        next = view->caplen < view->len ? NO_ROOM : put_frame(&s, view, tail, end);
        if (next == NO_ROOM && view->caplen == view->len && tail != kring->rhead)
            break; /* it may fit once its reader has gone on */
        a->next++;
        received += next != NO_ROOM;
        dropped += next == NO_ROOM;
        if (next != NO_ROOM)
            tail = next;
    }
    if (a->next == a->batch.count)
        count_losses(a, port);
    if (tail == end)
        nmu_interface_watch(a, false); /* there is no use in telling of what has no room */
    port->filled += received + dropped;
    a->filled = port->filled;
    atomic_fetch_add_explicit(&port->received, received, memory_order_relaxed);
    atomic_fetch_add_explicit(&port->dropped, dropped, memory_order_relaxed);
    if (tail == first)
        return error;
    if (kring->copy_monitors)
        nmu_monitor_copy(dev, kring, first, tail); /* before its reader may write there */
    /* release: the reader that sees the tail sees slots and payload */
    atomic_store_explicit(&kring->hwtail, tail, memory_order_release);
    if (kring->users > 1)
        nmu_notify(dev, kring->port);
    return 0; /* what is wrong now is wrong with the next sync, too, after these */
}
