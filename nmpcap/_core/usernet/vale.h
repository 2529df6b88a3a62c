/*
 * What forwarding (vale.c) and delivering (target.c) share: fragments collected from one sender's
 * slots, and the receiving ring they are put into.
 */
#ifndef NMPCAP_USERNET_VALE_H
#define NMPCAP_USERNET_VALE_H

#include "usernet/impl.h"

struct fragment {
    const uint8_t *data; /* in the sender's region, or in its process (NS_INDIRECT) */
    uint32_t offset;     /* of data in its buffer */
    uint16_t len;
    uint16_t flags;
    uint16_t frags;      /* of a first fragment: slots of the packet, cut at 256 */
    uint16_t next;       /* of a first fragment: next packet in its queue */
};

void nmu_vale_txsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *);
void nmu_forward_free(struct nmu_forward *);

/* What stays the same for one txsync. */
struct sender {
    struct nmu_device *dev;
    struct nmu_registry *reg;
    struct nmu_forward *fwd;
    struct nmu_kring *kring;
    uint32_t num_slots;  /* of its ring */
    struct nmu_port *port;
    uint32_t hdr_len;    /* of its packets' virtio header */
    uint16_t refused;    /* NS_INDIRECT where slots may be others' to write: nmu_indirect_allowed */
    struct nmu_switch *sw;
    const uint8_t *base; /* of the sender's region */
    const struct nmu_pool *bufs;
    uint64_t now_ns;     /* for receivers that want it */
    uint64_t dmac;       /* the destination looked up last, and its bucket */
    uint32_t dbucket;
};

/* A receiving ring, held by its deliver lock. */
struct target {
    uint32_t port;
    uint32_t hdr_len;
    struct nmu_kring *kring;
    struct netmap_ring *ring;
    uint8_t *bufs;
    uint32_t objsize, objtotal;
    uint32_t num_slots;
};

/* Takes the ring that the port at a place of the switch has for a sender's ring. ENXIO: nobody has it open; EBUSY:
 * another sender has it, and does not go on; ENOMEM: its memory cannot be mapped, or is damaged. *target then says no
 * more than the port. */
int nmu_target_open(struct sender *, uint32_t place, uint32_t ring, struct target *);

/* Publishes what was put there, up to tail; counts; lets go of the ring, and wakes its readers. */
void nmu_target_close(struct sender *, struct target *, uint32_t tail, uint32_t packets, uint32_t lost);

/* Whether the receiver can have the packet with its length of virtio header. */
bool nmu_target_accepts(const struct sender *, const struct target *, const struct fragment *first);

/* Copies a packet to the slots from tail on, which must be free; the new tail. */
uint32_t nmu_target_put(struct sender *, const struct target *, const struct fragment *first, uint32_t tail);

#endif
