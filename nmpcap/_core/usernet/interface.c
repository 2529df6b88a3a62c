/*
 * The emulated adapter: an interface of the operating system as a port of user-space netmap.
 *
 * Rings, slots and buffers are in shared memory as any port's; frames go by way of a packet socket.
 * txsync copies slots to the socket and gives them back at once, rxsync copies what has arrived into
 * free slots. The host's stack goes on as if nobody looked.
 *
 * Each process has a socket of its own, of those that are bound to the port and of those that have
 * inherited a binding: what a socket's rings know about their positions is one process's. For sending
 * that is all; but every socket sees every frame, and the rx ring is one: it is filled by one process
 * at a time, the filler, and the others find in it what that one put there. When the filler has not
 * synced for a while, the next that does takes its place. If anybody has taken frames since that one's
 * socket was opened it opens another, so that no frame comes twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "afpacket/afpacket.h"
#include "source.h"
#include "usernet/usernet.h"

#define BATCH 256               /* frames of one fill */
#define PATIENCE_NS 2500000000u /* who sleeps in poll looks every second */
#define COUNT_NS 10000000u      /* how often the socket's losses are asked for */
#define WHOLE 262144            /* snaplen: more than any packet has */
#define NO_BUFFER 65536         /* bytes to receive with, where nobody is going to */
#define NO_ROOM UINT32_MAX

struct nmu_adapter {
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
    struct nm_view views[BATCH];
};

/* ---- the port ---------------------------------------------------------------------- */

static uint64_t this_netns(void)
{
    struct stat st;

    return stat("/proc/thread-self/ns/net", &st) < 0 ? 0 : st.st_ino;
}

/* Of the same name there may be another by now, and one in every network namespace. */
bool nmu_adapter_same(const struct nmu_port *port, const char *name)
{
    return !strcmp(port->name, name) && port->ifindex == if_nametoindex(name) && port->netns == this_netns();
}

int nmu_adapter_lookup(struct nmu_device *dev, const char *name, const struct nmu_config *config, uint32_t *port)
{
    uint32_t slots = (uint32_t)nmu_parameter(dev->reg, NMU_GENERIC_RINGSIZE), region;
    int error = nmu_region_find(dev, config->region ? config->region : NMU_REGION_GLOBAL, &region);

    if (error)
        return error;
    error = nmu_port_create(dev, NMU_NIC, name, region, 1, 1, slots, slots, port);
    nmu_region_release(dev, region);
    if (error)
        return error;
    dev->reg->ports[*port].ifindex = if_nametoindex(name);
    dev->reg->ports[*port].netns = this_netns();
    return 0;
}

static struct nmu_port *port_of(struct nmu_device *dev)
{
    return &dev->reg->ports[dev->reg->descs[dev->desc].port];
}

/* ---- the socket -------------------------------------------------------------------- */

/* What the source says of its failure, as the device's. */
static int report(struct nmu_device *dev, int error)
{
    const struct nm_source *source = dev->adapter->source;

    if (error == NM_SOURCE_END)
        error = -ENXIO;
    return nmu_fail(dev, -error, "%s", source->msg[0] ? source->msg : strerror(-error));
}

static int open_source(struct nmu_device *dev, const char *name, bool receives, struct nm_source **source)
{
    /* Promiscuous by membership: it ends with the socket, in whatever way that ends. */
    struct nm_packet_args args = {.name = name, .snaplen = receives ? WHOLE : 0, .immediate = 1, .promisc = receives,
                                  .buffer_size = receives ? 0 : NO_BUFFER};
    struct nm_packet_info info;
    int error = nm_packet_open(&args, source, dev->device.msg);

    if (error)
        return -error;
    nm_packet_look(*source, &info);
    /* What the host's stack sends is for the host rings, which are the module's. */
    (*source)->ops->direction(*source, NM_DIRECTION_IN);
    if (!info.cooked)
        return 0;
    (*source)->ops->close(*source);
    return nmu_fail(dev, EOPNOTSUPP, "%s: its packets have no link-layer header that could be received and sent as it "
                    "is (cooked mode)", name);
}

/* Makes ready_fd watch the packet socket, or no longer. */
static void watch_socket(struct nmu_adapter *a, bool watch)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = a->source->ops->fileno(a->source);

    if (a->ready_fd < 0 || watch == a->watching)
        return;
    epoll_ctl(a->ready_fd, watch ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event);
    a->watching = watch;
}

/* An epoll descriptor is one, however many processes have inherited it: this one's becomes its own. */
static int make_ready_fd(struct nmu_device *dev)
{
    struct nmu_adapter *a = dev->adapter;
    struct epoll_event event = {.events = EPOLLIN};
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd >= 0 && a->ready_fd >= 0) {
        dup3(fd, a->ready_fd, O_CLOEXEC);
        close(fd);
    } else {
        a->ready_fd = fd;
    }
    a->watching = false;
    return fd < 0 ? -1 : epoll_ctl(a->ready_fd, EPOLL_CTL_ADD, dev->wake_fd, &event);
}

/* A new socket in place of the one there is: frames from now on. */
static int reopen(struct nmu_device *dev)
{
    struct nmu_adapter *a = dev->adapter;
    bool inherited = a->owner != getpid();
    struct nm_source *source;
    int error = open_source(dev, port_of(dev)->name, a->receives, &source);

    if (error)
        return error;
    if (!inherited)
        watch_socket(a, false);
    a->source->ops->close(a->source);
    a->source = source;
    a->owner = getpid();
    a->batch.count = a->next = 0;
    a->dropped = 0;
    a->filled = port_of(dev)->filled;
    if (inherited && a->ready_fd >= 0)
        make_ready_fd(dev);
    return 0;
}

int nmu_adapter_open(struct nmu_device *dev, const struct nmu_port *port, const struct nmu_desc *desc)
{
    struct nmu_adapter *a = calloc(1, sizeof(*a));
    int error;

    if (!a)
        return nmu_fail(dev, ENOMEM, "%s: no memory to open it", port->name);
    a->receives = desc->rx_last > desc->rx_first;
    error = open_source(dev, port->name, a->receives, &a->source);
    if (error) {
        free(a);
        return error;
    }
    a->owner = getpid();
    a->ready_fd = -1;
    a->filled = port->filled;
    a->batch = (struct nm_batch){.views = a->views, .capacity = BATCH};
    dev->adapter = a;
    return 0;
}

void nmu_adapter_close(struct nmu_device *dev)
{
    struct nmu_adapter *a = dev->adapter;

    if (!a)
        return;
    dev->adapter = NULL;
    a->source->ops->close(a->source);
    if (a->ready_fd >= 0)
        close(a->ready_fd);
    free(a->frame);
    free(a);
}

/* ---- sending ----------------------------------------------------------------------- */

/* The slots of a ring, and the buffers they name. */
struct slots {
    const struct nmu_kring *kring;
    const struct netmap_ring *ring;
    const uint8_t *bufs;
    uint32_t objsize, objtotal;
};

static struct slots slots_of(struct nmu_device *dev, const struct nmu_kring *kring, const struct netmap_ring *ring)
{
    const struct nmu_pool *pool = &dev->reg->regions[port_of(dev)->region].pool[NMU_POOL_BUF];

    return (struct slots){kring, ring, (const uint8_t *)ring + ring->buf_ofs, pool->objsize, pool->objtotal};
}

/* The bytes of a slot; NULL where it names no buffer, or more than there is in one. */
static const uint8_t *slot_bytes(const struct slots *s, struct netmap_slot slot)
{
    uint64_t at = slot.ptr & s->kring->offset_mask;

    if (slot.buf_idx < 2 || slot.buf_idx >= s->objtotal || at > s->objsize || slot.len > s->objsize - at)
        return NULL;
    return s->bufs + (uint64_t)slot.buf_idx * s->objsize + at;
}

/* Puts the fragments in slots [from, to) together; NULL where one of them is impossible. */
static const uint8_t *gather(struct nmu_adapter *a, const struct slots *s, uint32_t from, uint32_t to, size_t *len)
{
    size_t needed = (size_t)nmu_distance(from, to, s->kring->num_slots) * s->objsize;

    if (a->frame_size < needed) {
        uint8_t *frame = realloc(a->frame, needed);

        if (!frame)
            return NULL;
        a->frame = frame;
        a->frame_size = needed;
    }
    *len = 0;
    for (; from != to; from = nmu_next(from, s->kring->num_slots)) {
        struct netmap_slot slot = nmu_slot(&s->ring->slot[from]);
        const uint8_t *bytes = slot_bytes(s, slot);

        if (!bytes)
            return NULL;
        memcpy(a->frame + *len, bytes, slot.len);
        *len += slot.len;
    }
    return a->frame;
}

/* The end of the packet that begins at a slot: what is unfinished at head ends there, as on a switch. */
static uint32_t packet_end(const struct slots *s, uint32_t from, uint32_t head)
{
    while (s->ring->slot[from].flags & NS_MOREFRAG) {
        uint32_t next = nmu_next(from, s->kring->num_slots);

        if (next == head)
            break;
        from = next;
    }
    return nmu_next(from, s->kring->num_slots);
}

/* Puts one packet into the socket's queue: 0, -EAGAIN, or why it can never be sent. */
static int queue_packet(struct nmu_device *dev, const struct slots *s, uint32_t from, uint32_t to)
{
    struct nmu_adapter *a = dev->adapter;
    struct netmap_slot slot = nmu_slot(&s->ring->slot[from]);
    bool single = to == nmu_next(from, s->kring->num_slots);
    size_t len = slot.len;
    const uint8_t *bytes = single ? slot_bytes(s, slot) : gather(a, s, from, to, &len);

    if (bytes)
        return a->source->ops->inject(a->source, bytes, len);
    snprintf(a->source->msg, sizeof(a->source->msg), "%s: tx ring 0, slot %u: an impossible buffer or length",
             port_of(dev)->name, from);
    return -EINVAL;
}

/* Sends what is between *at and head, as far as it goes: *at is then the first packet that has not gone. 0 if all
 * have; -EAGAIN; or what is wrong, with that packet or with the interface. */
static int send_packets(struct nmu_device *dev, const struct slots *s, uint32_t *at, uint32_t head)
{
    const struct nm_source_ops *ops = dev->adapter->source->ops;
    uint32_t end = *at, n = 0;
    int error = 0, flushed;

    while (end != head && !error) {
        uint32_t next = packet_end(s, end, head);

        error = queue_packet(dev, s, end, next);
        if (!error) {
            end = next;
            n++;
        }
    }
    flushed = ops->flush(dev->adapter->source);
    if (flushed)
        n -= (uint32_t)ops->withdraw(dev->adapter->source);
    atomic_fetch_add_explicit(&port_of(dev)->sent, n, memory_order_relaxed);
    for (; n && *at != head; n--)
        *at = packet_end(s, *at, head);
    return flushed ? flushed : error;
}

int nmu_adapter_txsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    struct slots s = slots_of(dev, kring, ring);
    uint32_t at = atomic_load_explicit(&kring->hwcur, memory_order_relaxed), head = kring->rhead, before;
    int error = 0, failed = 0;

    if (dev->adapter->owner != getpid() && (failed = reopen(dev)))
        return failed;
    while (at != head) {
        before = at;
        error = send_packets(dev, &s, &at, head);
        if (error && error != -EAGAIN && !failed)
            failed = report(dev, error);
        if (error == -EMSGSIZE || error == -EINVAL) { /* the packet's own fault: the others can do without it */
            at = packet_end(&s, at, head);
            atomic_fetch_add_explicit(&port_of(dev)->discarded, 1, memory_order_relaxed);
        } else if (error && at == before) {
            break;
        }
    }
    for (uint32_t i = atomic_load_explicit(&kring->hwcur, memory_order_relaxed); i != at;
         i = nmu_next(i, kring->num_slots))
        ring->slot[i].flags &= (uint16_t)~(NS_REPORT | NS_BUF_CHANGED);
    /* release: slots before it have been read */
    atomic_store_explicit(&kring->hwcur, at, memory_order_release);
    atomic_store_explicit(&kring->hwtail, nmu_prev(at, kring->num_slots), memory_order_relaxed);
    return failed;
}

/* ---- receiving --------------------------------------------------------------------- */

/* Whether this process is to fill the rx ring; 0 or what went wrong in becoming the one that is. */
static int take_turn(struct nmu_device *dev, bool *mine)
{
    struct nmu_adapter *a = dev->adapter;
    struct nmu_port *port = port_of(dev);
    uint64_t now = nmu_now_ns(CLOCK_MONOTONIC);
    const struct nmu_desc *filler = &dev->reg->descs[port->filler];
    int error = a->owner == getpid() ? 0 : reopen(dev);

    if (error)
        return error;
    *mine = port->filler == dev->desc && port->filled == a->filled;
    if (!*mine && port->filler && filler->port == dev->reg->descs[dev->desc].port &&
        now - port->filler_seen_ns < PATIENCE_NS) {
        watch_socket(a, false);
        return 0;
    }
    if (!*mine) {
        if (port->filled != a->filled && (error = reopen(dev)))
            return error;
        port->filler = dev->desc;
        a->filled = ++port->filled;
        *mine = true;
    }
    watch_socket(a, true);
    port->filler_seen_ns = now;
    return 0;
}

/* Copies a frame into slots from tail on, up to end: the new tail, or NO_ROOM. */
static uint32_t put_frame(const struct slots *s, struct netmap_ring *ring, const struct nm_view *view, uint32_t tail,
                          uint32_t end)
{
    const uint8_t *from = view->data;
    uint32_t left = view->caplen;

    do {
        struct netmap_slot *slot = &ring->slot[tail], was = nmu_slot(slot);
        uint64_t at = was.ptr & s->kring->offset_mask;
        uint32_t room = at < s->objsize ? s->objsize - (uint32_t)at : 0, part = left < room ? left : room;

        if (tail == end || !part)
            return NO_ROOM;
        if (was.buf_idx >= 2 && was.buf_idx < s->objtotal)
            memcpy((uint8_t *)(uintptr_t)s->bufs + (uint64_t)was.buf_idx * s->objsize + at, from, part);
        from += part;
        left -= part;
        slot->len = (uint16_t)part;
        slot->flags = left ? NS_MOREFRAG : 0;
        if (s->kring->timestamps)
            slot->ptr = (uint64_t)view->ts_ns;
        tail = nmu_next(tail, s->kring->num_slots);
    } while (left);
    return tail;
}

/* Adds to the port's losses what the socket has lost since the last look. */
static void count_losses(struct nmu_adapter *a, struct nmu_port *port)
{
    struct nm_counters counters = {0};

    if (port->filler_seen_ns - a->counted_ns < COUNT_NS)
        return;
    a->counted_ns = port->filler_seen_ns;
    a->source->ops->counters(a->source, &counters);
    atomic_fetch_add_explicit(&port->dropped, counters.dropped - a->dropped, memory_order_relaxed);
    a->dropped = counters.dropped;
}

/* The next frames that the socket has; where there are none, what is wrong with the interface. */
static int refill(struct nmu_device *dev)
{
    struct nmu_adapter *a = dev->adapter;
    int n = a->source->ops->fill(a->source, &a->batch);
    uint32_t kept = 0;

    a->next = 0;
    if (n == 0)
        n = a->source->ops->wait(a->source, 0);
    if (n < 0) {
        a->batch.count = 0;
        return n == -EINTR ? 0 : report(dev, n);
    }
    /* What was on its way out before the socket knew that it is not wanted. */
    for (uint32_t i = 0; i < a->batch.count; i++)
        if (!(a->views[i].flags & NM_VIEW_OUT))
            a->views[kept++] = a->views[i];
    a->batch.count = kept;
    return 0;
}

int nmu_adapter_rxsync(struct nmu_device *dev, struct nmu_kring *kring, struct netmap_ring *ring)
{
    struct nmu_adapter *a = dev->adapter;
    struct nmu_port *port = port_of(dev);
    struct slots s = slots_of(dev, kring, ring);
    uint32_t n = kring->num_slots, end = nmu_prev(atomic_load_explicit(&kring->hwcur, memory_order_relaxed), n);
    uint32_t first = atomic_load_explicit(&kring->hwtail, memory_order_relaxed), tail = first;
    uint64_t received = 0, dropped = 0;
    bool mine = false;
    int error = take_turn(dev, &mine);

    if (!mine)
        return error;
    while (tail != end) {
        const struct nm_view *view = &a->views[a->next];
        uint32_t next;

        if (a->next == a->batch.count) {
            error = refill(dev);
            if (error || !a->batch.count)
                break;
            continue;
        }
        next = view->caplen < view->len ? NO_ROOM : put_frame(&s, ring, view, tail, end);
        if (next == NO_ROOM && view->caplen == view->len && tail != kring->rhead)
            break; /* it may fit once its reader has gone on */
        a->next++;
        received += next != NO_ROOM;
        dropped += next == NO_ROOM;
        if (next != NO_ROOM)
            tail = next;
    }
    if (a->next == a->batch.count)
        count_losses(a, port);
    if (tail == end)
        watch_socket(a, false); /* there is no use in telling of what has no room */
    a->filled = port->filled += received + dropped;
    atomic_fetch_add_explicit(&port->received, received, memory_order_relaxed);
    atomic_fetch_add_explicit(&port->dropped, dropped, memory_order_relaxed);
    if (tail == first)
        return error;
    if (kring->copy_monitors)
        nmu_monitor_copy(dev, kring, first, tail); /* before its reader may write there */
    /* release: the reader that sees the tail sees slots and payload */
    atomic_store_explicit(&kring->hwtail, tail, memory_order_release);
    if (kring->users > 1)
        nmu_notify(dev, kring->port);
    return 0; /* what is wrong now is wrong with the next sync, too, after these */
}

/* ---- waiting ----------------------------------------------------------------------- */

int nmu_adapter_news_fd(struct nmu_device *dev)
{
    struct nmu_adapter *a = dev->adapter;
    const struct nmu_port *port = port_of(dev);
    bool filler = port->filler == dev->desc && port->filled == a->filled && a->owner == getpid();

    return filler && nmu_deliver_space(nmu_kring(dev->reg, port, false, 0)) ? a->source->ops->fileno(a->source) : -1;
}

int nmu_adapter_fileno(struct nmu_device *dev)
{
    struct nmu_adapter *a = dev->adapter;

    if (a->ready_fd < 0 && make_ready_fd(dev) < 0)
        return -1;
    if (a->receives)
        watch_socket(a, nmu_adapter_news_fd(dev) >= 0 || !port_of(dev)->filler);
    return a->ready_fd;
}
