/* Columns: many packets out of the window at once, copied or where they lie. */
#include <string.h>

#include "capture/impl.h"

/* A batch keeps its packets where they lie if they fill so much of the slab, and is copied otherwise: memory
 * that is kept alive is at most this many times what it is kept for. */
#define WASTE 4

uint64_t nm_capture_measure(struct nm_capture *c, uint32_t n)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < n; i++)
        size += c->window.next[i].caplen;
    return size;
}

struct nm_slab *nm_capture_share(struct nm_capture *c, uint32_t n, uint64_t *size)
{
    const struct nm_view *first = c->window.next, *last = first + n - 1;
    struct nm_slab *slab = c->batch.slab;

    if (!slab || nm_capture_measure(c, n) < slab->capacity / WASTE)
        return NULL;
    *size = (uint64_t)(last->data - first->data) + last->caplen;
    return nm_slab_hold(slab);
}

void nm_capture_take(struct nm_capture *c, uint32_t n, void *data, void *columns)
{
    const struct nm_view *views = c->window.next;
    int64_t *ts_ns = columns, *offset = ts_ns + n;
    uint32_t *caplen = (uint32_t *)(offset + n), *len = caplen + n, *ifindex = len + n;
    uint16_t *linktype = (uint16_t *)(ifindex + n), *flags = linktype + n;
    int64_t at = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (data)
            memcpy((uint8_t *)data + at, views[i].data, views[i].caplen);
        else
            at = views[i].data - views[0].data;
        ts_ns[i] = views[i].ts_ns;
        offset[i] = at;
        caplen[i] = views[i].caplen;
        len[i] = views[i].len;
        ifindex[i] = views[i].ifindex;
        linktype[i] = views[i].linktype;
        flags[i] = views[i].flags & NM_VIEW_OUT;
        at += views[i].caplen;
    }
    c->window.next += n;
    nm_count(&c->window.taken, n);
}
