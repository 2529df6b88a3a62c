/*
 * writer: records gathered in a block, and the block handed on whole.
 *
 * block[0, used) is pending and starts at a record boundary; block[0, sent) of it has been
 * written already. The block is emptied only once all of it is written, so that a failure
 * loses nothing and a cut record can be found again.
 */
#ifndef NMPCAP_SAVEFILE_WRITER_H
#define NMPCAP_SAVEFILE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source.h"
#include "savefile/savefile.h"

struct nm_writer_format {
    /* Bytes that view takes as a record, or a negative errno with the message set. */
    int64_t (*measure)(struct nm_writer *, const struct nm_view *);

    /* Lays the record down at to, which has room for what measure said. */
    void (*encode)(struct nm_writer *, const struct nm_view *, uint8_t *to);

    /* Length of the whole record at bytes. */
    size_t (*length)(const struct nm_writer *, const uint8_t *bytes);
};

struct nm_writer {
    const struct nm_writer_format *format;
    struct nm_writer_config config;
    int fd; /* -1: the caller takes the bytes */
    uint8_t *block;
    size_t capacity;
    size_t used;
    size_t sent;
    size_t header;     /* bytes of file header at the block's start: no record */
    uint64_t position; /* in the file of block[0] */
    uint64_t packets;
    char msg[NM_MSG_SIZE];
};

extern const struct nm_writer_format nm_writer_pcap;

/* Where the next len bytes go, or NULL with *error set. What is pending may be written first. */
uint8_t *nm_writer_reserve(struct nm_writer *writer, size_t len, int *error);

/* Lays the file header down. */
void nm_writer_pcap_header(struct nm_writer *writer, uint8_t *to);

enum { NM_PCAP_FILE_HEADER = 24 };

#endif
