/*
 * draw.h - chance as a function: what is drawn for a packet depends on the seed, the direction, the impairment
 * and the packet's index, and on nothing else.
 *
 * So neither batches nor threads nor another impairment move a pattern. Each stream is SplitMix64 (Steele, Lea,
 * Flood 2014) with a start of its own.
 */
#ifndef NMPCAP_WIRE_DRAW_H
#define NMPCAP_WIRE_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#define NM_DRAW_STEP UINT64_C(0x9e3779b97f4a7c15)

enum nm_draw {
    NM_DRAW_LOSS,
    NM_DRAW_BURST_LOSS,
    NM_DRAW_BURST_STATE,
    NM_DRAW_CORRUPT,
    NM_DRAW_CORRUPT_BIT,
    NM_DRAW_JITTER,
    NM_DRAW_REORDER,
    NM_DRAW_DUPLICATE,
    NM_DRAWS,
};

static inline uint64_t nm_draw_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Where a stream starts. */
static inline uint64_t nm_draw_stream(uint64_t seed, uint32_t direction, enum nm_draw what)
{
    return nm_draw_mix(nm_draw_mix(seed) ^ ((uint64_t)direction << 32 | (uint64_t)what));
}

static inline uint64_t nm_draw_at(uint64_t stream, uint64_t index)
{
    return nm_draw_mix(stream + (index + 1) * NM_DRAW_STEP);
}

/* Whether something of a probability, in 2^-53, happens. */
static inline bool nm_draw_happens(uint64_t stream, uint64_t index, uint64_t probability)
{
    return probability && nm_draw_at(stream, index) >> 11 < probability;
}

/* A number below n. */
static inline uint64_t nm_draw_below(uint64_t stream, uint64_t index, uint64_t n)
{
    return (uint64_t)((unsigned __int128)nm_draw_at(stream, index) * n >> 64);
}

#endif
