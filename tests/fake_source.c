/*
 * A source that does what a test tells it to, and notices what it should not be asked to do.
 *
 * Packet i has min_size + i % spread bytes, each (uint8_t)(i + k * 7), ts_ns 1000 * i, len 10 more
 * than caplen, ifindex i % 3, and is outgoing where i is odd. The memory of views is overwritten
 * when their life ends. Built by fake_source.py, which mirrors struct control.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bpf/metadata.h"
#include "source.h"

struct control {
    /* what to do; may be changed at any time */
    uint64_t available;  /* packets that have come so far */
    uint64_t end_at;     /* packets after which the source ends; UINT64_MAX: never */
    uint64_t per_fill;   /* views a fill gives at most */
    uint64_t min_size, spread;
    uint64_t fail_at;    /* the fill that would begin with this packet fails, once */
    uint64_t fail_errno;
    uint64_t interrupts; /* so many waits are cut short by EINTR */
    uint64_t hungry;     /* 1: a wait with nothing there asks to be fed (-EAGAIN) */
    uint64_t room;       /* frames that fit */
    uint64_t per_flush;  /* frames that a flush lets go */
    uint64_t max_frame;
    uint64_t dropped, if_dropped;
    uint64_t apart;      /* 1: wake does not make the descriptor readable */
    uint64_t tags;       /* packet i has a VLAN tag that has been put back, where i % tags is 0; 0: none has */
    uint64_t refuse;     /* what filter fails with */
    uint8_t *log;        /* frames as uint32_t length and bytes; NULL: not kept */
    uint64_t log_size;
    /* what has happened */
    uint64_t read, fills, waits, wakes, flushes, closes, logged, queued;
    uint64_t filtering;  /* instructions of the kernel's filter */
    uint64_t violations; /* calls by two threads at once, after close, with impossible arguments */
};

struct fake {
    struct nm_source base;
    struct control *control;
    int event;   /* readable after fake_push and wake */
    int ready;   /* readable after fake_push */
    int inside;
    uint8_t *memory;
    size_t size;
};

static void violation(struct fake *f)
{
    __atomic_add_fetch(&f->control->violations, 1, __ATOMIC_SEQ_CST);
}

static void enter(struct fake *f)
{
    if (__atomic_add_fetch(&f->inside, 1, __ATOMIC_SEQ_CST) != 1 || f->control->closes)
        violation(f);
}

static int leave(struct fake *f, int result)
{
    __atomic_sub_fetch(&f->inside, 1, __ATOMIC_SEQ_CST);
    return result;
}

static uint64_t get(uint64_t *field)
{
    return __atomic_load_n(field, __ATOMIC_SEQ_CST);
}

static void forget(struct fake *f)
{
    if (f->memory)
        memset(f->memory, 0xdd, f->size);
    free(f->memory);
    f->memory = NULL;
}

static size_t size_of(struct control *c, uint64_t i)
{
    return c->min_size + (c->spread ? i % c->spread : 0);
}

static int fill(struct nm_source *source, struct nm_batch *batch)
{
    struct fake *f = (struct fake *)source;
    struct control *c = f->control;
    uint64_t n, i;
    uint8_t *to;

    enter(f);
    c->fills++;
    if (batch->capacity == 0)
        violation(f);
    forget(f);
    if (c->read == c->fail_at) {
        c->fail_at = UINT64_MAX;
        strcpy(f->base.msg, "fake: it was told to fail");
        return leave(f, -(int)c->fail_errno);
    }
    n = get(&c->available) - c->read;
    if (n > c->per_fill)
        n = c->per_fill;
    if (n > batch->capacity)
        n = batch->capacity;
    if (c->read < c->fail_at && c->read + n > c->fail_at)
        n = c->fail_at - c->read;
    if (c->read >= c->end_at)
        return leave(f, NM_SOURCE_END);
    if (n > c->end_at - c->read)
        n = c->end_at - c->read;
    f->size = n * (c->min_size + c->spread) + 1;
    f->memory = to = malloc(f->size);
    for (i = 0; i < n; i++) {
        uint64_t number = c->read + i;
        size_t size = size_of(c, number);

        for (size_t k = 0; k < size; k++)
            to[k] = number + k * 7;
        batch->views[i] = (struct nm_view){
            .data = to, .ts_ns = 1000 * number, .caplen = size, .len = size + 10, .ifindex = number % 3,
            .linktype = 1, .flags = number % 2 ? NM_VIEW_OUT : 0};
        if (c->tags && number % c->tags == 0) {
            memcpy(to + 12, (uint8_t[]){0x81, 0x00, number >> 8 & 0x0f, number}, 4);
            batch->views[i].flags |= NM_VIEW_TAG;
        }
        to += size;
    }
    c->read += n;
    batch->count = n;
    return leave(f, n);
}

static int wait_for(struct nm_source *source, int timeout_ms)
{
    struct fake *f = (struct fake *)source;
    struct control *c = f->control;
    struct pollfd event = {.fd = f->event, .events = POLLIN};
    uint64_t counter;
    int n;

    enter(f);
    c->waits++;
    if (get(&c->interrupts)) {
        __atomic_sub_fetch(&c->interrupts, 1, __ATOMIC_SEQ_CST);
        return leave(f, -EINTR);
    }
    if (get(&c->available) > c->read || c->read >= c->end_at)
        return leave(f, 1);
    if (get(&c->hungry))
        return leave(f, -EAGAIN);
    n = poll(&event, 1, timeout_ms);
    if (n <= 0)
        return leave(f, n < 0 ? -errno : 0);
    if (read(f->event, &counter, sizeof(counter)) < 0)
        return leave(f, -errno);
    return leave(f, get(&c->available) > c->read ? 1 : -EINTR);
}

static void wake(struct nm_source *source)
{
    struct fake *f = (struct fake *)source;
    uint64_t one = 1;

    __atomic_add_fetch(&f->control->wakes, 1, __ATOMIC_SEQ_CST);
    if (write(f->event, &one, sizeof(one)) < 0)
        violation(f);
}

static int inject(struct nm_source *source, const void *frame, size_t len)
{
    struct fake *f = (struct fake *)source;
    struct control *c = f->control;
    uint32_t size = len;

    enter(f);
    if (len > c->max_frame) {
        strcpy(f->base.msg, "fake: frame too long");
        return leave(f, -EMSGSIZE);
    }
    if (c->queued >= get(&c->room))
        return leave(f, -EAGAIN);
    if (c->log == NULL) {
        c->queued++;
        return leave(f, 0);
    }
    if (c->logged + sizeof(size) + len > c->log_size) {
        violation(f);
        return leave(f, -EIO);
    }
    memcpy(c->log + c->logged, &size, sizeof(size));
    memcpy(c->log + c->logged + sizeof(size), frame, len);
    c->logged += sizeof(size) + len;
    c->queued++;
    return leave(f, 0);
}

static int flush(struct nm_source *source)
{
    struct fake *f = (struct fake *)source;
    struct control *c = f->control;
    uint64_t n = get(&c->per_flush);

    enter(f);
    c->flushes++;
    c->queued -= n < c->queued ? n : c->queued;
    return leave(f, 0);
}

static int queued(struct nm_source *source)
{
    return ((struct fake *)source)->control->queued;
}

static int filter(struct nm_source *source, const struct nm_insn *insns, uint32_t n)
{
    struct fake *f = (struct fake *)source;

    enter(f);
    if (n && insns[n - 1].code != 6) /* RET */
        violation(f);
    if (n && f->control->refuse)
        return leave(f, -(int)f->control->refuse);
    f->control->filtering = n;
    return leave(f, 0);
}

/* Knows the packet's type, and of which interface it is. */
static void metadata(struct nm_source *source, const struct nm_view *view, struct nm_metadata *known)
{
    (void)source;
    nm_metadata_tell(known, NM_META_TYPE, view->flags & NM_VIEW_OUT ? 4 : 0);
    nm_metadata_tell(known, NM_META_IFINDEX, view->ifindex + 100);
}

static int descriptor(struct nm_source *source)
{
    struct fake *f = (struct fake *)source;

    return f->control->apart ? f->ready : f->event;
}

static void counters(struct nm_source *source, struct nm_counters *result)
{
    struct control *c = ((struct fake *)source)->control;

    *result = (struct nm_counters){.dropped = get(&c->dropped), .if_dropped = get(&c->if_dropped)};
}

static void close_fake(struct nm_source *source)
{
    struct fake *f = (struct fake *)source;

    enter(f);
    f->control->closes++;
    forget(f);
    close(f->event);
    close(f->ready);
    free(f);
}

struct nm_source *fake_new(struct control *control);
struct nm_source *fake_new(struct control *control)
{
    static const struct nm_source_ops ops = {
        .name = "fake", .fill = fill, .wait = wait_for, .wake = wake, .inject = inject, .flush = flush,
        .queued = queued, .filter = filter, .metadata = metadata, .fileno = descriptor, .counters = counters, .close = close_fake};
    struct fake *f = calloc(1, sizeof(*f));

    f->base.ops = &ops;
    f->control = control;
    f->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    f->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return &f->base;
}

/* So many more packets have come. */
void fake_push(struct nm_source *source, uint64_t n);
void fake_push(struct nm_source *source, uint64_t n)
{
    struct fake *f = (struct fake *)source;
    uint64_t one = 1;

    __atomic_add_fetch(&f->control->available, n, __ATOMIC_SEQ_CST);
    if (write(f->ready, &one, sizeof(one)) < 0 || write(f->event, &one, sizeof(one)) < 0)
        violation(f);
}
