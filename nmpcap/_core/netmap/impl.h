/* impl: what an open port holds; for the files that implement desc.h, and for loops that work on its rings (traffic/). */
#ifndef NMPCAP_NETMAP_IMPL_H
#define NMPCAP_NETMAP_IMPL_H

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "netmap/desc.h"
#include "netmap/mapping.h"
#include "netmap/ring.h"

struct nm_desc {
    struct nm_device *device;
    const char *netmap; /* the device's name, which is one string for all devices of a kind */
    struct nm_mapping *mapping;
    struct netmap_if *nifp;
    struct nm_ring *tx; /* the usable rings of each direction */
    struct nm_ring *rx;
    uint32_t num_tx;
    uint32_t num_rx;
    uint32_t cur_tx;    /* where inject and the takers go on */
    uint32_t cur_rx;
    uint32_t max_slots; /* a packet may have on tx */
    bool slot_times;    /* rx slots have their packet's time in ptr */

    uint8_t *scratch;   /* packets joined from their fragments, since the last fill */
    size_t scratch_size;
    size_t scratch_used;

    struct nm_desc_stats stats;
    struct nmreq_register reg;
    uint16_t pipes;
    char name[NETMAP_REQ_IFNAMSIZ];
    char *spec;
    char *runtime_dir;  /* NULL: where the environment says */
    char msg[NM_MSG_SIZE];
    atomic_bool busy;
};

/* One thread at a time: false if another one is inside. Acquire and release, so that what one
 * thread left in the private state is seen by the next. */
static inline bool nm_desc_enter(struct nm_desc *d)
{
    return !atomic_exchange_explicit(&d->busy, true, memory_order_acquire);
}

static inline void nm_desc_leave(struct nm_desc *d)
{
    atomic_store_explicit(&d->busy, false, memory_order_release);
}

/* Notes what failed in d->msg ("port: what") and returns error. Not for the fast path. */
int nm_desc_fail(struct nm_desc *d, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a call on the device, what, in the device's own words where it has any; returns error. */
int nm_desc_report(struct nm_desc *d, const char *what, int error);

/* The text of EBUSY; writes nothing, the message belongs to the thread inside. */
#define NM_DESC_BUSY_TEXT "used by two threads at once"

#endif
