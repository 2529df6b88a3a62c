/* The device contract, answered in user space: nothing here needs the module, a daemon or root. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "usernet/copyin.h"
#include "usernet/interface.h"
#include "usernet/poll.h"
#include "usernet/port.h"
#include "usernet/reap.h"
#include "usernet/region.h"
#include "usernet/run.h"
#include "usernet/session.h"
#include "usernet/sync.h"
#include "usernet/vale.h"
#include "usernet/wakeup.h"

static int user_txsync(struct nm_device *device)
{
    struct nmu_device *dev = NMU(device);
    int error;

    if (!dev->desc)
        return nmu_fail(dev, ENXIO, "the descriptor is not bound to a port");
    if (dev->csb)
        return nmu_fail(dev, EBUSY, "the descriptor's rings are synced by way of its CSB");
    pthread_mutex_lock(&dev->busy);
    error = nmu_sync_ioctl(dev, true);
    pthread_mutex_unlock(&dev->busy);
    return error;
}

static int user_rxsync(struct nm_device *device)
{
    struct nmu_device *dev = NMU(device);
    int error;

    if (!dev->desc)
        return nmu_fail(dev, ENXIO, "the descriptor is not bound to a port");
    if (dev->csb)
        return nmu_fail(dev, EBUSY, "the descriptor's rings are synced by way of its CSB");
    pthread_mutex_lock(&dev->busy);
    error = nmu_sync_ioctl(dev, false);
    if (dev->watched)
        nmu_watch(dev);
    pthread_mutex_unlock(&dev->busy);
    return error;
}

/* The requests with an argument, which is copied in and, error or not, back: at its address may be anything. */
static int user_request(struct nmu_device *dev, unsigned long request, void *argument)
{
    union {
        struct nmreq_header header;
        struct nmreq legacy;
    } copy;
    size_t size = request == NIOCCTRL ? sizeof(copy.header) : sizeof(copy.legacy);
    int error;

    if (!argument)
        return nmu_fail(dev, EINVAL, "request 0x%lx without an argument", request);
    if (nmu_copyin(&copy, (uintptr_t)argument, size))
        return nmu_fail(dev, EFAULT, "request 0x%lx: its argument is at an address that cannot be read", request);
    if (request == NIOCCTRL)
        error = nmu_request_ctrl(dev, &copy.header);
    else if (request == NIOCGINFO || request == NIOCREGIF)
        error = nmu_legacy(dev, request, &copy.legacy);
    else if (request == NIOCCONFIG)
        error = nmu_fail(dev, EOPNOTSUPP, "NIOCCONFIG is for kernel modules that replace a switch's operations");
    else
        error = nmu_fail(dev, EOPNOTSUPP, "0x%lx is not a request of netmap", request);
    if (nmu_copyout((uintptr_t)argument, &copy, size))
        return nmu_fail(dev, EFAULT, "request 0x%lx: its argument is at an address that cannot be written", request);
    return error;
}

static int user_ioctl(struct nm_device *device, unsigned long request, void *argument)
{
    struct nmu_device *dev = NMU(device);

    request = (uint32_t)request; /* the kernel has no more of it; programs extend the sign */
    if (request == NIOCTXSYNC)
        return user_txsync(device);
    if (request == NIOCRXSYNC)
        return user_rxsync(device);
    return user_request(dev, request, argument);
}

static int user_mmap(struct nm_device *device, size_t length, int64_t offset, void **mem)
{
    struct nmu_device *dev = NMU(device);
    uint64_t memsize;
    size_t size;
    uint32_t index;
    int fd;

    if (!dev->desc)
        return nmu_fail(dev, EINVAL, "mapping a descriptor that is not bound to a port");
    index = nmu_port_at(dev->reg, nmu_desc_at(dev->reg, dev->desc)->port)->region;
    memsize = *(const volatile uint64_t *)&nmu_region_at(dev->reg, index)->memsize;
    if (offset < 0 || !length || (uint64_t)offset > memsize || length > memsize - (uint64_t)offset)
        return nmu_fail(dev, EINVAL, "mapping %zu bytes at %lld of a memory region of %llu", length, (long long)offset,
                        (unsigned long long)memsize);
    fd = nmu_region_open_file(dev, index, &size);
    if (fd < 0)
        return -fd;
    if (memsize > size) {
        close(fd);
        return nmu_fail(dev, ESTALE, "memory region %u: its record says %llu bytes, its file has %zu", index,
                        (unsigned long long)memsize, size);
    }
    *mem = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    close(fd);
    if (*mem == MAP_FAILED) {
        *mem = NULL;
        return nmu_fail(dev, errno, "memory region %u: cannot map it: %s", index, strerror(errno));
    }
    dev->client_maps++;
    return 0;
}

/* The binding goes with the last of the client's open and its mappings, and with the last of the
 * processes that have inherited it: as long as one has the socket, it stays, as a descriptor would. */
static void put(struct nmu_device *dev)
{
    uint32_t desc = dev->desc;
    bool locked;

    if (!dev->closed || dev->client_maps)
        return;
    nmu_interface_close(dev);
    locked = desc && nmu_session_begin(dev) == 0;
    if (dev->wake_fd >= 0)
        close(dev->wake_fd); /* under the lock: nobody else takes its owner for dead */
    if (locked) {
        dev->desc = 0;
        if (!nmu_desc_alive(dev, desc))
            nmu_port_unbind(dev, desc);
        nmu_reap_at_end(dev);
        nmu_session_end(dev);
    }
    if (dev->ready_fd >= 0)
        close(dev->ready_fd);
    if (dev->look_fd >= 0)
        close(dev->look_fd);
    if (dev->send_fd >= 0)
        close(dev->send_fd);
    nmu_session_close(dev);
    nmu_forward_free(dev->forward);
    pthread_mutex_destroy(&dev->busy);
    free(dev);
}

static int user_munmap(struct nm_device *device, void *mem, size_t length)
{
    struct nmu_device *dev = NMU(device);

    if (munmap(mem, length) < 0)
        return errno;
    dev->client_maps--;
    put(dev);
    return 0;
}

static void user_close(struct nm_device *device)
{
    struct nmu_device *dev = NMU(device);

    dev->closed = true;
    put(dev);
}

static const struct nm_device_ops user_ops = {
    .name = "user",
    .ioctl = user_ioctl,
    .mmap = user_mmap,
    .munmap = user_munmap,
    .poll = nmu_poll,
    .txsync = user_txsync,
    .rxsync = user_rxsync,
    .waiting = nmu_waiting,
    .fileno = nmu_fileno,
    .wake = nmu_wake,
    .close = user_close,
};

int nm_user_open(const char *directory, struct nm_device **device, char *msg)
{
    struct nmu_device *dev;

    *device = NULL;
    if (directory && (!*directory || strlen(directory) >= sizeof(dev->dir))) {
        snprintf(msg, NM_MSG_SIZE, "the runtime directory's path has %zu characters: 1 .. %zu", strlen(directory),
                 sizeof(dev->dir) - 1);
        return *directory ? ENAMETOOLONG : EINVAL;
    }
    dev = calloc(1, sizeof(*dev));
    if (!dev) {
        snprintf(msg, NM_MSG_SIZE, "out of memory");
        return ENOMEM;
    }
    dev->given_dir = directory != NULL;
    if (directory)
        memcpy(dev->dir, directory, strlen(directory) + 1);
    dev->device.ops = &user_ops;
    pthread_mutex_init(&dev->busy, NULL);
    dev->dirfd = dev->registry_fd = dev->wake_fd = dev->ready_fd = dev->look_fd = dev->send_fd = -1;
    *device = &dev->device;
    return 0;
}
