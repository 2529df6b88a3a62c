/*
 * device: what a process can do with /dev/netmap, and nothing more.
 *
 *     open  ->  ioctl  ->  mmap  ->  poll  ->  close
 *
 * Everything above (nm_open and its kin) is written over this contract and cannot
 * tell the kernel module from user-space netmap. Two devices exist: kernel.c passes
 * the calls on; usernet/ answers them itself, request for request and errno for errno.
 *
 * Errors are returned as positive errno values, 0 is success; errno is not used.
 * device->msg then says, in one sentence, what was tried and why it failed, where
 * the device knows more than the number; it is empty otherwise.
 *
 * Threads: poll may run in one thread while another calls wake, a sync or mmap; two
 * requests at once are the caller's to avoid. wake is async-signal-safe.
 */
#ifndef NMPCAP_DEVICE_H
#define NMPCAP_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "msg.h"

struct nm_device;

struct nm_device_ops {
    const char *name; /* "kernel" or "user" */

    /* A netmap request with netmap's own structure; addresses inside it are the caller's. */
    int (*ioctl)(struct nm_device *, unsigned long request, void *argument);

    /* Maps length bytes at offset of the bound region, shared and writable. The mapping
     * keeps the binding alive after close, until munmap. */
    int (*mmap)(struct nm_device *, size_t length, int64_t offset, void **mem);

    /* Undoes one mmap. Allowed after close; the last of the two frees the device. */
    int (*munmap)(struct nm_device *, void *mem, size_t length);

    /* poll(2) on this one descriptor: syncs, and waits up to timeout_ms (-1: for ever) for
     * one of events (POLLIN, POLLOUT). *revents is 0 on timeout. EINTR on a signal or wake. */
    int (*poll)(struct nm_device *, short events, int timeout_ms, short *revents);

    /* NIOCTXSYNC and NIOCRXSYNC without the ioctl switch. */
    int (*txsync)(struct nm_device *);
    int (*rxsync)(struct nm_device *);

    /* Slots of bound rx rings that hold what has come and the program has not passed (cur), be it shown by a
     * sync or not. Any thread. NULL: only a sync can tell. */
    uint64_t (*waiting)(struct nm_device *);

    /* A descriptor for select, poll, epoll or asyncio: readable while packets wait. */
    int (*fileno)(struct nm_device *);

    /* Makes a poll in progress, or else the next one, return EINTR. */
    void (*wake)(struct nm_device *);

    /* Ends the caller's use. What the device holds goes with the last mapping. */
    void (*close)(struct nm_device *);
};

struct nm_device {
    const struct nm_device_ops *ops;
    char msg[NM_MSG_SIZE];
};

/* Opens one of the two devices, unbound. On failure *device is NULL and msg (of NM_MSG_SIZE
 * bytes) says why. directory: where user space has its switches, copied; NULL: where the environment says. */
int nm_kernel_open(struct nm_device **device, char *msg);
int nm_user_open(const char *directory, struct nm_device **device, char *msg);

#endif
