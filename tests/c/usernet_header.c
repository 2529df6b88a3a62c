/*
 * Packets between ports with virtio headers of different lengths: what comes off, what goes on,
 * and a checksum that the sender left to be filled in.
 *
 * core: all
 */
#include "client.h"

static void set_header(struct client *client, const char *name, uint32_t len)
{
    struct nmreq_port_hdr hdr = {.nr_hdr_len = len};

    CHECK_EQ(client_request(client->device, NETMAP_REQ_PORT_HDR_SET, name, &hdr, NULL), 0);
}

/* An IPv4 UDP frame whose checksum field holds the sum of the pseudo header, as a guest leaves it:
 * 10.0.0.1:1 to 10.0.0.2:2, two bytes of payload, "hi". */
static const uint8_t frame[44] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 30, 0, 0,
                                  0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2, 0, 10, 0x14, 0x1e,
                                  'h', 'i'};
#define SUM_AT 40

/* Sends the frame behind a header of from bytes to a port that has to; what arrives. */
static uint16_t send(uint32_t from, uint32_t to, const uint8_t *header, uint8_t *got, uint64_t *dropped)
{
    struct nmreq_port_counters counters = {0};
    struct client a, b;
    uint8_t packet[64];
    uint16_t len = 0;

    client_open(&a, "vale0:a", 8);
    client_open(&b, "vale0:b", 8);
    set_header(&a, "vale0:a", from);
    set_header(&b, "vale0:b", to);
    memcpy(packet, header, from);
    memcpy(packet + from, frame, sizeof(frame));
    CHECK(client_put(&a, packet, (uint16_t)(from + sizeof(frame))));
    client_txsync(&a);
    client_rxsync(&b);
    if (client_space(b.rx)) {
        len = b.rx->slot[0].len;
        memcpy(got, client_buf(b.rx, 0), len);
    }
    CHECK_EQ(client_request(b.device, NMPCAP_REQ_PORT_COUNTERS_GET, "vale0:b", &counters, NULL), 0);
    *dropped = counters.dropped;
    client_close(&a);
    client_close(&b);
    return len;
}

int main(void)
{
    static const uint8_t none[12] = {0};
    static const uint8_t marked[12] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const uint8_t unsummed[12] = {1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 1, 0};
    static const uint8_t segments[12] = {0, 1};
    uint8_t got[2048];
    uint64_t dropped;

    /* the same length: everything as it is */
    CHECK_EQ(send(12, 12, marked, got, &dropped), 12 + sizeof(frame));
    CHECK(!memcmp(got, marked, 12) && !memcmp(got + 12, frame, sizeof(frame)));
    /* off and on */
    CHECK_EQ(send(12, 0, none, got, &dropped), sizeof(frame));
    CHECK(!memcmp(got, frame, sizeof(frame)));
    CHECK_EQ(send(0, 10, none, got, &dropped), 10 + sizeof(frame));
    CHECK(!memcmp(got, none, 10) && !memcmp(got + 10, frame, sizeof(frame)));
    /* long to short and back: the ten bytes that mean the same */
    CHECK_EQ(send(12, 10, marked, got, &dropped), 10 + sizeof(frame));
    CHECK(!memcmp(got, marked, 10) && !memcmp(got + 10, frame, sizeof(frame)));
    CHECK_EQ(send(10, 12, marked, got, &dropped), 12 + sizeof(frame));
    CHECK(!memcmp(got, marked, 10) && !got[10] && !got[11]);
    /* the checksum over 'pseudo header + UDP' comes out right: 0x141e + 0001 + 0002 + 000a + 6869 */
    CHECK_EQ(send(12, 0, unsummed, got, &dropped), sizeof(frame));
    CHECK_EQ(got[SUM_AT] << 8 | got[SUM_AT + 1], 0xffff & ~(0x141e + 0x0001 + 0x0002 + 0x000a + 0x6869));
    /* segments have no frame to be delivered as: lost, and counted */
    CHECK_EQ(send(12, 0, segments, got, &dropped), 0);
    CHECK_EQ(dropped, 1);
    return 0;
}
