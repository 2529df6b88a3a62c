/*
 * Interfaces as netmap ports, and sending, on the loopback interface of a network namespace of this test's own.
 * core: message.c device usernet interfaces afpacket
 * modes: plain asan tsan
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#ifndef __linux__
#include <stdio.h>

int main(void)
{
    puts("no packet sockets; to run it: use Linux");
    return 77;
}
#else

#include <linux/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "client.h"
#include "afpacket/afpacket.h"
#include "source.h"

enum { SLOTS = 32, ROUNDS = 200, BUFFER = 2048 };

static void enter_namespace(void)
{
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd;

    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
        printf("a network namespace: %s; to run it: be root, or allow user namespaces\n", strerror(errno));
        exit(77);
    }
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(ioctl(fd, SIOCSIFFLAGS, &up) == 0);
    close(fd);
}

/* Rings of SLOTS slots for the ports made while the device is open. */
static struct nm_device *small_rings(void)
{
    struct nmreq_parameter size = {.value = SLOTS};
    struct nm_device *device;
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_user_open(NULL, &device, msg), 0);
    CHECK_EQ(client_request(device, NMPCAP_REQ_PARAMETER_SET, "generic_ringsize", &size, NULL), 0);
    return device;
}

static void usual_rings(struct nm_device *device)
{
    struct nmreq_parameter size = {.value = 1024};

    CHECK_EQ(client_request(device, NMPCAP_REQ_PARAMETER_SET, "generic_ringsize", &size, NULL), 0);
    device->ops->close(device);
}

static size_t make_frame(uint8_t *frame, uint32_t number, size_t size)
{
    memset(frame, (int)(number * 7), size);
    memcpy(frame + 12, (uint8_t[]){0x88, 0xb5}, 2);
    memcpy(frame + 14, &number, sizeof(number));
    return size;
}

/* Puts a frame into as many slots as it takes; false without room. */
static bool put(struct client *client, const uint8_t *frame, size_t size)
{
    struct netmap_ring *ring = client->tx;
    size_t slots = (size + BUFFER - 1) / BUFFER;

    if (client_space(ring) < slots)
        return false;
    for (; size; slots--) {
        uint16_t part = (uint16_t)(size < BUFFER ? size : BUFFER);

        CHECK(client_put(client, frame, part));
        ring->slot[ring->head ? ring->head - 1 : ring->num_slots - 1].flags = slots > 1 ? NS_MOREFRAG : 0;
        frame += part;
        size -= part;
    }
    return true;
}

/* Takes one whole frame; 0 where there is none. */
static size_t take(struct client *client, uint8_t *frame)
{
    struct netmap_ring *ring = client->rx;
    size_t size = 0;
    uint16_t flags = NS_MOREFRAG;

    if (!client_space(ring))
        return 0;
    while (flags & NS_MOREFRAG) {
        struct netmap_slot *slot = &ring->slot[ring->head];

        CHECK(client_space(ring));
        memcpy(frame + size, client_buf(ring, ring->head), slot->len);
        size += slot->len;
        flags = slot->flags;
        ring->head = ring->cur = client_next(ring, ring->head);
    }
    return size;
}

static short wait_for(struct client *client, short events)
{
    short revents = 0;
    int error;

    while ((error = client->device->ops->poll(client->device, events, 5000, &revents)) == EINTR)
        ;
    CHECK_EQ(error, 0);
    CHECK(revents);
    return revents;
}

static void test_frames_go_round(void)
{
    static const size_t sizes[] = {60, 18, 1514, 2048, 2049, 9000, 40000, 61};
    enum { KINDS = sizeof(sizes) / sizeof(*sizes) };
    static uint8_t sent[65536], got[65536];
    struct nm_device *rings = small_rings();
    struct client client;

    client_open(&client, "lo", 0);
    CHECK_EQ(client.tx->num_slots, SLOTS);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        size_t size = make_frame(sent, i, sizes[i % KINDS]);

        CHECK(put(&client, sent, size));
        client_txsync(&client);
        CHECK(wait_for(&client, POLLIN) == POLLIN);
        CHECK_EQ(take(&client, got), size);
        CHECK(memcmp(sent, got, size) == 0);
        client_rxsync(&client);
    }
    client_close(&client);
    usual_rings(rings);
}

/* Whatever a client writes into its slots stays its own trouble. */
static void test_impossible_slots(void)
{
    static uint8_t frame[BUFFER];
    struct nm_device *rings = small_rings();
    struct client client;
    uint32_t indexes[] = {0, 1, 163840, UINT32_MAX}, kept;

    client_open(&client, "lo", 0);
    for (size_t i = 0; i < sizeof(indexes) / sizeof(*indexes); i++) {
        kept = client.tx->slot[client.tx->head].buf_idx;
        make_frame(frame, 1, 60);
        CHECK(client_put(&client, frame, 60));
        client.tx->slot[i].buf_idx = indexes[i];
        CHECK_EQ(client.device->ops->txsync(client.device), EINVAL);
        CHECK_EQ(client_space(client.tx), SLOTS - 1);
        client.tx->slot[i].buf_idx = kept;
        client.rx->slot[i].buf_idx = indexes[i];
    }
    for (uint32_t i = 4; i < 8; i++) {
        CHECK(client_put(&client, frame, 60));
        client.tx->slot[i].len = i % 2 ? UINT16_MAX : BUFFER + 1;
        client.tx->slot[i].flags = NS_MOREFRAG; /* the next one's, too */
        CHECK_EQ(client.device->ops->txsync(client.device), EINVAL);
    }
    for (uint32_t i = 0; i < 8; i++) {
        CHECK(client_put(&client, frame, 60));
        client_txsync(&client);
    }
    wait_for(&client, POLLIN);
    CHECK_EQ(client_space(client.rx), 8);
    CHECK_EQ(client.rx->slot[0].len, 60);
    client_close(&client);
    usual_rings(rings);
}

/* ---- threads ----------------------------------------------------------------------- */

struct thread_args {
    struct client *client;
    atomic_uint done;
};

static void *send_frames(void *argument)
{
    struct thread_args *args = argument;
    static uint8_t frame[60];

    for (uint32_t i = 0; i < ROUNDS; i++) {
        make_frame(frame, i, sizeof(frame));
        while (!client_put(args->client, frame, sizeof(frame)))
            client_txsync(args->client);
        client_txsync(args->client);
        args->client->device->ops->wake(args->client->device);
        CHECK(args->client->device->ops->fileno(args->client->device) >= 0);
    }
    return NULL;
}

/* One thread polls and reads while another one sends, by the same descriptor. */
static void test_two_threads(void)
{
    static uint8_t got[BUFFER];
    struct client client;
    struct thread_args args = {.client = &client};
    pthread_t thread;
    uint32_t number;

    /* What a client writes in a ring is its own thread's: else polling sends too, and reads a head that the
     * other thread is writing; and the first fileno looks at what has been read. */
    CHECK_EQ(client_try(&client, "lo", 0, NR_NO_TX_POLL, NULL), 0);
    CHECK(client.device->ops->fileno(client.device) >= 0);
    CHECK_EQ(pthread_create(&thread, NULL, send_frames, &args), 0);
    for (uint32_t i = 0; i < ROUNDS;) {
        if (!client_space(client.rx))
            wait_for(&client, POLLIN);
        for (; take(&client, got); i++) {
            memcpy(&number, got + 14, sizeof(number));
            CHECK_EQ(number, i);
        }
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
    client_close(&client);
}

/* ---- processes --------------------------------------------------------------------- */

/* A child sends and receives by the binding it has inherited, and so does its parent after it. */
static void test_a_child_inherits_it(void)
{
    static uint8_t frame[60], got[BUFFER];
    struct client client;
    int status;
    pid_t pid;

    client_open(&client, "lo", 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        client_rxsync(&client);
        CHECK(client_put(&client, frame, make_frame(frame, 1, sizeof(frame))));
        client_txsync(&client);
        wait_for(&client, POLLIN);
        CHECK_EQ(take(&client, got), sizeof(frame));
        client_rxsync(&client);
        client_close(&client);
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    CHECK(client_put(&client, frame, make_frame(frame, 2, sizeof(frame))));
    client_txsync(&client);
    client_close(&client);
}

/* ---- sending without rings --------------------------------------------------------- */

static void test_a_queue(void)
{
    static uint8_t frame[70000];
    struct nm_packet_args args = {.name = "lo", .snaplen = 262144};
    struct nm_source *source;
    char msg[NM_MSG_SIZE];
    int queued = 0;

    CHECK_EQ(nm_packet_open(&args, &source, msg), 0);
    CHECK_EQ(source->ops->flush(source), 0);
    CHECK_EQ(source->ops->withdraw(source), 0);
    while (source->ops->inject(source, frame, make_frame(frame, 1, 60)) == 0)
        queued++;
    CHECK_EQ(queued, 256);
    CHECK_EQ(source->ops->queued(source), 256);
    CHECK_EQ(source->ops->flush(source), 0);
    /* What lies behind a frame that is refused is taken back with it. */
    for (int i = 0; i < 10; i++)
        CHECK_EQ(source->ops->inject(source, frame, make_frame(frame, 1, i == 4 ? 70000 : 60)), 0);
    CHECK_EQ(source->ops->flush(source), -EMSGSIZE);
    CHECK(strstr(source->msg, "70000 bytes: the limit is 65550"));
    CHECK_EQ(source->ops->withdraw(source), 6);
    CHECK_EQ(source->ops->flush(source), 0);
    CHECK_EQ(source->ops->room(source, 5000), 1);
    source->ops->wake(source);
    CHECK_EQ(source->ops->room(source, 5000), -EINTR);
    CHECK_EQ(source->ops->inject(source, frame, make_frame(frame, 1, 60)), 0);
    source->ops->close(source);
}

int main(void)
{
    enter_namespace();
    test_frames_go_round();
    test_impossible_slots();
    test_two_threads();
    test_a_child_inherits_it();
    test_a_queue();
    return 0;
}

#endif
