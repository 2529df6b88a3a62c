/* clock.h - now, in nanoseconds. */
#ifndef NMPCAP_CLOCK_H
#define NMPCAP_CLOCK_H

#include <stdint.h>
#include <time.h>

/* nm_clock_ns - a clock's time: CLOCK_MONOTONIC for spans, CLOCK_REALTIME since the epoch, UTC. */
static inline int64_t nm_clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

#endif
