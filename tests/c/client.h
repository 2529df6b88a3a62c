/* A netmap client in a few lines, for tests in C: opens a port over any device, fills and reads
 * its first rings. Failures end the program with the line they were seen in. */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extensions.h"
#include "device.h"
#include "check.h"

#define CHECK_EQ(a, b)                                                                            \
    do {                                                                                          \
        long long a_ = (long long)(a), b_ = (long long)(b);                                       \
        if (a_ != b_) {                                                                           \
            fprintf(stderr, "%s:%d: %s is %lld, not %s = %lld\n", __FILE__, __LINE__, #a, a_, #b, \
                    b_);                                                                          \
            exit(1);                                                                              \
        }                                                                                         \
    } while (0)

struct client {
    struct nm_device *device;
    void *mem;
    size_t memsize;
    struct netmap_if *nifp;
    struct netmap_ring *tx, *rx;
};

static inline int client_request(struct nm_device *device, uint16_t type, const char *name, void *body,
                                 void *options)
{
    struct nmreq_header header = {.nr_version = NETMAP_API, .nr_reqtype = type};

    snprintf(header.nr_name, sizeof(header.nr_name), "%s", name);
    header.nr_body = (uint64_t)(uintptr_t)body;
    header.nr_options = (uint64_t)(uintptr_t)options;
    device->msg[0] = '\0';
    return device->ops->ioctl(device, NIOCCTRL, &header);
}

/* Opens a port with rings of so many slots; the errno of REGISTER, which leaves nothing open. */
static inline int client_try_slots(struct client *client, const char *name, uint32_t tx_slots, uint32_t rx_slots,
                                   uint64_t flags, void *options)
{
    struct nmreq_register reg = {
        .nr_mode = NR_REG_ALL_NIC, .nr_tx_slots = tx_slots, .nr_rx_slots = rx_slots, .nr_flags = flags};
    char msg[NM_MSG_SIZE];
    int error;

    memset(client, 0, sizeof(*client));
    CHECK_EQ(nm_user_open(NULL, &client->device, msg), 0);
    error = client_request(client->device, NETMAP_REQ_REGISTER, name, &reg, options);
    if (error) {
        client->device->ops->close(client->device);
        return error;
    }
    client->memsize = reg.nr_memsize;
    CHECK_EQ(client->device->ops->mmap(client->device, client->memsize, 0, &client->mem), 0);
    client->nifp = (struct netmap_if *)((char *)client->mem + reg.nr_offset);
    if (client->nifp->ring_ofs[0])
        client->tx = (struct netmap_ring *)((char *)client->nifp + client->nifp->ring_ofs[0]);
    if (client->nifp->ring_ofs[client->nifp->ni_tx_rings + 1])
        client->rx = (struct netmap_ring *)((char *)client->nifp +
                                            client->nifp->ring_ofs[client->nifp->ni_tx_rings + 1]);
    return 0;
}

static inline int client_try(struct client *client, const char *name, uint32_t slots, uint64_t flags, void *options)
{
    return client_try_slots(client, name, slots, slots, flags, options);
}

static inline void client_open_slots(struct client *client, const char *name, uint32_t tx_slots, uint32_t rx_slots)
{
    CHECK_EQ(client_try_slots(client, name, tx_slots, rx_slots, 0, NULL), 0);
}

static inline void client_open(struct client *client, const char *name, uint32_t slots)
{
    CHECK_EQ(client_try(client, name, slots, 0, NULL), 0);
}

static inline void client_close(struct client *client)
{
    struct nm_device *device = client->device;

    device->ops->close(device);
    CHECK_EQ(device->ops->munmap(device, client->mem, client->memsize), 0);
}

static inline uint8_t *client_buf(struct netmap_ring *ring, uint32_t slot)
{
    return (uint8_t *)ring + ring->buf_ofs + (size_t)ring->slot[slot].buf_idx * ring->nr_buf_size;
}

static inline uint32_t client_next(const struct netmap_ring *ring, uint32_t slot)
{
    return slot + 1 == ring->num_slots ? 0 : slot + 1;
}

static inline uint32_t client_space(const struct netmap_ring *ring)
{
    uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);

    return tail >= ring->head ? tail - ring->head : tail + ring->num_slots - ring->head;
}

/* Puts one frame into the tx ring; false where it is full. */
static inline bool client_put(struct client *client, const void *frame, uint16_t len)
{
    struct netmap_ring *ring = client->tx;

    if (!client_space(ring))
        return false;
    memcpy(client_buf(ring, ring->head), frame, len);
    ring->slot[ring->head].len = len;
    ring->slot[ring->head].flags = 0;
    ring->head = ring->cur = client_next(ring, ring->head);
    return true;
}

static inline void client_txsync(struct client *client)
{
    CHECK_EQ(client->device->ops->txsync(client->device), 0);
}

static inline void client_rxsync(struct client *client)
{
    CHECK_EQ(client->device->ops->rxsync(client->device), 0);
}

#endif
