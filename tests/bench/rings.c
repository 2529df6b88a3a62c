/*
 * The loops of rings.py: what a program in C does with netmap's rings, and beside it a bare
 * exchange between two processes, which is what the machine allows.
 *
 * Each loop works on memory it is given and calls nothing but a sync. `stop` and `count` are in
 * memory that both processes see.
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "abi.h"

typedef int sync_call(void *device);
typedef int poll_call(void *device, short events, int timeout_ms, short *revents);

struct end {
    void *device;
    sync_call *txsync, *rxsync;
    poll_call *poll;
    struct netmap_ring *tx, *rx;
};

#define FRAME 60

static inline uint32_t load(const uint32_t *field)
{
    return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

static inline uint32_t ring_space(const struct netmap_ring *ring)
{
    uint32_t tail = load(&ring->tail), head = ring->head;

    return tail >= head ? tail - head : tail + ring->num_slots - head;
}

static inline uint8_t *buffer(struct netmap_ring *ring, uint32_t slot)
{
    return (uint8_t *)ring + ring->buf_ofs + (size_t)ring->slot[slot].buf_idx * ring->nr_buf_size;
}

static inline uint32_t next(const struct netmap_ring *ring, uint32_t slot)
{
    return slot + 1 == ring->num_slots ? 0 : slot + 1;
}

/* As a reader would who wants all of it: the compiler may not skip a byte. */
static inline uint64_t sum(const uint8_t *data)
{
    uint64_t words[8] = {0}, total = 0;

    memcpy(words, data, FRAME);
    for (int i = 0; i < 8; i++)
        total += words[i];
    return total;
}

/* ---- over netmap --------------------------------------------------------------------- */

/* Fills and syncs until told to stop. A frame of no bytes: descriptors only. */
void send_loop(struct end *end, const uint8_t *frame, uint32_t batch, _Atomic uint32_t *stop)
{
    struct netmap_ring *ring = end->tx;

    while (!atomic_load_explicit(stop, memory_order_relaxed)) {
        uint32_t count = ring_space(ring), slot = ring->head;

        if (count > batch)
            count = batch;
        for (uint32_t i = 0; i < count; i++, slot = next(ring, slot)) {
            if (frame)
                memcpy(buffer(ring, slot), frame, FRAME);
            ring->slot[slot].len = FRAME;
            ring->slot[slot].flags = 0;
        }
        ring->head = ring->cur = slot;
        end->txsync(end->device);
    }
}

/* Receives count packets, reading them if asked; returns what it read, so that it is read. */
uint64_t receive_loop(struct end *end, bool touch, uint64_t count)
{
    struct netmap_ring *ring = end->rx;
    uint64_t total = 0;

    for (uint64_t got = 0; got < count;) {
        uint32_t here = ring_space(ring), slot = ring->head;

        if (touch)
            for (uint32_t i = 0; i < here; i++, slot = next(ring, slot))
                total += sum(buffer(ring, slot));
        else
            slot = (slot + here) % ring->num_slots;
        got += here;
        ring->head = ring->cur = slot;
        end->rxsync(end->device);
    }
    return total;
}

/* The same over several ports, in turn. */
uint64_t receive_many(struct end *ends, uint32_t ports, uint64_t count)
{
    uint64_t total = 0;

    for (uint64_t got = 0; got < count;)
        for (uint32_t p = 0; p < ports; p++) {
            struct netmap_ring *ring = ends[p].rx;
            uint32_t here = ring_space(ring), slot = ring->head;

            for (uint32_t i = 0; i < here; i++, slot = next(ring, slot))
                total += sum(buffer(ring, slot));
            got += here;
            ring->head = ring->cur = slot;
            ends[p].rxsync(ends[p].device);
        }
    return total;
}

/* Drops what arrives, until told to stop. */
void drain_loop(struct end *end, _Atomic uint32_t *stop)
{
    struct netmap_ring *ring = end->rx;

    while (!atomic_load_explicit(stop, memory_order_relaxed)) {
        ring->head = ring->cur = load(&ring->tail);
        end->rxsync(end->device);
    }
}

static void put(struct end *end)
{
    struct netmap_ring *ring = end->tx;

    ring->slot[ring->head].len = FRAME;
    ring->slot[ring->head].flags = 0;
    ring->head = ring->cur = next(ring, ring->head);
    end->txsync(end->device);
}

/* Waits for one packet, spinning or asleep; false once told to stop. */
static bool get(struct end *end, bool asleep, const _Atomic uint32_t *stop)
{
    struct netmap_ring *ring = end->rx;
    short revents;

    while (!ring_space(ring)) {
        if (stop && atomic_load_explicit(stop, memory_order_relaxed))
            return false;
        if (asleep)
            end->poll(end->device, POLLIN, 100, &revents);
        else
            end->rxsync(end->device);
    }
    ring->head = ring->cur = next(ring, ring->head);
    return true;
}

void echo_loop(struct end *end, bool asleep, _Atomic uint32_t *stop)
{
    while (get(end, asleep, stop))
        put(end);
}

void ping_loop(struct end *end, bool asleep, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        put(end);
        get(end, asleep, NULL);
    }
}

/* ---- bare: one producer, one consumer, slots and buffers of the same sizes ------------- */

#define BARE_SLOTS 1024u
#define BUFFER 2048u

struct bare {
    _Alignas(128) _Atomic uint64_t head; /* produced */
    _Alignas(128) _Atomic uint64_t tail; /* consumed */
    _Alignas(128) struct netmap_slot slot[BARE_SLOTS];
    _Alignas(4096) uint8_t buffer[BARE_SLOTS][BUFFER];
};

uint64_t bare_size(void)
{
    return 2 * sizeof(struct bare);
}

void bare_send(struct bare *bare, const uint8_t *frame, uint32_t batch, _Atomic uint32_t *stop)
{
    uint64_t head = atomic_load(&bare->head);

    while (!atomic_load_explicit(stop, memory_order_relaxed)) {
        uint64_t space = BARE_SLOTS - (head - atomic_load_explicit(&bare->tail, memory_order_acquire));

        if (space > batch)
            space = batch;
        for (uint64_t i = 0; i < space; i++, head++) {
            struct netmap_slot *slot = &bare->slot[head % BARE_SLOTS];

            if (frame)
                memcpy(bare->buffer[head % BARE_SLOTS], frame, FRAME);
            *slot = (struct netmap_slot){.buf_idx = (uint32_t)head, .len = FRAME};
        }
        atomic_store_explicit(&bare->head, head, memory_order_release);
    }
}

uint64_t bare_receive(struct bare *bare, bool touch, uint64_t count)
{
    uint64_t tail = atomic_load(&bare->tail), end = tail + count, total = 0;

    while (tail < end) {
        uint64_t head = atomic_load_explicit(&bare->head, memory_order_acquire);

        for (; tail < head; tail++) {
            total += bare->slot[tail % BARE_SLOTS].len;
            if (touch)
                total += sum(bare->buffer[tail % BARE_SLOTS]);
        }
        atomic_store_explicit(&bare->tail, tail, memory_order_release);
    }
    return total;
}

/* One word each way: what a round trip through shared memory takes. */
void bare_echo(struct bare *bare, _Atomic uint32_t *stop)
{
    uint64_t seen = atomic_load(&bare->tail); /* answered so far; a ping may be there already */

    while (!atomic_load_explicit(stop, memory_order_relaxed)) {
        uint64_t head = atomic_load_explicit(&bare->head, memory_order_acquire);

        if (head != seen)
            atomic_store_explicit(&bare->tail, seen = head, memory_order_release);
    }
}

void bare_ping(struct bare *bare, uint64_t count)
{
    uint64_t head = atomic_load(&bare->head);

    for (uint64_t i = 0; i < count; i++) {
        atomic_store_explicit(&bare->head, ++head, memory_order_release);
        while (atomic_load_explicit(&bare->tail, memory_order_acquire) != head)
            ;
    }
}

/* One byte each way through sockets: what a round trip takes when both ends sleep. */
void asleep_echo(int fd, const _Atomic uint32_t *stop)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char byte;

    while (!atomic_load_explicit(stop, memory_order_relaxed))
        if (poll(&ready, 1, 100) == 1 && recv(fd, &byte, 1, 0) == 1)
            send(fd, &byte, 1, 0);
}

void asleep_ping(int fd, uint64_t count)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char byte = 0;

    for (uint64_t i = 0; i < count; i++) {
        send(fd, &byte, 1, 0);
        while (poll(&ready, 1, 100) != 1 || recv(fd, &byte, 1, 0) != 1)
            ;
    }
}
