/* Unaligned numbers in either byte order. */
#ifndef NMPCAP_SAVEFILE_BYTES_H
#define NMPCAP_SAVEFILE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t nm_get16(const uint8_t *from, bool swapped)
{
    uint16_t value;

    memcpy(&value, from, sizeof value);
    return swapped ? __builtin_bswap16(value) : value;
}

static inline uint32_t nm_get32(const uint8_t *from, bool swapped)
{
    uint32_t value;

    memcpy(&value, from, sizeof value);
    return swapped ? __builtin_bswap32(value) : value;
}

static inline uint64_t nm_get64(const uint8_t *from, bool swapped)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return swapped ? __builtin_bswap64(value) : value;
}

static inline void nm_put16(uint8_t *to, uint16_t value, bool swapped)
{
    value = swapped ? __builtin_bswap16(value) : value;
    memcpy(to, &value, sizeof value);
}

static inline void nm_put32(uint8_t *to, uint32_t value, bool swapped)
{
    value = swapped ? __builtin_bswap32(value) : value;
    memcpy(to, &value, sizeof value);
}

#endif
