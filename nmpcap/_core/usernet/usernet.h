/*
 * User-space netmap inside: one open device, and what the files of this folder offer each
 * other. What the processes share is in layout.h.
 *
 *   device.c    the device contract: open, ioctl, mmap, close
 *   registry.c  the runtime directory and its registry file, and the lock
 *   reap.c      after a death
 *   region.c    memory regions: geometry and mapping;  pool.c  allocation in them
 *   port.c      ports: making, binding, unbinding, removing;  rings.c  their rings
 *   lookup.c    from a name to a port
 *   request.c   NIOCCTRL: headers, bodies, options; run.c dispatches
 *   register.c  REGISTER and the queries about ports
 *   legacy.c    NIOCGINFO and NIOCREGIF, translated into requests
 *   control.c   switches and persistent ports: NEWIF, ATTACH, LIST and so on
 *   sync.c      txsync and rxsync: validation, dispatch, publication
 *   switch.c    switches and their ports;  vale.c  forwarding;  target.c  into a ring
 *   header.c    virtio headers of different lengths
 *   pipe.c      pipes;  monitor.c  monitors;  interface.c  interfaces of the system
 *   wakeup.c    poll, sleeping and waking
 */
#ifndef NMPCAP_USERNET_H
#define NMPCAP_USERNET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>
#include <time.h>

#include "device.h"
#include "usernet/layout.h"

struct nmu_map {
    uint8_t *base;
    size_t size;
    uint32_t generation;
};

struct nmu_forward; /* vale.c: scratch memory of one sender */
struct nmu_adapter; /* interface.c: the packet socket of an interface's port */

struct nmu_device {
    struct nm_device device; /* first: the contract's view of it */

    char dir[256];
    int dirfd;
    bool own_dir;           /* the default directory: ours to make and remove */
    unsigned file_mode;
    int registry_fd;
    struct nmu_registry *reg;

    uint32_t desc;          /* 0: not bound */
    uint64_t nr_flags;      /* as registered */
    bool csb;               /* syncs are refused */
    int wake_fd;            /* bound socket, or -1 */
    struct sockaddr_un self; /* its address, ready for a signal handler */
    int send_fd;            /* unbound socket to wake others with, or -1 */
    _Atomic uint32_t woken; /* nm_device_wake was called */
    bool watched;           /* fileno was asked for: keep it readable while packets wait */
    bool token;             /* watched: a datagram is waiting in wake_fd */

    pthread_mutex_t busy;   /* threads of this process: what follows is one sync's at a time */
    uint32_t maps_epoch;
    struct nmu_map *maps;   /* by region, NMU_REGIONS of them */
    struct nmu_forward *forward;
    struct nmu_adapter *adapter; /* bound to an interface; NULL otherwise */

    bool closed;
    uint32_t client_maps;   /* mmaps not yet undone */
};

#define NMU(device) ((struct nmu_device *)(device))

/* Sets the device's message and returns the errno value given. */
int nmu_fail(struct nmu_device *, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A process is killed between two instructions: all that counts is their order in this one. */
#define NMU_IN_THIS_ORDER() atomic_signal_fence(memory_order_seq_cst)

/* ---- registry.c -------------------------------------------------------------------- */

int nmu_registry_lock(struct nmu_device *);
void nmu_registry_unlock(struct nmu_device *); /* removes what nobody uses any more */
void nmu_registry_close(struct nmu_device *);
int nmu_reserve(struct nmu_device *, const void *record, size_t size); /* backs it with memory */
int nmu_mutex_init(pthread_mutex_t *);
bool nmu_mutex_lock(pthread_mutex_t *);    /* false: not to be had (unrecoverable) */
bool nmu_mutex_trylock(pthread_mutex_t *); /* false: busy */

static inline void nmu_mutex_unlock(pthread_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
}

/* ---- reap.c, under registry.lock --------------------------------------------------- */

bool nmu_any_file(struct nmu_device *, bool (*call)(struct nmu_device *, const char *name)); /* until true */
bool nmu_reap(struct nmu_device *); /* unbinds the dead; true if there were any */
bool nmu_reap_port(struct nmu_device *, uint32_t port); /* those bound to it; true if it went with them */
void nmu_reap_at_end(struct nmu_device *); /* before leaving: unless somebody is left to do it */
void nmu_reap_holder(struct nmu_device *); /* somebody died holding the lock: nothing can be believed */

/* ---- region.c ---------------------------------------------------------------------- */

struct nmu_geometry {
    uint32_t size[NMU_POOLS];
    uint32_t num[NMU_POOLS];
};

void nmu_geometry_private(struct nmu_device *, struct nmu_geometry *, uint32_t tx_rings, uint32_t rx_rings,
                          uint32_t tx_slots, uint32_t rx_slots, uint32_t pipes, uint32_t extra_bufs);
int nmu_region_create(struct nmu_device *, const struct nmu_geometry *, uint32_t *region);
int nmu_region_find(struct nmu_device *, uint32_t mem_id, uint32_t *region); /* EINVAL: unknown */
void nmu_region_release(struct nmu_device *, uint32_t region);
void nmu_region_end(struct nmu_device *, uint32_t region);
uint8_t *nmu_region_map(struct nmu_device *, uint32_t region); /* NULL: msg says why */
void nmu_region_unmap_all(struct nmu_device *);
void nmu_region_forget_stale(struct nmu_device *); /* drops mappings of regions that have ended */
int nmu_region_open_file(struct nmu_device *, uint32_t region); /* a descriptor or -errno */
int nmu_region_back(struct nmu_device *, int fd, uint64_t offset, uint64_t size); /* with memory */
void nmu_region_remove_file(struct nmu_device *, uint32_t region);
int nmu_region_back_agreed(struct nmu_device *, uint32_t region, const struct nmu_kring *tx);

/* ---- pool.c, under registry.lock --------------------------------------------------- */

int nmu_pool_alloc(struct nmu_device *, uint32_t region, int pool, uint32_t count, uint32_t *index);
bool nmu_pool_taken(struct nmu_device *, uint32_t region, int pool, uint32_t index);
void nmu_pool_free(struct nmu_device *, uint32_t region, int pool, uint32_t index);
void nmu_pool_commit(struct nmu_device *);   /* what was allocated is referred to by its owner's records */
void nmu_pool_rollback(struct nmu_device *); /* after a death: what was allocated may not be */

static inline uint32_t nmu_pool_words(const struct nmu_pool *pool)
{
    return (pool->objtotal + 63) / 64;
}

static inline uint64_t nmu_object(const struct nmu_region *region, int pool, uint32_t index)
{
    return region->pool[pool].offset + (uint64_t)index * region->pool[pool].objsize;
}

/* ---- port.c ------------------------------------------------------------------------ */

struct nmu_config { /* what a request asks of a port that has to be made; 0: default */
    uint32_t tx_slots, rx_slots, tx_rings, rx_rings;
    uint32_t extra_bufs;
    uint32_t region; /* from mem_id; 0: a private one */
};

uint32_t nmu_port_find(struct nmu_device *, const char *name);
int nmu_port_create(struct nmu_device *, enum nmu_kind, const char *name, uint32_t region, uint32_t tx_rings,
                    uint32_t rx_rings, uint32_t tx_slots, uint32_t rx_slots, uint32_t *port);
void nmu_port_remove(struct nmu_device *, uint32_t port);
void nmu_port_put(struct nmu_device *, uint32_t port); /* removes it if nothing keeps it */
int nmu_port_bind(struct nmu_device *, uint32_t port, uint32_t desc);
void nmu_port_unbind(struct nmu_device *, uint32_t desc);

static inline struct nmu_kring *nmu_kring(struct nmu_registry *reg, const struct nmu_port *port, bool tx,
                                          uint32_t ring)
{
    return &reg->krings[port->krings + (tx ? ring : port->tx_rings + ring)];
}

static inline uint32_t nmu_kring_index(const struct nmu_registry *reg, const struct nmu_kring *kring)
{
    return (uint32_t)(kring - reg->krings);
}

/* ---- rings.c ----------------------------------------------------------------------- */

/* The rings of one direction that a descriptor is bound to: [first, last). */
struct nmu_range {
    bool tx;
    uint32_t first, last;
};

static inline void nmu_ranges(const struct nmu_desc *desc, struct nmu_range range[2])
{
    range[0] = (struct nmu_range){true, desc->tx_first, desc->tx_last};
    range[1] = (struct nmu_range){false, desc->rx_first, desc->rx_last};
}

int nmu_rings_make(struct nmu_device *, struct nmu_port *, const struct nmu_desc *);
void nmu_rings_free(struct nmu_device *, struct nmu_port *);

/* ---- names and ports by name (lookup.c) -------------------------------------------- */

/* Finds the port a request names, making it where netmap would. The caller puts it back. */
int nmu_lookup(struct nmu_device *, const char *name, uint64_t nr_flags, uint32_t nr_mode,
               const struct nmu_config *, uint32_t *port);
bool nmu_is_interface(const char *name); /* an interface of the operating system */

/* ---- vale.c, pipe.c, monitor.c ----------------------------------------------------- */

bool nmu_is_vale_name(const char *name);
int nmu_vale_lookup(struct nmu_device *, const char *name, const struct nmu_config *, uint32_t *port);
int nmu_vale_create(struct nmu_device *, const char *name, const struct nmu_config *, uint32_t *port);
int nmu_switch_find(struct nmu_device *, const char *name, uint32_t *switch_id); /* by "vale0:..." */
int nmu_switch_join(struct nmu_device *, const char *name, uint32_t port);
void nmu_switch_leave(struct nmu_device *, uint32_t port);
void nmu_vale_txsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *);
void nmu_forward_free(struct nmu_forward *);
bool nmu_convertible(const uint8_t *from, uint32_t from_header, uint32_t to_header, bool whole);
uint32_t nmu_convert_header(uint8_t *to, uint32_t room, uint32_t to_header, const uint8_t *from, uint32_t len,
                            uint32_t from_header, bool whole);

const char *nmu_pipe_brace(const char *name); /* the brace that makes it a pipe's name, or NULL */
int nmu_pipe_lookup(struct nmu_device *, const char *name, const struct nmu_config *, uint32_t *port);
void nmu_pipe_free_buffers(struct nmu_device *, struct nmu_kring *tx, struct nmu_kring *rx);
void nmu_pipe_share_slots(struct nmu_device *, struct nmu_kring *from, struct nmu_kring *to);
void nmu_pipe_txsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *);
void nmu_pipe_rxsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *);

int nmu_monitor_lookup(struct nmu_device *, const char *name, uint64_t nr_flags, uint32_t nr_mode,
                       const struct nmu_config *, uint32_t *port);
void nmu_monitor_start(struct nmu_device *, uint32_t port, uint64_t nr_flags);
void nmu_monitor_stop(struct nmu_device *, uint32_t port);      /* the monitor goes */
void nmu_monitor_orphan(struct nmu_device *, uint32_t port);    /* the monitored port goes */
void nmu_monitor_copy(struct nmu_device *, struct nmu_kring *, uint32_t from, uint32_t to);
void nmu_monitor_swap(struct nmu_device *, struct nmu_kring *, uint32_t from, uint32_t to);
void nmu_monitor_settle(struct nmu_device *, struct nmu_kring *); /* before the ring goes: after a death in a swap */

/* ---- interface.c ------------------------------------------------------------------ */

int nmu_adapter_lookup(struct nmu_device *, const char *name, const struct nmu_config *, uint32_t *port);
bool nmu_adapter_same(const struct nmu_port *, const char *name); /* the interface this name means now */
int nmu_adapter_open(struct nmu_device *, const struct nmu_port *, const struct nmu_desc *);
void nmu_adapter_close(struct nmu_device *);
int nmu_adapter_txsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *); /* 0 or an errno value */
int nmu_adapter_rxsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *);
int nmu_adapter_news_fd(struct nmu_device *); /* readable while packets wait for rxsync; -1: not to be waited for */
int nmu_adapter_fileno(struct nmu_device *);  /* the same and the wake-up socket, in one; -1: see errno */

/* ---- sync.c ------------------------------------------------------------------------ */

struct netmap_ring *nmu_ring(struct nmu_device *, const struct nmu_kring *); /* in the mapped region */
int nmu_sync_ioctl(struct nmu_device *, bool tx);
short nmu_sync_poll(struct nmu_device *, short events);

/* Puts slots into a ring that others fill. All under the ring's deliver lock. */
static inline uint32_t nmu_deliver_space(const struct nmu_kring *kring)
{
    /* acquire: the receiver has finished with the slots it released */
    uint32_t hwcur = atomic_load_explicit(&kring->hwcur, memory_order_acquire);
    uint32_t hwtail = atomic_load_explicit(&kring->hwtail, memory_order_relaxed);
    uint32_t used = hwtail >= hwcur ? hwtail - hwcur : hwtail + kring->num_slots - hwcur;

    return kring->num_slots - 1 - used;
}

/* A slot as it is at one moment: a client may be writing at it, so what is checked is what is used. */
static inline struct netmap_slot nmu_slot(const struct netmap_slot *slot)
{
    const volatile struct netmap_slot *now = slot;

    return (struct netmap_slot){now->buf_idx, now->len, now->flags, now->ptr};
}

static inline uint32_t nmu_next(uint32_t index, uint32_t num_slots)
{
    return index + 1 == num_slots ? 0 : index + 1;
}

static inline uint32_t nmu_prev(uint32_t index, uint32_t num_slots)
{
    return index == 0 ? num_slots - 1 : index - 1;
}

/* Slots from a to b, going up and round. Both are below num_slots. */
static inline uint32_t nmu_distance(uint32_t a, uint32_t b, uint32_t num_slots)
{
    return b >= a ? b - a : b + num_slots - a;
}

/* What a request asks for: 0 is the default, too much is as much as there is. */
static inline uint32_t nmu_clamp(uint32_t asked, uint32_t fallback, uint32_t most)
{
    return asked == 0 ? fallback : asked > most ? most : asked;
}

static inline uint64_t nmu_now_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- wakeup.c ---------------------------------------------------------------------- */

int nmu_wake_open(struct nmu_device *, uint32_t desc);
bool nmu_desc_alive(struct nmu_device *, uint32_t desc);
bool nmu_socket_alive(struct nmu_device *, const char *name);
void nmu_notify(struct nmu_device *, uint32_t port); /* something happened there: wake who sleeps */
void nmu_watch(struct nmu_device *); /* brings a watched fileno up to date after a sync */
int nmu_poll(struct nm_device *, short events, int timeout_ms, short *revents);
int nmu_fileno(struct nm_device *);
void nmu_wake(struct nm_device *);

/* ---- request.c, legacy.c, control.c ------------------------------------------------ */

int nmu_copyin(void *to, uint64_t from, size_t size);  /* 0 or EFAULT, never a signal */
int nmu_copyout(uint64_t to, const void *from, size_t size);

/* One decoded request: the header's name, the body in local memory, the options' statuses. */
struct nmu_request {
    struct nmreq_header header;
    union {
        struct nmreq_register reg;
        struct nmreq_port_info_get info;
        struct nmreq_vale_attach attach;
        struct nmreq_vale_detach detach;
        struct nmreq_vale_list list;
        struct nmreq_port_hdr hdr;
        struct nmreq_vale_newif newif;
        struct nmreq_vale_polling polling;
        struct nmreq_pools_info pools;
        struct nmreq_sync_kloop_start kloop;
        struct nmreq_port_counters counters;
        struct nmreq_parameter parameter;
        struct nmreq_port_list ports;
    } body;
    struct nmu_option *options;
    uint32_t option_count;
};

struct nmu_option {
    uint64_t address;
    union {
        struct nmreq_option head;
        struct nmreq_opt_offsets offsets;
        struct nmreq_opt_csb csb;
        struct nmreq_opt_sync_kloop_mode mode;
        struct nmreq_opt_extmem extmem;
    } u;
};

int nmu_request_ctrl(struct nmu_device *, struct nmreq_header *);
int nmu_request_run(struct nmu_device *, struct nmu_request *); /* under no lock */
struct nmu_option *nmu_option_find(struct nmu_request *, uint32_t type);
int nmu_register(struct nmu_device *, struct nmu_request *);
int nmu_describe(struct nmu_device *, const char *name, struct nmreq_register *, uint32_t *held_region);
int nmu_csb_enable(struct nmu_device *, struct nmu_option *);
int nmu_legacy(struct nmu_device *, unsigned long request, struct nmreq *);

int nmu_control_newif(struct nmu_device *, struct nmu_request *);
int nmu_control_delif(struct nmu_device *, struct nmu_request *);
int nmu_control_attach(struct nmu_device *, struct nmu_request *);
int nmu_control_detach(struct nmu_device *, struct nmu_request *);
int nmu_control_list(struct nmu_device *, struct nmu_request *);
int nmu_control_port_list(struct nmu_device *, struct nmu_request *);
int nmu_control_header(struct nmu_device *, struct nmu_request *, bool set);
int nmu_control_polling(struct nmu_device *, struct nmu_request *, bool enable);
int nmu_control_counters(struct nmu_device *, struct nmu_request *);
int nmu_control_parameter(struct nmu_device *, struct nmu_request *, bool set);
void nmu_parameters_reset(struct nmu_registry *);
bool nmu_parameters_changed(const struct nmu_registry *);

static inline int64_t nmu_parameter(const struct nmu_registry *reg, enum nmu_parameter parameter)
{
    return atomic_load_explicit(&reg->parameter[parameter], memory_order_relaxed);
}

#endif
