/* What a test in C leaves to chance, so that NMPCAP_TEST_SEED repeats it; and the time. */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

/* Begins a row of numbers, and prints what repeats it. */
static inline void chance_begin(void)
{
    const char *seed = getenv("NMPCAP_TEST_SEED");

    random_state = (seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL)) | 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("NMPCAP_TEST_SEED=%llu\n", (unsigned long long)random_state);
}

/* One of 0 to below - 1. */
static inline uint64_t pick(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static inline uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
