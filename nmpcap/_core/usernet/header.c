/*
 * Packets between ports whose virtio-net headers differ in length (0, 10 or 12 bytes): the
 * sender's header comes off, the receiver's goes on.
 *
 * Between two headers the first ten bytes, which mean the same, are kept. A receiver without one
 * gets a finished frame: a checksum that the sender left to be filled in is filled in. What the
 * sender left to be cut into segments (GSO) has no frame to be finished as and is not delivered.
 */
#include <string.h>

#include "usernet/header.h"

#define SHORT 10u /* of the header; the long one has a count of buffers behind it */
#define NEEDS_CSUM 1u

struct virtio_header { /* virtio 1.2, 5.1.6 */
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers;
};

static uint16_t internet_checksum(const uint8_t *data, uint32_t len)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)(data[i] << 8 | data[i + 1]);
    if (len % 2)
        sum += (uint32_t)data[len - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* frame: all of it, in one place. The field to fill holds the sum of the pseudo header. */
static void fill_checksum(uint8_t *frame, uint32_t len, const struct virtio_header *header)
{
    uint32_t at = (uint32_t)header->csum_start + header->csum_offset;
    uint16_t sum;

    if (!(header->flags & NEEDS_CSUM) || at + 2 > len || header->csum_start >= len)
        return;
    sum = internet_checksum(frame + header->csum_start, len - header->csum_start);
    frame[at] = (uint8_t)(sum >> 8);
    frame[at + 1] = (uint8_t)sum;
}

/* Whether a packet can lose, get or change its header. Only what the sender left undone stands in
 * the way: segments, or a checksum over more than one slot. */
bool nmu_convertible(const uint8_t *from, uint32_t from_header, uint32_t to_header, bool whole)
{
    struct virtio_header header = {0};

    memcpy(&header, from, from_header);
    return to_header || (!header.gso_type && (whole || !(header.flags & NEEDS_CSUM)));
}

/*
 * nmu_convert_header - the first slot of a packet, from one header length to another.
 *
 * to has room bytes; from has len, the header among them, and is the whole packet if whole.
 * Returns the bytes written, or UINT32_MAX where the packet cannot be had without its header.
 */
uint32_t nmu_convert_header(uint8_t *to, uint32_t room, uint32_t to_header, const uint8_t *from, uint32_t len,
                            uint32_t from_header, bool whole)
{
    struct virtio_header header = {0};
    uint32_t payload = len - from_header;

    memcpy(&header, from, from_header);
    if (to_header + payload > room || !nmu_convertible(from, from_header, to_header, whole))
        return UINT32_MAX;
    if (to_header) {
        memset(to, 0, to_header);
        memcpy(to, &header, from_header ? SHORT : 0);
    }
    memcpy(to + to_header, from + from_header, payload);
    if (!to_header)
        fill_checksum(to, payload, &header);
    return to_header + payload;
}
