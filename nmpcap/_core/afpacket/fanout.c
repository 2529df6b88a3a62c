/* Fan-out: the packets of an interface divided among the sockets of a group. */
#include <string.h>
#include <sys/socket.h>

#include "afpacket/impl.h"

int nm_packet_join(struct nm_packet *p, const struct nm_packet_args *args)
{
    uint32_t group = args->fanout_group | (uint32_t)(args->fanout_mode | args->fanout_flags) << 16;
    socklen_t size = sizeof(group);

    if (setsockopt(p->fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)))
        return nm_packet_fail(p, errno, "joining fan-out group %u: %s%s", args->fanout_group, strerror(errno),
                              errno == EINVAL ? "; all of a group have one interface, protocol, mode and flags"
                                              : "");
    if (getsockopt(p->fd, SOL_PACKET, PACKET_FANOUT, &group, &size))
        return nm_packet_fail(p, errno, "asking for its fan-out group: %s", strerror(errno));
    p->fanout_group = group & 0xffff;
    return 0;
}
