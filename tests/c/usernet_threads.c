/*
 * Senders, receivers, monitors, pipes and ports that come and go, all at once, in threads of one
 * process, so that ThreadSanitizer can watch the orderings that processes rely on.
 *
 * What must hold whatever the schedule: a packet arrives unaltered, once, in order per sender and
 * receiver, and the counters account for every one of them.
 *
 * core: message.c device usernet interfaces afpacket
 * modes: plain asan tsan
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "client.h"

#define SENDERS 3
#define PACKETS 3000
#define PIPE_PACKETS 20000

static _Atomic int sending, stop;

struct sent {
    uint8_t dst[6], src[6], type[2];
    uint8_t sender, pad;
    uint32_t number;
    uint32_t check[12];
};
_Static_assert(sizeof(struct sent) <= 72, "one buffer line and a bit");

static struct sent make(int sender, uint32_t number)
{
    struct sent packet = {.dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                          .src = {2, 0, 0, 0, 0, (uint8_t)sender},
                          .type = {0x88, 0xb5},
                          .sender = (uint8_t)sender,
                          .number = number};

    for (int i = 0; i < 12; i++)
        packet.check[i] = number * 2654435761u + (uint32_t)sender + (uint32_t)i;
    return packet;
}

static void *send_packets(void *argument)
{
    int self = (int)(intptr_t)argument;
    char name[16];
    struct client client;

    snprintf(name, sizeof(name), "vale0:s%d", self);
    client_open(&client, name, 64);
    for (uint32_t i = 0; i < PACKETS;) {
        struct sent packet = make(self, i);

        if (client_put(&client, &packet, sizeof(packet)))
            i++;
        if (!client_space(client.tx) || i % 17 == 0)
            client_txsync(&client);
    }
    client_txsync(&client);
    client_close(&client);
    atomic_fetch_sub(&sending, 1);
    return NULL;
}

/* Checks what has arrived; returns how many packets. */
static uint64_t take(struct client *client, uint32_t *last)
{
    struct netmap_ring *ring = client->rx;
    uint64_t count = 0;

    for (; client_space(ring); count++) {
        struct sent packet, wanted;

        CHECK_EQ(ring->slot[ring->head].len, sizeof(packet));
        memcpy(&packet, client_buf(ring, ring->head), sizeof(packet));
        CHECK(packet.sender < SENDERS);
        CHECK(packet.number + 1 > last[packet.sender]); /* later than the one before */
        wanted = make(packet.sender, packet.number);
        CHECK(!memcmp(&packet, &wanted, sizeof(packet)));
        last[packet.sender] = packet.number + 1;
        ring->head = ring->cur = client_next(ring, ring->head);
    }
    return count;
}

static uint64_t counter(struct client *client, const char *name, bool dropped)
{
    struct nmreq_port_counters counters = {0};

    CHECK_EQ(client_request(client->device, NMPCAP_REQ_PORT_COUNTERS_GET, name, &counters, NULL), 0);
    return dropped ? counters.dropped : counters.received;
}

static void *receive(void *argument)
{
    const char *name = argument;
    uint32_t last[SENDERS] = {0};
    uint64_t count = 0;
    struct client client;

    client_open(&client, name, 256);
    while (atomic_load(&sending)) {
        short revents;
        int error = client.device->ops->poll(client.device, POLLIN, 20, &revents);

        CHECK(error == 0 || error == EINTR);
        count += take(&client, last);
    }
    for (int i = 0; i < 2; i++) {
        client_rxsync(&client);
        count += take(&client, last);
    }
    CHECK_EQ(count, counter(&client, name, false));
    CHECK(count + counter(&client, name, true) <= (uint64_t)SENDERS * PACKETS);
    client_close(&client);
    return NULL;
}

/* Ports, monitors and regions made and removed under the traffic. */
static void *come_and_go(void *argument)
{
    (void)argument;
    while (!atomic_load(&stop)) {
        struct client port, monitor;
        int error;

        client_open(&port, "vale0:g", 16);
        client_rxsync(&port);
        error = client_try(&monitor, "vale0:r0", 32, NR_MONITOR_RX | NR_MONITOR_TX, NULL);
        if (!error) {
            client_rxsync(&monitor);
            client_close(&monitor);
        }
        client_close(&port);
    }
    return NULL;
}

static void *pipe_send(void *argument)
{
    struct client *client = argument;

    for (uint32_t i = 0; i < PIPE_PACKETS;) {
        struct sent packet = make(0, i);
        short revents;

        if (client_put(client, &packet, sizeof(packet)))
            i++;
        else
            client->device->ops->poll(client->device, POLLOUT, 100, &revents);
    }
    client_txsync(client);
    return NULL;
}

static void *pipe_receive(void *argument)
{
    struct client *client = argument;
    uint32_t last[SENDERS] = {0};
    uint64_t count = 0;

    while (count < PIPE_PACKETS) {
        short revents;

        client->device->ops->poll(client->device, POLLIN, 100, &revents);
        count += take(client, last);
    }
    client_rxsync(client);
    CHECK_EQ(last[0], PIPE_PACKETS); /* a pipe loses nothing */
    return NULL;
}

/* A wake from another thread ends a poll that nothing else would. */
static void *poll_for_ever(void *argument)
{
    struct client *client = argument;
    short revents;

    CHECK_EQ(client->device->ops->poll(client->device, POLLIN, -1, &revents), EINTR);
    return NULL;
}

static pthread_t start(void *(*function)(void *), void *argument)
{
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, function, argument), 0);
    return thread;
}

static void on_a_switch(void)
{
    static char r0[] = "vale0:r0", r1[] = "vale0:r1";
    pthread_t threads[SENDERS + 2], other;

    atomic_store(&sending, SENDERS);
    threads[0] = start(receive, r0);
    threads[1] = start(receive, r1);
    other = start(come_and_go, NULL);
    for (int i = 0; i < SENDERS; i++)
        threads[2 + i] = start(send_packets, (void *)(intptr_t)i);
    for (int i = 0; i < SENDERS + 2; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&stop, 1);
    pthread_join(other, NULL);
}

static void on_a_pipe(void)
{
    struct client master, slave;
    pthread_t sender, receiver;

    client_open(&master, "x{1", 64);
    client_open(&slave, "x}1", 64);
    sender = start(pipe_send, &master);
    receiver = start(pipe_receive, &slave);
    pthread_join(sender, NULL);
    pthread_join(receiver, NULL);
    receiver = start(poll_for_ever, &slave);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    slave.device->ops->wake(slave.device);
    pthread_join(receiver, NULL);
    client_close(&master);
    client_close(&slave);
}

int main(void)
{
    on_a_switch();
    on_a_pipe();
    return 0;
}
