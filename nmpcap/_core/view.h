/*
 * view.h - packets where they lie: on their way up, in their source's memory, and on their way
 * down, in the program's.
 */
#ifndef NMPCAP_VIEW_H
#define NMPCAP_VIEW_H

#include <stddef.h>
#include <stdint.h>

#define NM_MAXIMUM_SNAPLEN 262144 /* bytes: more than any packet has; libpcap's MAXIMUM_SNAPLEN */

struct nm_view {
    const uint8_t *data; /* caplen bytes */
    int64_t ts_ns;       /* since the epoch, UTC */
    uint32_t caplen;     /* bytes that are there */
    uint32_t len;        /* bytes the packet had */
    uint32_t ifindex;    /* which interface of the source: an index into its table, 0 where it has one */
    uint16_t linktype;   /* DLT_* */
    uint16_t flags;      /* NM_VIEW_* */
};

#define NM_VIEW_OUT 0x0001 /* the packet was being sent (monitors, packet sockets) */
#define NM_VIEW_TAG 0x0002 /* its VLAN tag was beside it, and has been put at its place; the bytes from there back
                            * may be moved */
#define NM_VIEW_TYPE 0x0700 /* packet sockets: Linux' packet type (PACKET_HOST and so on), shifted by 8 */
#define NM_VIEW_TYPE_SHIFT 8

enum {
    NM_DIRECTION_IN = 1, /* libpcap's PCAP_D_IN and PCAP_D_OUT */
    NM_DIRECTION_OUT = 2,
};

struct nm_frame {
    const uint8_t *data;
    size_t len;
};

#endif
