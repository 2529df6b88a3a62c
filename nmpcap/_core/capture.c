/* The handle: who may use it, what waits in its window, and when it stops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture_impl.h"

/* Views of one fill: with their packets they should stay in a core's own cache. */
#define CAPACITY 512

/* Fills that the filter left nothing of before the caller gets a chance to look after signals, and the deadline
 * its turn. */
#define FRUITLESS 64

/* A batch keeps its packets where they lie if they fill so much of the block, and is copied otherwise: memory
 * that is kept alive is at most this many times what it is kept for. */
#define WASTE 4

/* How often stats() looks for a moment at which nobody takes a packet. */
#define STATS_TRIES 1000

int nm_capture_new(struct nm_source *source, const char *name, uint32_t snaplen, struct nm_capture **capture)
{
    struct nm_capture *c;
    size_t size = strlen(name) + 1;

    *capture = NULL;
    c = calloc(1, sizeof(*c) + size);
    if (c)
        c->batch.views = malloc(CAPACITY * sizeof(*c->batch.views));
    if (!c || !c->batch.views || pthread_mutex_init(&c->life, NULL)) {
        if (c)
            free(c->batch.views);
        free(c);
        source->ops->close(source);
        return -ENOMEM;
    }
    memcpy(c->name, name, size);
    c->batch.capacity = c->reserve = CAPACITY;
    c->source = source;
    c->snaplen = snaplen;
    *capture = c;
    return 0;
}

void nm_capture_free(struct nm_capture *c)
{
    nm_capture_close(c);
    pthread_mutex_destroy(&c->life);
    nm_program_unref(c->filter.program);
    nm_mixed_reset(&c->mixed, false);
    free(c->batch.views);
    free(c);
}

/* ---- who is in it ------------------------------------------------------------------ */

static uintptr_t self(void)
{
    return (uintptr_t)pthread_self();
}

/* Lets go of the source; for the thread that has entered. */
static void drop_source(struct nm_capture *c)
{
    struct nm_source *source;

    pthread_mutex_lock(&c->life);
    source = c->source;
    c->source = NULL;
    if (source)
        source->ops->counters(source, &c->final);
    pthread_mutex_unlock(&c->life);
    if (source)
        source->ops->close(source);
}

static bool is_closed(struct nm_capture *c)
{
    /* Sequentially consistent, as the store in close and both ends of owner: either the thread that
     * leaves sees closed, or the thread that closes finds nobody in. */
    return __atomic_load_n(&c->closed, __ATOMIC_SEQ_CST);
}

/* The closing itself, by whoever comes to it first with nobody else in the handle. */
static void close_if_alone(struct nm_capture *c)
{
    uintptr_t nobody = 0;

    if (__atomic_compare_exchange_n(&c->owner, &nobody, self(), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
        drop_source(c);
        __atomic_store_n(&c->owner, 0, __ATOMIC_SEQ_CST);
    }
}

int nm_capture_enter(struct nm_capture *c)
{
    uintptr_t me = self(), nobody = 0;

    if (__atomic_load_n(&c->owner, __ATOMIC_RELAXED) == me) {
        if (is_closed(c))
            return -EBADF;
        c->depth++;
        return 0;
    }
    /* Closed first: a thread that comes while another is letting go hears of the closing, not of the thread. */
    if (is_closed(c))
        return -EBADF;
    if (!__atomic_compare_exchange_n(&c->owner, &nobody, me, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return -EBUSY;
    c->depth = 1;
    if (is_closed(c)) {
        nm_capture_leave(c);
        return -EBADF;
    }
    return 0;
}

void nm_capture_leave(struct nm_capture *c)
{
    if (--c->depth)
        return;
    __atomic_store_n(&c->owner, 0, __ATOMIC_SEQ_CST);
    if (is_closed(c))
        close_if_alone(c);
}

/* ---- stopping, from anywhere ------------------------------------------------------- */

static void stop(struct nm_capture *c, int *reason)
{
    __atomic_store_n(reason, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&c->window.stop, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&c->life);
    if (c->source)
        c->source->ops->wake(c->source);
    pthread_mutex_unlock(&c->life);
}

void nm_capture_break(struct nm_capture *c)
{
    stop(c, &c->broken);
}

void nm_capture_close(struct nm_capture *c)
{
    stop(c, &c->closed);
    close_if_alone(c);
}

int nm_capture_is_closed(struct nm_capture *c)
{
    return is_closed(c);
}

int nm_capture_is_released(struct nm_capture *c)
{
    int released;

    pthread_mutex_lock(&c->life);
    released = c->source == NULL;
    pthread_mutex_unlock(&c->life);
    return released;
}

int nm_capture_stopped(struct nm_capture *c)
{
    if (is_closed(c))
        return 1;
    if (!__atomic_load_n(&c->window.stop, __ATOMIC_RELAXED))
        return 0;
    __atomic_store_n(&c->window.stop, 0, __ATOMIC_SEQ_CST);
    if (is_closed(c)) /* its stop may be the one just taken back */
        __atomic_store_n(&c->window.stop, 1, __ATOMIC_SEQ_CST);
    return __atomic_exchange_n(&c->broken, 0, __ATOMIC_SEQ_CST) || is_closed(c);
}

/* ---- reading ----------------------------------------------------------------------- */

static uint32_t keep_direction(struct nm_view *views, uint32_t n, int direction)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++)
        if (((views[i].flags & NM_VIEW_OUT) != 0) == (direction == NM_CAPTURE_OUT))
            views[kept++] = views[i];
    return kept;
}

/* Direction, filter and snaplen over n views. Returns how many are left, at the front. */
static uint32_t sift(struct nm_capture *c, struct nm_view *views, uint32_t n)
{
    if (c->direction)
        n = keep_direction(views, n, c->direction);
    if (c->mixed.asks)
        n = nm_mixed_judge(&c->mixed, c->source, &c->filter, views, n);
    else
        n = nm_judge(c->source, &c->filter, views, n);
    for (uint32_t i = 0; i < n; i++)
        if (views[i].caplen > c->snaplen)
            views[i].caplen = c->snaplen;
    return n;
}

static void reserve(struct nm_capture *c)
{
    struct nm_view *views = malloc(c->reserve * sizeof(*views));

    if (views) {
        free(c->batch.views);
        c->batch.views = views;
        c->batch.capacity = c->reserve;
    }
    c->reserve = c->batch.capacity; /* without memory the batches stay as they are */
}

/* Packets to be sifted: those that had to wait for a filter, or else the source's next. */
static int next_batch(struct nm_capture *c)
{
    int n = (int)c->mixed.held;

    if (!n) {
        if (c->reserve != c->batch.capacity)
            reserve(c);
        c->batch.count = 0;
        c->batch.block = NULL;
        n = c->source->ops->fill(c->source, &c->batch);
    }
    c->mixed.held = 0;
    if (n > 0 && c->mixed.asks && nm_mixed_lacks(&c->mixed, &c->filter, c->batch.views, (uint32_t)n)) {
        c->mixed.held = (uint32_t)n;
        return -EAGAIN;
    }
    return n;
}

/* One fill, sifted into the window. */
static int fill(struct nm_capture *c)
{
    uint64_t bytes = 0;
    uint32_t kept;
    int n = next_batch(c);

    if (n <= 0)
        return n;
    for (int i = 0; i < n; i++)
        bytes += c->batch.views[i].len;
    kept = sift(c, c->batch.views, n);
    nm_count(&c->received, n);
    nm_count(&c->bytes, bytes);
    nm_count(&c->filtered, n - kept);
    c->window.next = c->batch.views;
    nm_count(&c->window.passed, kept);
    return n;
}

int nm_capture_refill(struct nm_capture *c, struct nm_deadline *deadline)
{
    int fruitless = 0;

    for (;;) {
        uint32_t waiting;
        int n, ms;

        if (__atomic_load_n(&c->window.stop, __ATOMIC_RELAXED) && nm_capture_stopped(c))
            return NM_CAPTURE_STOPPED;
        n = fill(c);
        waiting = c->window.passed - c->window.taken;
        if (waiting)
            return waiting;
        if (n < 0)
            return n;
        if (n > 0) {
            if (++fruitless == FRUITLESS)
                return c->source->ops->keeps || nm_deadline_slice(deadline) ? -EINTR : 0;
            continue;
        }
        ms = nm_deadline_slice(deadline);
        n = c->source->ops->wait(c->source, ms);
        if (n < 0)
            return n;
        if (n == 0)
            return ms == 0 ? 0 : -EINTR;
    }
}

uint64_t nm_capture_measure(struct nm_capture *c, uint32_t n)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < n; i++)
        size += c->window.next[i].caplen;
    return size;
}

struct nm_block *nm_capture_share(struct nm_capture *c, uint32_t n, uint64_t *size)
{
    const struct nm_view *first = c->window.next, *last = first + n - 1;
    struct nm_block *block = c->batch.block;

    if (!block || nm_capture_measure(c, n) < block->capacity / WASTE)
        return NULL;
    *size = (uint64_t)(last->data - first->data) + last->caplen;
    return nm_block_hold(block);
}

void nm_capture_take(struct nm_capture *c, uint32_t n, void *data, void *columns)
{
    const struct nm_view *views = c->window.next;
    int64_t *ts_ns = columns, *offset = ts_ns + n;
    uint32_t *caplen = (uint32_t *)(offset + n), *len = caplen + n, *ifindex = len + n;
    uint16_t *linktype = (uint16_t *)(ifindex + n), *flags = linktype + n;
    int64_t at = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (data)
            memcpy((uint8_t *)data + at, views[i].data, views[i].caplen);
        else
            at = views[i].data - views[0].data;
        ts_ns[i] = views[i].ts_ns;
        offset[i] = at;
        caplen[i] = views[i].caplen;
        len[i] = views[i].len;
        ifindex[i] = views[i].ifindex;
        linktype[i] = views[i].linktype;
        flags[i] = views[i].flags & NM_VIEW_OUT;
        at += views[i].caplen;
    }
    c->window.next += n;
    nm_count(&c->window.taken, n);
}

void nm_capture_reserve(struct nm_capture *c, uint32_t capacity)
{
    c->reserve = capacity > CAPACITY ? capacity : CAPACITY;
}

void nm_capture_judge_again(struct nm_capture *c)
{
    uint32_t waiting = c->window.passed - c->window.taken, kept;

    if (waiting == 0)
        return;
    kept = sift(c, c->batch.views + (c->window.next - c->batch.views), waiting);
    nm_count(&c->filtered, waiting - kept);
    __atomic_store_n(&c->window.passed, c->window.taken + kept, __ATOMIC_RELAXED);
}

void nm_capture_filter(struct nm_capture *c, struct nm_program *program, uint16_t linktype, int flags)
{
    struct nm_program *before = c->filter.program;

    c->filter = (struct nm_filter){
        .program = nm_program_ref(program), .linktype = linktype, .beside = flags & NM_FILTER_BESIDE};
    nm_program_unref(before);
    nm_mixed_reset(&c->mixed, flags & NM_FILTER_ASK);
    if (!(flags & NM_FILTER_LATER))
        nm_capture_judge_again(c);
}

int nm_capture_filter_for(struct nm_capture *c, struct nm_program *program, uint16_t linktype)
{
    return nm_mixed_add(&c->mixed, program, linktype);
}

int nm_capture_wanted(struct nm_capture *c)
{
    return c->mixed.held ? c->mixed.wanted : -1;
}

int nm_capture_kernel_filter(struct nm_capture *c, const struct nm_insn *insns, uint32_t n)
{
    return c->source->ops->filter ? c->source->ops->filter(c->source, insns, n) : -ENOTSUP;
}

void nm_capture_direction(struct nm_capture *c, int direction)
{
    c->direction = direction;
    if (c->source->ops->direction)
        c->source->ops->direction(c->source, direction);
    nm_capture_judge_again(c);
}

/* ---- looking at it ----------------------------------------------------------------- */

void nm_capture_stats(struct nm_capture *c, struct nm_stats *stats)
{
    struct nm_counters counters = {0};

    pthread_mutex_lock(&c->life);
    if (c->source)
        c->source->ops->counters(c->source, &counters);
    else
        counters = c->final;
    pthread_mutex_unlock(&c->life);
    /* In the reverse of the order in which a packet is counted, so that no difference is negative; and
     * again while packets are taken meanwhile, so that they are not taken for waiting ones. */
    for (int tries = 0; tries < STATS_TRIES; tries++) {
        stats->delivered = __atomic_load_n(&c->window.taken, __ATOMIC_ACQUIRE);
        stats->filtered = __atomic_load_n(&c->filtered, __ATOMIC_ACQUIRE);
        stats->bytes = __atomic_load_n(&c->bytes, __ATOMIC_ACQUIRE);
        stats->received = __atomic_load_n(&c->received, __ATOMIC_ACQUIRE);
        if (stats->delivered == __atomic_load_n(&c->window.taken, __ATOMIC_ACQUIRE) &&
            stats->filtered == __atomic_load_n(&c->filtered, __ATOMIC_ACQUIRE))
            break;
    }
    stats->waiting = stats->received - stats->filtered - stats->delivered;
    stats->dropped = counters.dropped;
    stats->if_dropped = counters.if_dropped;
    stats->sent = __atomic_load_n(&c->sent, __ATOMIC_RELAXED);
    stats->unsent = __atomic_load_n(&c->unsent, __ATOMIC_RELAXED);
}

int nm_capture_fileno(struct nm_capture *c)
{
    return c->source->ops->fileno(c->source);
}

struct nm_window *nm_capture_window(struct nm_capture *c)
{
    return &c->window;
}

const char *nm_capture_name(struct nm_capture *c)
{
    return c->name;
}

uint32_t nm_capture_snaplen(struct nm_capture *c)
{
    return c->snaplen;
}

const char *nm_capture_msg(struct nm_capture *c)
{
    return c->source->msg;
}
