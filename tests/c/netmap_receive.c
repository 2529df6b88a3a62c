/*
 * Receiving over a fake port: slots to packets, on rings of 1, 2, 3 and 8 slots.
 * core: message.c device/choose.c netmap
 * modes: plain asan
 */
#include "fake_device.h"

#include "device/choose.h"
#include "netmap/impl.h"
#include "source.h"

static struct nm_view views[64];
static struct nm_batch batch = {.views = views, .capacity = 64};

static struct nm_desc *open_port(void)
{
    struct nm_open_args args = {.name = "vale0:a", .which = NM_NETMAP_USER};
    struct nm_desc *d;
    char msg[NM_MSG_SIZE];

    CHECK(nm_desc_open(&args, &d, msg) == 0);
    return d;
}

static void close_port(struct nm_desc *d)
{
    CHECK(nm_desc_close(d) == 0);
    CHECK(fake.devices == 0 && fake.mappings == 0);
}

static bool counts_up(const uint8_t *data, uint32_t len, uint8_t seed)
{
    uint32_t i;

    for (i = 0; i < len; i++)
        if (data[i] != (uint8_t)(seed + i))
            return false;
    return true;
}

/* Fills a batch: how many packets there were. */
static uint32_t filled(struct nm_desc *d, struct nm_batch *into)
{
    CHECK(nm_desc_fill(d, into) == 0);
    return into->count;
}

/* Every packet once, in order, whatever the ring's size, many times round. */
static void fill_goes_round(uint32_t slots)
{
    struct nm_desc *d;
    uint32_t got = 0, i, batches = 0;

    fake_reset();
    fake.slots = slots;
    d = open_port();
    for (i = 0; i < 100; i++)
        fake_receive((uint16_t)(1 + i % 64), 0x0100, (uint8_t)i);
    for (;;) {
        CHECK(filled(d, &batch) < slots);
        if (batch.count == 0)
            break;
        for (i = 0; i < batch.count; i++, got++) {
            CHECK(views[i].len == 1 + got % 64 && views[i].caplen == views[i].len);
            CHECK(counts_up(views[i].data, views[i].len, (uint8_t)got));
            CHECK(views[i].ts_ns == (1000 + fake.rxsyncs) * INT64_C(1000000000) + 7000);
            CHECK(views[i].linktype == 1 && views[i].flags == 0);
        }
        batches++;
    }
    CHECK(got == (slots == 1 ? 0 : 100));
    /* One sync a batch, and one that found nothing. */
    CHECK(fake.rxsyncs == (int)batches + 1);
    close_port(d);
}

/* Lent slots stay the program's across syncs, and go back with the next fill. */
static void fill_lends(void)
{
    struct nm_desc *d;
    short revents;

    fake_reset();
    fake.slots = 4;
    d = open_port();
    fake_receive(10, 0, 1);
    fake_receive(10, 0, 2);
    fake_receive(10, 0, 3);
    fake_receive(10, 0, 4);
    CHECK(filled(d, &batch) == 3);
    CHECK(nm_desc_wait(d, POLLIN, 0, &revents) == 0 && revents == 0);
    CHECK(nm_desc_rxsync(d) == 0);
    CHECK(counts_up(views[0].data, 10, 1) && counts_up(views[2].data, 10, 3));
    CHECK(filled(d, &batch) == 1 && counts_up(views[0].data, 10, 4));
    close_port(d);
}

/* A batch smaller than what waits: the rest comes without a sync. */
static void fill_stops_at_capacity(void)
{
    struct nm_batch small = {.views = views, .capacity = 2};
    struct nm_desc *d;
    int i;

    fake_reset();
    d = open_port();
    for (i = 0; i < 7; i++)
        fake_receive(20, 0, (uint8_t)i);
    for (i = 0; i < 7; i += 2) {
        CHECK(filled(d, &small) == (i == 6 ? 1 : 2));
        CHECK(counts_up(views[0].data, 20, (uint8_t)i));
    }
    CHECK(fake.rxsyncs == 1);
    close_port(d);
}

/* Several slots: in place where the buffers are neighbours and full, else joined. */
static void chains_arrive_whole(bool reverse)
{
    struct nm_desc *d;

    fake_reset();
    fake.reverse_buffers = reverse;
    d = open_port();
    fake_receive(64, NS_MOREFRAG | 0x0300, 0);
    fake_receive(64, NS_MOREFRAG | 0x0300, 64);
    fake_receive(5, 0x0300, 128);
    fake_receive(30, NS_MOREFRAG | 0x0200, 0); /* not full: never in place */
    fake_receive(9, 0x0200, 30);
    fake_receive(7, 0x0100, 99);
    CHECK(filled(d, &batch) == 3);
    CHECK(views[0].len == 133 && views[0].caplen == 133 && counts_up(views[0].data, 133, 0));
    CHECK((views[0].data >= d->rx[0].bufs && views[0].data < d->rx[0].bufs + d->rx[0].num_bufs * 64) == !reverse);
    CHECK(views[1].len == 39 && counts_up(views[1].data, 39, 0));
    CHECK(views[2].len == 7 && counts_up(views[2].data, 7, 99));
    CHECK(d->stats.received == 3 && d->stats.bytes == 133 + 39 + 7);
    close_port(d);
}

/* The rest of a packet that is still to come is waited for, asleep; what was before it is delivered. */
static void unfinished_chain_waits(void)
{
    struct nm_desc *d;
    short revents;

    fake_reset();
    d = open_port();
    fake_receive(6, 0, 9);
    fake_receive(10, NS_MOREFRAG, 0);
    fake_receive(10, NS_MOREFRAG, 10);
    CHECK(filled(d, &batch) == 1);
    CHECK(filled(d, &batch) == 0);
    CHECK(nm_desc_wait(d, POLLIN, 0, &revents) == 0 && revents == 0);
    fake_receive(10, 0, 20);
    CHECK(nm_desc_wait(d, POLLIN, 0, &revents) == 0 && revents == POLLIN);
    CHECK(filled(d, &batch) == 1);
    CHECK(views[0].len == 30 && counts_up(views[0].data, 30, 0));
    close_port(d);
}

/* A chain that fills the ring can never end: it is handed out as it is, not waited for for ever. */
static void endless_chain_is_cut(uint32_t slots)
{
    struct nm_desc *d;
    uint32_t i;

    fake_reset();
    fake.slots = slots;
    d = open_port();
    for (i = 0; i < slots + 3; i++)
        fake_receive(64, NS_MOREFRAG, (uint8_t)(64 * i));
    CHECK(filled(d, &batch) == 1);
    CHECK(views[0].len == 64 * (slots - 1) && counts_up(views[0].data, views[0].caplen, 0));
    close_port(d);
}

/* What VALE and a careless neighbour may leave in a slot. */
static void odd_slots(void)
{
    struct nm_desc *d;

    fake_reset();
    d = open_port();
    fake_receive(0, 0, 0);   /* an unused place: no packet */
    fake_receive(12, 0, 1);
    fake_receive(0, 0, 0);
    fake_receive(100, 0, 2); /* longer than its buffer */
    fake_receive(13, 0, 3);  /* a buffer that is none */
    CHECK(nm_desc_rxsync(d) == 0);
    d->rx[0].ring->slot[4].buf_idx = UINT32_MAX;
    CHECK(filled(d, &batch) == 3);
    CHECK(views[0].len == 12 && counts_up(views[0].data, 12, 1));
    CHECK(views[1].len == 100 && views[1].caplen == 64);
    CHECK(views[2].len == 13 && views[2].caplen == 0);
    CHECK(d->stats.damaged == 2 && d->stats.received == 3);
    close_port(d);
}

static void only_empty_slots(void)
{
    struct nm_desc *d;
    struct nm_pkthdr hdr;
    int i;

    fake_reset();
    d = open_port();
    for (i = 0; i < 21; i++)
        fake_receive(0, 0, 0);
    fake_receive(9, 0, 3);
    CHECK(filled(d, &batch) == 1 && counts_up(views[0].data, 9, 3));
    fake_receive(0, 0, 0);
    CHECK(filled(d, &batch) == 0);
    fake_receive(0, 0, 0);
    CHECK(nm_desc_rxsync(d) == 0 && nm_desc_nextpkt(d, &hdr) == NULL);
    CHECK(d->rx[0].ring->head == d->rx[0].ring->tail);
    close_port(d);
}

/* nextpkt: slot by slot, the header whole, each released at once. */
static void nextpkt_is_per_slot(void)
{
    struct nm_desc *d;
    struct nm_pkthdr hdr;
    uint32_t i;

    fake_reset();
    d = open_port();
    fake_receive(0, 0, 0);
    fake_receive(64, NS_MOREFRAG, 0);
    fake_receive(0, 0, 64); /* the empty end of a packet is no empty slot */
    fake_receive(8, 0x0100, 5);
    CHECK(nm_desc_nextpkt(d, &hdr) == NULL);
    CHECK(nm_desc_rxsync(d) == 0);
    for (i = 1; i < 4; i++) {
        const uint8_t *data = nm_desc_nextpkt(d, &hdr);

        CHECK(data && data == hdr.buf && hdr.desc == d && hdr.ring == d->rx[0].ring);
        CHECK(hdr.slot == &hdr.ring->slot[i] && hdr.len == hdr.slot->len && hdr.caplen == hdr.len);
        CHECK(hdr.ts_ns == INT64_C(1001000007000) && hdr.flags == 0);
        CHECK(hdr.ring->head == i + 1 && hdr.ring->cur == i + 1);
    }
    CHECK(nm_desc_nextpkt(d, &hdr) == NULL);
    close_port(d);
}

struct seen {
    uint32_t calls;
    uint32_t last; /* calls without NM_MORE_PKTS */
    uint32_t bytes;
    struct nm_desc *desc;
};

static void see(void *arg, const struct nm_pkthdr *hdr, const uint8_t *data)
{
    struct seen *seen = arg;

    CHECK(data == hdr->buf && hdr->caplen == hdr->len);
    /* A callback that touches its own descriptor is refused, not let into the ring. */
    CHECK(nm_desc_rxsync(seen->desc) == EBUSY);
    CHECK(nm_desc_fill(seen->desc, &(struct nm_batch){0}) == EBUSY);
    seen->calls++;
    seen->bytes += hdr->len;
    seen->last += !(hdr->flags & NM_MORE_PKTS);
}

static void dispatch_counts(void)
{
    struct seen seen = {0};
    struct nm_desc *d;
    int i, done;

    fake_reset();
    fake.reverse_buffers = true;
    d = open_port();
    seen.desc = d;
    for (i = 0; i < 3; i++) {
        fake_receive(64, NS_MOREFRAG, 0);
        fake_receive(10, 0, 64);
    }
    CHECK(nm_desc_rxsync(d) == 0);
    CHECK(nm_desc_dispatch(d, 2, see, &seen, &done) == 0 && done == 2);
    CHECK(seen.calls == 2 && seen.last == 1);
    CHECK(d->rx[0].ring->head == 4);
    CHECK(nm_desc_dispatch(d, -1, see, &seen, &done) == 0 && done == 1);
    CHECK(seen.calls == 3 && seen.last == 2 && seen.bytes == 3 * 74);
    CHECK(nm_desc_dispatch(d, 0, see, &seen, &done) == 0 && done == 0);
    close_port(d);
}

/* The program moves head and cur itself between two fills. */
static void program_moves_the_ring(void)
{
    struct nm_desc *d;
    struct netmap_ring *ring;
    int i;

    fake_reset();
    d = open_port();
    ring = d->rx[0].ring;
    for (i = 0; i < 6; i++)
        fake_receive(10, 0, (uint8_t)i);
    CHECK(filled(d, &(struct nm_batch){.views = views, .capacity = 1}) == 1);
    ring->head = ring->cur = 3;
    CHECK(filled(d, &batch) == 3 && counts_up(views[0].data, 10, 3));
    ring->head = 99;
    CHECK(nm_desc_fill(d, &batch) == EIO && batch.count == 0);
    CHECK(strstr(nm_desc_msg(d), "vale0:a") && strstr(nm_desc_msg(d), "rx ring 0"));
    ring->head = ring->cur;
    close_port(d);
}

static void offsets_are_honoured(void)
{
    struct nm_desc *d;
    uint32_t i;

    fake_reset();
    fake.offset_mask = 0xffff;
    d = open_port();
    for (i = 0; i < 8; i++)
        d->rx[0].ring->slot[i].ptr = UINT64_C(0xab0000) | (i == 7 ? 9999 : 16);
    fake_receive(20, 0, 1);
    CHECK(filled(d, &batch) == 1);
    CHECK(counts_up(views[0].data, 20, 1) && (views[0].data - d->rx[0].bufs) % 64 == 16);
    for (i = 0; i < 7; i++)
        fake_receive(0, 0, 0);
    d->rx[0].ring->slot[1].ptr = 9999; /* beyond the buffer */
    fake_queued.slots[1].len = 20;
    fake.offset_mask = 0;
    d->rx[0].ring->tail = 2;
    d->rx[0].ring->slot[1].len = 20;
    CHECK(filled(d, &batch) == 1 && views[0].caplen == 0 && views[0].len == 20);
    close_port(d);
}

int main(void)
{
    static const uint32_t sizes[] = {1, 2, 3, 8};
    size_t i;

    for (i = 0; i < 4; i++)
        fill_goes_round(sizes[i]);
    fill_lends();
    fill_stops_at_capacity();
    chains_arrive_whole(false);
    chains_arrive_whole(true);
    unfinished_chain_waits();
    for (i = 1; i < 4; i++)
        endless_chain_is_cut(sizes[i]);
    odd_slots();
    only_empty_slots();
    nextpkt_is_per_slot();
    dispatch_counts();
    program_moves_the_ring();
    offsets_are_honoured();
    return 0;
}
