/* impl: one open device, as the files of this folder see it. What the processes share is in layout.h. */
#ifndef NMPCAP_USERNET_IMPL_H
#define NMPCAP_USERNET_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "device.h"
#include "usernet/layout.h"

struct nmu_map {
    uint8_t *base;
    size_t size;               /* of the file; NMU_SLACK more is mapped */
    uint32_t generation;
    struct nmu_region *layout; /* its record as it was checked against the file; nobody else writes there */
    struct nmu_map *retired;   /* the one before, until nothing can be using it */
};

/* This process as a member (member.h), in a page that is all zeros in a child. */
struct nmu_own {
    _Atomic uint32_t member;
    _Atomic uint32_t pid;
    void *proof; /* the mapping that holds the member's byte of the registry */
};

struct nmu_forward; /* vale.c: scratch memory of one sender */
struct nmu_interface; /* interface.c: the packet socket of an interface's port */

struct nmu_device {
    struct nm_device device; /* first: the contract's view of it */

    char dir[256];
    bool given_dir;         /* dir is the caller's; else it follows from the environment */
    int dirfd;
    bool own_dir;           /* the default directory: ours to make and remove */
    unsigned file_mode;     /* of files in it: whom it lets write may use them */
    uid_t dir_uid;
    gid_t dir_gid;
    int registry_fd;
    struct nmu_registry *reg;
    struct nmu_own *own;   /* NULL: not a member yet */
    _Atomic uint64_t patience_ns; /* for locks of rings, in the sync or session under way */

    uint32_t desc;          /* 0: not bound */
    uint64_t nr_flags;      /* as registered */
    bool csb;               /* syncs are refused */
    int wake_fd;            /* bound socket, or -1 */
    struct sockaddr_un self; /* its address, ready for a signal handler */
    int ready_fd;           /* watches wake_fd for select and its kin; -1: not asked for yet, or an interface's */
    int look_fd;            /* of a monitor with ready_fd: a timer, when to look whether the watched port lives; or -1 */
    int send_fd;            /* unbound socket to wake others with, or -1 */
    _Atomic uint32_t woken; /* nm_device_wake was called */
    bool watched;           /* fileno was asked for: keep it readable while packets wait */
    bool token;             /* watched: a datagram is waiting in wake_fd */

    pthread_mutex_t busy;   /* threads of this process: what follows is one sync's at a time */
    uint32_t maps_epoch;
    struct nmu_map *maps;   /* by region, NMU_REGIONS of them */
    struct nmu_map *retired; /* of regions that have ended in the middle of things */
    struct nmu_forward *forward;
    struct nmu_interface *interface; /* bound to an interface; NULL otherwise */

    bool closed;
    uint32_t client_maps;   /* mmaps not yet undone */
};

#define NMU(device) ((struct nmu_device *)(device))

/* Sets the device's message and returns the errno value given. */
int nmu_fail(struct nmu_device *, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether a slot may name an address of its owner's process (NS_INDIRECT). In a directory that others may write to it
 * may not: who has the port's region mapped, a mate in a pipe for one, writes slots, too, and would read any memory. */
static inline bool nmu_indirect_allowed(const struct nmu_device *dev)
{
    return !(dev->file_mode & 0066);
}

/* A process is killed between two instructions: all that counts is their order in this one. */
#define NMU_IN_THIS_ORDER() atomic_signal_fence(memory_order_seq_cst)

#endif
