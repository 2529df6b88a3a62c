/*
 * Sleeping and waking: poll, the descriptor for select, and who is alive.
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

#include "usernet/usernet.h"

#define SPINS 200        /* looks before going to sleep: about 5 us, a wake-up's worth */
#define CROWDED_MS 1     /* sleep of who found no free place in port.sleepers */
#define LOOK_AGAIN_MS 1000 /* a sender may be killed between publishing and waking */
#define BLOCKED_MS 50    /* how often a blocked sender looks whether its receiver has died */

/* ---- the socket -------------------------------------------------------------------- */

/* A path of any length fits: it goes by way of the open directory. */
static socklen_t address(const struct nmu_device *dev, uint32_t desc, struct sockaddr_un *sun)
{
    memset(sun, 0, sizeof(*sun));
    sun->sun_family = AF_UNIX;
    snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/port-%u-%u", dev->dirfd, desc,
             dev->reg->descs[desc].generation);
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
    chmod(dev->self.sun_path, dev->file_mode);
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
    snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%.40s", dev->dirfd, name);
    error = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? errno : 0;
    close(fd);
    if (error == ENOENT) /* the name has gone; or /proc is not there, and says nothing of the name */
        return faccessat(dev->dirfd, name, F_OK, 0) == 0;
    return error != ECONNREFUSED;
}

bool nmu_desc_alive(struct nmu_device *dev, uint32_t desc)
{
    char name[40];

    snprintf(name, sizeof(name), "port-%u-%u", desc, dev->reg->descs[desc].generation);
    return nmu_socket_alive(dev, name);
}

static void send_token(struct nmu_device *dev, uint32_t desc)
{
    struct sockaddr_un sun;
    socklen_t length = address(dev, desc, &sun);
    int fd = dev->send_fd;

    /* A full queue is as good as one more datagram; a dead owner needs none. */
    if (fd >= 0)
        (void)!sendto(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&sun, length);
}

static void drain(struct nmu_device *dev)
{
    char byte;

    while (recv(dev->wake_fd, &byte, 1, MSG_DONTWAIT) >= 0)
        ;
    dev->token = false;
}

/* ---- who sleeps -------------------------------------------------------------------- */

void nmu_notify(struct nmu_device *dev, uint32_t index)
{
    struct nmu_port *port = &dev->reg->ports[index];

    /* seq_cst: what was published before must be visible to a sleeper that this does not see */
    atomic_thread_fence(memory_order_seq_cst);
    for (int i = 0; i < NMU_SLEEPERS; i++) {
        uint32_t desc = atomic_load_explicit(&port->sleepers[i], memory_order_relaxed);

        if (desc && atomic_compare_exchange_strong(&port->sleepers[i], &desc, 0) && desc < NMU_DESCS)
            send_token(dev, desc);
    }
}

/* Enters this descriptor among a port's sleepers; false if there is no place. */
static bool arm(struct nmu_device *dev, uint32_t index)
{
    struct nmu_port *port = &dev->reg->ports[index];
    bool armed = false;

    for (int i = 0; i < NMU_SLEEPERS && !armed; i++) {
        uint32_t none = 0;

        armed = atomic_load_explicit(&port->sleepers[i], memory_order_relaxed) == dev->desc ||
                atomic_compare_exchange_strong(&port->sleepers[i], &none, dev->desc);
    }
    atomic_thread_fence(memory_order_seq_cst);
    return armed;
}

static void disarm(struct nmu_device *dev, uint32_t index)
{
    struct nmu_port *port = &dev->reg->ports[index];

    for (int i = 0; i < NMU_SLEEPERS; i++) {
        uint32_t self = dev->desc;

        atomic_compare_exchange_strong(&port->sleepers[i], &self, 0);
    }
}

/* ---- looking without syncing ------------------------------------------------------- */

/* Whether a sync would find something new in a bound rx ring. */
static bool news(struct nmu_device *dev)
{
    const struct nmu_registry *reg = dev->reg;
    const struct nmu_desc *desc = &reg->descs[dev->desc];
    const struct nmu_port *port = &reg->ports[desc->port];

    for (uint32_t i = desc->rx_first; i < desc->rx_last; i++) {
        const struct nmu_kring *kring = &reg->krings[port->krings + port->tx_rings + i];
        uint32_t arrived = atomic_load_explicit(port->kind == NMU_PIPE ? &kring->pipe_tail : &kring->hwtail,
                                                memory_order_acquire);

        if (arrived != kring->rtail)
            return true;
    }
    return false;
}

/* Whether a blocked tx ring could have more room after a sync. */
static bool room(struct nmu_device *dev, uint32_t *blocked_on)
{
    struct nmu_registry *reg = dev->reg;
    const struct nmu_desc *desc = &reg->descs[dev->desc];
    const struct nmu_port *port = &reg->ports[desc->port];

    *blocked_on = 0;
    for (uint32_t i = desc->tx_first; i < desc->tx_last; i++) {
        const struct nmu_kring *kring = nmu_kring(reg, port, true, i);

        if (port->kind == NMU_PIPE &&
            atomic_load_explicit(&kring->pipe_tail, memory_order_acquire) != kring->rtail)
            return true;
        if (kring->blocked_on)
            *blocked_on = kring->blocked_on;
    }
    return false;
}

/* Packets that the last sync showed and the client has not passed yet. */
static bool waiting(struct nmu_device *dev)
{
    struct nmu_registry *reg = dev->reg;
    const struct nmu_desc *desc = &reg->descs[dev->desc];
    const struct nmu_port *port = &reg->ports[desc->port];

    for (uint32_t i = desc->rx_first; i < desc->rx_last; i++) {
        const struct nmu_kring *kring = nmu_kring(reg, port, false, i);
        const struct netmap_ring *ring = nmu_ring(dev, kring);

        if (ring && *(const volatile uint32_t *)&ring->cur != kring->rtail)
            return true;
    }
    return false;
}

void nmu_watch(struct nmu_device *dev)
{
    if (waiting(dev)) {
        if (!dev->token)
            send_token(dev, dev->desc);
        dev->token = true;
        return;
    }
    drain(dev);
    if (!arm(dev, dev->reg->descs[dev->desc].port) || news(dev)) {
        send_token(dev, dev->desc);
        dev->token = true;
    }
}

int nmu_fileno(struct nm_device *device)
{
    struct nmu_device *dev = NMU(device);
    int fd;

    if (!dev->desc)
        return -1;
    pthread_mutex_lock(&dev->busy);
    if (!dev->watched) {
        dev->watched = true;
        nmu_watch(dev);
    }
    fd = dev->adapter ? nmu_adapter_fileno(dev) : dev->wake_fd;
    pthread_mutex_unlock(&dev->busy);
    return fd;
}

/* ---- poll -------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    return (int64_t)(nmu_now_ns(CLOCK_MONOTONIC) / 1000000);
}

static bool take_wake(struct nmu_device *dev)
{
    return atomic_exchange_explicit(&dev->woken, 0, memory_order_acquire) != 0;
}

/* A sync is a lock and a walk: look at the few words that would change first. */
static bool spin(struct nmu_device *dev, short events)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t blocked_on;

        if (((events & POLLIN) && news(dev)) || ((events & POLLOUT) && room(dev, &blocked_on)))
            return true;
        if (atomic_load_explicit(&dev->woken, memory_order_relaxed))
            return true;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    return false;
}

/* Sleeps until somebody sends a token, or for as long as it makes sense. 0, EINTR or ETIMEDOUT. */
static int sleep_once(struct nmu_device *dev, short events, int timeout_ms, bool crowded, uint32_t blocked_on)
{
    struct pollfd pfd[2] = {{.fd = dev->wake_fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    /* Nothing tells when an interface has room again. */
    int limit = crowded || (dev->adapter && (events & POLLOUT)) ? CROWDED_MS : blocked_on ? BLOCKED_MS : LOOK_AGAIN_MS;

    if (timeout_ms < 0 || limit < timeout_ms)
        timeout_ms = limit;
    if (dev->adapter && (events & POLLIN)) {
        pthread_mutex_lock(&dev->busy);
        pfd[1].fd = nmu_adapter_news_fd(dev);
        pthread_mutex_unlock(&dev->busy);
    }
    switch (poll(pfd, 2, timeout_ms)) {
    case 0: return ETIMEDOUT;
    case -1: return errno;
    default: return 0;
    }
}

/* A receiver that died with a full ring would block its senders for ever. */
static void bury(struct nmu_device *dev)
{
    pthread_mutex_lock(&dev->busy); /* reaping maps the dead one's region */
    if (nmu_registry_lock(dev) == 0) {
        nmu_reap(dev);
        nmu_registry_unlock(dev);
    }
    pthread_mutex_unlock(&dev->busy);
}

/* The port that a tx ring with back-pressure waits for, if this poll is going to sync that ring. */
static uint32_t blocking_port(struct nmu_device *dev, short events)
{
    uint32_t port;

    (void)room(dev, &port);
    return !(events & POLLOUT) && (dev->nr_flags & NR_NO_TX_POLL) ? 0 : port;
}

/* One sleep: enters the sleepers, looks once more, sleeps. *revents is what the look found. */
static int fall_asleep(struct nmu_device *dev, short events, int timeout_ms, short *revents)
{
    uint32_t port = dev->reg->descs[dev->desc].port, blocked_on = blocking_port(dev, events);
    bool crowded = !arm(dev, port), stay;
    int error = 0;

    if (blocked_on)
        crowded |= !arm(dev, blocked_on);
    *revents = nmu_sync_poll(dev, events);
    /* A ring that another thread was syncing was skipped; a sender may be blocked elsewhere by now. */
    stay = !*revents && !((events & POLLIN) && news(dev)) && blocking_port(dev, events) == blocked_on &&
           !atomic_load_explicit(&dev->woken, memory_order_acquire);
    if (stay)
        error = sleep_once(dev, events, timeout_ms, crowded, blocked_on);
    disarm(dev, port);
    if (blocked_on)
        disarm(dev, blocked_on);
    if (blocked_on && error == ETIMEDOUT)
        bury(dev);
    pthread_mutex_lock(&dev->busy); /* another thread may be putting a token there, and saying so */
    drain(dev);
    pthread_mutex_unlock(&dev->busy);
    return error == EINTR ? EINTR : 0;
}

int nmu_poll(struct nm_device *device, short events, int timeout_ms, short *revents)
{
    struct nmu_device *dev = NMU(device);
    int64_t deadline = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
    int error;

    if (!dev->desc || dev->csb) {
        *revents = POLLERR;
        return 0;
    }
    error = take_wake(dev) ? EINTR : 0;
    *revents = error ? 0 : nmu_sync_poll(dev, events);
    while (!*revents && timeout_ms != 0 && !error) {
        int left = timeout_ms < 0 ? -1 : (int)(deadline - now_ms());

        if (timeout_ms > 0 && left <= 0)
            break;
        if (spin(dev, events))
            *revents = nmu_sync_poll(dev, events);
        else
            error = fall_asleep(dev, events, left, revents);
        if (!*revents && take_wake(dev))
            error = EINTR;
    }
    pthread_mutex_lock(&dev->busy);
    if (dev->watched)
        nmu_watch(dev);
    pthread_mutex_unlock(&dev->busy);
    return error;
}

void nmu_wake(struct nm_device *device)
{
    struct nmu_device *dev = NMU(device);

    atomic_store_explicit(&dev->woken, 1, memory_order_release);
    if (dev->wake_fd >= 0)
        (void)!sendto(dev->wake_fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&dev->self,
                      sizeof(dev->self));
}
