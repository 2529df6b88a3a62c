/* Where a packet has its sequence number: behind UDP, over IPv4 or IPv6 without extension headers. */
#include <stdbool.h>

#include "bytes.h"
#include "traffic/inlet.h"

#define ETHERNET 14u
#define UDP 17

static bool number_of(const uint8_t *data, uint32_t length, uint32_t *number)
{
    const bool swapped = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    uint32_t at;

    if (length < ETHERNET + 20)
        return false;
    switch (nm_get16(data + 12, swapped)) {
    case 0x0800:
        at = ETHERNET + (data[ETHERNET] & 15u) * 4;
        if (data[ETHERNET + 9] != UDP || nm_get16(data + ETHERNET + 6, swapped) & 0x1fff)
            return false;
        break;
    case 0x86dd:
        at = ETHERNET + 40;
        if (data[ETHERNET + 6] != UDP)
            return false;
        break;
    default: return false;
    }
    if (length < at + 12)
        return false;
    *number = nm_get32(data + at + 8, swapped);
    return true;
}

void nm_sink_see(struct nm_sink *sink, const uint8_t *data, uint32_t length, struct nm_haul *haul)
{
    uint32_t header = sink->config.header, number;

    if (length > header && number_of(data + header, length - header, &number))
        nm_sequence_see(sink->sequence, number);
    else
        haul->not_numbered++;
}
