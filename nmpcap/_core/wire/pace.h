/* pace: being on time. Sleeps end some 50 us late; the last part of a wait is spun. */
#ifndef NMPCAP_WIRE_PACE_H
#define NMPCAP_WIRE_PACE_H

#include <stdint.h>
#include <sys/prctl.h>

#include "clock.h"

#define NM_PACE_SPIN_NS 50000
#define NM_PACE_LATE 40 /* classes of lateness: [i] less than 2^i ns, and not in [i - 1] */

/* nm_pace_begin - has this thread's sleeps end when they were to end. */
static inline void nm_pace_begin(void)
{
    prctl(PR_SET_TIMERSLACK, 1);
}

/* nm_pace_sleep - sleeps until a time of CLOCK_MONOTONIC, or a signal. */
static inline void nm_pace_sleep(int64_t until_ns)
{
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static inline unsigned nm_pace_class(int64_t late_ns)
{
    int bits = late_ns > 0 ? 64 - __builtin_clzll((uint64_t)late_ns) : 0;

    return bits < NM_PACE_LATE - 1 ? (unsigned)bits : NM_PACE_LATE - 1;
}

/* Counters are read by any thread, and written by one. */
static inline void nm_pace_count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

#endif
