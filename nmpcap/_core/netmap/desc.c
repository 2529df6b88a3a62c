/* An open port: from a request to rings, and back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "netmap/request.h"
#include "device/choose.h"

/* ---- rings ------------------------------------------------------------------------------- */

/* The rings of one direction: the entries of ring_ofs[from, to) that are not 0. */
static struct nm_ring *find_rings(struct nm_desc *d, uint32_t from, uint32_t to, uint32_t *count)
{
    const uint8_t *mem = nm_mapping_mem(d->mapping);
    size_t length = nm_mapping_length(d->mapping);
    struct nm_ring *rings = calloc(to - from + 1, sizeof(*rings));
    uint32_t i;

    *count = 0;
    for (i = from; rings && i < to; i++) {
        int64_t offset = nm_if_ring_ofs(d->nifp, i);

        if (offset == 0)
            continue;
        if (!nm_ring_init(&rings[*count], (uintptr_t)d->nifp + (uintptr_t)offset, mem, length)) {
            free(rings);
            return NULL;
        }
        ++*count;
    }
    return rings;
}

static int find_all_rings(struct nm_desc *d)
{
    size_t length = nm_mapping_length(d->mapping), room;
    struct nm_if rings;
    uint64_t tx, rx;

    if (d->reg.nr_offset > length || length - d->reg.nr_offset < NM_IF_SIZE)
        return nm_desc_fail(d, EPROTO, "the region is damaged: no room for its netmap_if");
    d->nifp = (struct netmap_if *)(void *)((char *)nm_mapping_mem(d->mapping) + d->reg.nr_offset);
    room = (length - d->reg.nr_offset - NM_IF_SIZE) / sizeof(int64_t);
    rings = nm_if_read(d->nifp);
    tx = (uint64_t)rings.tx_rings + rings.host_tx_rings;
    rx = (uint64_t)rings.rx_rings + rings.host_rx_rings;
    if (tx + rx > room)
        return nm_desc_fail(d, EPROTO, "the region is damaged: a netmap_if of %llu rings",
                            (unsigned long long)(tx + rx));
    d->tx = find_rings(d, 0, (uint32_t)tx, &d->num_tx);
    d->rx = find_rings(d, (uint32_t)tx, (uint32_t)(tx + rx), &d->num_rx);
    if (!d->tx || !d->rx)
        return nm_desc_fail(d, EPROTO, "the region is damaged: a ring or its buffers lie outside it");
    return 0;
}

static void forget_rings(struct nm_desc *d)
{
    free(d->tx);
    free(d->rx);
    d->tx = d->rx = NULL;
    d->num_tx = d->num_rx = 0;
    d->nifp = NULL;
}

/* Maps the region, or takes a share in shared if that is the same one. */
static int map_region(struct nm_desc *d, struct nm_mapping *shared)
{
    int error = 0;

    if (shared)
        d->mapping = nm_mapping_ref(shared);
    else
        error = nm_mapping_open(d->device, d->reg.nr_memsize, 0, &d->mapping);
    if (error)
        return nm_desc_fail(d, error, "mapping the region of %llu bytes: %s", (unsigned long long)d->reg.nr_memsize,
                            *d->device->msg ? d->device->msg : strerror(error));
    error = find_all_rings(d);
    if (error) {
        forget_rings(d);
        nm_mapping_unref(d->mapping);
        d->mapping = NULL;
    }
    return error;
}

static bool shares_region(const struct nm_desc *d, const struct nm_desc *parent)
{
    return parent && parent->mapping && parent->netmap == d->netmap && parent->reg.nr_mem_id == d->reg.nr_mem_id;
}

int nm_desc_mmap(struct nm_desc *desc, struct nm_desc *parent)
{
    int error = 0;

    if (!nm_desc_enter(desc))
        return EBUSY;
    if (parent && parent != desc && !nm_desc_enter(parent)) {
        nm_desc_leave(desc);
        return EBUSY;
    }
    if (!desc->mapping)
        error = map_region(desc, shares_region(desc, parent) ? parent->mapping : NULL);
    if (parent && parent != desc)
        nm_desc_leave(parent);
    nm_desc_leave(desc);
    return error;
}

/* ---- open and close ------------------------------------------------------------------------ */

static void shut(struct nm_desc *d)
{
    forget_rings(d);
    if (d->mapping)
        nm_mapping_unref(d->mapping);
    if (d->device)
        d->device->ops->close(d->device);
    d->mapping = NULL;
    d->device = NULL;
}

int nm_desc_shut(struct nm_desc *desc)
{
    /* Never left: whoever comes later is sent away. */
    if (!nm_desc_enter(desc))
        return EBUSY;
    shut(desc);
    return 0;
}

void nm_desc_free(struct nm_desc *desc)
{
    shut(desc);
    free(desc->scratch);
    free(desc->spec);
    free(desc->runtime_dir);
    free(desc);
}

int nm_desc_close(struct nm_desc *desc)
{
    int error = desc ? nm_desc_shut(desc) : 0;

    if (desc && !error)
        nm_desc_free(desc);
    return error;
}

static int which_device(const struct nm_open_args *args)
{
    if (!args->parent)
        return args->which;
    return strcmp(args->parent->netmap, "kernel") == 0 ? NM_NETMAP_KERNEL : NM_NETMAP_USER;
}

static int open_port(struct nm_desc *d, const struct nm_open_args *args, struct nm_request *rq)
{
    int error = nm_request_make(d, args, rq);

    if (!error)
        error = nm_device_open(which_device(args), d->runtime_dir, &d->device, d->msg);
    if (!error) {
        d->netmap = d->device->ops->name;
        error = nm_request_bind(d, args, rq);
    }
    if (!error && (args->parent || rq->extmem || !(args->flags & NM_OPEN_NO_MMAP)))
        error = map_region(d, rq->extmem ? rq->extmem
                              : shares_region(d, args->parent) ? args->parent->mapping : NULL);
    if (rq->extmem)
        nm_mapping_unref(rq->extmem);
    return error;
}

int nm_desc_open(const struct nm_open_args *args, struct nm_desc **desc, char *msg)
{
    const char *spec = args->flags & NM_OPEN_IFNAME && args->parent ? args->parent->spec : args->name;
    const char *directory = args->parent ? args->parent->runtime_dir : args->runtime_dir;
    struct nm_desc *d = calloc(1, sizeof(*d));
    struct nm_request request;
    int error;

    *desc = NULL;
    msg[0] = '\0';
    if (d) {
        d->spec = strdup(spec);
        d->runtime_dir = directory ? strdup(directory) : NULL;
    }
    if (!d || !d->spec || (directory && !d->runtime_dir)) {
        if (d)
            nm_desc_free(d);
        nm_message_print(msg, spec, "no memory for a descriptor");
        return ENOMEM;
    }
    snprintf(d->name, sizeof(d->name), "%s", spec);
    if (args->parent && !nm_desc_enter(args->parent)) {
        nm_desc_free(d);
        nm_message_print(msg, spec, "the parent is in use by another thread");
        return EBUSY;
    }
    error = open_port(d, args, &request);
    if (args->parent)
        nm_desc_leave(args->parent);
    if (error) {
        memcpy(msg, d->msg, NM_MSG_SIZE);
        nm_desc_free(d);
        return error;
    }
    *desc = d;
    return 0;
}
