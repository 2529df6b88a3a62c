/*
 * Sending: inject puts frames into a queue in the program's memory, flush hands them to the kernel, a whole
 * queue with one sendmmsg(2).
 *
 * There is a ring to send as well (PACKET_TX_RING), and it is not used: on the kernels measured (6.18, veth,
 * 60 and 1514 bytes) a frame out of it costs 5 to 40 percent more than one out of a batch, since each goes
 * as a fragment beside its header. And a socket that has the ring sends nothing in any other way: what fits no
 * slot would have to leave by a second socket, and come back to the first as somebody else's.
 *
 * The kernel takes frames in order, and stops at the first it refuses: that one and those behind it stay in
 * the queue until the next flush, or withdraw. What it has taken counts as sent.
 */
#include <linux/if_arp.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afpacket/impl.h"

#define FRAMES 256        /* of one sendmmsg */
#define BYTES (256 * 1024) /* of one sendmmsg; the largest frame there is has 64 KiB, and headers */
#define CONGESTED_MS 1    /* how long a full queueing discipline is left alone: nothing tells when it has room */
#define CLOSE_MS 200      /* how long close waits for what was accepted to go */

struct nm_packet_queue {
    uint32_t first, count; /* frames from first on have not been taken */
    size_t used;
    bool congested; /* the queueing discipline was full */
    struct iovec pieces[FRAMES];
    struct mmsghdr messages[FRAMES];
    uint8_t bytes[BYTES];
};

static int refuse(struct nm_packet *p)
{
    return p->ifindex ? nm_packet_fail(p, ENOTSUP, "Sending packets isn't supported in cooked mode")
                      : nm_packet_fail(p, ENOTSUP, "Sending packets isn't supported on the \"any\" device; "
                                          "open the interface to send on");
}

static struct nm_packet_queue *make_queue(struct nm_packet *p)
{
    p->queue = malloc(sizeof(*p->queue));
    if (!p->queue)
        return NULL;
    p->queue->first = p->queue->count = 0;
    p->queue->used = 0;
    p->queue->congested = false;
    memset(p->queue->messages, 0, sizeof(p->queue->messages));
    for (uint32_t i = 0; i < FRAMES; i++) {
        p->queue->messages[i].msg_hdr.msg_iov = &p->queue->pieces[i];
        p->queue->messages[i].msg_hdr.msg_iovlen = 1;
    }
    return p->queue;
}

int nm_packet_inject(struct nm_source *source, const void *frame, size_t len)
{
    struct nm_packet *p = nm_packet_self(source);
    struct nm_packet_queue *q = p->queue;
    uint32_t at;

    if (p->cooked)
        return refuse(p);
    if (!q && !(q = make_queue(p)))
        return nm_packet_fail(p, ENOMEM, "no memory to send");
    if (len > BYTES)
        return nm_packet_fail(p, EMSGSIZE, "sending a frame of %zu bytes: an interface takes 65,553 at most", len);
    at = q->first + q->count;
    if (at == FRAMES || len > BYTES - q->used)
        return -EAGAIN;
    memcpy(q->bytes + q->used, frame, len);
    q->pieces[at] = (struct iovec){.iov_base = q->bytes + q->used, .iov_len = len};
    q->used += len;
    q->count++;
    return 0;
}

/* ---- what goes wrong --------------------------------------------------------------- */

/* Ethernet's, and of those that look like it. The others' lengths only the kernel knows. */
static size_t header_size(const struct nm_packet *p)
{
    return p->arphrd == ARPHRD_ETHER || p->arphrd == ARPHRD_LOOPBACK ? ETH_HLEN : 0;
}

/* Why the kernel refused the first frame of the queue. */
static int refused(struct nm_packet *p, int error)
{
    size_t len = p->queue->pieces[p->queue->first].iov_len, header = header_size(p);
    struct nm_link link = {.mtu = p->mtu};

    switch (error) {
    case EMSGSIZE:
        (void)nm_packet_ask(p, p->ifindex, &link);
        return nm_packet_fail(p, error, "sending a frame of %zu bytes: the limit is %zu, an MTU of %u behind a "
                              "link-layer header of %zu", len, link.mtu + header, link.mtu, header);
    case EINVAL:
        if (len < header)
            return nm_packet_fail(p, error, "sending a frame of %zu bytes: its link-layer header alone has %zu", len,
                                  header);
        break;
    case ENETDOWN:
        return nm_packet_fail(p, error, "sending a frame of %zu bytes: " NM_PACKET_DOWN, len);
    case ENXIO:
    case ENODEV:
        return nm_packet_fail(p, ENODEV, "sending a frame of %zu bytes: " NM_PACKET_GONE, len);
    default:
        break;
    }
    return nm_packet_fail(p, error, "sending a frame of %zu bytes: %s", len, strerror(error));
}

/* ---- pushing ----------------------------------------------------------------------- */

static void forget(struct nm_packet_queue *q)
{
    q->first = q->count = 0;
    q->used = 0;
}

int nm_packet_flush(struct nm_source *source)
{
    struct nm_packet *p = nm_packet_self(source);
    struct nm_packet_queue *q = p->queue;
    bool again = true;

    while (q && q->count) {
        int n = sendmmsg(p->fd, &q->messages[q->first], q->count, MSG_DONTWAIT);

        if (n > 0) {
            q->first += (uint32_t)n;
            q->count -= (uint32_t)n;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            q->congested = errno == ENOBUFS;
            return -EAGAIN;
        } else if (errno == ENETDOWN && again) {
            again = false; /* perhaps it was down, and this is how the socket says so */
        } else if (errno != EINTR) {
            return refused(p, errno);
        }
    }
    if (q)
        forget(q);
    return 0;
}

int nm_packet_withdraw(struct nm_source *source)
{
    struct nm_packet_queue *q = nm_packet_self(source)->queue;
    uint32_t count = q ? q->count : 0;

    if (q)
        forget(q);
    return (int)count;
}

int nm_packet_room(struct nm_source *source, int timeout_ms)
{
    struct nm_packet *p = nm_packet_self(source);
    bool congested = p->queue && p->queue->congested;
    struct pollfd fds[] = {{.fd = p->wake_fd, .events = POLLIN}, {.fd = congested ? -1 : p->fd, .events = POLLOUT}};
    bool shorter = congested && (timeout_ms < 0 || timeout_ms > CONGESTED_MS);
    int n = poll(fds, 2, shorter ? CONGESTED_MS : timeout_ms);
    uint64_t count;

    if (n < 0)
        return errno == EINTR ? -EINTR : nm_packet_fail(p, errno, "waiting for room to send: %s", strerror(errno));
    if (fds[0].revents) {
        (void)!read(p->wake_fd, &count, sizeof(count));
        return -EINTR;
    }
    if (congested)
        p->queue->congested = false;
    return n > 0 || shorter;
}

/* Frames in the queue, and one more for what the kernel has taken and not sent yet. */
int nm_packet_queued(struct nm_source *source)
{
    const struct nm_packet *p = nm_packet_self(source);
    int bytes = 0;

    (void)ioctl(p->fd, SIOCOUTQ, &bytes);
    return (p->queue ? (int)p->queue->count : 0) + (bytes > 0);
}

void nm_packet_end_sending(struct nm_packet *p)
{
    for (int i = 0; i < CLOSE_MS && nm_packet_flush(&p->base) == -EAGAIN; i++)
        (void)poll(NULL, 0, 1);
    free(p->queue);
    p->queue = NULL;
}
