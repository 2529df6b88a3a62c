/*
 * desc: an open netmap port, and the calls of netmap_user.h on it.
 *
 *     nm_desc_open   -> fill rings, or let inject, nextpkt, dispatch, fill do it
 *     nm_desc_wait   -> sync and sleep, as poll(2) does
 *     nm_desc_close
 *
 * Written over a device (device.h): kernel and user-space ports behave alike.
 *
 * Differences from the original, each a bug there:
 *   - inject writes at head, where the program's slots begin, not at cur; refuses size 0 (the
 *     original writes at tail of a full ring) and tells "full now" from "never fits";
 *   - inject keeps NS_BUF_CHANGED, so that a swapped-in buffer reaches a NIC's DMA map;
 *   - a chain of slots is never followed past tail;
 *   - buffer indexes are checked against the region before they become an address;
 *   - nextpkt fills the whole header and skips the empty slots VALE may deliver;
 *   - closing a parent does not unmap its children's memory;
 *   - the counters of struct nm_desc_stats count.
 *
 * Errors: 0 or a positive errno value unless a function says otherwise, and nm_desc_msg tells
 * what was tried on which port and why it failed.
 *
 * Threads: one at a time. A second one gets EBUSY instead of a corrupted ring. Only wake may
 * be called at any moment, from other threads and from signal handlers.
 */
#ifndef NMPCAP_DESC_H
#define NMPCAP_DESC_H

#include <stddef.h>
#include <stdint.h>

#include "view.h"

#pragma GCC visibility push(default)

struct nm_device;
struct nm_mapping;
struct nm_desc;
struct nm_batch;
struct nmreq_register;
struct netmap_if;
struct netmap_ring;
struct netmap_slot;

/* Flags of open; the numbers are netmap_user.h's. The low 16 bits may hold NETMAP_NO_TX_POLL and
 * NETMAP_DO_RX_POLL. */
#define NM_OPEN_NO_MMAP 0x040000  /* do not map the region; ignored with a parent */
#define NM_OPEN_IFNAME 0x080000   /* name, mode, ring and flags of the parent, whatever name says */
#define NM_OPEN_ARG1 0x100000     /* the parent's number of pipes to reserve */
#define NM_OPEN_ARG2 0x200000     /* the parent's memory region */
#define NM_OPEN_ARG3 0x400000     /* the parent's number of extra buffers */
#define NM_OPEN_RING_CFG 0x800000 /* the parent's numbers of rings and slots */

struct nm_open_args {
    const char *name;                 /* port name, see portname.h */
    const struct nmreq_register *req; /* where to start from; NULL: all zero. What name says wins */
    uint64_t options;                 /* address of the first struct nmreq_option, or 0 */
    uint64_t flags;                   /* NM_OPEN_* */
    struct nm_desc *parent;           /* shares its region and device where it can, or NULL */
    int which;                        /* NM_NETMAP_* (device/choose.h); ignored with a parent */
    const char *runtime_dir;          /* user space's, or NULL: nm_device_open; ignored with a parent */
    int legacy;                       /* not 0: netmap_user.h's grammar, and NIOCREGIF */
    uint16_t pipes;                   /* legacy nr_arg1 */
    int timestamps;                   /* extensions.h: packets carry the time they were sent */
    int backpressure;                 /* extensions.h: a switch that is full keeps packets instead of dropping them */
};

/*
 * nm_desc_open - opens, binds and maps a port.
 *
 * @args  what to open and how; not needed afterwards
 * @desc  receives the descriptor; NULL on failure, and then nothing is left open
 * @msg   NM_MSG_SIZE bytes, receives the reason of a failure
 *
 * Returns NM_DESC_FOREIGN for a name that begins neither with "netmap:" nor with "vale": not an
 * error, another backend may know it.
 */
int nm_desc_open(const struct nm_open_args *args, struct nm_desc **desc, char *msg);

#define NM_DESC_FOREIGN -1

/* nm_desc_mmap - maps the region of a port opened with NM_OPEN_NO_MMAP, or shares parent's mapping. 0
 * if mapped already. */
int nm_desc_mmap(struct nm_desc *desc, struct nm_desc *parent);

/* nm_desc_close - ends everything nm_desc_open began. EBUSY, and nothing happens, while another thread
 * uses the descriptor. Packets injected and never synced are not sent. NULL is allowed. */
int nm_desc_close(struct nm_desc *desc);

/* nm_desc_shut and nm_desc_free - close in two steps, for a caller that cannot tell whether another thread is about to
 * call: after shut every call that could touch the port answers EBUSY, free ends the descriptor itself. */
int nm_desc_shut(struct nm_desc *desc);
void nm_desc_free(struct nm_desc *desc);

const char *nm_desc_msg(struct nm_desc *desc);

/* ---- what it is ------------------------------------------------------------------------- */

struct nm_desc_info {
    const char *name;            /* as the device knows the port */
    const char *spec;            /* as it was asked for */
    const char *netmap;          /* "kernel" or "user" */
    struct nm_mapping *mapping;  /* NULL: not mapped. The descriptor's own reference */
    struct netmap_if *nifp;
    const struct nmreq_register *reg; /* the answer to the request */
    uint32_t tx_rings;           /* rings this descriptor may use, host rings last */
    uint32_t rx_rings;
    uint32_t num_bufs;           /* indexes below this lie in the region */
    uint32_t buf_size;
    uint16_t pipes;              /* legacy nr_arg1, as the device left it */
};

void nm_desc_info(struct nm_desc *desc, struct nm_desc_info *info);

/* nm_desc_tx_ring, nm_desc_rx_ring - the i-th usable ring of a direction, NULL beyond the last. */
struct netmap_ring *nm_desc_tx_ring(struct nm_desc *desc, uint32_t i);
struct netmap_ring *nm_desc_rx_ring(struct nm_desc *desc, uint32_t i);

/* A ring's constants, as they were checked when it was mapped: what the ring itself says, its neighbours can write. */
struct nm_desc_ring {
    struct netmap_ring *ring;
    const uint8_t *bufs;   /* buffer 0 */
    uint32_t num_slots;
    uint32_t buf_size;
    uint64_t offset_mask;
    uint16_t ringid;
};

/* nm_desc_ring - the i-th usable ring of a direction; all zeros beyond the last. */
void nm_desc_ring(struct nm_desc *desc, int tx, uint32_t i, struct nm_desc_ring *ring);

/* nm_desc_device - for requests that have no call here. Not to be closed. */
struct nm_device *nm_desc_device(struct nm_desc *desc);

/* nm_desc_fileno - readable while packets wait; for select and its kin. -1 while another thread is inside. */
int nm_desc_fileno(struct nm_desc *desc);

/* ---- sync and wait ---------------------------------------------------------------------- */

int nm_desc_txsync(struct nm_desc *desc);
int nm_desc_rxsync(struct nm_desc *desc);

/* nm_desc_wait - syncs, then sleeps up to timeout_ms (-1: for ever) for POLLIN or POLLOUT. *revents is
 * what came, 0 when the time was up; EINTR after a signal or wake. POLLERR comes with a message. Packets that fill has handed out
 * and that the next fill will release take up ring space meanwhile: fill until it finds nothing, then wait. */
int nm_desc_wait(struct nm_desc *desc, short events, int timeout_ms, short *revents);
void nm_desc_wake(struct nm_desc *desc);

/* ---- sending ---------------------------------------------------------------------------- */

/*
 * nm_desc_inject - queues one frame, over several slots if need be; the next sync sends it.
 *
 * Stays on one ring until that is full, then looks at the others.
 * EAGAIN: no ring has room, sync and try again; EMSGSIZE: larger than any ring (or, on a switch, than
 * 255 slots, on which the kernel module hangs); EINVAL: empty; EBADF: no tx ring.
 */
int nm_desc_inject(struct nm_desc *desc, const uint8_t *data, size_t len);

/*
 * nm_desc_inject_many - queues frames in order, and sends them.
 *
 * Syncs when the rings are full and at the end. Returns how many frames were taken; if less than count,
 * *error says why the next one was not: EAGAIN (rings full even after a sync), EMSGSIZE, EINVAL, ...
 */
uint32_t nm_desc_inject_many(struct nm_desc *desc, const struct nm_frame *frames, uint32_t count, int *error);

/* nm_desc_queued - slots of all tx rings that have been filled and are not back yet. */
uint32_t nm_desc_queued(struct nm_desc *desc);

/* ---- receiving -------------------------------------------------------------------------- */

#define NM_MORE_PKTS 1 /* nm_pkthdr.flags: dispatch has more packets to hand over */

struct nm_pkthdr {
    int64_t ts_ns;           /* of the packet where the ring has that, else of the last sync */
    uint32_t caplen;         /* bytes at buf */
    uint32_t len;            /* bytes of the packet */
    uint64_t flags;          /* NM_MORE_PKTS */
    struct nm_desc *desc;
    struct netmap_ring *ring;
    struct netmap_slot *slot; /* the first of the packet */
    const uint8_t *buf;
};

/* nm_desc_nextpkt - takes one slot (a fragment of a longer packet has NS_MOREFRAG in slot->flags, except the
 * last) from the rings. Returns hdr->buf, valid until the next sync, or NULL: nothing there, wait. */
const uint8_t *nm_desc_nextpkt(struct nm_desc *desc, struct nm_pkthdr *hdr);

/* nm_desc_next - as nextpkt, but whole packets: fragments are joined in memory of the descriptor where
 * they do not lie side by side. Valid until the next call that takes packets, or sync. */
const uint8_t *nm_desc_next(struct nm_desc *desc, struct nm_pkthdr *hdr);

/* nm_desc_pending - not 0 if next would find a packet. */
int nm_desc_pending(struct nm_desc *desc);

/* nm_desc_dispatch - hands up to cnt (0 or less: all) whole packets to the callback, ring after ring.
 * *done receives how many. The callback may inject on other descriptors, and must not sync this one. */
typedef void nm_dispatch_cb(void *arg, const struct nm_pkthdr *hdr, const uint8_t *data);
int nm_desc_dispatch(struct nm_desc *desc, int cnt, nm_dispatch_cb *cb, void *arg, int *done);

/*
 * nm_desc_fill - replaces a batch's views by waiting packets, without waiting.
 *
 * Gives back the slots of the previous fill, and syncs only when the rings have nothing left. Packets of
 * several slots arrive whole: in place where their buffers lie side by side, else joined in memory of the descriptor.
 * Views stay valid until the next fill, whatever syncs come between. Fair among rings.
 * batch->count receives the number of views; after an error there are none.
 */
int nm_desc_fill(struct nm_desc *desc, struct nm_batch *batch);

/* ---- moving and keeping buffers --------------------------------------------------------------- */

/*
 * nm_desc_forward - moves up to limit whole packets from an rx ring to a tx ring of the same
 * or another descriptor: without copying if both are in one region (buffers change places), else by copy.
 * Neither is synced. *moved tells how many packets; less than limit when one ring had no more, or no room.
 */
int nm_desc_forward(struct nm_desc *from, uint32_t rx, struct nm_desc *to, uint32_t tx, uint32_t limit,
                    uint32_t *moved);

/* nm_desc_same_region - not 0 if buffers may be swapped between the two. */
int nm_desc_same_region(struct nm_desc *a, struct nm_desc *b);

/* Extra buffers wait on a list in shared memory. extra_pop takes the first (ENOBUFS: none left), extra_push
 * puts any buffer of the region there (EINVAL: no such buffer); what is not on the list at close is lost to
 * the region until its last user has gone. */
int nm_desc_extra_pop(struct nm_desc *desc, uint32_t *buf_idx);
int nm_desc_extra_push(struct nm_desc *desc, uint32_t buf_idx);

/* nm_desc_extra_list - copies up to max indexes of the list; returns how many there are. */
uint32_t nm_desc_extra_list(struct nm_desc *desc, uint32_t *indexes, uint32_t max);

/* ---- counters ---------------------------------------------------------------------------- */

struct nm_desc_stats {
    uint64_t received;  /* packets taken (slots, by nextpkt) */
    uint64_t bytes;     /* their len, summed */
    uint64_t damaged;   /* of them, with a buffer index outside the region, or longer than their buffer */
    uint64_t sent;      /* frames queued by inject or forward */
    uint64_t unsent;    /* frames inject had no room for */
};

void nm_desc_stats(struct nm_desc *desc, struct nm_desc_stats *stats);

/* nm_desc_waiting - slots that hold what has come and no call has taken, as far as the device can tell without a
 * sync. Any thread, as long as nobody closes the descriptor. */
uint64_t nm_desc_waiting(struct nm_desc *desc);

#pragma GCC visibility pop

#endif
