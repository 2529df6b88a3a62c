/*
 * A netmap device in plain memory, for tests of what stands on the device contract: one port, its
 * rings as small as a test likes, a wire that the test reads and writes.
 *
 * Sent slots are logged in fake.sent; fake_receive() queues slots that the next rxsync delivers while
 * there is room. It is what both nm_kernel_open and nm_user_open open.
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "device.h"
#include "check.h"

#define FAKE_WIRE 4096

struct fake_slot {
    uint8_t data[256];
    uint16_t len;
    uint16_t flags;
};

/* Slots of a ring that the program owns. */
static inline uint32_t slots_owned(const struct netmap_ring *ring)
{
    return ring->tail >= ring->head ? ring->tail - ring->head : ring->tail + ring->num_slots - ring->head;
}

struct fake_wire {
    struct fake_slot slots[FAKE_WIRE];
    uint32_t count;
    uint32_t done;
};

/* How the next port opened will look, what it does, and what was seen. */
static struct {
    uint32_t slots;
    uint32_t rings;
    uint32_t buf_size;
    uint32_t extra;
    uint64_t offset_mask;
    uint16_t mem_id;
    bool reverse_buffers; /* of the rx ring: neighbours in the ring do not lie side by side */
    bool keep_sent;       /* a full pipe: sent slots do not come back */
    int register_error;
    const char *register_msg;

    struct nmreq_register seen; /* the last request */
    struct nmreq seen_legacy;
    char seen_name[64];
    int devices;  /* open, or kept by mappings */
    int mappings;
    int txsyncs;
    int rxsyncs;
} fake = {.slots = 8, .rings = 1, .buf_size = 64, .mem_id = 5};

static struct fake_wire fake_sent, fake_queued;

struct fake_device {
    struct nm_device device;
    struct nmreq_register reg;
    uint8_t *mem;
    struct netmap_ring *tx[8], *rx[8];
    uint32_t hwcur[8];
    int refs;
    bool woken;
};

static inline struct fake_device *fake_of(struct nm_device *device)
{
    return (struct fake_device *)device;
}

static inline void fake_drop(struct fake_device *f)
{
    if (--f->refs == 0) {
        free(f->mem);
        free(f);
        fake.devices--;
    }
}

static inline uint8_t *fake_buf(struct netmap_ring *ring, uint32_t index)
{
    return (uint8_t *)ring + ring->buf_ofs + (size_t)index * ring->nr_buf_size;
}

/* Header fields that programs may not write. */
#define FAKE_SET(type, at, value) (*(type *)(uintptr_t)&(at) = (value))

static inline struct netmap_ring *fake_ring(struct fake_device *f, size_t at, uint32_t ring, bool tx, size_t bufs,
                                            uint32_t first)
{
    struct netmap_ring *r = (struct netmap_ring *)(void *)(f->mem + at);
    uint32_t i;

    FAKE_SET(int64_t, r->buf_ofs, (int64_t)(bufs - at));
    FAKE_SET(uint32_t, r->num_slots, fake.slots);
    FAKE_SET(uint32_t, r->nr_buf_size, fake.buf_size);
    FAKE_SET(uint16_t, r->ringid, (uint16_t)ring);
    FAKE_SET(uint16_t, r->dir, tx);
    FAKE_SET(uint64_t, r->offset_mask, fake.offset_mask);
    r->tail = tx ? fake.slots - 1 : 0;
    for (i = 0; i < fake.slots; i++) {
        r->slot[i].buf_idx = first + (fake.reverse_buffers && !tx ? fake.slots - 1 - i : i);
        r->slot[i].len = (uint16_t)fake.buf_size;
    }
    return r;
}

static inline void fake_layout(struct fake_device *f)
{
    size_t ring_size = (sizeof(struct netmap_ring) + fake.slots * sizeof(struct netmap_slot) + 127) & ~(size_t)127;
    uint32_t nrings = 2 * fake.rings, i, num_bufs = 2 + nrings * fake.slots + fake.extra;
    size_t rings_at = 512, bufs_at = rings_at + nrings * ring_size, size = bufs_at + (size_t)num_bufs * fake.buf_size;
    struct netmap_if *nifp;

    f->mem = aligned_alloc(128, (size + 127) & ~(size_t)127);
    memset(f->mem, 0xa5, size);
    memset(f->mem, 0, bufs_at);
    nifp = (struct netmap_if *)(void *)(f->mem + 128);
    FAKE_SET(uint32_t, nifp->ni_tx_rings, fake.rings);
    FAKE_SET(uint32_t, nifp->ni_rx_rings, fake.rings);
    FAKE_SET(uint32_t, nifp->ni_host_tx_rings, 1); /* a placeholder, not reachable */
    FAKE_SET(uint32_t, nifp->ni_host_rx_rings, 1);
    for (i = 0; i < fake.rings; i++) {
        f->tx[i] = fake_ring(f, rings_at + 2 * i * ring_size, i, true, bufs_at, 2 + 2 * i * fake.slots);
        f->rx[i] = fake_ring(f, rings_at + (2 * i + 1) * ring_size, i, false, bufs_at, 2 + (2 * i + 1) * fake.slots);
        FAKE_SET(int64_t, nifp->ring_ofs[i], (uint8_t *)f->tx[i] - (uint8_t *)nifp);
        FAKE_SET(int64_t, nifp->ring_ofs[fake.rings + 1 + i], (uint8_t *)f->rx[i] - (uint8_t *)nifp);
    }
    for (i = 0; i < fake.extra; i++) {
        uint32_t index = num_bufs - 1 - i;

        *(uint32_t *)(void *)(f->mem + bufs_at + (size_t)index * fake.buf_size) = nifp->ni_bufs_head;
        nifp->ni_bufs_head = index;
    }
    f->reg.nr_offset = 128;
    f->reg.nr_memsize = size;
    f->reg.nr_mem_id = f->reg.nr_mem_id ? f->reg.nr_mem_id : fake.mem_id;
    f->reg.nr_tx_slots = f->reg.nr_rx_slots = fake.slots;
    f->reg.nr_tx_rings = f->reg.nr_rx_rings = (uint16_t)fake.rings;
    f->reg.nr_extra_bufs = fake.extra;
}

static inline int fake_ioctl(struct nm_device *device, unsigned long request, void *argument)
{
    struct fake_device *f = fake_of(device);

    if (fake.register_error) {
        snprintf(device->msg, NM_MSG_SIZE, "%s", fake.register_msg ? fake.register_msg : "");
        return fake.register_error;
    }
    if (request == NIOCCTRL) {
        struct nmreq_header *header = argument;

        if (header->nr_reqtype == NETMAP_REQ_PORT_INFO_GET) {
            ((struct nmreq_port_info_get *)(uintptr_t)header->nr_body)->nr_mem_id = 77;
            return 0;
        }
        CHECK(header->nr_reqtype == NETMAP_REQ_REGISTER && header->nr_version == NETMAP_API);
        f->reg = fake.seen = *(struct nmreq_register *)(uintptr_t)header->nr_body;
        memcpy(fake.seen_name, header->nr_name, sizeof(fake.seen_name));
        fake_layout(f);
        *(struct nmreq_register *)(uintptr_t)header->nr_body = f->reg;
    } else {
        struct nmreq *req = argument;

        CHECK(request == NIOCREGIF && req->nr_version == NETMAP_API);
        fake.seen_legacy = *req;
        f->reg.nr_mem_id = req->nr_arg2;
        fake_layout(f);
        req->nr_offset = (uint32_t)f->reg.nr_offset;
        req->nr_memsize = (uint32_t)f->reg.nr_memsize;
        req->nr_arg2 = f->reg.nr_mem_id;
        req->nr_arg3 = f->reg.nr_extra_bufs;
        req->nr_tx_slots = req->nr_rx_slots = fake.slots;
        req->nr_tx_rings = req->nr_rx_rings = (uint16_t)fake.rings;
    }
    return 0;
}

static inline int fake_mmap(struct nm_device *device, size_t length, int64_t offset, void **mem)
{
    CHECK(offset == 0 && length == fake_of(device)->reg.nr_memsize);
    *mem = fake_of(device)->mem;
    fake_of(device)->refs++;
    fake.mappings++;
    return 0;
}

static inline int fake_munmap(struct nm_device *device, void *mem, size_t length)
{
    CHECK(mem == fake_of(device)->mem && length == fake_of(device)->reg.nr_memsize);
    fake.mappings--;
    fake_drop(fake_of(device));
    return 0;
}

static inline int fake_txsync(struct nm_device *device)
{
    struct fake_device *f = fake_of(device);
    uint32_t k;

    fake.txsyncs++;
    for (k = 0; k < fake.rings; k++) {
        struct netmap_ring *r = f->tx[k];

        for (; f->hwcur[k] != r->head; f->hwcur[k] = (f->hwcur[k] + 1) % r->num_slots) {
            struct netmap_slot *slot = &r->slot[f->hwcur[k]];
            struct fake_slot *out = &fake_sent.slots[fake_sent.count++];

            out->len = slot->len;
            out->flags = slot->flags;
            memcpy(out->data, fake_buf(r, slot->buf_idx) + (slot->ptr & r->offset_mask), slot->len);
        }
        if (!fake.keep_sent)
            r->tail = r->head == 0 ? r->num_slots - 1 : r->head - 1;
    }
    return 0;
}

static inline int fake_rxsync(struct nm_device *device)
{
    struct netmap_ring *r = fake_of(device)->rx[0];

    fake.rxsyncs++;
    r->ts.tv_sec = 1000 + fake.rxsyncs;
    r->ts.tv_usec = 7;
    while (fake_queued.done < fake_queued.count && (r->tail + 1) % r->num_slots != r->head) {
        struct fake_slot *in = &fake_queued.slots[fake_queued.done++];
        struct netmap_slot *slot = &r->slot[r->tail];

        slot->len = in->len;
        slot->flags = in->flags;
        if (in->len <= r->nr_buf_size && slot->buf_idx >= 2)
            memcpy(fake_buf(r, slot->buf_idx) + (slot->ptr & r->offset_mask), in->data, in->len);
        r->tail = (r->tail + 1) % r->num_slots;
    }
    return 0;
}

static inline int fake_poll(struct nm_device *device, short events, int timeout_ms, short *revents)
{
    struct fake_device *f = fake_of(device);

    (void)timeout_ms;
    if (f->woken) {
        f->woken = false;
        return EINTR;
    }
    fake_txsync(device);
    *revents = events & POLLOUT && f->tx[0]->cur != f->tx[0]->tail ? POLLOUT : 0;
    if (events & POLLIN) {
        fake_rxsync(device);
        *revents |= f->rx[0]->cur != f->rx[0]->tail ? POLLIN : 0;
    }
    return 0;
}

static inline int fake_fileno(struct nm_device *device)
{
    (void)device;
    return 99;
}

static inline void fake_wake(struct nm_device *device)
{
    fake_of(device)->woken = true;
}

static inline void fake_close(struct nm_device *device)
{
    fake_drop(fake_of(device));
}

static inline int fake_open(struct nm_device **device, const char *name)
{
    static struct nm_device_ops ops[2] = {
        {.ioctl = fake_ioctl, .mmap = fake_mmap, .munmap = fake_munmap, .poll = fake_poll, .txsync = fake_txsync,
         .rxsync = fake_rxsync, .fileno = fake_fileno, .wake = fake_wake, .close = fake_close}};
    struct fake_device *f = calloc(1, sizeof(*f));
    bool user = strcmp(name, "user") == 0;

    ops[user] = ops[0];
    ops[user].name = name;
    f->device.ops = &ops[user];
    f->refs = 1;
    fake.devices++;
    *device = &f->device;
    return 0;
}

int nm_kernel_open(struct nm_device **device, char *msg)
{
    (void)msg;
    return fake_open(device, "kernel");
}

int nm_user_open(const char *directory, struct nm_device **device, char *msg)
{
    (void)directory;
    (void)msg;
    return fake_open(device, "user");
}

/* Queues one slot, its bytes seed, seed + 1, ... */
static inline void fake_receive(uint16_t len, uint16_t flags, uint8_t seed)
{
    struct fake_slot *slot = &fake_queued.slots[fake_queued.count++];
    uint32_t i;

    CHECK(fake_queued.count <= FAKE_WIRE);
    slot->len = len;
    slot->flags = flags;
    for (i = 0; i < sizeof(slot->data); i++)
        slot->data[i] = (uint8_t)(seed + i);
}

static inline void fake_reset(void)
{
    memset(&fake_sent, 0, sizeof(fake_sent));
    memset(&fake_queued, 0, sizeof(fake_queued));
    memset(&fake, 0, sizeof(fake));
    fake.slots = 8;
    fake.rings = 1;
    fake.buf_size = 64;
    fake.mem_id = 5;
}

#endif
