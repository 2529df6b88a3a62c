/* A port as a source: nm_desc under the contract of source.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "extensions.h"
#include "message.h"
#include "netmap/desc.h"
#include "netmap/as_source.h"
#include "device/choose.h"
#include "source.h"

struct netmap_source {
    struct nm_source base;
    struct nm_desc *desc;
    struct nm_device *control; /* unbound: asks for counters while another thread polls the port; or NULL */
    char port[NETMAP_REQ_IFNAMSIZ];
    struct nmreq_port_counters before; /* a port may be older than this handle */
    uint32_t lend;             /* packets handed out by one fill at most */
    int stamped;
};

static struct netmap_source *self(struct nm_source *source)
{
    return (struct netmap_source *)source;
}

/* Passes a failure on as the source's: below are positive errno values, above negative ones. */
static int report(struct netmap_source *s, int error)
{
    if (error && error != EINTR && error != EAGAIN)
        snprintf(s->base.msg, sizeof(s->base.msg), "%s", nm_desc_msg(s->desc));
    return -error;
}

/* Slots that are lent cannot receive: never more than a part of them at a time. What the last fill had
 * goes back with this one, but only a sync tells the device: fill syncs when the ring is empty, and a
 * program that is behind would keep it full until then. */
static int fill(struct nm_source *source, struct nm_batch *batch)
{
    struct nm_batch part = *batch;
    int error;

    if (part.capacity > self(source)->lend)
        part.capacity = self(source)->lend;
    error = nm_desc_fill(self(source)->desc, &part);
    batch->count = part.count;
    if (error)
        return report(self(source), error);
    if (part.count > 0 && part.count == part.capacity)
        (void)nm_desc_rxsync(self(source)->desc); /* what is wrong with it, the next fill tells */
    return (int)part.count;
}

static int wait_for(struct netmap_source *s, short events, int timeout_ms)
{
    short revents;
    int error = nm_desc_wait(s->desc, events, timeout_ms, &revents);

    if (error)
        return report(s, error);
    if (revents & POLLERR) {
        snprintf(s->base.msg, sizeof(s->base.msg), "%s", nm_desc_msg(s->desc));
        return -ENXIO;
    }
    return revents != 0;
}

static int wait_packets(struct nm_source *source, int timeout_ms)
{
    return wait_for(self(source), POLLIN, timeout_ms);
}

static int wait_room(struct nm_source *source, int timeout_ms)
{
    return wait_for(self(source), POLLOUT, timeout_ms);
}

static void wake(struct nm_source *source)
{
    nm_desc_wake(self(source)->desc);
}

static int inject(struct nm_source *source, const void *frame, size_t len)
{
    return report(self(source), nm_desc_inject(self(source)->desc, frame, len));
}

static int flush(struct nm_source *source)
{
    return report(self(source), nm_desc_txsync(self(source)->desc));
}

static int queued(struct nm_source *source)
{
    return (int)nm_desc_queued(self(source)->desc);
}

static int descriptor(struct nm_source *source)
{
    return nm_desc_fileno(self(source)->desc);
}

/* What became of the port's packets since it was made, where the device counts that. */
static struct nmreq_port_counters ask(struct netmap_source *s)
{
    struct nmreq_port_counters counters = {0};
    struct nmreq_header header = {.nr_version = NETMAP_API, .nr_reqtype = NMPCAP_REQ_PORT_COUNTERS_GET,
                                  .nr_body = (uint64_t)(uintptr_t)&counters};

    memcpy(header.nr_name, s->port, sizeof(header.nr_name));
    if (s->control && nm_device_ioctl(s->control, NIOCCTRL, &header))
        counters = s->before;
    return counters;
}

/* A port that was made anew under its name counts from 0. */
static uint64_t since(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

/* Called from any thread: the port's own descriptor must not be touched. */
static void counters(struct nm_source *source, struct nm_counters *result)
{
    struct netmap_source *s = self(source);
    struct nmreq_port_counters now = ask(s);

    *result = (struct nm_counters){
        .waiting = nm_desc_waiting(s->desc),
        .dropped = since(s->before.dropped, now.dropped),
        .forwarded = since(s->before.forwarded, now.forwarded),
        .flooded = since(s->before.flooded, now.flooded),
        .discarded = since(s->before.discarded, now.discarded),
    };
}

static void close_source(struct nm_source *source)
{
    struct netmap_source *s = self(source);

    if (s->control)
        nm_device_close(s->control);
    nm_desc_close(s->desc);
    free(s);
}

static int open_desc(struct netmap_source *s, const struct nm_open_args *args, char *msg)
{
    struct nm_open_args asked = *args;
    int error;

    asked.timestamps = args->timestamps != 0;
    error = nm_desc_open(&asked, &s->desc, msg);
    s->stamped = !error && asked.timestamps;
    /* The kernel knows no such option; user space cannot have it together with slot offsets. */
    if ((error == EOPNOTSUPP || error == EINVAL) && args->timestamps == NM_TIMESTAMPS_IF_ANY) {
        asked.timestamps = 0;
        error = nm_desc_open(&asked, &s->desc, msg);
    }
    return error;
}

/* Pipes and monitors have no counters of their own: those of their name are another port's. */
static void open_control(struct netmap_source *s, const struct nm_desc_info *info, const char *runtime_dir)
{
    char msg[NM_MSG_SIZE];

    if (strcmp(info->netmap, "user") || strpbrk(s->port, "{}") ||
        (info->reg->nr_flags & (NR_MONITOR_TX | NR_MONITOR_RX)))
        return;
    if (nm_device_open(NM_NETMAP_USER, runtime_dir, &s->control, msg) == 0)
        s->before = ask(s);
}

int nm_netmap_source_open(const struct nm_open_args *args, struct nm_source **source, char *msg)
{
    static const struct nm_source_ops ops = {
        .name = "netmap",
        .fill = fill,
        .wait = wait_packets,
        .wake = wake,
        .inject = inject,
        .flush = flush,
        .room = wait_room,
        .queued = queued,
        .fileno = descriptor,
        .counters = counters,
        .close = close_source,
    };
    struct netmap_source *s = calloc(1, sizeof(*s));
    struct nm_desc_info info;
    int error;

    *source = NULL;
    if (!s) {
        nm_message_print(msg, args->name, "no memory to open it");
        return -ENOMEM;
    }
    s->base.ops = &ops;
    error = open_desc(s, args, msg);
    if (error) {
        free(s);
        return error == NM_DESC_FOREIGN ? -ENODEV : -error;
    }
    nm_desc_info(s->desc, &info);
    snprintf(s->port, sizeof(s->port), "%s", info.name);
    s->lend = info.reg->nr_rx_slots > 4 ? info.reg->nr_rx_slots / 4 : 1;
    open_control(s, &info, args->runtime_dir);
    *source = &s->base;
    return 0;
}

struct nm_desc *nm_netmap_source_desc(struct nm_source *source)
{
    return self(source)->desc;
}

int nm_netmap_source_stamped(struct nm_source *source)
{
    return self(source)->stamped;
}
