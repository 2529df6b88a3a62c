/* Reading: a source's next packets before direction, filter and snaplen, and into the window. */
#include <stdlib.h>
#include <string.h>

#include "capture/impl.h"

/* Fills that the filter left nothing of before the caller gets a chance to look after signals, and the deadline
 * its turn. */
#define FRUITLESS 64

static uint32_t keep_direction(struct nm_view *views, uint32_t n, int direction)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++)
        if (((views[i].flags & NM_VIEW_OUT) != 0) == (direction == NM_DIRECTION_OUT))
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
    struct nm_view *views = malloc(c->reserve * sizeof(*views)), *sifted = malloc(c->reserve * sizeof(*sifted));

    if (views && sifted) {
        free(c->batch.views);
        free(c->sifted);
        c->batch.views = views;
        c->sifted = sifted;
        c->batch.capacity = c->reserve;
    } else {
        free(views);
        free(sifted);
    }
    c->reserve = c->batch.capacity; /* without memory the batches stay as they are */
}

/* Whether nothing can be refused or cut, so that the views are the window. */
static bool passes_all(const struct nm_capture *c)
{
    return !c->filter.program && !c->mixed.asks && !c->direction && c->snaplen >= NM_MAXIMUM_SNAPLEN;
}

/* Makes the window of n packets as they came. Returns how many are in it. */
static uint32_t open_window(struct nm_capture *c, const struct nm_view *views, uint32_t n)
{
    c->origin = views;
    c->origins = n;
    if (passes_all(c)) {
        c->window.next = views;
        return n;
    }
    memcpy(c->sifted, views, n * sizeof(*views));
    c->window.next = c->sifted;
    return sift(c, c->sifted, n);
}

/* Packets to be sifted: those that had to wait for a filter, or else the source's next. */
static int next_batch(struct nm_capture *c)
{
    int n = (int)c->mixed.held;

    if (!n) {
        if (c->reserve != c->batch.capacity)
            reserve(c);
        c->batch.count = 0;
        c->batch.slab = NULL;
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
    int n;

    c->origins = 0;
    n = next_batch(c);
    if (n <= 0)
        return n;
    for (int i = 0; i < n; i++)
        bytes += c->batch.views[i].len;
    kept = open_window(c, c->batch.views, (uint32_t)n);
    nm_count(&c->received, n);
    nm_count(&c->bytes, bytes);
    nm_count(&c->filtered, n - kept);
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
                return c->source->ops->stored || nm_deadline_slice(deadline) ? -EINTR : 0;
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

void nm_capture_reserve(struct nm_capture *c, uint32_t capacity)
{
    c->reserve = capacity > NM_CAPTURE_VIEWS ? capacity : NM_CAPTURE_VIEWS;
}

/* How many of the packets as they came the program has had, or has been told by what came later that it would not. */
static uint32_t had(const struct nm_capture *c)
{
    bool all_in = c->window.next >= c->origin && c->window.next <= c->origin + c->origins;
    const struct nm_view *last = c->window.next - 1;
    uint32_t i;

    if (all_in)
        return (uint32_t)(c->window.next - c->origin);
    if (c->window.next == c->sifted)
        return 0;
    /* Views of one batch lie at places of their own, but for empty ones. */
    for (i = 0; i < c->origins; i++)
        if (c->origin[i].data == last->data && c->origin[i].ts_ns == last->ts_ns && c->origin[i].len == last->len)
            break;
    return i < c->origins ? i + 1 : c->origins;
}

void nm_capture_judge_again(struct nm_capture *c)
{
    uint32_t waiting = (uint32_t)(c->window.passed - c->window.taken), gone, left, kept;

    if (!c->origins)
        return;
    gone = had(c);
    left = c->origins - gone;
    kept = open_window(c, c->origin + gone, left);
    /* What the filter before refused of them, and what this one does. */
    nm_count(&c->filtered, (uint64_t)(left - kept) - (left - waiting));
    __atomic_store_n(&c->window.passed, c->window.taken + kept, __ATOMIC_RELEASE);
}

void nm_capture_filter(struct nm_capture *c, struct nm_program *program, uint16_t linktype, int flags)
{
    struct nm_program *before = c->filter.program;

    c->filter = (struct nm_filter){
        .program = nm_program_ref(program), .linktype = linktype, .beside = flags & NM_FILTER_TAGS_ASIDE};
    nm_program_unref(before);
    nm_mixed_reset(&c->mixed, flags & NM_FILTER_EACH_LINKTYPE);
    if (!(flags & NM_FILTER_NEW_ONLY))
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
