/*
 * packet.h - Linux packet sockets as sources (source.h): ordinary interfaces, and `any`, all of them.
 *
 * Receiving is by a ring of blocks shared with the kernel (TPACKET_V3): a block is handed over when it
 * is full, or NM_PACKET_RETIRE_MS after its first packet. In immediate mode it is a ring of frames
 * (TPACKET_V2), and each packet is handed over when it comes. The views of one fill point into the
 * ring; their blocks or frames go back to the kernel with the next fill.
 *
 * A socket sees what its interface receives and what others send on it, not what it sends itself.
 * After a fork, parent and child have one socket and one ring: only one of them may go on using it.
 *
 * Elsewhere than on Linux nm_packet_open fails with -ENOTSUP.
 */
#ifndef NMPCAP_PACKET_H
#define NMPCAP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_source;

#define NM_PACKET_RETIRE_MS 10 /* the longest that a packet waits in a block */

/* Clocks that packets are stamped by; libpcap's PCAP_TSTAMP_*. */
enum {
    NM_PACKET_HOST = 0,             /* the system's clock, by software */
    NM_PACKET_ADAPTER = 3,          /* the adapter's, kept in step with the system's */
    NM_PACKET_ADAPTER_UNSYNCED = 4, /* the adapter's own */
};

struct nm_packet_args {
    const char *name;      /* of an interface, or "any" */
    uint32_t snaplen;      /* the ring need not keep more of a packet */
    uint64_t buffer_size;  /* bytes of the ring to receive; 0: NM_PACKET_BUFFER */
    uint8_t promisc;       /* frames for others, too; has no effect on `any` */
    uint8_t immediate;     /* hand over each packet when it comes */
    uint8_t may_be_down;   /* open an interface that is down: an error of waiting and sending until it is up */
    uint8_t qdisc_bypass;  /* send past the queueing discipline */
    uint8_t tstamp_type;   /* NM_PACKET_HOST and its kin */
    uint16_t protocol;     /* the only Ethernet type to receive, host byte order; 0: every */
    uint8_t fanout;        /* join a fan-out group, which divides packets among its sockets */
    uint8_t fanout_mode;   /* PACKET_FANOUT_* of linux/if_packet.h */
    uint16_t fanout_flags; /* PACKET_FANOUT_FLAG_*; with _UNIQUEID the kernel chooses a new group */
    uint16_t fanout_group;
};

/* A reader in Python that takes 100000 packets a second and shares its processor loses none of a burst with
 * this, and some with libpcap's half of it. */
#define NM_PACKET_BUFFER 4194304

/* What was opened. */
struct nm_packet_info {
    int ifindex;           /* 0: `any` */
    uint16_t linktype;     /* DLT_* */
    uint16_t arphrd;       /* ARPHRD_*, what the kernel says the interface is */
    uint8_t cooked;        /* link-layer headers are made up: DLT_LINUX_SLL and its successor */
    uint8_t version;       /* of the ring: TPACKET_V2 is 1, TPACKET_V3 is 2 */
    uint8_t promisc;
    uint8_t tstamp_type;
    uint32_t rx_block_size; /* bytes */
    uint32_t rx_blocks;
    uint32_t rx_frame_size; /* bytes; of version TPACKET_V2 */
    uint32_t rx_frames;
    int fanout_group;       /* -1: none */
};

/*
 * nm_packet_open - opens an interface and makes it a source.
 *
 * Packets come from the moment this returns. A ring that the kernel has no memory for is made smaller,
 * down to two blocks; nm_packet_look tells what it became.
 *
 * @source  receives the source, NULL on failure
 * @msg     NM_MSG_SIZE bytes, receives the reason of a failure
 *
 * 0; -ENODEV: no such interface; -EPERM: CAP_NET_RAW is missing (or CAP_NET_ADMIN, for hardware time
 * stamps); -ENETDOWN: the interface is down, and may_be_down is not set; -ENOTSUP: it has no such time stamps; other errors of
 * socket(2), bind(2), mmap(2) and packet(7). Nothing is left behind then.
 */
int nm_packet_open(const struct nm_packet_args *args, struct nm_source **source, char *msg);

/* nm_packet_look - what was opened. */
void nm_packet_look(struct nm_source *source, struct nm_packet_info *info);

/* nm_packet_set_linktype - from the next fill on, has `any` deliver DLT_LINUX_SLL (113) or DLT_LINUX_SLL2
 * (276), and an Ethernet interface call its packets DLT_EN10MB (1) or DLT_DOCSIS (143), which some cable modem
 * head-ends send in place of Ethernet frames; -EINVAL for others. For the thread that reads. */
int nm_packet_set_linktype(struct nm_source *source, uint16_t linktype);

/* nm_packet_interfaces - how many interfaces have been met so far: nm_view.ifindex counts these, from 0,
 * and never points at another one later. For the thread that reads. */
uint32_t nm_packet_interfaces(struct nm_source *source);

/* nm_packet_interface - the name of one of them, as it was when it was met: 16 bytes at most. */
const char *nm_packet_interface(struct nm_source *source, uint32_t i);

/*
 * nm_packet_tstamp_types - which clocks an interface can stamp packets by.
 *
 * @types  receives bit 1 << NM_PACKET_HOST and so on
 * @msg    as for nm_packet_open, which see for errors
 */
int nm_packet_tstamp_types(const char *name, uint32_t *types, char *msg);

#pragma GCC visibility pop

#endif
