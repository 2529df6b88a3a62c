/* impl: the inside of a handle, for the files that implement capture.h. */
#ifndef NMPCAP_CAPTURE_IMPL_H
#define NMPCAP_CAPTURE_IMPL_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "bpf/bpf.h"
#include "capture/filters.h"
#include "clock.h"
#include "capture/capture.h"

/* A signal handled by the interpreter between its last look at signals and the source's wait does not
 * interrupt that wait. Waiting in slices bounds what this can cost. */
#define NM_SLICE_MS 100

/* Views of one fill: with their packets they should stay in a core's own cache. */
#define NM_CAPTURE_VIEWS 512

/* Who is in the handle, and who waits to be; see turns.c. */
struct nm_turns {
    pthread_mutex_t lock; /* for the condition alone */
    pthread_cond_t left;  /* somebody has left the handle, or passed it on */
    uint32_t wanted;      /* threads that ask for a turn */
    uint32_t waiting;     /* threads that wait for `left` */
    uint32_t passed;      /* threads that have passed the handle on, and come back */
    int reader_passed;    /* one of them reads */
    uintptr_t reserved;   /* who gets it next, of those that passed it on; for the thread that is in */
    uintptr_t sending;    /* the thread whose frames are queued and not flushed yet */
};

int nm_turns_init(struct nm_turns *turns);
void nm_turns_destroy(struct nm_turns *turns);

struct nm_capture {
    struct nm_window window;
    struct nm_source *source; /* NULL once closed; read without entering only under life */
    struct nm_batch batch;
    struct nm_view *sifted;       /* room for as many as the batch: what passed, where anything can be refused or cut */
    const struct nm_view *origin; /* in the batch, as they came: packets that the program had not had when ... */
    uint32_t origins;             /* ... they were last judged; so many */
    uint32_t reserve; /* capacity asked for */
    uint32_t snaplen;
    struct nm_filter filter;
    struct nm_mixed mixed; /* besides that one */
    int direction; /* 0, NM_DIRECTION_IN, NM_DIRECTION_OUT */

    uint64_t received, bytes, filtered; /* written by the thread that has entered */
    uint64_t sent, unsent;
    struct nm_counters final; /* the source's, as they were when it was closed */

    uintptr_t owner; /* the thread that has entered, with a bit that says whether it reads (turns.c); or 0 */
    unsigned depth;
    struct nm_turns turns;
    int broken;
    int closed;
    pthread_mutex_t life; /* keeps the source alive for the calls of any thread; never held while waiting */
    char name[];
};

/* turns.c: gives those a turn who ask for one; for the thread that has entered, which comes back with what it had,
 * and has to look whether the handle has been closed meanwhile. Closes the handle if nobody is in. */
void nm_capture_pass(struct nm_capture *c);
void nm_capture_close_if_alone(struct nm_capture *c);

/* turns.c: ends the wait in progress, and has the thread that is in look at what is asked of it. */
void nm_capture_rouse(struct nm_capture *c);

/* Counters have one writer. Release, so that a thread that sees one sees those that were counted before it. */
static inline void nm_count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELEASE);
}

/* How long the next wait may be: 0 once the deadline has come. Rounded up, so as not to spin out the
 * last part of a millisecond. */
static inline int nm_deadline_slice(struct nm_deadline *deadline)
{
    int64_t now, left;

    if (deadline->timeout_ns < 0)
        return NM_SLICE_MS;
    if (deadline->timeout_ns == 0)
        return 0;
    now = nm_clock_ns(CLOCK_MONOTONIC);
    if (deadline->at_ns == 0)
        deadline->at_ns = deadline->timeout_ns < INT64_MAX - now ? now + deadline->timeout_ns : INT64_MAX;
    left = deadline->at_ns - now;
    if (left <= 0)
        return 0;
    return left < NM_SLICE_MS * INT64_C(1000000) ? (int)((left + 999999) / 1000000) : NM_SLICE_MS;
}

#endif
