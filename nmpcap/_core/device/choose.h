/*
 * choose.h - a netmap device, the kernel's or user space's, and its calls by name for those who cannot
 * follow a C pointer (cffi); device.h says what each does.
 *
 * As ioctl they return 0 or a positive errno value, and leave the device as it was on failure.
 */
#ifndef NMPCAP_DEVICE_CHOOSE_H
#define NMPCAP_DEVICE_CHOOSE_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_device;

enum {
    NM_NETMAP_AUTO,   /* the kernel's if /dev/netmap can be opened, else user space */
    NM_NETMAP_KERNEL,
    NM_NETMAP_USER,
};

/*
 * nm_device_open - a fresh, unbound netmap descriptor.
 *
 * @which      NM_NETMAP_*
 * @directory  user space's runtime directory, not needed afterwards; NULL: NMPCAP_RUNTIME_DIR, or the default.
 *             Where there is one NM_NETMAP_AUTO is user space, and NM_NETMAP_KERNEL EINVAL
 * @device     receives the device; NULL on failure
 * @msg        NM_MSG_SIZE bytes, receives the reason of a failure
 */
int nm_device_open(int which, const char *directory, struct nm_device **device, char *msg);

/* nm_device_name - "kernel" or "user". */
const char *nm_device_name(struct nm_device *device);

/* nm_device_msg - why the last call failed, or "" where errno says it all. */
const char *nm_device_msg(struct nm_device *device);

/* nm_device_ioctl - one netmap request; addresses inside the argument are this process's. */
int nm_device_ioctl(struct nm_device *device, unsigned long request, void *argument);

/* nm_device_mmap - maps length bytes at offset of the bound region; undone by nm_device_munmap,
 * which may come after nm_device_close. */
int nm_device_mmap(struct nm_device *device, size_t length, int64_t offset, void **mem);
int nm_device_munmap(struct nm_device *device, void *mem, size_t length);

/* nm_device_poll - syncs and waits as poll(2) on a netmap descriptor does; EINTR on a signal or wake. */
int nm_device_poll(struct nm_device *device, short events, int timeout_ms, short *revents);
int nm_device_txsync(struct nm_device *device);
int nm_device_rxsync(struct nm_device *device);
int nm_device_fileno(struct nm_device *device);
void nm_device_wake(struct nm_device *device);

/* nm_device_close - ends the binding, or leaves that to the last munmap. */
void nm_device_close(struct nm_device *device);

#pragma GCC visibility pop

#endif
