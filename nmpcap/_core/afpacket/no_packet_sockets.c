/* Packet sockets where there are none. */
#ifndef __linux__

#include <errno.h>

#include "afpacket/afpacket.h"
#include "message.h"
#include "source.h"

static int refuse(const char *name, char *msg)
{
    nm_message_print(msg, name, "Packet capture is not supported on that device: packet sockets are Linux's");
    return -ENOTSUP;
}

int nm_packet_open(const struct nm_packet_args *args, struct nm_source **source, char *msg)
{
    *source = NULL;
    return refuse(args->name, msg);
}

int nm_packet_tstamp_types(const char *name, uint32_t *types, char *msg)
{
    *types = 0;
    return refuse(name, msg);
}

/* What follows takes a source, and there can be none. */

void nm_packet_look(struct nm_source *source, struct nm_packet_info *info)
{
    (void)source;
    *info = (struct nm_packet_info){.fanout_group = -1};
}

int nm_packet_set_linktype(struct nm_source *source, uint16_t linktype)
{
    (void)source;
    (void)linktype;
    return -ENOTSUP;
}

uint32_t nm_packet_interfaces(struct nm_source *source)
{
    (void)source;
    return 0;
}

const char *nm_packet_interface(struct nm_source *source, uint32_t i)
{
    (void)source;
    (void)i;
    return "";
}

#endif
