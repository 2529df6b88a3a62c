/* Sending over a descriptor: frames into tx slots. */
#include <string.h>

#include "netmap/impl.h"

/* Where the next frame goes; kept in registers over a batch and written back once. */
struct cursor {
    struct nm_ring *r;
    bool usable; /* its indexes were inside it */
    uint32_t head;
    uint32_t room;
};

static void open_cursor(struct cursor *c, struct nm_ring *r)
{
    struct nm_indexes at;

    c->r = r;
    c->usable = nm_ring_look(r, &at);
    c->head = at.head;
    c->room = c->usable ? nm_ring_distance(r, at.head, at.tail) : 0;
}

/* A ring that could not be used stays as it is: the next sync tells what is wrong, and puts it right. */
static void publish(const struct cursor *c)
{
    if (!c->usable)
        return;
    nm_ring_set_head(c->r->ring, c->head);
    nm_ring_set_cur(c->r->ring, c->head);
}

static int bad_ring(struct nm_desc *d, const struct nm_ring *r)
{
    struct nm_indexes at = nm_ring_indexes(r->ring);

    return nm_desc_fail(d, EIO, "sending: tx ring %u of %u slots has head %u, cur %u, tail %u", r->ringid, r->num_slots,
                        at.head, at.cur, at.tail);
}

static int bad_slot(struct nm_desc *d, const struct cursor *c, uint32_t i, struct nm_slot slot)
{
    return nm_desc_fail(d, EINVAL, "sending: slot %u of tx ring %u names buffer %u, the region has %u", i, c->r->ringid,
                        slot.buf_idx, c->r->num_bufs);
}

/* Copies into the buffer of slot i, which holds was. NS_BUF_CHANGED stays: the device has to hear of a buffer swapped
 * in since it last owned the slot. Everything else is left over from the slot's last packet. */
static void fill_slot(const struct nm_ring *r, uint32_t i, struct nm_slot was, const uint8_t *data, uint32_t len,
                      uint16_t more)
{
    memcpy(nm_slot_buf(r, was), data, len);
    nm_slot_fill(nm_slot_at(r->ring, i), (uint16_t)len, (was.flags & NS_BUF_CHANGED) | more);
}

static uint32_t slot_room(const struct nm_ring *r, struct nm_slot slot)
{
    uint32_t room = r->buf_size - nm_slot_offset(r, slot);

    return room < UINT16_MAX ? room : UINT16_MAX;
}

/* A frame that needs several slots. They are counted and checked first: nothing is written unless all fit. */
static int put_chain(struct nm_desc *d, struct cursor *c, const uint8_t *data, size_t len)
{
    struct nm_slot slot;
    uint32_t i = c->head, n = 0, limit = c->room < d->max_slots ? c->room : d->max_slots;
    size_t fits = 0;

    for (; fits < len; i = nm_ring_next(c->r, i)) {
        if (n == limit && (n == d->max_slots || n == c->r->num_slots - 1))
            return nm_desc_fail(d, EMSGSIZE, "sending: the frame never fits, %u slots take %zu bytes", n, fits);
        if (n == limit)
            return EAGAIN;
        slot = nm_ring_slot(c->r, i);
        if (!nm_slot_valid(c->r, slot))
            return bad_slot(d, c, i, slot);
        fits += slot_room(c->r, slot);
        n++;
    }
    limit = n;
    for (i = c->head, n = 0; len > 0; i = nm_ring_next(c->r, i), n++) {
        uint32_t now;

        slot = nm_ring_slot(c->r, i);
        if (n == limit || !nm_slot_valid(c->r, slot)) /* they were all right just now: a mate is writing at them */
            return bad_slot(d, c, i, slot);
        now = slot_room(c->r, slot);
        if (len < now)
            now = (uint32_t)len;
        fill_slot(c->r, i, slot, data, now, len > now ? NS_MOREFRAG : 0);
        data += now;
        len -= now;
    }
    c->head = i;
    c->room -= n;
    return 0;
}

static inline int put(struct nm_desc *d, struct cursor *c, const uint8_t *data, size_t len)
{
    struct nm_slot slot;

    if (c->room == 0)
        return c->usable ? EAGAIN : bad_ring(d, c->r);
    slot = nm_ring_slot(c->r, c->head);
    if (len > slot_room(c->r, slot))
        return put_chain(d, c, data, len);
    if (!nm_slot_valid(c->r, slot))
        return bad_slot(d, c, c->head, slot);
    fill_slot(c->r, c->head, slot, data, (uint32_t)len, 0);
    c->head = nm_ring_next(c->r, c->head);
    c->room--;
    return 0;
}

/* The largest frame any ring could ever take, all its slots free. */
static size_t largest_frame(const struct nm_desc *d)
{
    size_t best = 0;
    uint32_t i;

    for (i = 0; i < d->num_tx; i++) {
        uint32_t slots = d->tx[i].num_slots - 1;
        size_t bytes;

        if (slots > d->max_slots)
            slots = d->max_slots;
        bytes = (size_t)slots * d->tx[i].buf_size;
        if (bytes > best)
            best = bytes;
    }
    return best;
}

/* Why a frame cannot go, whatever the state of the rings: 0 if it can. */
static int hopeless(struct nm_desc *d, size_t len)
{
    if (d->num_tx == 0)
        return nm_desc_fail(d, EBADF, "sending: the port was opened without tx rings");
    if (len == 0)
        return nm_desc_fail(d, EINVAL, "sending: the frame is empty");
    if (len > largest_frame(d))
        return nm_desc_fail(d, EMSGSIZE, "sending: a frame of %zu bytes never fits, the rings take %zu", len,
                            largest_frame(d));
    return 0;
}

/* Moves the cursor to the next ring after the current one that takes the frame; each is tried once. */
static int put_elsewhere(struct nm_desc *d, struct cursor *c, const uint8_t *data, size_t len)
{
    uint32_t tried;
    int error = EAGAIN;

    for (tried = 1; tried < d->num_tx && error == EAGAIN; tried++) {
        publish(c);
        d->cur_tx = d->cur_tx + 1 == d->num_tx ? 0 : d->cur_tx + 1;
        open_cursor(c, &d->tx[d->cur_tx]);
        error = put(d, c, data, len);
    }
    return error;
}

int nm_desc_inject(struct nm_desc *desc, const uint8_t *data, size_t len)
{
    struct cursor c;
    int error = 0;

    if (!nm_desc_enter(desc))
        return EBUSY;
    if (desc->num_tx == 0 || len == 0 || len > desc->tx[0].buf_size)
        error = hopeless(desc, len);
    if (!error) {
        open_cursor(&c, &desc->tx[desc->cur_tx]);
        error = put(desc, &c, data, len);
        if (error == EAGAIN && desc->num_tx > 1)
            error = put_elsewhere(desc, &c, data, len);
        if (!error)
            publish(&c);
    }
    if (error == EAGAIN)
        nm_desc_fail(desc, EAGAIN, "sending: the tx rings are full; sync or wait for POLLOUT");
    if (error)
        desc->stats.unsent++;
    else
        desc->stats.sent++;
    nm_desc_leave(desc);
    return error;
}

uint32_t nm_desc_inject_many(struct nm_desc *desc, const struct nm_frame *frames, uint32_t count, int *error)
{
    struct cursor c;
    uint32_t done = 0, synced_at = UINT32_MAX;
    int failed = 0;

    *error = 0;
    if (count == 0)
        return 0;
    if (!nm_desc_enter(desc)) {
        *error = EBUSY;
        return 0;
    }
    if (desc->num_tx == 0)
        failed = hopeless(desc, 1);
    else
        open_cursor(&c, &desc->tx[desc->cur_tx]);
    while (done < count && !failed) {
        const struct nm_frame *frame = &frames[done];

        if (frame->len == 0 || frame->len > c.r->buf_size)
            failed = hopeless(desc, frame->len);
        if (!failed)
            failed = put(desc, &c, frame->data, frame->len);
        if (failed == EAGAIN && desc->num_tx > 1)
            failed = put_elsewhere(desc, &c, frame->data, frame->len);
        if (failed == EAGAIN && synced_at != done) {
            /* Full: hand over what is there, and look once whether that made room. */
            publish(&c);
            synced_at = done;
            failed = desc->device->ops->txsync(desc->device);
            open_cursor(&c, &desc->tx[desc->cur_tx]);
        } else if (!failed) {
            done++;
        }
    }
    if (desc->num_tx) {
        int sync_failed;

        publish(&c);
        sync_failed = desc->device->ops->txsync(desc->device);
        failed = failed ? failed : sync_failed;
    }
    if (failed == EAGAIN)
        nm_desc_fail(desc, EAGAIN, "sending: the tx rings are full after %u of %u frames", done, count);
    desc->stats.sent += done;
    desc->stats.unsent += count - done;
    *error = failed;
    nm_desc_leave(desc);
    return done;
}

uint32_t nm_desc_queued(struct nm_desc *desc)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < desc->num_tx; i++) {
        const struct nm_ring *r = &desc->tx[i];
        struct nm_indexes at;

        if (nm_ring_look(r, &at))
            total += nm_ring_distance(r, nm_ring_next(r, at.tail), at.head);
    }
    return total;
}
