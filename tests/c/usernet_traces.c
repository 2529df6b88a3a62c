/*
 * The worked examples of ring arithmetic that netmap's behaviour is known by, number by number:
 * rings of 8 slots on a switch and on a pipe.
 *
 * core: message.c device usernet interfaces afpacket
 * modes: plain asan tsan
 */
#include "client.h"

static const uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};

static void fill(struct client *client, int count)
{
    for (int i = 0; i < count; i++)
        CHECK(client_put(client, frame, sizeof(frame)));
}

static void expect(const struct netmap_ring *ring, uint32_t head, uint32_t cur, uint32_t tail)
{
    CHECK_EQ(ring->head, head);
    CHECK_EQ(ring->cur, cur);
    CHECK_EQ(ring->tail, tail);
}

static void vale_frees_at_once(void)
{
    struct client a, b;

    client_open(&a, "vale0:a", 8);
    client_open(&b, "vale0:b", 8);
    expect(a.tx, 0, 0, 7);
    expect(b.rx, 0, 0, 0);
    fill(&a, 3);
    expect(a.tx, 3, 3, 7);
    client_txsync(&a);
    expect(a.tx, 3, 3, 2);
    CHECK_EQ(client_space(a.tx), 7);
    client_rxsync(&b);
    expect(b.rx, 0, 0, 3);
    CHECK_EQ(b.rx->slot[0].len, 60);
    CHECK_EQ(b.rx->slot[0].flags, 0x0100);
    CHECK(!memcmp(client_buf(b.rx, 2), frame, sizeof(frame)));
    client_close(&a);
    client_close(&b);
}

static void pipe_waits_for_its_reader(void)
{
    struct client a, b;

    client_open(&a, "x{1", 8);
    client_open(&b, "x}1", 8);
    fill(&a, 3);
    client_txsync(&a);
    expect(a.tx, 3, 3, 7);
    CHECK_EQ(client_space(a.tx), 4);
    client_rxsync(&b);
    expect(b.rx, 0, 0, 3);
    b.rx->head = b.rx->cur = 2;
    client_rxsync(&b);
    client_txsync(&a);
    expect(a.tx, 3, 3, 1);
    CHECK_EQ(client_space(a.tx), 6);
    fill(&a, 6);
    client_txsync(&a);
    expect(a.tx, 1, 1, 1);
    CHECK(!client_put(&a, frame, sizeof(frame)));
    client_close(&a);
    client_close(&b);
}

/* rhead 3, rtail 1 of 8: which heads a txsync takes, and what becomes of the others. */
static void heads_are_checked(void)
{
    static const struct {
        uint32_t head, cur;
        bool taken;
    } cases[] = {{3, 3, true}, {4, 4, true}, {7, 7, true}, {0, 0, true}, {1, 1, true}, {5, 0, true},
                 {2, 2, false}, {5, 4, false}, {9, 9, false}, {3, 9, false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client a, b;
        short revents;

        client_open(&a, "x{1", 8);
        client_open(&b, "x}1", 8);
        fill(&a, 3);
        client_txsync(&a);
        client_rxsync(&b);
        b.rx->head = b.rx->cur = 2;
        client_rxsync(&b);
        client_txsync(&a);
        a.tx->head = cases[i].head;
        a.tx->cur = cases[i].cur;
        CHECK_EQ(a.device->ops->poll(a.device, POLLOUT, 0, &revents), 0);
        CHECK_EQ(!(revents & POLLERR), cases[i].taken);
        if (cases[i].head >= 8)
            expect(a.tx, 3, 3, 1); /* back to what the device knows */
        client_close(&a);
        client_close(&b);
    }
}

static void fragments_are_counted(void)
{
    struct client a, b, c;

    client_open(&a, "vale0:a", 8);
    client_open(&b, "vale0:b", 8);
    fill(&a, 3);
    a.tx->slot[0].flags = a.tx->slot[1].flags = NS_MOREFRAG;
    client_txsync(&a);
    client_rxsync(&b);
    CHECK_EQ(b.rx->slot[0].flags, 0x0320);
    CHECK_EQ(b.rx->slot[1].flags, 0x0320);
    CHECK_EQ(b.rx->slot[2].flags, 0x0300);
    client_close(&a);
    client_close(&b);
    client_open(&a, "x{1", 8);
    client_open(&c, "x}1", 8);
    fill(&a, 3);
    a.tx->slot[0].flags = a.tx->slot[1].flags = NS_MOREFRAG;
    client_txsync(&a);
    client_rxsync(&c);
    CHECK_EQ(c.rx->slot[0].flags, 0x0020);
    CHECK_EQ(c.rx->slot[2].flags, 0);
    client_close(&a);
    client_close(&c);
}

/* An end of a pipe is a port, and can have pipes of its own, which keep it. What is left over is
 * seen in the runtime directory, which has to be empty in the end. */
static void a_pipe_on_a_pipe_keeps_it(void)
{
    struct client below, above, again;

    client_open(&below, "x{1", 8);
    client_open(&above, "x}1{2", 8);
    client_close(&below);
    client_open(&again, "x{1", 16);
    CHECK_EQ(again.tx->num_slots, 8); /* the pipe that was there, not a new one */
    client_close(&above);
    client_close(&again);
    client_open(&again, "x{1", 16);
    CHECK_EQ(again.tx->num_slots, 16);
    client_close(&again);
}

int main(void)
{
    a_pipe_on_a_pipe_keeps_it();
    vale_frees_at_once();
    pipe_waits_for_its_reader();
    heads_are_checked();
    fragments_are_counted();
    return 0;
}
