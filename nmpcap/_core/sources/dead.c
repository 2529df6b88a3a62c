/* A source of nothing: what libpcap's pcap_open_dead is for, link type and snaplen without a port. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "source.h"
#include "sources/dead.h"

static int refuse(struct nm_source *source, const char *what)
{
    snprintf(source->msg, sizeof(source->msg), "%s a pcap_open_dead pcap_t", what);
    return -ENOTSUP;
}

static int fill(struct nm_source *source, struct nm_batch *batch)
{
    batch->count = 0;
    return refuse(source, "Packets aren't available from");
}

static int inject(struct nm_source *source, const void *frame, size_t len)
{
    (void)frame;
    (void)len;
    return refuse(source, "Packets can't be sent on");
}

static void close_dead(struct nm_source *source)
{
    free(source);
}

struct nm_source *nm_dead_open(void)
{
    static const struct nm_source_ops ops = {
        .name = "dead",
        .fill = fill,
        .inject = inject,
        .close = close_dead,
    };
    struct nm_source *source = calloc(1, sizeof(*source));

    if (source)
        source->ops = &ops;
    return source;
}
