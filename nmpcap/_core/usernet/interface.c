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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "afpacket/afpacket.h"
#include "usernet/interface_impl.h"
#include "usernet/kring.h"

#define NO_BUFFER 65536 /* bytes to receive with, where nobody is going to */

/* ---- the socket -------------------------------------------------------------------- */

int nmu_interface_report(struct nmu_device *dev, int error)
{
    const struct nm_source *source = dev->interface->source;

    if (error == NM_SOURCE_END)
        error = -ENXIO;
    return nmu_fail(dev, -error, "%s", source->msg[0] ? source->msg : strerror(-error));
}

static int open_source(struct nmu_device *dev, const char *name, bool receives, struct nm_source **source)
{
    /* Promiscuous by membership: it ends with the socket, in whatever way that ends. */
    struct nm_packet_args args = {.name = name, .snaplen = receives ? NM_MAXIMUM_SNAPLEN : 0, .immediate = 1, .promisc = receives,
                                  .may_be_down = 1,
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

void nmu_interface_watch(struct nmu_interface *a, bool watch)
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
    struct nmu_interface *a = dev->interface;
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

int nmu_interface_reopen(struct nmu_device *dev)
{
    struct nmu_interface *a = dev->interface;
    bool inherited = a->owner != getpid();
    struct nm_source *source;
    int error = open_source(dev, port_of(dev)->name, a->receives, &source);

    if (error)
        return error;
    if (!inherited)
        nmu_interface_watch(a, false);
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

int nmu_interface_open(struct nmu_device *dev, const struct nmu_port *port, const struct nmu_desc *desc)
{
    struct nmu_interface *a = calloc(1, sizeof(*a));
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
    a->batch = (struct nm_batch){.views = a->views, .capacity = NMU_INTERFACE_BATCH};
    dev->interface = a;
    return 0;
}

void nmu_interface_close(struct nmu_device *dev)
{
    struct nmu_interface *a = dev->interface;

    if (!a)
        return;
    dev->interface = NULL;
    a->source->ops->close(a->source);
    if (a->ready_fd >= 0)
        close(a->ready_fd);
    free(a->frame);
    free(a);
}

/* ---- waiting ----------------------------------------------------------------------- */

int nmu_interface_news_fd(struct nmu_device *dev)
{
    struct nm_source *source = dev->interface->source;

    return is_filler(dev) && nmu_deliver_space(nmu_kring(dev->reg, port_of(dev), false, 0)) ? source->ops->fileno(source) : -1;
}

uint64_t nmu_interface_waiting(struct nmu_device *dev)
{
    struct nmu_interface *a = dev->interface;
    struct nm_counters counters = {0};

    /* Whoever syncs first becomes the filler, with what its socket has by then. */
    if (!a->receives || a->owner != getpid() || (port_of(dev)->filler && !is_filler(dev)))
        return 0;
    a->source->ops->counters(a->source, &counters);
    return counters.waiting + a->batch.count - a->next;
}

int nmu_interface_fileno(struct nmu_device *dev)
{
    struct nmu_interface *a = dev->interface;

    if (a->ready_fd < 0 && make_ready_fd(dev) < 0)
        return -1;
    if (a->receives)
        nmu_interface_watch(a, nmu_interface_news_fd(dev) >= 0 || !port_of(dev)->filler);
    return a->ready_fd;
}
