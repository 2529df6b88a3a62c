/*
 * writer: records gathered in a buffer, and the buffer handed on whole.
 *
 * buffer[0, used) is pending and starts at a record boundary; buffer[0, sent) of it has been
 * written already. The buffer is emptied only once all of it is written, so that a failure
 * loses nothing and a cut record can be found again.
 */
#ifndef NMPCAP_SAVEFILE_WRITER_H
#define NMPCAP_SAVEFILE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source.h"
#include "savefile/savefile.h"

/* A packet on its way into a file. */
struct nm_record {
    const struct nm_view *view;
    uint32_t source;
    const uint8_t *options; /* pcapng: encoded, with their end, a multiple of 4 bytes */
    uint32_t options_len;
};

struct nm_writer_format {
    /* Length of what stands before the first packet, and its bytes. */
    size_t (*header_len)(const struct nm_writer *);
    void (*header)(struct nm_writer *, uint8_t *to);

    /* Whether nothing has to come before this packet. */
    bool (*knows)(struct nm_writer *, const struct nm_record *);

    /* Bytes that a packet takes, with all that has to come before it; or a negative errno, with the
     * message set. */
    int64_t (*measure)(struct nm_writer *, const struct nm_record *);

    /* Lays it down at to, which has room for what measure said. */
    void (*encode)(struct nm_writer *, const struct nm_record *, uint8_t *to);

    /* Length of the record at bytes, and whether it is a packet. */
    size_t (*length)(const struct nm_writer *, const uint8_t *bytes, bool *packet);
};

/* An interface that a pcapng writer has described in the section it writes. */
struct nm_written_interface {
    uint32_t source; /* of the packets, and which of its interfaces */
    uint32_t ifindex;
    uint32_t linktype;
    bool matches;     /* false: copied with its block, and only copied packets refer to it */
};

struct nm_writer {
    const struct nm_writer_format *format;
    struct nm_writer_config config;
    uint8_t *section_options;
    bool swapped; /* pcapng: a copied section is of the other byte order */
    int fd;     /* -1: the caller takes the bytes */
    bool plain; /* a regular file or a disk: writing never waits long */
    bool cannot_try; /* it has no way to write only as much as is taken without waiting */
    uint8_t *buffer;
    size_t capacity;
    size_t used;
    size_t sent;
    size_t header;     /* bytes of file header at the buffer's start: no record */
    uint64_t position; /* in the file of buffer[0] */
    uint64_t packets;

    struct nm_written_interface *interfaces; /* pcapng, of the section; see described.c */
    uint32_t *buckets;
    uint32_t interface_count;
    uint32_t interface_capacity;
    uint32_t interface_last; /* the one that the last packet was of */

    char msg[NM_MSG_SIZE];
};

extern const struct nm_writer_format nm_writer_pcap;
extern const struct nm_writer_format nm_writer_pcapng;

/* Notes the section's next interface; false where there is no memory, and the message says so. */
bool nm_writer_describe(struct nm_writer *writer, const struct nm_written_interface *interface);

/* The number of the interface that such packets are of, or interface_count where none has been described. Of two
 * that were described alike it is the first, or the one that the last packet was of. */
uint32_t nm_writer_described(const struct nm_writer *writer, uint32_t source, uint32_t linktype, uint32_t ifindex);

/* A section begins, without any. */
void nm_writer_forget(struct nm_writer *writer);

/* Where the next len bytes go, or NULL with *error set. What is pending may be written first. */
uint8_t *nm_writer_reserve(struct nm_writer *writer, size_t len, int *error);

/* Length of the file once everything pending is written. */
static inline uint64_t nm_writer_len(const struct nm_writer *writer)
{
    return writer->position + writer->used;
}

/* The captured bytes that are kept of a packet. */
static inline uint32_t nm_writer_caplen(const struct nm_writer *writer, const struct nm_view *view)
{
    return view->caplen < writer->config.snaplen ? view->caplen : writer->config.snaplen;
}

#endif
