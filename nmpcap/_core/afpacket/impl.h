/* impl: the inside of a packet socket, for the files of this folder. */
#ifndef NMPCAP_PACKET_IMPL_H
#define NMPCAP_PACKET_IMPL_H

#include <errno.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <pthread.h>
#include <stdbool.h>

#include "interfaces/link.h"
#include "afpacket/afpacket.h"
#include "bpf/metadata.h"
#include "dlt.h"
#include "source.h"

/* What is wrong with an interface, in libpcap's words, and what to do. */
#define NM_PACKET_NO_DEVICE "No such device exists; findalldevs() lists those that do"
#define NM_PACKET_NOT_UP "That device is not up; bring it up first: ip link set dev NAME up"
#define NM_PACKET_DOWN "The interface went down; reading and sending go on once it is up"
#define NM_PACKET_GONE "The interface disappeared; open it again when it is back"


/* Room that the kernel leaves in front of each packet: for a VLAN tag, and for a cooked header. */
#define NM_VLAN_TAG 4
#define NM_SLL_HEADER 16
#define NM_SLL2_HEADER 20

/* The ring, as PACKET_RX_RING was given it. */
struct nm_packet_ring {
    uint8_t *base; /* blocks lie one after the other; frames do within a block, and do not cross it */
    uint32_t block_size, blocks;
    uint32_t frame_size, frames;
};

/* An interface met on `any`. */
struct nm_packet_interface {
    int ifindex; /* the kernel's */
    char name[IFNAMSIZ];
};

/* A packet that did not fit its frame (immediate mode), taken from the socket's queue whole. */
struct nm_packet_copy {
    struct nm_packet_copy *next;
    uint8_t bytes[];
};

struct nm_packet {
    struct nm_source base;
    char name[128]; /* as it was opened; alternative names have 127 characters at most */
    int fd, wake_fd;
    int link_fd; /* answers questions about interfaces, in the namespace that this was opened in */
    int ifindex; /* 0: every interface */
    uint16_t arphrd, linktype, protocol;
    bool cooked, promisc;
    uint32_t snaplen, mtu;
    int version; /* TPACKET_V2, TPACKET_V3 */
    size_t map_size;
    struct nm_packet_ring rx;
    struct nm_packet_queue *queue; /* transmit.c: frames to send; NULL: none was */

    /* Reading: units are blocks, or in immediate mode frames. */
    uint32_t lent_from, lent; /* units in the program's hands */
    uint32_t upcoming;        /* the unit that the kernel fills next */
    uint8_t *next;            /* of the last lent block, the first packet not taken yet */
    uint32_t left;            /* how many packets that are */
    struct nm_packet_copy *copies;
    uint64_t taken;           /* packets, off the ring; read by any thread */
    bool down;                /* the interface was, when last looked at */

    struct nm_packet_interface *interfaces;
    uint32_t num_interfaces, last_interface;

    uint8_t tstamp_type;
    bool restore_tstamp;
    struct hwtstamp_config tstamp_before;
    int fanout_group; /* -1: none */

    pthread_mutex_t lock; /* over what follows, and link_fd: counters come from any thread */
    uint64_t dropped;
    uint64_t arrived;          /* and not dropped */
    uint64_t if_dropped_before;
};

static inline struct nm_packet *nm_packet_self(struct nm_source *source)
{
    return (struct nm_packet *)source;
}

/* One thread takes packets; others ask how many wait. */
static inline void nm_packet_count_taken(struct nm_packet *p, uint32_t n)
{
    __atomic_store_n(&p->taken, p->taken + n, __ATOMIC_RELAXED);
}

/* Leaves a message, "NAME: " in front, and returns -error. */
int nm_packet_fail(struct nm_packet *p, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* linktype.c: what an interface's packets look like; cooked where the kernel has to take off a header of
 * no known kind. */
uint16_t nm_packet_linktype(uint16_t arphrd, bool *cooked);

/* ring.c: the ring, mapped. Version, reserve and everything else that shapes it must be set. */
int nm_packet_make_ring(struct nm_packet *p, uint64_t buffer_size);

/* blocks.c, frames.c: the fill of TPACKET_V3 and TPACKET_V2. */
int nm_packet_fill_blocks(struct nm_packet *p, struct nm_batch *batch);
int nm_packet_fill_frames(struct nm_packet *p, struct nm_batch *batch);
void nm_packet_free_copies(struct nm_packet *p);

/* filter.c: has the kernel keep no more than so many bytes of each packet; 0: refuse them all. */
int nm_packet_keep(struct nm_packet *p, uint32_t bytes);
int nm_packet_filter(struct nm_source *source, const struct nm_insn *insns, uint32_t n);
void nm_packet_metadata(struct nm_source *source, const struct nm_view *view, struct nm_metadata *metadata);

/* interfaces.c: what the kernel says of an interface now, asked from any thread without the lock; 0 or a
 * negative errno. And the index of one of the kernel's in our table. */
int nm_packet_ask(struct nm_packet *p, int ifindex, struct nm_link *link);
uint32_t nm_packet_meet(struct nm_packet *p, int ifindex);

/* timestamp.c: sets the clock asked for, and puts the adapter back as it was. */
int nm_packet_set_clock(struct nm_packet *p, uint8_t type);
void nm_packet_restore_clock(struct nm_packet *p);

/* fanout.c */
int nm_packet_join(struct nm_packet *p, const struct nm_packet_args *args);

/* transmit.c: the functions of a source that send, and the end of it: what was accepted leaves. */
int nm_packet_inject(struct nm_source *source, const void *frame, size_t len);
int nm_packet_flush(struct nm_source *source);
int nm_packet_withdraw(struct nm_source *source);
int nm_packet_room(struct nm_source *source, int timeout_ms);
int nm_packet_queued(struct nm_source *source);
void nm_packet_end_sending(struct nm_packet *p);

/* statistics.c: takes over what the kernel has counted, which it then forgets. */
void nm_packet_count_drops(struct nm_packet *p);
void nm_packet_counters(struct nm_source *source, struct nm_counters *counters);

/* source.c: the functions of a source over an open socket; lets go of everything, however little there is. */
extern const struct nm_source_ops nm_packet_ops;
void nm_packet_close(struct nm_source *source);

#endif
