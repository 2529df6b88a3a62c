/*
 * What the processes of one runtime directory share: the registry file, record by record.
 *
 *   registry   one file, mapped by every open device: everything netmap's kernel module would
 *              keep in kernel memory (switches, ports, krings, descriptors, regions)
 *   region-N   one file a memory region: what clients map (netmap_if, rings, buffers), and
 *              behind it, never handed to a client, the bitmaps of what is allocated
 *   port-N     one socket a bound descriptor: wakes its owner, and lives as long as it does
 *
 * Records refer to each other by index, never by pointer: the file is mapped at another address
 * in each process. Index 0 of each table stays unused and means "none".
 *
 * Locks, in the order they are taken:
 *   registry.lock      creating, binding, unbinding, removing anything
 *   kring.sync         one sync of one ring at a time
 *   kring.deliver      one producer at a time into a ring that others fill (VALE, monitors)
 * A ring's sync may take the deliver lock of other rings, and that one the deliver lock of
 * their monitors; monitors of monitors only go one way, so there is no cycle. Syncs never take
 * registry.lock.
 *
 * A process may die holding any of them at any instruction. What a record says is true before and
 * after each single store that publishes something (hwtail, pipe_tail, an in_use flag), so the next
 * holder needs to do no more than go on. What takes two stores, the swap of two slots' buffers, is
 * announced before, and taken back by the next holder.
 *
 * A process may be stopped holding any of them, and go on at any time. Nobody takes its lock: who has
 * waited long enough does without what the lock guards (a delivery counts as dropped, a request fails).
 * A kring whose locks somebody holds is not made another port's, and its ring and buffers
 * are not given to anybody, whatever becomes of the port meanwhile.
 */
#ifndef NMPCAP_USERNET_LAYOUT_H
#define NMPCAP_USERNET_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#include "abi.h"
#include "extensions.h"

#define NMU_MAGIC 0x4e4d5543u /* "CUMN" in memory: the file is complete and ours */
#define NMU_VERSION 7u        /* of everything in this header */

#define NMU_SWITCHES 8       /* max_bridges */
#define NMU_SWITCH_PORTS 252 /* as many as the module takes */
#define NMU_NOPORT 255       /* what the module calls NM_BDG_NOPORT */
#define NMU_HASH 1024        /* forwarding table, one address a bucket */
#define NMU_RINGS_MAX 16     /* of a VALE port, each way */
#define NMU_PIPE_RINGS_MAX 256
#define NMU_SLOTS_MAX 4096
#define NMU_PIPES_MAX 64 /* of one parent */

#define NMU_REGIONS 4096
#define NMU_PORTS 4096
#define NMU_KRINGS 32768
#define NMU_DESCS 4096
#define NMU_SLEEPERS 32 /* of one port, that a sender finds without searching */

#define NMU_REGION_GLOBAL 1 /* memory id 1: always there, made when first used */

#define NMU_LINE 64 /* bytes of a cache line: what different processes write is kept apart */
#define NMU_ALIGNED _Alignas(NMU_LINE)

/* A lock, see lock.h. It is free where it is all zeros, as it is in a record that nobody has used. */
struct nmu_lock {
    _Atomic uint32_t word;  /* 0, or the member that holds it, with flags */
    _Atomic uint32_t turns; /* changes with each holder */
    _Atomic uint32_t pid;   /* of the last one, in its own namespace: for messages */
};

/* ---- memory regions ---------------------------------------------------------------- */

enum { NMU_POOL_IF, NMU_POOL_RING, NMU_POOL_BUF, NMU_POOLS };

struct nmu_pool {
    uint64_t offset;     /* of its first object in the region */
    uint32_t objsize;    /* bytes */
    uint32_t objtotal;
    uint32_t objfree;
    uint32_t hint;       /* no free object below this */
    uint32_t reserved;   /* the first objects, never handed out */
    uint64_t bitmap;     /* offset in the file of its bitmaps: taken, and then new, see pool.c */
    uint32_t new_first, new_end; /* words of the second that may not be 0 */
};

/* Words of a bitmap of its objects. */
static inline uint32_t nmu_pool_words(const struct nmu_pool *pool)
{
    return (pool->objtotal + 63) / 64;
}

struct nmu_region {
    uint32_t users;      /* ports and requests that hold it; 0: the record is free */
    _Atomic uint32_t generation; /* changes when the region ends: what is mapped of it is stale */
    uint64_t memsize;    /* what clients map; the bitmaps follow */
    uint64_t agreed;     /* offset behind the bitmaps: for each ring object, slots as in pipe.c */
    uint64_t filesize;
    uint64_t inode;      /* of the file: what has its name now must be it */
    struct nmu_pool pool[NMU_POOLS];
};

/* ---- rings ------------------------------------------------------------------------- */

struct nmu_kring {
    /* Who it is. Changed under registry.lock while nobody syncs it. */
    NMU_ALIGNED uint32_t port;
    uint32_t id;           /* number in its direction */
    uint32_t tx;           /* 1: tx */
    uint32_t num_slots;
    uint64_t ring_ofs;     /* of the netmap_ring in the region; 0: not there */
    uint32_t users;        /* descriptors bound to it */
    uint32_t exclusive;
    uint32_t pipe_peer;    /* kring at the other end */
    uint64_t offset_mask;  /* OFFSETS option; 0: none */
    uint64_t offset_max;
    _Atomic uint32_t timestamps; /* TIMESTAMPS option */
    uint32_t backpressure; /* BACKPRESSURE option */
    _Atomic uint32_t copy_monitors; /* first kring of the list of copy monitors (monitor_next) */
    uint32_t zcopy_monitor; /* first of the zero-copy chain */
    uint32_t monitor_next[2]; /* of a monitor's kring: next monitor of the same [rx, tx] kring */
    uint32_t monitored[2];    /* of a monitor's kring: the [rx, tx] kring it watches */
    _Atomic uint32_t on;   /* in netmap mode: may be synced and delivered to */

    /* Its own syncs, one at a time. */
    NMU_ALIGNED struct nmu_lock sync;
    uint32_t rhead;        /* head, cur and tail as of the last sync */
    uint32_t rcur;
    uint32_t rtail;
    uint32_t mon_tail;     /* tx: up to here copy monitors have seen */
    uint32_t zcopy_seen;   /* rx: up to here the zero-copy monitor has had what was released */
    uint32_t blocked_on;   /* port a back-pressured tx ring waits for */
    uint32_t complete;     /* pipes, tx: end of the last whole packet handed over */
    NMU_ALIGNED _Atomic uint32_t hwcur;  /* tx: next to send. rx: first not released */

    /* Deliveries into it by others, one at a time. */
    NMU_ALIGNED struct nmu_lock deliver;
    uint32_t rx_mon_tail;  /* pipes: up to here copy monitors have seen what arrived */
    _Atomic uint32_t swapping; /* zero-copy monitors: the watched kring of a swap under way; 0: none */
    uint32_t swap_watched; /* its slot in the watched ring, */
    uint32_t swap_own;     /* its slot in this one, */
    uint32_t swap_given;   /* and the buffer that was in this one */
    NMU_ALIGNED _Atomic uint32_t hwtail; /* tx: end of what is free. rx: end of what has arrived */

    /* Written by the other end of a pipe: what hwtail becomes at the next sync. */
    NMU_ALIGNED _Atomic uint32_t pipe_tail;
};

/* ---- ports ------------------------------------------------------------------------- */

enum nmu_kind {
    NMU_FREE,
    NMU_VALE,    /* a VALE port, ephemeral or persistent, attached or not */
    NMU_PIPE,    /* one end of a pipe */
    NMU_MONITOR,
    NMU_NULL,
    NMU_NIC,     /* an interface of the operating system, by way of a packet socket */
};

struct nmu_port {
    uint32_t kind;          /* enum nmu_kind */
    uint32_t generation;
    char name[NETMAP_REQ_IFNAMSIZ]; /* full: "vale0:a", "x{1", "vale0:a/rt#0", "p" */
    char ifname[NM_IFNAMSIZ]; /* of a persistent port: "p", attached or not */
    uint32_t persistent;    /* made by NEWIF: stays without users */
    uint32_t automatic;     /* made as the parent of a pipe: goes with the last pipe */
    uint32_t region;
    uint32_t tx_rings, rx_rings;
    uint32_t tx_slots, rx_slots;
    uint32_t krings;        /* index of the first; tx first, then rx */
    uint32_t users;         /* bound descriptors */
    uint32_t pipes;         /* pipes it is the parent of */
    uint32_t switch_id;     /* 1-based switch it is attached to; 0: none */
    uint32_t switch_port;
    uint32_t attached;      /* by ATTACH: stays on the switch without users */
    _Atomic uint32_t hdr_len; /* virtio-net header */
    uint32_t brace;         /* pipes: where in the name the brace is that made it one */
    uint32_t parent;        /* pipes */
    uint32_t peer;          /* pipes: the other end */
    _Atomic uint32_t monitored; /* monitors: the port watched; 0 once it has gone */
    uint32_t zcopy;         /* monitors */
    uint32_t monitor_count; /* monitors it has had: numbers their names */
    uint32_t ifindex;       /* interfaces, with the namespace they are in */
    uint64_t netns;

    /* Interfaces: which of those bound fills the rx ring. Written under that ring's sync lock. */
    _Atomic uint32_t filler; /* descriptor; 0: none yet */
    _Atomic uint64_t filled; /* changes with each fill, and with each change of filler */
    uint64_t filler_seen_ns; /* CLOCK_MONOTONIC of its last sync */

    /* Read and written without a lock, even by who still holds the index of a port that has gone. */
    NMU_ALIGNED _Atomic uint32_t sleepers[NMU_SLEEPERS]; /* descriptors to wake, each at most once */
    NMU_ALIGNED _Atomic uint64_t last_smac; /* VALE: the source address learned last */
    _Atomic uint64_t sent;
    _Atomic uint64_t forwarded, flooded, discarded;
    NMU_ALIGNED _Atomic uint64_t received;
    _Atomic uint64_t dropped;
};

struct nmu_switch {
    char name[NM_IFNAMSIZ];  /* "vale0"; empty: free */
    uint32_t ports_count;
    uint32_t free_count;       /* places nobody has; the one left last is given first */
    uint8_t free_places[NMU_SWITCH_PORTS];
    _Atomic uint64_t ports[NMU_SWITCH_PORTS]; /* by place: all a sender has to know, see below */
    _Atomic uint32_t highest;  /* one above the highest place in use */
    _Atomic uint64_t table[NMU_HASH]; /* address in the low 48 bits, place above */
};

/* A port as its switch knows it, in one word that a sender reads at once: the port, its first rx
 * kring, how many of them, its region. What it says is checked again under the ring's lock. */
static inline uint64_t nmu_place(uint32_t port, uint32_t rx_krings, uint32_t rx_rings, uint32_t region)
{
    return port | (uint64_t)rx_krings << 16 | (uint64_t)rx_rings << 32 | (uint64_t)region << 48;
}

static inline uint64_t nmu_port_place(const struct nmu_port *port, uint32_t index)
{
    return nmu_place(index, port->krings + port->tx_rings, port->rx_rings, port->region);
}

static inline uint32_t nmu_place_port(uint64_t place)
{
    return place & 0xffff;
}

static inline uint32_t nmu_place_rings(uint64_t place)
{
    return place >> 32 & 0xffff;
}

static inline uint32_t nmu_place_kring(uint64_t place, uint32_t ring)
{
    uint32_t rings = nmu_place_rings(place);

    return rings ? (uint32_t)(place >> 16 & 0xffff) + ring % rings : 0;
}

static inline uint32_t nmu_place_region(uint64_t place)
{
    return (uint32_t)(place >> 48);
}

/* ---- bound descriptors ------------------------------------------------------------- */

struct nmu_desc {
    uint32_t port;       /* 0: the record is free */
    _Atomic uint32_t generation; /* names its socket, with the index */
    uint32_t tx_first, tx_last, rx_first, rx_last; /* rings [first, last) */
    uint32_t if_index;   /* its netmap_if: object of the region's first pool, + 1 */
    uint32_t exclusive;
};

/* ---- parameters -------------------------------------------------------------------- */

enum nmu_parameter {
    NMU_BRIDGE_BATCH,
    NMU_NO_TIMESTAMP,
    NMU_IF_SIZE, NMU_IF_NUM, NMU_RING_SIZE, NMU_RING_NUM, NMU_BUF_SIZE, NMU_BUF_NUM,
    NMU_PRIV_IF_SIZE, NMU_PRIV_IF_NUM, NMU_PRIV_RING_SIZE, NMU_PRIV_RING_NUM,
    NMU_PRIV_BUF_SIZE, NMU_PRIV_BUF_NUM,
    NMU_GENERIC_RINGSIZE,
    NMU_PARAMETERS
};

/* ---- the registry ------------------------------------------------------------------ */

struct nmu_registry {
    _Atomic uint32_t magic;   /* stored last: the file is complete */
    uint32_t version;
    uint64_t size;
    struct nmu_lock lock;
    uint32_t gone;            /* the file has been unlinked: open it anew */
    _Atomic uint32_t next_member;
    uint32_t next_generation;
    _Atomic uint32_t epoch;   /* goes up whenever a region ends: drop mappings of it */
    uint64_t last_reap_ns;    /* CLOCK_MONOTONIC of the last look for the dead */
    uint32_t descs_high, ports_high, regions_high; /* one above the highest record in use */
    uint32_t next_region;     /* memory ids are not reused at once */
    uint32_t allocating;      /* region with new objects since the lock was taken */
    _Atomic int64_t parameter[NMU_PARAMETERS];
    uint64_t krings_taken[NMU_KRINGS / 64];
    struct nmu_switch switches[NMU_SWITCHES + 1];
    struct nmu_region regions[NMU_REGIONS];
    struct nmu_desc descs[NMU_DESCS];
    struct nmu_port ports[NMU_PORTS];
    struct nmu_kring krings[NMU_KRINGS];
};

#endif
