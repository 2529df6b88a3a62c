/*
 * Opening a packet socket:
 *
 *     ask rtnetlink -> socket -> options -> rings -> bind -> fan-out -> promiscuous
 *
 * It has no protocol until it is bound, so that nothing comes in before everything is set.
 */
#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afpacket/impl.h"
#include "message.h"

static int set(struct nm_packet *p, int option, int value, const char *what)
{
    if (setsockopt(p->fd, SOL_PACKET, option, &value, sizeof(value)))
        return nm_packet_fail(p, errno, "%s: %s", what, strerror(errno));
    return 0;
}

/* What the name means. Nothing of this needs a privilege. */
static int find(struct nm_packet *p, const char *name, struct nm_link *link)
{
    int error;

    if (strcmp(name, "any") == 0) {
        *link = (struct nm_link){.flags = IFF_UP, .mtu = 65536};
        p->cooked = true;
        p->linktype = NM_DLT_LINUX_SLL2;
        p->mtu = link->mtu;
        return 0;
    }
    error = nm_link_ask(p->link_fd, name, 0, link);
    if (error == -ENODEV)
        return nm_packet_fail(p, ENODEV, NM_PACKET_NO_DEVICE);
    if (error)
        return nm_packet_fail(p, -error, "looking for the interface: %s", strerror(-error));
    p->ifindex = link->ifindex;
    p->arphrd = link->arphrd;
    p->mtu = link->mtu;
    p->linktype = nm_packet_linktype(link->arphrd, &p->cooked);
    p->if_dropped_before = link->missed;
    return nm_packet_meet(p, link->ifindex) == 0 && p->num_interfaces ? 0
               : nm_packet_fail(p, ENOMEM, "no memory to open it");
}

static int make_socket(struct nm_packet *p)
{
    unsigned user = getuid(), group = getgid();

    p->fd = socket(AF_PACKET, (p->cooked ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC, 0);
    if (p->fd >= 0)
        return 0;
    if (errno != EPERM && errno != EACCES)
        return nm_packet_fail(p, errno, "making a packet socket: %s", strerror(errno));
    /* Ambient, for this run: an interpreter that has the capability gives it to whoever runs that. */
    return nm_packet_fail(p, EPERM, "You don't have permission to perform this capture on that device: packet sockets "
                                    "need CAP_NET_RAW; run as root, or as yourself with that capability: sudo setpriv "
                                    "--reuid=%u --regid=%u --init-groups --inh-caps=+net_raw --ambient-caps=+net_raw "
                                    "COMMAND", user, group);
}

/* Room for copies of packets larger than a frame. Without CAP_NET_ADMIN it is what the system allows. */
static void queue_copies(struct nm_packet *p, uint64_t buffer_size)
{
    int size = buffer_size < INT32_MAX / 2 ? (int)buffer_size : INT32_MAX / 2;

    if (setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
        (void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* Everything that shapes the ring, or must hold for the first packet. */
static int set_options(struct nm_packet *p, const struct nm_packet_args *args)
{
    int reserve = NM_VLAN_TAG + (p->cooked ? NM_SLL2_HEADER : 0), error;

    p->version = args->immediate ? TPACKET_V2 : TPACKET_V3;
    error = set(p, PACKET_VERSION, p->version, "choosing the ring's format");
    if (!error)
        error = set(p, PACKET_RESERVE, reserve, "reserving room for headers");
    /* Where an older kernel does not know this, nm_packet_view leaves them out. */
    if (!error && p->arphrd == ARPHRD_LOOPBACK)
        (void)set(p, PACKET_IGNORE_OUTGOING, 1, "");
    if (!error && args->qdisc_bypass)
        error = set(p, PACKET_QDISC_BYPASS, 1, "sending past the queueing discipline");
    if (!error && args->immediate) {
        error = set(p, PACKET_COPY_THRESH, 1, "having large packets copied");
        queue_copies(p, args->buffer_size ? args->buffer_size : NM_PACKET_BUFFER);
    }
    return error ? error : nm_packet_set_clock(p, args->tstamp_type);
}

static int bind_to(struct nm_packet *p, bool may_be_down)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_ifindex = p->ifindex, .sll_protocol = htons(p->protocol),
    };
    int reason = 0; /* errno's, as SO_ERROR gives it */
    socklen_t size = sizeof(reason);

    if (bind(p->fd, (struct sockaddr *)&address, sizeof(address)))
        reason = errno;
    else
        (void)getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &reason, &size);
    if (reason == ENETDOWN && may_be_down) {
        p->down = true; /* the kernel binds the socket all the same, and takes it up with the interface */
        return 0;
    }
    if (reason == ENETDOWN)
        return nm_packet_fail(p, reason, NM_PACKET_NOT_UP);
    if (reason == ENODEV)
        return nm_packet_fail(p, reason, NM_PACKET_NO_DEVICE);
    if (reason)
        return nm_packet_fail(p, reason, "binding a packet socket to it: %s", strerror(reason));
    return 0;
}

static int be_promiscuous(struct nm_packet *p)
{
    struct packet_mreq request = {.mr_ifindex = p->ifindex, .mr_type = PACKET_MR_PROMISC};

    if (setsockopt(p->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)))
        return nm_packet_fail(p, errno, "That device doesn't support promiscuous mode: %s", strerror(errno));
    p->promisc = true;
    return 0;
}

static int set_up(struct nm_packet *p, const struct nm_packet_args *args)
{
    struct nm_link link;
    int error = find(p, args->name, &link);

    if (!error)
        error = make_socket(p);
    if (!error && !(link.flags & IFF_UP) && !args->may_be_down)
        error = nm_packet_fail(p, ENETDOWN, NM_PACKET_NOT_UP);
    if (!error)
        error = set_options(p, args);
    if (!error)
        error = nm_packet_make_ring(p, args->buffer_size ? args->buffer_size : NM_PACKET_BUFFER);
    /* Between binding and joining its group a socket would get what is another's. */
    if (!error)
        error = nm_packet_keep(p, args->fanout ? 0 : p->snaplen);
    if (!error)
        error = bind_to(p, args->may_be_down);
    if (!error && args->fanout) {
        error = nm_packet_join(p, args);
        if (!error)
            error = nm_packet_keep(p, p->snaplen);
    }
    if (!error && args->promisc && p->ifindex)
        error = be_promiscuous(p);
    return error;
}

static int no_resources(const char *name, char *msg, int error)
{
    nm_message_print(msg, name, "opening it: %s", strerror(-error));
    return error;
}

int nm_packet_open(const struct nm_packet_args *args, struct nm_source **source, char *msg)
{
    struct nm_packet *p = calloc(1, sizeof(*p));
    int error;

    *source = NULL;
    msg[0] = '\0';
    if (!p)
        return no_resources(args->name, msg, -ENOMEM);
    error = pthread_mutex_init(&p->lock, NULL);
    if (error) {
        free(p);
        return no_resources(args->name, msg, -error);
    }
    p->base.ops = &nm_packet_ops;
    snprintf(p->name, sizeof(p->name), "%s", args->name);
    p->fd = -1;
    p->fanout_group = -1;
    p->snaplen = args->snaplen;
    p->protocol = args->protocol ? args->protocol : ETH_P_ALL;
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    p->link_fd = p->wake_fd < 0 ? -errno : nm_link_open();
    if (p->link_fd < 0)
        error = no_resources(args->name, msg, p->link_fd);
    else {
        error = set_up(p, args);
        if (error)
            memcpy(msg, p->base.msg, NM_MSG_SIZE);
    }
    if (error)
        nm_packet_close(&p->base);
    else
        *source = &p->base;
    return error;
}
