/* An open packet socket under the contract of source.h. */
#include <linux/if_arp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "afpacket/impl.h"
#include "clock.h"

static int fill(struct nm_source *source, struct nm_batch *batch)
{
    struct nm_packet *p = nm_packet_self(source);

    batch->count = 0;
    return p->version == TPACKET_V3 ? nm_packet_fill_blocks(p, batch) : nm_packet_fill_frames(p, batch);
}

/* Notes what has happened to the socket. The interface's going down is told after what came before it. */
static int note_error(struct nm_packet *p)
{
    int error = 0;
    socklen_t size = sizeof(error);

    (void)getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == ENETDOWN)
        p->down = true;
    else if (error)
        return nm_packet_fail(p, error, "receiving: %s", strerror(error));
    return 0;
}

static int64_t now_ms(void)
{
    return nm_clock_ns(CLOCK_MONOTONIC) / 1000000;
}

/* Waits for what the interface brought before it went down: a block that has packets in it is handed over
 * when its time is up. Going away is told by a second error, soon after the first. 1: there is something. */
static int last_packets(struct nm_packet *p)
{
    struct pollfd socket = {.fd = p->fd, .events = POLLIN};
    int64_t until = now_ms() + 2 * NM_PACKET_RETIRE_MS, left;

    while ((left = until - now_ms()) > 0) {
        if (poll(&socket, 1, (int)left) < 0)
            continue; /* signals can wait for so long */
        if (socket.revents & POLLIN)
            return 1;
        if (socket.revents & POLLERR && note_error(p))
            return 0;
    }
    return 0;
}

/* Whether the interface is still down; 0 if not. The kernel takes the socket up again by itself. */
static int still_down(struct nm_packet *p)
{
    struct nm_link link;
    int error = nm_packet_ask(p, p->ifindex, &link);

    if (error == -ENODEV)
        return nm_packet_fail(p, ENODEV, NM_PACKET_GONE);
    if (!error && !(link.flags & IFF_UP))
        return nm_packet_fail(p, ENETDOWN, NM_PACKET_DOWN);
    p->down = false;
    return 0;
}

static int wait_packets(struct nm_source *source, int timeout_ms)
{
    struct nm_packet *p = nm_packet_self(source);
    struct pollfd fds[] = {{.fd = p->fd, .events = POLLIN}, {.fd = p->wake_fd, .events = POLLIN}};
    uint64_t count;
    int n, error;

    for (;;) {
        n = poll(fds, 2, p->down ? 0 : timeout_ms);
        if (n < 0)
            return errno == EINTR ? -EINTR : nm_packet_fail(p, errno, "waiting: %s", strerror(errno));
        if (fds[1].revents) {
            (void)!read(p->wake_fd, &count, sizeof(count));
            return -EINTR;
        }
        error = fds[0].revents & POLLERR ? note_error(p) : 0;
        if (error)
            return error;
        if (fds[0].revents & POLLIN || (fds[0].revents && p->down && last_packets(p)))
            return 1;
        if (!p->down)
            return 0;
        error = still_down(p);
        if (error)
            return error;
    }
}

static void wake(struct nm_source *source)
{
    uint64_t one = 1;

    (void)!write(nm_packet_self(source)->wake_fd, &one, sizeof(one));
}

/* The kernel can leave out what is being sent; on a loopback interface it always does. */
static void direction(struct nm_source *source, int wanted)
{
    struct nm_packet *p = nm_packet_self(source);
    int ignore = wanted == NM_DIRECTION_IN || p->arphrd == ARPHRD_LOOPBACK;

    (void)setsockopt(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &ignore, sizeof(ignore));
}

static int descriptor(struct nm_source *source)
{
    return nm_packet_self(source)->fd;
}

void nm_packet_close(struct nm_source *source)
{
    struct nm_packet *p = nm_packet_self(source);

    nm_packet_end_sending(p);
    if (p->fd >= 0)
        nm_packet_restore_clock(p);
    if (p->rx.base)
        munmap(p->rx.base, p->map_size);
    if (p->fd >= 0)
        close(p->fd);
    if (p->link_fd >= 0)
        close(p->link_fd);
    if (p->wake_fd >= 0)
        close(p->wake_fd);
    nm_packet_free_copies(p);
    pthread_mutex_destroy(&p->lock);
    free(p->interfaces);
    free(p);
}

void nm_packet_look(struct nm_source *source, struct nm_packet_info *info)
{
    const struct nm_packet *p = nm_packet_self(source);

    *info = (struct nm_packet_info){
        .ifindex = p->ifindex, .linktype = p->linktype, .arphrd = p->arphrd, .cooked = p->cooked,
        .version = (uint8_t)p->version, .promisc = p->promisc, .tstamp_type = p->tstamp_type,
        .rx_block_size = p->rx.block_size, .rx_blocks = p->rx.blocks, .rx_frame_size = p->rx.frame_size,
        .rx_frames = p->rx.frames, .fanout_group = p->fanout_group,
    };
}

int nm_packet_set_linktype(struct nm_source *source, uint16_t linktype)
{
    struct nm_packet *p = nm_packet_self(source);
    bool offered = linktype == p->linktype;

    if (!p->ifindex)
        offered = linktype == NM_DLT_LINUX_SLL || linktype == NM_DLT_LINUX_SLL2;
    else if (p->arphrd == ARPHRD_ETHER)
        offered = linktype == NM_DLT_EN10MB || linktype == NM_DLT_DOCSIS;
    if (!offered)
        return -EINVAL;
    p->linktype = linktype;
    return 0;
}

const struct nm_source_ops nm_packet_ops = {
    .name = "packet",
    .fill = fill,
    .wait = wait_packets,
    .wake = wake,
    .inject = nm_packet_inject,
    .flush = nm_packet_flush,
    .withdraw = nm_packet_withdraw,
    .room = nm_packet_room,
    .queued = nm_packet_queued,
    .filter = nm_packet_filter,
    .metadata = nm_packet_metadata,
    .fileno = descriptor,
    .direction = direction,
    .counters = nm_packet_counters,
    .close = nm_packet_close,
};
