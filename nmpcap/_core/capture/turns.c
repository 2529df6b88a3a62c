/*
 * Who is in the handle.
 *
 * One thread at a time is, so that a source needs to know of no others. A thread that reads stays in while it
 * waits; others (who send, set the filter or the direction ...) ask for a turn: they say so, rouse the reader,
 * and it passes them the handle between two packets, or out of its wait, and gets it back after one turn.
 * A sender that waits for room passes it on in the same way, so that one thread can read what makes room for another.
 *
 *     who wants a turn                      who is in
 *     counts itself in wanted               at each look at window.stop:
 *     sets window.stop, wakes the source    wanted? reserves the handle for itself, leaves, waits
 *     enters, works, leaves                 is handed it by who leaves
 *
 * A second thread that reads gets -EBUSY at once: packets go to one.
 */
#include <time.h>

#include "capture/impl.h"

int nm_turns_init(struct nm_turns *turns)
{
    pthread_condattr_t attr;
    int error = pthread_mutex_init(&turns->lock, NULL);

    if (error)
        return error;
    error = pthread_condattr_init(&attr);
    if (!error) {
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        error = pthread_cond_init(&turns->left, &attr);
        pthread_condattr_destroy(&attr);
    }
    if (error)
        pthread_mutex_destroy(&turns->lock);
    return error;
}

void nm_turns_destroy(struct nm_turns *turns)
{
    pthread_cond_destroy(&turns->left);
    pthread_mutex_destroy(&turns->lock);
}

/* What stands in owner: the thread, and whether it reads. A thread's address is even. */
enum { ASIDE = 1 };

static uintptr_t self(bool aside)
{
    return (uintptr_t)pthread_self() | (aside ? ASIDE : 0);
}

static bool is_mine(uintptr_t owner)
{
    return (owner | ASIDE) == self(true);
}

int nm_capture_is_closed(struct nm_capture *c)
{
    /* Sequentially consistent, as the store in close and both ends of owner: either the thread that
     * leaves sees closed, or the thread that closes finds nobody in. */
    return __atomic_load_n(&c->closed, __ATOMIC_SEQ_CST);
}

void nm_capture_rouse(struct nm_capture *c)
{
    __atomic_store_n(&c->window.stop, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&c->life);
    if (c->source && c->source->ops->wake)
        c->source->ops->wake(c->source);
    pthread_mutex_unlock(&c->life);
}

static uintptr_t owner_of(struct nm_capture *c)
{
    return __atomic_load_n(&c->owner, __ATOMIC_SEQ_CST);
}

static bool claim(struct nm_capture *c, uintptr_t me)
{
    uintptr_t nobody = 0;

    return __atomic_compare_exchange_n(&c->owner, &nobody, me, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* Gives the handle up: to who has reserved it, or to anybody. Those who wait look again. */
static void release(struct nm_capture *c)
{
    struct nm_turns *t = &c->turns;
    uintptr_t heir = t->reserved;

    t->reserved = 0;
    __atomic_store_n(&c->owner, heir, __ATOMIC_SEQ_CST);
    /* Sequentially consistent, as the counting of who waits: it sees the handle free, or is seen here. */
    if (__atomic_load_n(&t->waiting, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&t->lock);
        pthread_cond_broadcast(&t->left);
        pthread_mutex_unlock(&t->lock);
    }
}

/* The end of a slice: a look after signals, and in case a wake-up went to another wait. */
static struct timespec slice_from_now(void)
{
    int64_t end = nm_clock_ns(CLOCK_MONOTONIC) + NM_SLICE_MS * INT64_C(1000000);

    return (struct timespec){.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
}

/* Waits until the handle is this thread's, or a slice of time is up. */
static bool wait_for_turn(struct nm_capture *c, uintptr_t me)
{
    struct timespec until = slice_from_now();
    struct nm_turns *t = &c->turns;
    int error = 0;

    pthread_mutex_lock(&t->lock);
    __atomic_add_fetch(&t->waiting, 1, __ATOMIC_SEQ_CST);
    while (owner_of(c) != me && !claim(c, me) && !error)
        error = pthread_cond_timedwait(&t->left, &t->lock, &until);
    __atomic_sub_fetch(&t->waiting, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&t->lock);
    return owner_of(c) == me;
}

/* Lets go of the source; for the thread that has entered. */
static void drop_source(struct nm_capture *c)
{
    struct nm_source *source;

    pthread_mutex_lock(&c->life);
    source = c->source;
    c->source = NULL;
    if (source && source->ops->counters)
        source->ops->counters(source, &c->final);
    pthread_mutex_unlock(&c->life);
    if (source)
        source->ops->close(source);
}

void nm_capture_close_if_alone(struct nm_capture *c)
{
    if (!claim(c, self(true)))
        return;
    if (!__atomic_load_n(&c->turns.passed, __ATOMIC_SEQ_CST)) /* else one is to come back, and closes when it leaves */
        drop_source(c);
    release(c);
}

/* This thread is in now, for the first time: 0, or -EBADF and out again. */
static int begin(struct nm_capture *c)
{
    c->depth = 1;
    if (!nm_capture_is_closed(c))
        return 0;
    nm_capture_leave(c);
    return -EBADF;
}

/* Asks for a turn, for a slice of time: 0, -EINTR or -EBADF. */
static int ask(struct nm_capture *c, bool aside)
{
    bool mine;

    __atomic_add_fetch(&c->turns.wanted, 1, __ATOMIC_SEQ_CST);
    nm_capture_rouse(c);
    mine = wait_for_turn(c, self(aside));
    __atomic_sub_fetch(&c->turns.wanted, 1, __ATOMIC_SEQ_CST);
    if (mine)
        return begin(c);
    return nm_capture_is_closed(c) ? -EBADF : -EINTR;
}

/* Once more, by the thread that is in. */
static int enter_again(struct nm_capture *c)
{
    if (nm_capture_is_closed(c))
        return -EBADF;
    c->depth++;
    return 0;
}

int nm_capture_enter(struct nm_capture *c)
{
    uintptr_t me = self(false), owner = __atomic_load_n(&c->owner, __ATOMIC_RELAXED);

    if (is_mine(owner))
        return enter_again(c);
    /* Closed first: a thread that comes while another is letting go hears of the closing, not of the thread. */
    if (nm_capture_is_closed(c))
        return -EBADF;
    if (__atomic_load_n(&c->turns.reader_passed, __ATOMIC_SEQ_CST))
        return -EBUSY;
    owner = 0;
    if (__atomic_compare_exchange_n(&c->owner, &owner, me, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return begin(c);
    return owner & ASIDE ? -EINTR : -EBUSY;
}

int nm_capture_await(struct nm_capture *c)
{
    uintptr_t owner = owner_of(c);

    if (nm_capture_is_closed(c))
        return -EBADF;
    if ((owner && !(owner & ASIDE)) || __atomic_load_n(&c->turns.reader_passed, __ATOMIC_SEQ_CST))
        return -EBUSY;
    return ask(c, false);
}

int nm_capture_enter_aside(struct nm_capture *c, int patient)
{
    if (is_mine(owner_of(c)))
        return enter_again(c);
    if (nm_capture_is_closed(c))
        return -EBADF;
    if (claim(c, self(true)))
        return begin(c);
    return patient ? ask(c, true) : -EINTR;
}

void nm_capture_leave(struct nm_capture *c)
{
    if (--c->depth)
        return;
    release(c);
    if (nm_capture_is_closed(c))
        nm_capture_close_if_alone(c);
}

/* Waits for the handle to come back from those who wanted it: from who leaves it, or by itself once nobody does. */
static void wait_for_return(struct nm_capture *c, uintptr_t me)
{
    struct nm_turns *t = &c->turns;

    pthread_mutex_lock(&t->lock);
    __atomic_add_fetch(&t->waiting, 1, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&t->left);
    while (owner_of(c) != me) {
        struct timespec until = slice_from_now();

        if (!__atomic_load_n(&t->wanted, __ATOMIC_SEQ_CST) && claim(c, me)) {
            t->reserved = 0;
            break;
        }
        pthread_cond_timedwait(&t->left, &t->lock, &until);
    }
    __atomic_sub_fetch(&t->waiting, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&t->lock);
}

void nm_capture_pass(struct nm_capture *c)
{
    struct nm_turns *t = &c->turns;
    uintptr_t me = owner_of(c);
    unsigned depth;

    if (!is_mine(me) || (!t->reserved && !__atomic_load_n(&t->wanted, __ATOMIC_SEQ_CST)))
        return;
    depth = c->depth;
    __atomic_add_fetch(&t->passed, 1, __ATOMIC_SEQ_CST);
    if (!(me & ASIDE))
        __atomic_store_n(&t->reader_passed, 1, __ATOMIC_SEQ_CST);
    if (t->reserved) { /* another has passed it on before: that one's turn, and then this one's again */
        __atomic_add_fetch(&t->wanted, 1, __ATOMIC_SEQ_CST);
        release(c);
        do
            nm_capture_rouse(c);
        while (!wait_for_turn(c, me));
        __atomic_sub_fetch(&t->wanted, 1, __ATOMIC_SEQ_CST);
    } else {
        t->reserved = me;
        __atomic_store_n(&c->owner, 0, __ATOMIC_SEQ_CST);
        wait_for_return(c, me);
    }
    c->depth = depth;
    if (!(me & ASIDE))
        __atomic_store_n(&t->reader_passed, 0, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&t->passed, 1, __ATOMIC_SEQ_CST);
}
