/*
 * source: where packets come from and go to, seen from the capture handle; and
 * batch: how packets travel upwards, many at a time, without being copied.
 *
 * Three sources exist: netmap rings, packet sockets and savefiles. A source fills a
 * batch with views; the views stay valid until the next fill, or close, on that source
 * (for netmap rings: the slots are handed back to the device only then).
 *
 * Errors: a negative errno value, with source->msg saying what was tried on what and
 * why it failed. One thread at a time uses a source; only wake may be called from
 * another thread or a signal handler at any moment, and counters from another thread.
 */
#ifndef NMPCAP_SOURCE_H
#define NMPCAP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slab.h"
#include "device.h"
#include "view.h"

struct nm_batch {
    struct nm_view *views; /* room for capacity views, the caller's */
    uint32_t capacity;
    uint32_t count;        /* filled */
    struct nm_slab *slab;  /* what all views lie in, one behind the other, where it may be held; NULL
                            * before a fill, and after that of a source whose memory comes to an end */
};

struct nm_counters {
    uint64_t received;   /* packets the source took in */
    uint64_t bytes;      /* their len, summed */
    uint64_t dropped;    /* lost because a ring or buffer of the source was full */
    uint64_t if_dropped; /* lost by the interface before that */
    uint64_t sent;       /* packets accepted by inject */
    uint64_t unsent;     /* packets inject had no room for */
    uint64_t waiting;    /* of those that came: not filled in yet; of netmap's rings, slots */
    uint64_t forwarded;  /* on a switch, of the sent: to the one port that has the destination address, */
    uint64_t flooded;    /* to every other port, */
    uint64_t discarded;  /* and to nobody; extensions.h says which */
};

#define NM_SOURCE_END (-1000) /* fill: the savefile has ended; the device is gone */

struct nm_insn;
struct nm_metadata;
struct nm_source;

struct nm_source_ops {
    const char *name; /* "netmap", "packet", "savefile" */

    /* Its packets wait for as long as it takes, as those of a file do: no deadline ends a call while the filter
     * refuses them. Others may bring packets for ever that nobody wants. */
    bool stored;

    /* Replaces the batch's views by up to capacity waiting packets, never waiting itself.
     * 0 or more: the count; NM_SOURCE_END or a negative errno otherwise. */
    int (*fill)(struct nm_source *, struct nm_batch *);

    /* Waits up to timeout_ms (-1: for ever) until fill would find something. 1: it would;
     * 0: time is up; -EINTR: a signal or wake. NULL: fill never finds nothing without saying why. */
    int (*wait)(struct nm_source *, int timeout_ms);

    /* Makes a wait in progress, or else the next one, return -EINTR. Async-signal-safe. NULL: it never waits. */
    void (*wake)(struct nm_source *);

    /* Queues one frame; -EAGAIN where there is no room, -EMSGSIZE where there never is.
     * flush pushes what is queued, in order; -EAGAIN where not all of it goes at the moment. NULL: nothing
     * is ever queued. */
    int (*inject)(struct nm_source *, const void *frame, size_t len);
    int (*flush)(struct nm_source *);

    /* After a flush that failed: forgets the frames that have not gone, the last ones injected, the first
     * of which is the one it failed for. Returns how many. NULL: what is queued stays so. */
    int (*withdraw)(struct nm_source *);

    /* Waits up to timeout_ms until inject has room again; results as for wait. NULL: inject
     * never reports -EAGAIN for long, and trying again is all that can be done. */
    int (*room)(struct nm_source *, int timeout_ms);

    /* How many injected frames have not left yet; NULL: none ever stays behind a flush. */
    int (*queued)(struct nm_source *);

    /* Lets the kernel drop, from now on, what a program refuses of the packets as they are before
     * the source makes its own of them (nmpcap/bpf/kernel.py); n 0: nothing. A negative errno leaves it
     * as it was. NULL: there is no kernel to ask. */
    int (*filter)(struct nm_source *, const struct nm_insn *insns, uint32_t n);

    /* What Linux' ancillary loads find of a packet, but for its tag, which has been taken out of it; NULL:
     * nothing is known. */
    void (*metadata)(struct nm_source *, const struct nm_view *, struct nm_metadata *);

    /* A descriptor for select and its kin, or -1. NULL: there is none. */
    int (*fileno)(struct nm_source *);

    /* Packets of the other direction than NM_DIRECTION_IN or NM_DIRECTION_OUT (view.h; 0: none) need not be
     * filled in from now on: the handle leaves them out anyway. NULL: nothing can be saved. */
    void (*direction)(struct nm_source *, int direction);

    /* Fills in what it counts; the rest is 0. NULL: nothing. */
    void (*counters)(struct nm_source *, struct nm_counters *);
    void (*close)(struct nm_source *);
};

struct nm_source {
    const struct nm_source_ops *ops;
    char msg[NM_MSG_SIZE];
};

#endif
