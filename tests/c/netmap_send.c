/*
 * Sending over a fake port: frames into slots, on rings of 1, 2, 3 and 8 slots.
 * core: message.c device/choose.c netmap
 * modes: plain asan
 */
#include "fake_device.h"

#include "device/choose.h"
#include "netmap/impl.h"

static uint8_t bytes[65536];

static struct nm_desc *open_named(const char *name)
{
    struct nm_open_args args = {.name = name, .which = NM_NETMAP_USER};
    struct nm_desc *d;
    char msg[NM_MSG_SIZE];

    CHECK(nm_desc_open(&args, &d, msg) == 0);
    return d;
}

static struct nm_desc *open_port(void)
{
    return open_named("vale0:a");
}

static void close_port(struct nm_desc *d)
{
    CHECK(nm_desc_close(d) == 0);
    CHECK(fake.devices == 0 && fake.mappings == 0);
}

/* The k-th slot sent holds bytes[from, from + len). */
static bool sent_is(uint32_t k, size_t from, uint16_t len, uint16_t flags)
{
    const struct fake_slot *slot = &fake_sent.slots[k];

    return k < fake_sent.count && slot->len == len && slot->flags == flags && !memcmp(slot->data, bytes + from, len);
}

static void one_by_one(uint32_t slots)
{
    struct nm_desc *d;
    uint32_t i, sent = 0;

    fake_reset();
    fake.slots = slots;
    d = open_port();
    for (i = 0; i < 50; i++) {
        uint32_t room = slots_owned(d->tx[0].ring);
        int error = nm_desc_inject(d, bytes + i, 20);

        CHECK(error == (room ? 0 : slots == 1 ? EMSGSIZE : EAGAIN) || slots == 1);
        sent += !error;
        if (error == EAGAIN) {
            CHECK(strstr(nm_desc_msg(d), "vale0:a") && fake_sent.count == sent - (slots - 1));
            CHECK(nm_desc_txsync(d) == 0);
        }
    }
    CHECK(nm_desc_txsync(d) == 0);
    CHECK(fake_sent.count == sent && (sent > 0) == (slots > 1));
    CHECK(d->stats.sent == sent && d->stats.unsent == 50 - sent);
    close_port(d);
}

static void sizes(void)
{
    static const size_t good[] = {1, 63, 64, 65, 127, 128, 129, 7 * 64};
    struct nm_desc *d;
    size_t i, k;

    fake_reset();
    d = open_port();
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint32_t first = fake_sent.count;
        size_t slots = (good[i] + 63) / 64;

        CHECK(nm_desc_inject(d, bytes + i, good[i]) == 0 && nm_desc_txsync(d) == 0);
        CHECK(fake_sent.count == first + slots);
        for (k = 0; k + 1 < slots; k++)
            CHECK(sent_is(first + (uint32_t)k, i + 64 * k, 64, NS_MOREFRAG));
        CHECK(sent_is(first + (uint32_t)k, i + 64 * k, (uint16_t)(good[i] - 64 * k), 0));
    }
    CHECK(nm_desc_inject(d, bytes, 7 * 64 + 1) == EMSGSIZE && strstr(nm_desc_msg(d), "449"));
    CHECK(nm_desc_inject(d, bytes, 0) == EINVAL && strstr(nm_desc_msg(d), "empty"));
    for (i = 0; i < 7; i++)
        CHECK(nm_desc_inject(d, bytes, 10) == 0);
    CHECK(nm_desc_inject(d, bytes, 0) == EINVAL); /* on a full ring, too */
    CHECK(nm_desc_inject(d, bytes, 100) == EAGAIN);
    CHECK(slots_owned(d->tx[0].ring) == 0);
    close_port(d);
}

/* On a switch a packet has at most 255 slots; on a pipe as many as the ring. */
static void longest(void)
{
    struct nm_desc *d;
    uint32_t i;

    fake_reset();
    fake.slots = 400;
    d = open_port();
    CHECK(nm_desc_inject(d, bytes, 256 * 64) == EMSGSIZE);
    CHECK(nm_desc_inject(d, bytes, 255 * 64) == 0);
    close_port(d);
    d = open_named("vale0:a{1");
    CHECK(nm_desc_inject(d, bytes, 399 * 64) == 0 && nm_desc_txsync(d) == 0);
    CHECK(fake_sent.count == 399);
    close_port(d);
    /* Offsets leave less room in each of the 255. */
    fake.offset_mask = 0xff;
    d = open_port();
    for (i = 0; i < fake.slots; i++)
        d->tx[0].ring->slot[i].ptr = 16;
    CHECK(nm_desc_inject(d, bytes, 255 * 48 + 1) == EMSGSIZE && nm_desc_inject(d, bytes, 255 * 48) == 0);
    close_port(d);
}

/* What an earlier packet left in a slot does not go out again; a swapped buffer is still told of. */
static void stale_flags(void)
{
    struct nm_desc *d;
    uint32_t i;

    fake_reset();
    d = open_port();
    for (i = 0; i < 8; i++)
        d->tx[0].ring->slot[i].flags = 0xff00 | NS_MOREFRAG | NS_INDIRECT | (i == 1 ? NS_BUF_CHANGED : 0);
    CHECK(nm_desc_inject(d, bytes, 9) == 0 && nm_desc_inject(d, bytes, 9) == 0 && nm_desc_txsync(d) == 0);
    CHECK(sent_is(0, 0, 9, 0) && sent_is(1, 0, 9, NS_BUF_CHANGED));
    close_port(d);
}

/* At head, where the program's slots begin, wherever cur may be. */
static void at_head(void)
{
    struct nm_desc *d;

    fake_reset();
    d = open_port();
    d->tx[0].ring->cur = 5;
    CHECK(nm_desc_inject(d, bytes, 9) == 0);
    CHECK(d->tx[0].ring->head == 1 && d->tx[0].ring->cur == 1);
    close_port(d);
}

static void several_rings(void)
{
    struct nm_desc *d;
    uint32_t i;

    fake_reset();
    fake.rings = 3;
    fake.slots = 3;
    d = open_port();
    for (i = 0; i < 6; i++)
        CHECK(nm_desc_inject(d, bytes + i, 10) == 0);
    CHECK(nm_desc_inject(d, bytes, 10) == EAGAIN);
    CHECK(nm_desc_txsync(d) == 0);
    for (i = 0; i < 6; i++)
        CHECK(sent_is(i, i, 10, 0));
    close_port(d);
}

static void bad_rings(void)
{
    struct nm_desc *d;
    struct nm_frame frame = {bytes, 10};
    int error;

    fake_reset();
    d = open_port();
    d->tx[0].ring->slot[0].buf_idx = 1;
    CHECK(nm_desc_inject(d, bytes, 10) == EINVAL && strstr(nm_desc_msg(d), "slot 0 of tx ring 0 names buffer 1"));
    d->tx[0].ring->slot[0].buf_idx = UINT32_MAX;
    CHECK(nm_desc_inject(d, bytes, 100) == EINVAL && fake_sent.count == 0);
    CHECK(nm_desc_inject_many(d, &frame, 1, &error) == 0 && error == EINVAL);
    d->tx[0].ring->tail = 8;
    CHECK(nm_desc_inject(d, bytes, 10) == EIO && strstr(nm_desc_msg(d), "tail 8"));
    close_port(d);
}

static void offsets_are_honoured(void)
{
    struct nm_desc *d;
    uint32_t i;

    fake_reset();
    fake.offset_mask = 0xff;
    d = open_port();
    for (i = 0; i < 8; i++)
        d->tx[0].ring->slot[i].ptr = 16 + 0x100;
    CHECK(nm_desc_inject(d, bytes, 48) == 0 && nm_desc_inject(d, bytes, 49) == 0 && nm_desc_txsync(d) == 0);
    CHECK(sent_is(0, 0, 48, 0) && sent_is(1, 0, 48, NS_MOREFRAG) && sent_is(2, 48, 1, 0));
    CHECK(nm_desc_inject(d, bytes, 7 * 48 + 1) == EMSGSIZE);
    close_port(d);
}

static void many(void)
{
    struct nm_frame frames[40];
    struct nm_desc *d;
    uint32_t i;
    int error;

    fake_reset();
    d = open_port();
    for (i = 0; i < 40; i++)
        frames[i] = (struct nm_frame){bytes + i, 10 + i};
    CHECK(nm_desc_inject_many(d, frames, 40, &error) == 40 && error == 0);
    CHECK(fake_sent.count == 40 && fake.txsyncs == 6); /* five fulls of 7 slots, and the rest */
    for (i = 0; i < 40; i++)
        CHECK(sent_is(i, i, (uint16_t)(10 + i), 0));
    CHECK(nm_desc_inject_many(d, frames, 0, &error) == 0 && error == 0);

    /* What does not fit stops the row, and says which. */
    frames[3].len = 1000;
    CHECK(nm_desc_inject_many(d, frames, 5, &error) == 3 && error == EMSGSIZE && fake_sent.count == 43);
    frames[3].len = 0;
    CHECK(nm_desc_inject_many(d, frames + 3, 5, &error) == 0 && error == EINVAL);
    close_port(d);

    /* A pipe nobody reads. */
    fake_reset();
    fake.keep_sent = true;
    d = open_port();
    frames[3].len = 10;
    CHECK(nm_desc_inject_many(d, frames, 40, &error) == 7 && error == EAGAIN && fake_sent.count == 7);
    CHECK(d->stats.sent == 7 && d->stats.unsent == 33 && strstr(nm_desc_msg(d), "7 of 40"));
    close_port(d);
}

static void no_tx_rings(void)
{
    struct nm_frame frame = {bytes, 10};
    struct nm_desc *d;
    int error;

    fake_reset();
    fake.rings = 0;
    d = open_port();
    CHECK(nm_desc_inject(d, bytes, 10) == EBADF);
    CHECK(nm_desc_inject_many(d, &frame, 1, &error) == 0 && error == EBADF);
    close_port(d);
}

/* ---- forwarding ------------------------------------------------------------------------ */

static void forward(bool same_region)
{
    struct nm_desc *from, *to;
    uint32_t moved, rx_buf, tx_buf;
    short revents;

    fake_reset();
    from = open_port();
    fake.mem_id = same_region ? 5 : 6;
    to = open_port();
    fake_receive(64, NS_MOREFRAG | 0x0200, 0);
    fake_receive(10, 0x0200, 64);
    fake_receive(0, 0, 0);
    fake_receive(11, 0x0100, 3);
    fake_receive(9, NS_MOREFRAG, 0); /* not all there */
    CHECK(nm_desc_rxsync(from) == 0);
    rx_buf = from->rx[0].ring->slot[0].buf_idx;
    tx_buf = to->tx[0].ring->slot[0].buf_idx;
    CHECK(nm_desc_forward(from, 0, to, 0, 1, &moved) == 0 && moved == 1);
    CHECK(nm_desc_forward(from, 0, to, 0, 99, &moved) == 0 && moved == 1);
    CHECK(nm_desc_forward(from, 0, to, 0, 99, &moved) == 0 && moved == 0);
    CHECK(from->rx[0].ring->head == 4 && to->tx[0].ring->head == 3);
    /* The rest of the last packet is waited for, not looked for again and again. */
    CHECK(nm_desc_wait(from, POLLIN, 0, &revents) == 0 && revents == 0);
    if (same_region) {
        /* Two fakes with one region id: in truth one memory, here the exchange of indexes shows. */
        CHECK(to->tx[0].ring->slot[0].buf_idx == rx_buf && from->rx[0].ring->slot[0].buf_idx == tx_buf);
        CHECK(to->tx[0].ring->slot[0].flags == (NS_BUF_CHANGED | NS_MOREFRAG));
        CHECK(to->tx[0].ring->slot[1].flags == NS_BUF_CHANGED && to->tx[0].ring->slot[2].len == 11);
        CHECK(from->rx[0].ring->slot[0].flags & NS_BUF_CHANGED);
    } else {
        uint32_t i;

        CHECK(nm_desc_txsync(to) == 0 && fake_sent.count == 3);
        for (i = 0; i < 74; i++)
            CHECK(fake_sent.slots[i / 64].data[i % 64] == i);
        CHECK(fake_sent.slots[0].flags == NS_MOREFRAG && fake_sent.slots[1].flags == 0);
        CHECK(fake_sent.slots[2].len == 11 && fake_sent.slots[2].data[0] == 3);
    }
    CHECK(nm_desc_forward(from, 1, to, 0, 1, &moved) == EINVAL && nm_desc_forward(from, 0, to, 1, 1, &moved) == EINVAL);
    CHECK(nm_desc_close(from) == 0);
    close_port(to);
}

/* A packet's offset goes with its buffer. */
static void forward_with_offsets(void)
{
    struct nm_desc *d;
    uint32_t moved;

    fake_reset();
    fake.offset_mask = 0xff;
    d = open_port();
    d->rx[0].ring->slot[0].ptr = 0x710;
    d->tx[0].ring->slot[0].ptr = 0x920;
    fake_receive(20, 0, 1);
    CHECK(nm_desc_rxsync(d) == 0 && nm_desc_forward(d, 0, d, 0, 1, &moved) == 0 && moved == 1);
    CHECK(d->tx[0].ring->slot[0].ptr == 0x910 && d->rx[0].ring->slot[0].ptr == 0x720);
    CHECK(nm_desc_txsync(d) == 0 && fake_sent.slots[0].data[0] == 1 && fake_sent.slots[0].data[19] == 20);
    close_port(d);
}

static void forward_stops_when_full(void)
{
    struct nm_desc *d;
    uint32_t moved, i;

    fake_reset();
    d = open_port();
    for (i = 0; i < 7; i++)
        fake_receive(10, 0, (uint8_t)i);
    CHECK(nm_desc_rxsync(d) == 0);
    for (i = 0; i < 3; i++)
        CHECK(nm_desc_inject(d, bytes, 5) == 0);
    CHECK(nm_desc_forward(d, 0, d, 0, 99, &moved) == 0 && moved == 4);
    CHECK(slots_owned(d->tx[0].ring) == 0 && slots_owned(d->rx[0].ring) == 3);
    close_port(d);
}

int main(void)
{
    static const uint32_t rings[] = {1, 2, 3, 8};
    size_t i;

    for (i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    for (i = 0; i < 4; i++)
        one_by_one(rings[i]);
    sizes();
    longest();
    stale_flags();
    at_head();
    several_rings();
    bad_rings();
    offsets_are_honoured();
    many();
    no_tx_rings();
    forward(true);
    forward(false);
    forward_with_offsets();
    forward_stops_when_full();
    return 0;
}
