/* interface_impl: what the files of an interface's port share: the socket (interface.c), sending, receiving. */
#ifndef NMPCAP_USERNET_INTERFACE_IMPL_H
#define NMPCAP_USERNET_INTERFACE_IMPL_H

#include <errno.h>
#include <unistd.h>

#include "shared.h"
#include "source.h"
#include "usernet/interface.h"
#include "usernet/region.h"

#define NMU_INTERFACE_BATCH 256 /* frames of one fill */

struct nmu_interface {
    struct nm_source *source;
    pid_t owner;       /* process whose socket it is; another one has inherited it */
    bool receives;     /* bound to the rx ring */
    bool watching;     /* ready_fd watches the socket */
    int ready_fd;      /* for select and its kin: the wake-up socket and the packet socket; -1: not asked for yet */
    uint64_t filled;   /* port.filled as this process knows it */
    uint64_t dropped;  /* by the socket, counted already */
    uint64_t counted_ns; /* CLOCK_MONOTONIC of that */
    struct nm_batch batch;
    uint32_t next;     /* views from here on wait for room in the ring */
    uint8_t *frame;    /* where the fragments of one are put together */
    size_t frame_size;
    struct nm_view views[NMU_INTERFACE_BATCH];
};

static inline struct nmu_port *port_of(struct nmu_device *dev)
{
    return nmu_port_at(dev->reg, nmu_desc_at(dev->reg, dev->desc)->port);
}

/* Whether it is this descriptor that fills the rx ring; a socket that is not this process's own fills nothing. */
static inline bool is_filler(struct nmu_device *dev)
{
    const struct nmu_interface *a = dev->interface;
    const struct nmu_port *port = port_of(dev);

    return port->filler == dev->desc && port->filled == a->filled && a->owner == getpid();
}

/* The slots of a ring, and the buffers they name. */
struct slots {
    const struct nmu_kring *kring;
    struct netmap_ring *ring;
    uint8_t *bufs;
    uint32_t objsize, objtotal;
    uint32_t num_slots;
};

/* 0 or an errno value: the port's record speaks of no region that there is. */
static inline int slots_of(struct nmu_device *dev, const struct nmu_kring *kring, struct netmap_ring *ring, struct slots *s)
{
    const struct nmu_map *map = nmu_region_mapping(dev, port_of(dev)->region);
    const struct nmu_pool *pool = map ? &map->layout->pool[NMU_POOL_BUF] : NULL;

    if (!pool)
        return ESTALE;
    *s = (struct slots){kring, ring, map->base + pool->offset, pool->objsize, pool->objtotal, nmu_slots(kring)};
    return 0;
}

/* What the source says of its failure, as the device's: an errno value. */
int nmu_interface_report(struct nmu_device *, int error);

/* A new socket in place of the one there is: frames from now on. 0 or an errno value. */
int nmu_interface_reopen(struct nmu_device *);

/* Makes ready_fd watch the packet socket, or no longer. */
void nmu_interface_watch(struct nmu_interface *, bool watch);

#endif
