/*
 * stream.h - the frames of a generator, one after the other: a template, and what changes from frame to frame.
 *
 * Fields sweep their ranges like the digits of a number, the first one fastest; lengths are drawn from a range; a
 * sequence number counts. Checksums are right for each frame: the template's are summed once, and what changes is
 * added. A buffer that holds an earlier frame of the stream needs only the changes.
 */
#ifndef NMPCAP_TRAFFIC_STREAM_H
#define NMPCAP_TRAFFIC_STREAM_H

#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_stream;

#define NM_STREAM_FIELDS 8
#define NM_STREAM_LONGEST 65535 /* bytes of a frame */

struct nm_stream_field {
    uint32_t offset;    /* into the frame, even */
    uint32_t size;      /* bytes, even, 8 at most; big-endian */
    uint64_t low, high; /* the range, both inclusive */
    uint32_t random;    /* 1: drawn from it anew for each frame */
};

struct nm_stream_config {
    const uint8_t *frame;   /* the template, longest bytes; copied */
    uint32_t shortest;      /* lengths are drawn from shortest to longest */
    uint32_t longest;
    uint32_t ip_version;    /* 4: IPv4 without options and UDP at ip_offset; 6: IPv6 and UDP; 0: neither, the frame
                             * stays as it is but for fields and lengths */
    uint32_t ip_offset;     /* even */
    uint32_t sequence;      /* 1: the first four bytes of the UDP payload count the frames, big-endian */
    uint64_t seed;          /* of what is drawn */
    uint32_t num_fields;
    struct nm_stream_field field[NM_STREAM_FIELDS];
};

/* nm_stream_new - 0; -EINVAL: a field or header does not lie in the shortest frame, or a range is none; -ENOMEM. */
int nm_stream_new(const struct nm_stream_config *config, struct nm_stream **stream);
void nm_stream_free(struct nm_stream *stream);

/* nm_stream_same - not 0 if every frame is the same. */
int nm_stream_same(const struct nm_stream *stream);

uint32_t nm_stream_longest(const struct nm_stream *stream);

/*
 * nm_stream_next - the next frame.
 *
 * @to     room for the longest one
 * @fresh  0: it holds an earlier frame of this stream, and only what changes is written
 *
 * Returns its length.
 */
uint32_t nm_stream_next(struct nm_stream *stream, uint8_t *to, int fresh);

#pragma GCC visibility pop

#endif
