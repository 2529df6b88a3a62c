/*
 * The kernel device: /dev/netmap itself, on Linux and FreeBSD. Requests, mappings and
 * polls are passed on; what is added is a way to wake a poll, and words for the
 * errors of open(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "abi.h"
#include "device.h"

struct kernel_device {
    struct nm_device device;
    int fd;
    int wake_in;  /* polled beside fd */
    int wake_out; /* written by wake; the same as wake_in where an eventfd serves */
    /* The handle and each mapping. The kernel itself keeps the port bound while mappings exist;
     * this only tells when the struct can go. Mappings may end in any thread. */
    atomic_uint refs;
};

static struct kernel_device *kernel_of(struct nm_device *device)
{
    return (struct kernel_device *)device;
}

static void drop(struct kernel_device *k)
{
    if (atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) == 1)
        free(k);
}

static int kernel_ioctl(struct nm_device *device, unsigned long request, void *argument)
{
    return ioctl(kernel_of(device)->fd, request, argument) < 0 ? errno : 0;
}

static int kernel_mmap(struct nm_device *device, size_t length, int64_t offset, void **mem)
{
    struct kernel_device *k = kernel_of(device);
    void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, (off_t)offset);

    if (at == MAP_FAILED)
        return errno;
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    *mem = at;
    return 0;
}

static int kernel_munmap(struct nm_device *device, void *mem, size_t length)
{
    if (munmap(mem, length) < 0)
        return errno;
    drop(kernel_of(device));
    return 0;
}

/* Empties the wake descriptor, which never blocks. */
static void settle(struct kernel_device *k)
{
    char ignored[64];

    while (read(k->wake_in, ignored, sizeof(ignored)) == (ssize_t)sizeof(ignored))
        ;
}

static int kernel_poll(struct nm_device *device, short events, int timeout_ms, short *revents)
{
    struct kernel_device *k = kernel_of(device);
    struct pollfd fds[2] = {{.fd = k->fd, .events = events}, {.fd = k->wake_in, .events = POLLIN}};

    *revents = 0;
    if (poll(fds, 2, timeout_ms) < 0)
        return errno;
    if (fds[1].revents) {
        /* What the port has ready it will have at the next poll, too. */
        settle(k);
        return EINTR;
    }
    *revents = fds[0].revents;
    return 0;
}

static int kernel_txsync(struct nm_device *device)
{
    return ioctl(kernel_of(device)->fd, NIOCTXSYNC, NULL) < 0 ? errno : 0;
}

static int kernel_rxsync(struct nm_device *device)
{
    return ioctl(kernel_of(device)->fd, NIOCRXSYNC, NULL) < 0 ? errno : 0;
}

static int kernel_fileno(struct nm_device *device)
{
    return kernel_of(device)->fd;
}

static void kernel_wake(struct nm_device *device)
{
    uint64_t one = 1; /* an eventfd takes 8 bytes; a pipe any */
    int saved = errno;

    /* A full pipe is awake already. */
    if (write(kernel_of(device)->wake_out, &one, sizeof(one)) < 0)
        errno = saved;
}

static void close_fds(const struct kernel_device *k)
{
    if (k->fd >= 0)
        close(k->fd);
    if (k->wake_in >= 0)
        close(k->wake_in);
    if (k->wake_out >= 0 && k->wake_out != k->wake_in)
        close(k->wake_out);
}

static void kernel_close(struct nm_device *device)
{
    struct kernel_device *k = kernel_of(device);

    close_fds(k);
    drop(k);
}

static int open_wake(struct kernel_device *k)
{
#ifdef __linux__
    k->wake_in = k->wake_out = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return k->wake_in < 0 ? errno : 0;
#else
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return errno;
    k->wake_in = ends[0];
    k->wake_out = ends[1];
    return 0;
#endif
}

static const char *advice(int error)
{
    switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return "the netmap module is not loaded; load it (modprobe netmap, kldload netmap), or use user-space "
               "netmap (NMPCAP_NETMAP=user)";
    case EACCES:
    case EPERM:
        return "this user may not open it; run as root, give the user access to the node (udev, devfs.rules), "
               "or use user-space netmap (NMPCAP_NETMAP=user)";
    default:
        return "see netmap(4)";
    }
}

int nm_kernel_open(struct nm_device **device, char *msg)
{
    static const struct nm_device_ops ops = {
        .name = "kernel",
        .ioctl = kernel_ioctl,
        .mmap = kernel_mmap,
        .munmap = kernel_munmap,
        .poll = kernel_poll,
        .txsync = kernel_txsync,
        .rxsync = kernel_rxsync,
        .fileno = kernel_fileno,
        .wake = kernel_wake,
        .close = kernel_close,
    };
    struct kernel_device *k = calloc(1, sizeof(*k));
    int error = 0;

    *device = NULL;
    if (!k) {
        snprintf(msg, NM_MSG_SIZE, "opening %s: no memory", NETMAP_DEVICE_NAME);
        return ENOMEM;
    }
    k->device.ops = &ops;
    k->wake_in = k->wake_out = -1;
    atomic_init(&k->refs, 1);
    k->fd = open(NETMAP_DEVICE_NAME, O_RDWR | O_CLOEXEC);
    if (k->fd < 0) {
        error = errno;
        snprintf(msg, NM_MSG_SIZE, "opening %s: %s: %s", NETMAP_DEVICE_NAME, strerror(error), advice(error));
    } else {
        error = open_wake(k);
        if (error)
            snprintf(msg, NM_MSG_SIZE, "opening %s: no descriptor to wake it by: %s", NETMAP_DEVICE_NAME,
                     strerror(error));
    }
    if (error) {
        close_fds(k);
        free(k);
        return error;
    }
    *device = &k->device;
    return 0;
}
