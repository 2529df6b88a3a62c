/* Chooses a device, and calls it by name for those who cannot follow a C pointer (cffi). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "device/choose.h"
#include "message.h"

int nm_device_open(int which, const char *directory, struct nm_device **device, char *msg)
{
    int error;

    *device = NULL;
    msg[0] = '\0';
    if (which == NM_NETMAP_USER || (which == NM_NETMAP_AUTO && directory))
        return nm_user_open(directory, device, msg);
    if (which != NM_NETMAP_AUTO && which != NM_NETMAP_KERNEL) {
        snprintf(msg, NM_MSG_SIZE, "netmap device %d: there are 0 (auto), 1 (kernel) and 2 (user space)", which);
        return EINVAL;
    }
    if (directory) {
        nm_message_print(msg, NULL, "runtime directory %s: the kernel's netmap has none; it is user space's", directory);
        return EINVAL;
    }
    error = nm_kernel_open(device, msg);
    /* Without the module there is no node; without a driver behind it, ENXIO or ENODEV. A node
     * that is there but closed to us is also no reason to refuse what needs no privilege. */
    if (error && which == NM_NETMAP_AUTO)
        error = nm_user_open(NULL, device, msg);
    return error;
}

const char *nm_device_name(struct nm_device *device)
{
    return device->ops->name;
}

const char *nm_device_msg(struct nm_device *device)
{
    return device->msg;
}

int nm_device_ioctl(struct nm_device *device, unsigned long request, void *argument)
{
    device->msg[0] = '\0';
    return device->ops->ioctl(device, request, argument);
}

int nm_device_mmap(struct nm_device *device, size_t length, int64_t offset, void **mem)
{
    device->msg[0] = '\0';
    *mem = NULL;
    return device->ops->mmap(device, length, offset, mem);
}

int nm_device_munmap(struct nm_device *device, void *mem, size_t length)
{
    return device->ops->munmap(device, mem, length);
}

int nm_device_poll(struct nm_device *device, short events, int timeout_ms, short *revents)
{
    *revents = 0;
    return device->ops->poll(device, events, timeout_ms, revents);
}

int nm_device_txsync(struct nm_device *device)
{
    return device->ops->txsync(device);
}

int nm_device_rxsync(struct nm_device *device)
{
    return device->ops->rxsync(device);
}

int nm_device_fileno(struct nm_device *device)
{
    return device->ops->fileno(device);
}

void nm_device_wake(struct nm_device *device)
{
    device->ops->wake(device);
}

void nm_device_close(struct nm_device *device)
{
    device->ops->close(device);
}
