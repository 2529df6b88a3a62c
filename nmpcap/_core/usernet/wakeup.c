/*
 * Waking those who sleep, and telling who is alive.
 *
 * Each bound descriptor owns a datagram socket in the runtime directory. The socket is the
 * wake-up (whoever has news sends it an empty datagram), the thing that select and epoll can
 * watch, and the proof of life: when its last copy closes, in whatever way the owner and those
 * that inherited it went, connecting to it fails.
 *
 * A sender pays for a system call only when somebody sleeps:
 *
 *     sleeper                               sender
 *     enters itself in port.sleepers        publishes packets (hwtail)
 *     full fence                            full fence
 *     looks once more; nothing: sleeps      looks at port.sleepers: sends
 *
 * One of the two sees the other: that is what the fences are for.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "usernet/files.h"
#include "usernet/records.h"
#include "usernet/wakeup.h"

/* ---- the socket -------------------------------------------------------------------- */

/* A path of any length fits: it goes by way of the open directory. */
static socklen_t address(const struct nmu_device *dev, uint32_t desc, struct sockaddr_un *sun)
{
    char name[NMU_FILE_NAME_SIZE];

    memset(sun, 0, sizeof(*sun));
    sun->sun_family = AF_UNIX;
    nmu_file_name(name, NMU_FILE_PORT, desc, nmu_desc_at(dev->reg, desc)->generation);
    snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%s", dev->dirfd, name);
    return sizeof(*sun);
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int nmu_wake_open(struct nmu_device *dev, uint32_t desc)
{
    socklen_t length = address(dev, desc, &dev->self);
    int fd = open_socket();

    if (fd < 0)
        return nmu_fail(dev, errno, "cannot make a socket: %s", strerror(errno));
    if (bind(fd, (struct sockaddr *)&dev->self, length) < 0) {
        int error = errno;

        close(fd);
        return nmu_fail(dev, error, "runtime directory %s: cannot bind a socket in it: %s", dev->dir, strerror(error));
    }
    nmu_socket_share(dev, strrchr(dev->self.sun_path, '/') + 1);
    dev->wake_fd = fd;
    dev->send_fd = open_socket(); /* now: later there may be no descriptor to be had */
    if (dev->send_fd < 0)
        return nmu_fail(dev, errno, "cannot make a socket: %s", strerror(errno));
    return 0;
}

bool nmu_socket_alive(struct nmu_device *dev, const char *name)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = open_socket(), error;

    if (fd < 0)
        return true; /* out of descriptors: nothing is known, so nothing is done */
    snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%.47s", dev->dirfd, name);
    error = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? errno : 0;
    close(fd);
    if (error == ENOENT) /* the name has gone; or /proc is not there, and says nothing of the name */
        return faccessat(dev->dirfd, name, F_OK, 0) == 0;
    return error != ECONNREFUSED;
}

bool nmu_desc_alive(struct nmu_device *dev, uint32_t desc)
{
    char name[NMU_FILE_NAME_SIZE];

    nmu_file_name(name, NMU_FILE_PORT, desc, nmu_desc_at(dev->reg, desc)->generation);
    return nmu_socket_alive(dev, name);
}

void nmu_send_token(struct nmu_device *dev, uint32_t desc)
{
    struct sockaddr_un sun;
    socklen_t length = address(dev, desc, &sun);
    int fd = dev->send_fd;

    /* A full queue is as good as one more datagram; a dead owner needs none. */
    if (fd >= 0)
        (void)!sendto(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&sun, length);
}

void nmu_drain_tokens(struct nmu_device *dev)
{
    char byte;

    while (recv(dev->wake_fd, &byte, 1, MSG_DONTWAIT) >= 0)
        ;
    dev->token = false;
}

/* ---- who sleeps -------------------------------------------------------------------- */

void nmu_notify(struct nmu_device *dev, uint32_t index)
{
    struct nmu_port *port = nmu_port_at(dev->reg, index);

    /* seq_cst: what was published before must be visible to a sleeper that this does not see */
    atomic_thread_fence(memory_order_seq_cst);
    for (int i = 0; i < NMU_SLEEPERS; i++) {
        uint32_t desc = atomic_load_explicit(&port->sleepers[i], memory_order_relaxed);

        if (desc && atomic_compare_exchange_strong(&port->sleepers[i], &desc, 0) && desc < NMU_DESCS)
            nmu_send_token(dev, desc);
    }
}

/* Enters this descriptor among a port's sleepers; false if there is no place. */
bool nmu_arm(struct nmu_device *dev, uint32_t index)
{
    struct nmu_port *port = nmu_port_at(dev->reg, index);
    bool armed = false;

    for (int i = 0; i < NMU_SLEEPERS && !armed; i++) {
        uint32_t none = 0;

        armed = atomic_load_explicit(&port->sleepers[i], memory_order_relaxed) == dev->desc ||
                atomic_compare_exchange_strong(&port->sleepers[i], &none, dev->desc);
    }
    atomic_thread_fence(memory_order_seq_cst);
    return armed;
}

void nmu_disarm(struct nmu_device *dev, uint32_t index)
{
    struct nmu_port *port = nmu_port_at(dev->reg, index);

    for (int i = 0; i < NMU_SLEEPERS; i++) {
        uint32_t self = dev->desc;

        atomic_compare_exchange_strong(&port->sleepers[i], &self, 0);
    }
}

void nmu_wake(struct nm_device *device)
{
    struct nmu_device *dev = NMU(device);

    atomic_store_explicit(&dev->woken, 1, memory_order_release);
    if (dev->wake_fd >= 0)
        (void)!sendto(dev->wake_fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&dev->self,
                      sizeof(dev->self));
}
