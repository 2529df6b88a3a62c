/* What can be asked of an open port, and syncing it. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "netmap/impl.h"

const char *nm_desc_msg(struct nm_desc *desc)
{
    return desc->msg;
}

void nm_desc_info(struct nm_desc *desc, struct nm_desc_info *info)
{
    const struct nm_ring *r = desc->num_tx ? desc->tx : desc->num_rx ? desc->rx : NULL;

    *info = (struct nm_desc_info){.name = desc->name, .spec = desc->spec, .netmap = desc->netmap,
                                  .mapping = desc->mapping, .nifp = desc->nifp, .reg = &desc->reg,
                                  .tx_rings = desc->num_tx, .rx_rings = desc->num_rx,
                                  .num_bufs = r ? r->num_bufs : 0, .buf_size = r ? r->buf_size : 0,
                                  .pipes = desc->pipes};
}

struct netmap_ring *nm_desc_tx_ring(struct nm_desc *desc, uint32_t i)
{
    return i < desc->num_tx ? desc->tx[i].ring : NULL;
}

struct netmap_ring *nm_desc_rx_ring(struct nm_desc *desc, uint32_t i)
{
    return i < desc->num_rx ? desc->rx[i].ring : NULL;
}

void nm_desc_ring(struct nm_desc *desc, int tx, uint32_t i, struct nm_desc_ring *ring)
{
    const struct nm_ring *r;

    *ring = (struct nm_desc_ring){0};
    if (i >= (tx ? desc->num_tx : desc->num_rx))
        return;
    r = tx ? &desc->tx[i] : &desc->rx[i];
    *ring = (struct nm_desc_ring){.ring = r->ring, .bufs = r->bufs, .num_slots = r->num_slots, .buf_size = r->buf_size,
                                  .offset_mask = r->offset_mask, .ringid = r->ringid};
}

struct nm_device *nm_desc_device(struct nm_desc *desc)
{
    return desc->device;
}

int nm_desc_fileno(struct nm_desc *desc)
{
    int fd;

    if (!nm_desc_enter(desc))
        return -1;
    fd = desc->device->ops->fileno(desc->device);
    nm_desc_leave(desc);
    return fd;
}

void nm_desc_stats(struct nm_desc *desc, struct nm_desc_stats *stats)
{
    *stats = desc->stats;
}

int nm_desc_txsync(struct nm_desc *desc)
{
    int error;

    if (!nm_desc_enter(desc))
        return EBUSY;
    error = nm_desc_report(desc, "txsync", desc->device->ops->txsync(desc->device));
    nm_desc_leave(desc);
    return error;
}

int nm_desc_rxsync(struct nm_desc *desc)
{
    int error;

    if (!nm_desc_enter(desc))
        return EBUSY;
    error = nm_desc_report(desc, "rxsync", desc->device->ops->rxsync(desc->device));
    nm_desc_leave(desc);
    return error;
}

int nm_desc_wait(struct nm_desc *desc, short events, int timeout_ms, short *revents)
{
    int error;

    *revents = 0;
    if (!nm_desc_enter(desc))
        return EBUSY;
    desc->device->msg[0] = '\0';
    error = nm_desc_report(desc, "poll", desc->device->ops->poll(desc->device, events, timeout_ms, revents));
    if (!error && (*revents & POLLERR))
        nm_desc_fail(desc, EIO, "wait: the port has failed: %s", *desc->device->msg ? desc->device->msg
                     : "what it observed or led to has closed, or head or cur are wrong");
    nm_desc_leave(desc);
    return error;
}

void nm_desc_wake(struct nm_desc *desc)
{
    desc->device->ops->wake(desc->device);
}
