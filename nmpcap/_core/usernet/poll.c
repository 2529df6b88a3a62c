/*
 * poll(2) on a bound descriptor, and the descriptor for select and its kin: looking, spinning, sleeping.
 * What a sleeper and its senders owe each other is in wakeup.c.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "shared.h"
#include "usernet/interface.h"
#include "usernet/kring.h"
#include "usernet/poll.h"
#include "usernet/reap.h"
#include "usernet/region.h"
#include "usernet/session.h"
#include "usernet/sync.h"
#include "usernet/wakeup.h"

#define SPINS 200        /* looks before going to sleep: about 5 us, a wake-up's worth */
#define CROWDED_MS 1     /* sleep of who found no free place in port.sleepers */
#define LOOK_AGAIN_MS 1000 /* a sender may be killed between publishing and waking */
#define BLOCKED_MS 50    /* how often a blocked sender looks whether its receiver has died */

/* ---- looking without syncing ------------------------------------------------------- */

/* Up to where packets have come into an rx ring, shown by a sync or not. */
static uint32_t arrived(const struct nmu_port *port, const struct nmu_kring *kring)
{
    return atomic_load_explicit(port->kind == NMU_PIPE ? &kring->pipe_tail : &kring->hwtail, memory_order_acquire);
}

/* Whether a sync would find something new in a bound rx ring. */
static bool news(struct nmu_device *dev)
{
    const struct nmu_registry *reg = dev->reg;
    const struct nmu_desc *desc = nmu_desc_at(reg, dev->desc);
    const struct nmu_port *port = nmu_port_at(reg, desc->port);

    for (uint32_t i = desc->rx_first; i < nmu_range(desc, false).last; i++) {
        const struct nmu_kring *kring = nmu_kring(reg, port, false, i);

        if (arrived(port, kring) != kring->rtail)
            return true;
    }
    return false;
}

/* Whether a blocked tx ring could have more room after a sync. */
static bool room(struct nmu_device *dev, uint32_t *blocked_on)
{
    struct nmu_registry *reg = dev->reg;
    const struct nmu_desc *desc = nmu_desc_at(reg, dev->desc);
    const struct nmu_port *port = nmu_port_at(reg, desc->port);

    *blocked_on = 0;
    for (uint32_t i = desc->tx_first; i < nmu_range(desc, true).last; i++) {
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
    const struct nmu_desc *desc = nmu_desc_at(reg, dev->desc);
    const struct nmu_port *port = nmu_port_at(reg, desc->port);

    for (uint32_t i = desc->rx_first; i < nmu_range(desc, false).last; i++) {
        const struct nmu_kring *kring = nmu_kring(reg, port, false, i);
        const struct netmap_ring *ring = nmu_ring(dev, kring);

        if (ring && nm_ring_cur(ring) != kring->rtail)
            return true;
    }
    return false;
}

/* ---- looking for the dead ------------------------------------------------------------ */

/* Whether nobody has looked for the dead in a while: of all that sleep, one does. */
static bool is_time_to_look(const struct nmu_device *dev)
{
    uint64_t last = *(const volatile uint64_t *)&dev->reg->last_reap_ns;

    return (uint64_t)nm_clock_ns(CLOCK_MONOTONIC) - last >= (uint64_t)LOOK_AGAIN_MS * 1000000;
}

/* A receiver that died with a full ring would block its senders for ever; who watches a port learns of its end; and
 * who died before it could wake a sleeper has that done for it. With dev->busy held: reaping maps the dead one's region. */
static void bury(struct nmu_device *dev)
{
    if (nmu_session_begin(dev) == 0) {
        nmu_reap(dev);
        nmu_session_end(dev);
    }
}

/* Who waits by select and its kin for a monitor has nothing but its descriptor to tell of the watched port's death: it
 * is readable once a second, and the sync that follows looks. */
static void watch_for_death(struct nmu_device *dev)
{
    struct timespec span = {.tv_sec = LOOK_AGAIN_MS / 1000};
    struct itimerspec every = {.it_interval = span, .it_value = span};
    struct epoll_event event = {.events = EPOLLIN};

    dev->look_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (dev->look_fd >= 0) {
        timerfd_settime(dev->look_fd, 0, &every, NULL);
        epoll_ctl(dev->ready_fd, EPOLL_CTL_ADD, dev->look_fd, &event);
    }
}

static void look_if_time_is_up(struct nmu_device *dev)
{
    uint64_t times;

    if (dev->look_fd >= 0 && read(dev->look_fd, &times, sizeof(times)) == sizeof(times) && is_time_to_look(dev))
        bury(dev);
}


/* ---- the descriptor to wait with ----------------------------------------------------- */

void nmu_watch(struct nmu_device *dev)
{
    look_if_time_is_up(dev);
    if (waiting(dev)) {
        if (!dev->token)
            nmu_send_token(dev, dev->desc);
        dev->token = true;
        return;
    }
    nmu_drain_tokens(dev);
    if (!nmu_arm(dev, nmu_desc_at(dev->reg, dev->desc)->port) || news(dev)) {
        nmu_send_token(dev, dev->desc);
        dev->token = true;
    }
}

/* The socket itself stays here: as long as any process has it the port's owner counts as alive, and a descriptor may
 * be passed on. An epoll descriptor tells of it and does not hold it. */
static int ready_fd(struct nmu_device *dev)
{
    bool is_monitor = nmu_port_at(dev->reg, nmu_desc_at(dev->reg, dev->desc)->port)->kind == NMU_MONITOR;
    struct epoll_event event = {.events = EPOLLIN};

    if (dev->ready_fd < 0 && (dev->ready_fd = epoll_create1(EPOLL_CLOEXEC)) >= 0 &&
        epoll_ctl(dev->ready_fd, EPOLL_CTL_ADD, dev->wake_fd, &event) < 0) {
        close(dev->ready_fd);
        dev->ready_fd = -1;
    }
    if (dev->ready_fd >= 0 && dev->look_fd < 0 && is_monitor)
        watch_for_death(dev);
    return dev->ready_fd;
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
    fd = dev->interface ? nmu_interface_fileno(dev) : ready_fd(dev);
    pthread_mutex_unlock(&dev->busy);
    return fd;
}

/* ---- how much waits ------------------------------------------------------------------ */

uint64_t nmu_waiting(struct nm_device *device)
{
    struct nmu_device *dev = NMU(device);
    const struct nmu_desc *desc;
    const struct nmu_port *port;
    uint64_t slots = 0;

    if (!dev->desc)
        return 0;
    pthread_mutex_lock(&dev->busy); /* against a sync, which may map the region anew */
    desc = nmu_desc_at(dev->reg, dev->desc);
    port = nmu_port_at(dev->reg, desc->port);
    for (uint32_t i = desc->rx_first; i < nmu_range(desc, false).last; i++) {
        const struct nmu_kring *kring = nmu_kring(dev->reg, port, false, i);
        const struct netmap_ring *ring = nmu_ring(dev, kring);
        uint32_t from = ring ? nm_ring_cur(ring) : 0, to = arrived(port, kring);

        if (ring && from < nmu_slots(kring) && to < nmu_slots(kring))
            slots += nmu_distance(from, to, nmu_slots(kring));
    }
    if (dev->interface)
        slots += nmu_interface_waiting(dev);
    pthread_mutex_unlock(&dev->busy);
    return slots;
}

/* ---- poll -------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    return (int64_t)((uint64_t)nm_clock_ns(CLOCK_MONOTONIC) / 1000000);
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
    int limit = crowded || (dev->interface && (events & POLLOUT)) ? CROWDED_MS : blocked_on ? BLOCKED_MS : LOOK_AGAIN_MS;

    if (timeout_ms < 0 || limit < timeout_ms)
        timeout_ms = limit;
    if (dev->interface && (events & POLLIN)) {
        pthread_mutex_lock(&dev->busy);
        pfd[1].fd = nmu_interface_news_fd(dev);
        pthread_mutex_unlock(&dev->busy);
    }
    switch (poll(pfd, 2, timeout_ms)) {
    case 0: return ETIMEDOUT;
    case -1: return errno;
    default: return 0;
    }
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
    uint32_t port = nmu_desc_at(dev->reg, dev->desc)->port, blocked_on = blocking_port(dev, events);
    bool crowded = !nmu_arm(dev, port), stay;
    int error = 0;

    if (blocked_on)
        crowded |= !nmu_arm(dev, blocked_on);
    *revents = nmu_sync_poll(dev, events);
    /* A ring that another thread was syncing was skipped; a sender may be blocked elsewhere by now. */
    stay = !*revents && !((events & POLLIN) && news(dev)) && blocking_port(dev, events) == blocked_on &&
           !atomic_load_explicit(&dev->woken, memory_order_acquire);
    if (stay)
        error = sleep_once(dev, events, timeout_ms, crowded, blocked_on);
    nmu_disarm(dev, port);
    if (blocked_on)
        nmu_disarm(dev, blocked_on);
    pthread_mutex_lock(&dev->busy); /* another thread may be putting a token there, and saying so */
    if (error == ETIMEDOUT && (blocked_on || is_time_to_look(dev)))
        bury(dev);
    nmu_drain_tokens(dev);
    pthread_mutex_unlock(&dev->busy);
    return error == EINTR ? EINTR : 0;
}

static int poll_events(struct nmu_device *dev, short events, int timeout_ms, short *revents)
{
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

/* Each direction has two names, and is answered by those it was asked for by. */
#define IN (POLLIN | POLLRDNORM)
#define OUT (POLLOUT | POLLWRNORM)

int nmu_poll(struct nm_device *device, short events, int timeout_ms, short *revents)
{
    short wanted = (short)((events & IN ? POLLIN : 0) | (events & OUT ? POLLOUT : 0)), found;
    int error = poll_events(NMU(device), wanted, timeout_ms, &found);

    *revents = (short)((found & POLLERR) | (found & POLLIN ? events & IN : 0) | (found & POLLOUT ? events & OUT : 0));
    return error;
}
