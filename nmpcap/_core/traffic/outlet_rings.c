/*
 * Frames straight into the slots of tx rings. What each slot's buffer holds is remembered: it is filled again only where
 * the slot names another buffer than it did, or says that its buffer has changed.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "netmap/impl.h"
#include "traffic/outlet.h"
#include "traffic/stream.h"

struct rings {
    struct nm_outlet outlet;
    struct nm_desc *desc;
    uint32_t per_slot;    /* bytes that a slot takes at most */
    uint32_t chain;       /* slots of the longest frame */
    int same;             /* every frame of the stream is */
    uint32_t turn;        /* the ring that goes first */
    uint32_t **holds;     /* of each ring, for each slot: the buffer that holds a frame of the stream, or 0 */
    uint32_t length;      /* of the frame, where all are the same */
    uint8_t *frame;       /* where frames of several slots are put together */
};

static struct rings *self(struct nm_outlet *outlet)
{
    return (struct rings *)outlet;
}

static int enter(struct nm_outlet *outlet)
{
    return nm_desc_enter(self(outlet)->desc) ? 0 : -EBUSY;
}

static void leave(struct nm_outlet *outlet)
{
    nm_desc_leave(self(outlet)->desc);
}

static int bad_slot(struct rings *o, const struct nm_ring *r, uint32_t i, struct nm_slot slot)
{
    return -nm_desc_fail(o->desc, EINVAL, "generating: slot %u of tx ring %u names buffer %u, the region has %u", i,
                         r->ringid, slot.buf_idx, r->num_bufs);
}

/* ---- frames of one slot ------------------------------------------------------------ */

/* n slots from i on. Returns 0, or an error with the slot's number in *i and what came before it in the burst. */
static int fill(struct rings *o, struct nm_stream *stream, uint32_t ring, uint32_t *at, uint32_t n, struct nm_burst *burst)
{
    const struct nm_ring *r = &o->desc->tx[ring];
    uint32_t *holds = o->holds[ring], i = *at, length = o->length;
    int error = 0;

    for (; n; n--, i = nm_ring_next(r, i)) {
        struct netmap_slot *place = nm_slot_at(r->ring, i);
        struct nm_slot slot = nm_slot_read(place);
        bool fresh = slot.buf_idx != holds[i] || slot.flags & NS_BUF_CHANGED;
        uint16_t report = n == 1 ? NS_REPORT : 0; /* a NIC tells of the last one */

        if (fresh || !o->same) {
            if (!nm_slot_valid(r, slot) || r->buf_size - nm_slot_offset(r, slot) < nm_stream_longest(stream)) {
                error = bad_slot(o, r, i, slot);
                break;
            }
            length = nm_stream_next(stream, nm_slot_buf(r, slot), fresh);
            holds[i] = slot.buf_idx;
            burst->filled += fresh;
        }
        if (slot.len != length || slot.flags != (report | (slot.flags & NS_BUF_CHANGED)))
            nm_slot_fill(place, (uint16_t)length, (uint16_t)(report | (slot.flags & NS_BUF_CHANGED)));
        burst->bytes += length;
        burst->sent++;
    }
    *at = i;
    return error;
}

/* ---- frames of several slots ------------------------------------------------------- */

static int fill_chain(struct rings *o, const struct nm_ring *r, uint32_t *at, uint32_t length)
{
    uint32_t i = *at, put = 0;

    while (put < length) {
        struct netmap_slot *place = nm_slot_at(r->ring, i);
        struct nm_slot slot = nm_slot_read(place);
        uint32_t now = length - put < o->per_slot ? length - put : o->per_slot;

        if (!nm_slot_valid(r, slot) || r->buf_size - nm_slot_offset(r, slot) < now)
            return bad_slot(o, r, i, slot);
        memcpy(nm_slot_buf(r, slot), o->frame + put, now);
        put += now;
        nm_slot_fill(place, (uint16_t)now, (slot.flags & NS_BUF_CHANGED) | (put < length ? NS_MOREFRAG : 0));
        i = nm_ring_next(r, i);
    }
    *at = i;
    return 0;
}

static int fill_chains(struct rings *o, struct nm_stream *stream, uint32_t ring, uint32_t *at, uint32_t n,
                       struct nm_burst *burst)
{
    int error = 0;

    for (; n && !error; n--) {
        uint32_t length = nm_stream_next(stream, o->frame, 1);

        error = fill_chain(o, &o->desc->tx[ring], at, length);
        if (error)
            break;
        burst->bytes += length;
        burst->filled++;
        burst->sent++;
    }
    return error;
}

/* ---- bursts ------------------------------------------------------------------------ */

static int send_on(struct rings *o, struct nm_stream *stream, uint32_t ring, uint32_t n, struct nm_burst *burst)
{
    struct nm_ring *r = &o->desc->tx[ring];
    struct nm_indexes at;
    uint32_t room;
    int error;

    if (!nm_ring_look(r, &at))
        return 0; /* the sync tells what is wrong, and puts it right */
    room = nm_ring_distance(r, at.head, at.tail) / o->chain;
    if (n > room)
        n = room;
    if (!n)
        return 0;
    error = o->chain > 1 ? fill_chains(o, stream, ring, &at.head, n, burst) : fill(o, stream, ring, &at.head, n, burst);
    nm_ring_set_head(r->ring, at.head);
    nm_ring_set_cur(r->ring, at.head);
    return error;
}

static int send(struct nm_outlet *outlet, struct nm_stream *stream, uint32_t n, struct nm_burst *burst)
{
    struct rings *o = self(outlet);
    uint32_t rings = o->desc->num_tx;
    int error = 0, synced;

    for (uint32_t tried = 0; tried < rings && burst->sent < n && !error; tried++) {
        error = send_on(o, stream, o->turn, n - burst->sent, burst);
        o->turn = o->turn + 1 == rings ? 0 : o->turn + 1;
    }
    o->desc->stats.sent += burst->sent;
    synced = nm_desc_report(o->desc, "txsync", o->desc->device->ops->txsync(o->desc->device));
    return error ? error : -synced;
}

static int wait(struct nm_outlet *outlet, int timeout_ms)
{
    struct nm_desc *d = self(outlet)->desc;
    short revents = 0;
    int error = nm_desc_report(d, "waiting for room", d->device->ops->poll(d->device, POLLOUT, timeout_ms, &revents));

    if (!error && revents & POLLERR)
        error = nm_desc_report(d, "waiting for room", EIO);
    return -error;
}

static void let_go(struct nm_outlet *outlet)
{
    struct rings *o = self(outlet);

    for (uint32_t i = 0; o->holds && i < o->desc->num_tx; i++)
        free(o->holds[i]);
    free(o->holds);
    free(o->frame);
    free(o);
}

static const struct nm_outlet_ops ops = {.enter = enter, .leave = leave, .send = send, .wait = wait, .free = let_go};

/* ---- making one -------------------------------------------------------------------- */

/* How many bytes a slot of any ring takes, and the slots of the smallest ring that can be filled. */
static void measure(const struct nm_desc *desc, uint32_t *bytes, uint32_t *slots)
{
    *bytes = UINT16_MAX;
    *slots = desc->max_slots;
    for (uint32_t i = 0; i < desc->num_tx; i++) {
        if (desc->tx[i].buf_size < *bytes)
            *bytes = desc->tx[i].buf_size;
        if (desc->tx[i].num_slots - 1 < *slots)
            *slots = desc->tx[i].num_slots - 1;
    }
}

static int allocate(struct rings *o, uint32_t longest)
{
    o->frame = malloc(longest);
    o->holds = calloc(o->desc->num_tx, sizeof(*o->holds));
    if (!o->frame || !o->holds)
        return -ENOMEM;
    for (uint32_t i = 0; i < o->desc->num_tx; i++) {
        o->holds[i] = calloc(o->desc->tx[i].num_slots, sizeof(**o->holds));
        if (!o->holds[i])
            return -ENOMEM;
    }
    return 0;
}

int nm_outlet_rings(struct nm_desc *desc, const struct nm_stream *stream, uint32_t fragment, struct nm_outlet **outlet)
{
    uint32_t bytes, slots, longest = nm_stream_longest(stream);
    struct rings *o;

    if (!desc->num_tx)
        return -EBADF;
    measure(desc, &bytes, &slots);
    if (fragment && fragment < bytes)
        bytes = fragment;
    if (!slots || (longest + bytes - 1) / bytes > slots)
        return -EMSGSIZE;
    o = calloc(1, sizeof(*o));
    if (!o)
        return -ENOMEM;
    *o = (struct rings){.outlet = {&ops}, .desc = desc, .per_slot = bytes,
                        .chain = (longest + bytes - 1) / bytes, .same = nm_stream_same(stream), .length = longest};
    if (allocate(o, longest)) {
        let_go(&o->outlet);
        return -ENOMEM;
    }
    *outlet = &o->outlet;
    return 0;
}
