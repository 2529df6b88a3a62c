/*
 * One process of the storm (test_storm.py): it sends from its ports of vale0 to everybody's, takes
 * what arrives at them, and checks all of it.
 *
 *   storm LEDGER PROCESS PORTS SEED CHURN
 *
 * The ledger is memory shared with the test and the other processes: which ports are up, how many
 * packets went from where to where, what the test wants done. A process is killed at any moment,
 * and another one with its number started.
 *
 * Every time a port is opened it is a new station with an address of its own. A packet says in its
 * addresses who sent it to whom, then its number for that pair and its length; the other bytes follow
 * from sender and number. So a receiver sees by itself what is altered, doubled, or out of order, and
 * how many are missing; for those the port's counter of dropped packets must account.
 *
 * core: message.c device/choose.c device/kernel.c usernet interfaces afpacket
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define STATIONS 64
#define PROCESSES 8
#define PORTS_MAX STATIONS
#define TX_SLOTS 128
#define RX_SLOTS 256
#define BUF_SIZE 2048u
#define HEADER 20u /* addresses, number, length */
#define SHORTEST 14u
#define LONGEST 9000u
#define HANG_SECONDS 60
#define BROADCAST STATIONS

enum phase { STORM = 1, STOP, DRAIN, END, TURN = 100 /* + 2 * process to send, + 1 to check */ };

struct ledger {
    _Atomic uint32_t phase;
    _Atomic uint32_t births;             /* numbers stations */
    _Atomic uint32_t acked[PROCESSES];   /* the last phase that a process has finished */
    _Atomic uint64_t station[STATIONS];  /* by port: who is there; 0: nobody that can be sent to */
    _Atomic uint64_t sent_to[STATIONS][STATIONS];     /* the station at the port sent to ... */
    _Atomic uint32_t sent[STATIONS][STATIONS + 1];    /* ... and how many numbered packets it was sent */
    _Atomic uint64_t packets, bytes, taken, missing, reopened;
};

struct peer {
    uint32_t station;   /* that sent the packets counted here */
    uint32_t next;      /* number of its next packet to this port */
    uint32_t next_all;  /* of its next broadcast; 0: none seen */
    uint32_t got;       /* numbered packets in this turn */
};

struct port {
    struct client client;
    char name[16];
    unsigned number;
    uint32_t station;
    uint64_t sent, taken, missing;
    struct peer peer[STATIONS];
};

static struct ledger *ledger;
static struct port ports[PORTS_MAX];
static unsigned self, port_count;
static uint64_t random_state;
static const char *volatile doing = "starting";

static uint32_t pick(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * below >> 32);
}

static void on_alarm(int number)
{
    char text[96];
    int length = snprintf(text, sizeof(text), "storm: process %u hangs: %s\n", self, doing);

    (void)number;
    (void)!write(2, text, (size_t)length);
    _exit(3);
}

/* ---- packets ----------------------------------------------------------------------- */

static void put_address(uint8_t *to, uint32_t station)
{
    to[0] = 2;
    to[1] = 0;
    memcpy(to + 2, &station, 4);
}

static uint32_t station_of(const uint8_t *address)
{
    uint32_t station;

    memcpy(&station, address + 2, 4);
    return station;
}

static unsigned port_of(uint32_t station)
{
    return station % STATIONS;
}

/* The packet that a sender makes of these. to 0: a broadcast. */
static void make(uint8_t *packet, uint32_t from, uint32_t to, uint32_t number, uint32_t length)
{
    uint64_t word = ((uint64_t)from << 32 | number) * 0x9e3779b97f4a7c15u + length;

    for (uint32_t i = 0; i < length; i += 8, word = word * 6364136223846793005u + 1442695040888963407u)
        memcpy(packet + i, &word, 8);
    if (to)
        put_address(packet, to);
    else
        memset(packet, 0xff, 6);
    put_address(packet + 6, from);
    memcpy(packet + 12, "\x88\xb5", 2);
    memcpy(packet + 14, &number, 4);
    memcpy(packet + 18, &(uint16_t){(uint16_t)length}, 2);
}

static uint32_t random_length(void)
{
    switch (pick(8)) {
    case 0: return SHORTEST + pick(HEADER + 4 - SHORTEST);
    case 1: return BUF_SIZE + pick(LONGEST - BUF_SIZE + 1);
    case 2: return SHORTEST + pick(LONGEST - SHORTEST + 1);
    case 3: return 1514;
    default: return 60 + pick(200);
    }
}

static uint32_t random_fragment(void)
{
    static const uint32_t sizes[] = {BUF_SIZE, BUF_SIZE, 1504, 600};

    return sizes[pick(4)];
}

/* ---- sending ----------------------------------------------------------------------- */

static void sync_tx(struct port *port)
{
    doing = "txsync";
    client_txsync(&port->client);
    doing = "the loop";
}

/* Queues one packet for a port; false where nobody is there. */
static bool send_one(struct port *port, unsigned target, uint32_t length)
{
    static uint8_t packet[LONGEST + 8];
    uint32_t fragment = random_fragment(), number, to = 0;
    struct netmap_ring *ring = port->client.tx;

    if (target < STATIONS) {
        to = (uint32_t)atomic_load(&ledger->station[target]);
        if (!to)
            return false;
        if (atomic_load(&ledger->sent_to[port->number][target]) != to) {
            atomic_store(&ledger->sent[port->number][target], 0);
            atomic_store(&ledger->sent_to[port->number][target], to);
        }
    }
    number = atomic_load(&ledger->sent[port->number][target]);
    make(packet, port->station, to, number, length);
    if (client_space(ring) < (length + fragment - 1) / fragment)
        sync_tx(port);
    for (uint32_t at = 0; at < length; at += fragment) {
        uint32_t part = length - at < fragment ? length - at : fragment;
        struct netmap_slot *slot = &ring->slot[ring->head];

        CHECK(client_space(ring));
        memcpy(client_buf(ring, ring->head), packet + at, part);
        slot->len = (uint16_t)part;
        slot->flags = at + part < length ? NS_MOREFRAG : 0;
        ring->head = ring->cur = client_next(ring, ring->head);
    }
    if (length >= HEADER)
        atomic_store(&ledger->sent[port->number][target], number + 1);
    port->sent++;
    atomic_fetch_add(&ledger->packets, 1);
    atomic_fetch_add(&ledger->bytes, length);
    return true;
}

static void burst(struct port *port)
{
    unsigned target = pick(32) ? pick(STATIONS) : BROADCAST;
    uint32_t count = target == BROADCAST ? 1 : 1 + pick(48);

    while (count--) {
        if (target != port->number && send_one(port, target, random_length()) && !pick(40))
            sync_tx(port);
        if (!pick(4))
            target = pick(STATIONS);
    }
    sync_tx(port);
}

/* ---- receiving --------------------------------------------------------------------- */

static void misfit(const struct port *port, const uint8_t *packet, uint32_t length, const char *what)
{
    uint32_t number;

    memcpy(&number, packet + 14, 4);
    fprintf(stderr, "storm: %s (station %u): packet %u of %u bytes from station %u: %s\n", port->name, port->station,
            number, length, station_of(packet + 6), what);
    exit(1);
}

static void count(struct port *port, const uint8_t *packet, uint32_t length)
{
    bool broadcast = packet[0] & 1;
    uint32_t from = station_of(packet + 6), number;
    struct peer *peer = &port->peer[port_of(from)];

    memcpy(&number, packet + 14, 4);
    if (from < peer->station)
        misfit(port, packet, length, "its sender's successor has sent already");
    if (from > peer->station)
        *peer = (struct peer){.station = from};
    if (broadcast) {
        if (peer->next_all && number < peer->next_all)
            misfit(port, packet, length, "a broadcast seen before, or late");
        if (peer->next_all)
            port->missing += number - peer->next_all;
        peer->next_all = number + 1;
    } else {
        if (number < peer->next)
            misfit(port, packet, length, "seen before, or late");
        port->missing += number - peer->next;
        peer->next = number + 1;
        peer->got++;
    }
}

static void check(struct port *port, const uint8_t *packet, uint32_t length)
{
    static uint8_t wanted[LONGEST + 8];
    uint32_t to = packet[0] & 1 ? 0 : station_of(packet), number = 0;

    if (length < SHORTEST || length > LONGEST)
        misfit(port, packet, length, "no such length was sent");
    memcpy(&number, packet + 14, 4);
    if (length >= HEADER) { /* a shorter one cannot be told from the others of its sender */
        make(wanted, station_of(packet + 6), to, number, length);
        if (memcmp(packet, wanted, length))
            misfit(port, packet, length, "altered");
        if (!to || to == port->station)
            count(port, packet, length);
    }
    port->taken++;
}

static void take(struct port *port)
{
    static uint8_t packet[RX_SLOTS * BUF_SIZE];
    struct netmap_ring *ring = port->client.rx;
    uint64_t before = port->taken, missing = port->missing;

    while (client_space(ring)) {
        uint32_t length = 0;
        bool more;

        do {
            const struct netmap_slot *slot = &ring->slot[ring->head];

            CHECK(client_space(ring)); /* packets arrive whole */
            CHECK(slot->len <= BUF_SIZE);
            memcpy(packet + length, client_buf(ring, ring->head), slot->len);
            length += slot->len;
            more = slot->flags & NS_MOREFRAG;
            ring->head = ring->cur = client_next(ring, ring->head);
        } while (more);
        check(port, packet, length);
    }
    atomic_fetch_add(&ledger->taken, port->taken - before);
    atomic_fetch_add(&ledger->missing, port->missing - missing);
}

static void receive(struct port *port, bool wait)
{
    short revents;

    doing = "rxsync";
    if (wait) {
        int error = port->client.device->ops->poll(port->client.device, POLLIN, 1, &revents);

        CHECK(error == 0 || error == EINTR);
    } else {
        client_rxsync(&port->client);
    }
    doing = "the loop";
    take(port);
}

static void drain(struct port *port)
{
    uint64_t before;

    do {
        before = port->taken;
        receive(port, false);
    } while (port->taken != before);
}

/* ---- ports that come and go -------------------------------------------------------- */

static void open_port(struct port *port)
{
    atomic_store(&ledger->station[port->number], 0);
    for (unsigned i = 0; i <= STATIONS; i++) {
        if (i < STATIONS)
            atomic_store(&ledger->sent_to[port->number][i], 0);
        atomic_store(&ledger->sent[port->number][i], 0);
    }
    port->sent = port->taken = port->missing = 0;
    memset(port->peer, 0, sizeof(port->peer));
    port->station = (atomic_fetch_add(&ledger->births, 1) + 1) * STATIONS + port->number;
    doing = "open";
    client_open_slots(&port->client, port->name, TX_SLOTS, RX_SLOTS);
    doing = "the loop";
    CHECK_EQ(client_space(port->client.rx), 0); /* nobody's leavings */
    send_one(port, BROADCAST, 60); /* the switch learns where the station is */
    sync_tx(port);
    atomic_store(&ledger->station[port->number], port->station);
}

/* What the port counted is what was sent and seen here. Processes that were killed in the middle of
 * a delivery may have counted packets in advance that never came. */
static void check_counters(struct port *port)
{
    struct nmreq_port_counters counters = {0};

    CHECK_EQ(client_request(port->client.device, NMPCAP_REQ_PORT_COUNTERS_GET, port->name, &counters, NULL), 0);
    CHECK_EQ(counters.sent, port->sent);
    CHECK_EQ(counters.sent, counters.forwarded + counters.flooded + counters.discarded);
    CHECK(counters.received >= port->taken);
    CHECK(counters.dropped >= port->missing);
}

static void reopen(struct port *port)
{
    struct timespec wait = {.tv_nsec = (long)pick(300000)};

    atomic_store(&ledger->station[port->number], 0);
    receive(port, false);
    check_counters(port);
    doing = "close";
    client_close(&port->client);
    if (pick(2))
        nanosleep(&wait, NULL);
    open_port(port);
    atomic_fetch_add(&ledger->reopened, 1);
}

/* ---- the end, step by step --------------------------------------------------------- */

/* Numbered packets that were sent to this port and that it has not seen, at the end of their rows. */
static uint64_t missing_at_the_end(const struct port *port)
{
    uint64_t missing = 0;

    for (unsigned i = 0; i < STATIONS; i++) {
        const struct peer *peer = &port->peer[i];
        uint32_t sent = atomic_load(&ledger->sent[i][port->number]);

        if (atomic_load(&ledger->sent_to[i][port->number]) != port->station)
            continue;
        if (peer->station == atomic_load(&ledger->station[i]))
            CHECK(peer->next <= sent);
        missing += sent - (peer->station == atomic_load(&ledger->station[i]) ? peer->next : 0);
    }
    return missing;
}

static void settle(struct port *port)
{
    drain(port);
    port->missing += missing_at_the_end(port);
    check_counters(port);
    for (unsigned i = 0; i < STATIONS; i++) {
        port->peer[i].station = (uint32_t)atomic_load(&ledger->station[i]);
        port->peer[i].next = atomic_load(&ledger->sent_to[i][port->number]) == port->station
                                 ? atomic_load(&ledger->sent[i][port->number])
                                 : 0;
        port->peer[i].got = 0;
    }
    port->missing = 0;
}

/* Each of this process's ports sends one packet to everybody. */
static void take_turn(void)
{
    for (unsigned i = 0; i < port_count; i++) {
        for (unsigned target = 0; target < STATIONS; target++)
            if (target != ports[i].number)
                CHECK(send_one(&ports[i], target, HEADER + pick(BUF_SIZE - HEADER)));
        sync_tx(&ports[i]);
    }
}

static void check_turn(unsigned process)
{
    for (unsigned i = 0; i < port_count; i++) {
        drain(&ports[i]);
        CHECK_EQ(ports[i].missing, 0);
        for (unsigned p = 0; p < STATIONS; p++) {
            bool sender = p / port_count == process && p != ports[i].number;

            CHECK_EQ(ports[i].peer[p].got, sender ? 1 : 0);
            ports[i].peer[p].got = 0;
        }
    }
}

static void storm(unsigned churn)
{
    struct timespec rest = {.tv_nsec = (long)pick(2000000)};

    for (unsigned i = 0; i < port_count; i++)
        if (pick(8))
            receive(&ports[i], !pick(64));
    burst(&ports[pick(port_count)]);
    if (churn && !pick(churn))
        reopen(&ports[pick(port_count)]);
    if (!pick(200)) /* rings run full meanwhile */
        nanosleep(&rest, NULL);
}

static void obey(uint32_t phase, unsigned churn)
{
    if (phase == DRAIN)
        for (unsigned i = 0; i < port_count; i++)
            settle(&ports[i]);
    if (phase >= TURN && phase % 2 == 0 && (phase - TURN) / 2 == self)
        take_turn();
    if (phase >= TURN && phase % 2 == 1)
        check_turn((phase - TURN) / 2);
    if (phase == STORM)
        storm(churn);
}

int main(int argc, char **argv)
{
    uint32_t phase;
    unsigned churn;
    int fd;

    CHECK_EQ(argc, 6);
    fd = open(argv[1], O_RDWR);
    CHECK(fd >= 0);
    ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(ledger != MAP_FAILED);
    self = (unsigned)atoi(argv[2]);
    port_count = (unsigned)atoi(argv[3]);
    random_state = strtoull(argv[4], NULL, 10) | 1;
    churn = (unsigned)atoi(argv[5]);
    signal(SIGALRM, on_alarm);
    alarm(HANG_SECONDS);
    for (unsigned i = 0; i < port_count; i++) {
        ports[i].number = self * port_count + i;
        snprintf(ports[i].name, sizeof(ports[i].name), "vale0:p%u", ports[i].number);
        open_port(&ports[i]);
    }
    do {
        alarm(HANG_SECONDS);
        phase = atomic_load(&ledger->phase);
        if (atomic_load(&ledger->acked[self]) == phase && phase != STORM) {
            usleep(200);
            continue;
        }
        obey(phase, churn);
        atomic_store(&ledger->acked[self], phase);
    } while (phase != END);
    for (unsigned i = 0; i < port_count; i++)
        client_close(&ports[i].client);
    return 0;
}
