/*
 * Which clock stamps packets: the system's, in the kernel, or the adapter's.
 *
 * The adapter's has to be switched on (SIOCSHWTSTAMP), for everybody who uses the interface: it is put back
 * as it was at the end.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afpacket/impl.h"
#include "message.h"

static struct ifreq request_for(const char *name, void *data)
{
    struct ifreq request = {.ifr_data = data};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return request;
}

/* What the interface says of itself, any socket will do to ask through; none where it says nothing. */
static uint32_t types_of(int fd, const char *name)
{
    struct ethtool_ts_info info = {.cmd = ETHTOOL_GET_TS_INFO};
    struct ifreq request = request_for(name, &info);
    uint32_t types = 1 << NM_PACKET_HOST;

    if (ioctl(fd, SIOCETHTOOL, &request))
        return types;
    if (!(info.rx_filters & 1 << HWTSTAMP_FILTER_ALL))
        return types;
    if (info.so_timestamping & SOF_TIMESTAMPING_SYS_HARDWARE)
        types |= 1 << NM_PACKET_ADAPTER;
    if (info.so_timestamping & SOF_TIMESTAMPING_RAW_HARDWARE)
        types |= 1 << NM_PACKET_ADAPTER_UNSYNCED;
    return types;
}

int nm_packet_tstamp_types(const char *name, uint32_t *types, char *msg)
{
    struct nm_link link;
    int fd, error;

    *types = 1 << NM_PACKET_HOST;
    if (strcmp(name, "any") == 0)
        return 0;
    fd = nm_link_open();
    error = fd < 0 ? fd : nm_link_ask(fd, name, 0, &link);
    if (fd >= 0)
        close(fd);
    if (error == -ENODEV)
        nm_message_print(msg, name, NM_PACKET_NO_DEVICE);
    else if (error)
        nm_message_print(msg, name, "asking for its time stamps: %s", strerror(-error));
    if (error)
        return error;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        *types = types_of(fd, link.name);
        close(fd);
    }
    return 0;
}

/* Has the adapter stamp every packet that comes in. Those that go out pass us before it has them. */
static int switch_on(struct nm_packet *p, const char *name)
{
    struct hwtstamp_config wanted;
    struct ifreq before = request_for(name, &p->tstamp_before), request = request_for(name, &wanted);
    bool known = ioctl(p->fd, SIOCGHWTSTAMP, &before) == 0;

    wanted = (struct hwtstamp_config){.rx_filter = HWTSTAMP_FILTER_ALL,
                                      .tx_type = known ? p->tstamp_before.tx_type : HWTSTAMP_TX_OFF};

    if (ioctl(p->fd, SIOCSHWTSTAMP, &request)) {
        if (errno == EPERM)
            return nm_packet_fail(p, EPERM, "You don't have permission to switch on the adapter's time stamps; "
                                            "CAP_NET_ADMIN is required");
        return nm_packet_fail(p, errno, "switching on the adapter's time stamps: %s", strerror(errno));
    }
    p->restore_tstamp = known && p->tstamp_before.rx_filter != HWTSTAMP_FILTER_ALL;
    return 0;
}

int nm_packet_set_clock(struct nm_packet *p, uint8_t type)
{
    int source = type == NM_PACKET_ADAPTER ? SOF_TIMESTAMPING_SYS_HARDWARE : SOF_TIMESTAMPING_RAW_HARDWARE;
    struct nm_link link;
    int error;

    p->tstamp_type = type;
    if (type == NM_PACKET_HOST)
        return 0;
    error = p->ifindex ? nm_link_ask(p->link_fd, NULL, p->ifindex, &link) : -ENOTSUP;
    if (error || type > NM_PACKET_ADAPTER_UNSYNCED || !(types_of(p->fd, link.name) & 1u << type))
        return nm_packet_fail(p, ENOTSUP, "That type of time stamp is not supported by that device; "
                              "list_tstamp_types() tells which are");
    error = switch_on(p, link.name);
    if (error)
        return error;
    if (setsockopt(p->fd, SOL_PACKET, PACKET_TIMESTAMP, &source, sizeof(source)))
        return nm_packet_fail(p, errno, "choosing the adapter's time stamps: %s", strerror(errno));
    return 0;
}

void nm_packet_restore_clock(struct nm_packet *p)
{
    struct nm_link link;
    struct ifreq request;

    if (!p->restore_tstamp || nm_link_ask(p->link_fd, NULL, p->ifindex, &link))
        return;
    request = request_for(link.name, &p->tstamp_before);
    (void)ioctl(p->fd, SIOCSHWTSTAMP, &request);
}
