/*
 * sequence.h - follows numbers that count packets, of 32 bits and going round: what is missing, late, there twice.
 *
 * The first number seen is where it begins. A number ahead of the expected one opens a gap, which those that come
 * late close again; what came is remembered for the last NM_SEQUENCE_WINDOW numbers.
 */
#ifndef NMPCAP_TRAFFIC_SEQUENCE_H
#define NMPCAP_TRAFFIC_SEQUENCE_H

#include <stdint.h>

#pragma GCC visibility push(default)

#define NM_SEQUENCE_WINDOW 65536
#define NM_SEQUENCE_GAPS 256 /* gaps kept for nm_sequence_gap */

struct nm_sequence;

struct nm_sequence_counters {
    uint64_t gaps;       /* times that numbers were left out */
    uint64_t missing;    /* numbers left out, less those that came late */
    uint64_t reordered;  /* numbers that came late */
    uint64_t duplicates; /* numbers that had come before */
    uint64_t stale;      /* from before the window: late or twice, nobody knows; still missing if they were */
    uint64_t expected;   /* the next number */
};

/* The numbers from first on, so many. */
struct nm_gap {
    uint32_t first;
    uint32_t count;
};

struct nm_sequence *nm_sequence_new(void);
void nm_sequence_free(struct nm_sequence *sequence);

/* nm_sequence_see - a number has come; those of one thread. */
void nm_sequence_see(struct nm_sequence *sequence, uint32_t number);

/* nm_sequence_count, nm_sequence_gap - any thread. The n-th gap of all; 0: it is not one of the last
 * NM_SEQUENCE_GAPS, or there has not been one. */
void nm_sequence_count(const struct nm_sequence *sequence, struct nm_sequence_counters *counters);
int nm_sequence_gap(const struct nm_sequence *sequence, uint64_t n, struct nm_gap *gap);

#pragma GCC visibility pop

#endif
