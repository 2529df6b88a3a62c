/*
 * format: a savefile as a source, between its reader and the formats. reader.c moves bytes and reports; a format turns the
 * bytes at hand into views and never reads, waits or allocates for a packet.
 */
#ifndef NMPCAP_SAVEFILE_FORMAT_H
#define NMPCAP_SAVEFILE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "source.h"
#include "savefile/input.h"
#include "savefile/savefile.h"

struct nm_reader;

/* What a format's parse stopped at. */
enum nm_parse {
    NM_PARSE_FULL,    /* the batch is full, or all that begin asked for has been read */
    NM_PARSE_MORE,    /* the next step needs reader->want bytes from head on */
    NM_PARSE_DAMAGED, /* nm_reader_damaged has been called */
    NM_PARSE_FAILED,  /* out of memory: reader->failure says so */
};

struct nm_format {
    /* Uses up the records at hand. batch is NULL while begin runs: it stops at the first packet. */
    enum nm_parse (*parse)(struct nm_reader *, struct nm_batch *batch);

    /* Says what is missing where the input ends left bytes after head, too few for parse. */
    void (*truncated)(struct nm_reader *, size_t left);

    /* Moves head past damage to the next believable record. MORE: none in the bytes at hand,
     * which have been used up as far as none can start there. */
    enum nm_parse (*resync)(struct nm_reader *, bool ended);
};

struct nm_saved_interface {
    uint32_t linktype;
    uint32_t file_linktype;
    uint32_t snaplen; /* as written */
    uint32_t limit;   /* and as applied */
    uint32_t section;
    bool swapped;
    int64_t tsoffset_s;
    int64_t offset_ns; /* the same */
    uint64_t units;    /* a second */
    uint64_t scale;    /* ns a unit, or 0 where that is no whole number */
    uint64_t fast_max; /* see timestamp.c */
    uint8_t *options;
    uint32_t options_len;
};

/* The chains of record headers that begin in a part of a damaged pcap file, see pcap_salvage.c. */
struct nm_chains {
    uint32_t *of; /* for each byte */
    uint64_t from;
    size_t len;
    bool ended; /* with the input */
};

struct nm_reader {
    struct nm_source base;
    struct nm_input in;
    const struct nm_format *format;
    struct nm_savefile_info info;
    int flags;

    size_t want;      /* set with NM_PARSE_MORE */
    bool begun;
    bool over;        /* damage has been reported: nothing follows */
    bool resyncing;
    bool at_end;      /* salvage: nothing more can be read now */
    int failure;      /* to be reported once the views before it have been used; negative errno */
    uint64_t failure_at;
    struct nm_savefile_damage damage;
    uint64_t received;
    uint64_t bytes;
    uint64_t batch_bytes; /* lens of the batch being filled, summed by parse */

    /* pcap */
    uint32_t limit;       /* caplens above this are cut, or damage */
    uint32_t max_snaplen; /* of the link type */
    uint8_t lengths;      /* order of caplen and len, see pcap_read.c */
    struct nm_chains chains;
    uint64_t proved_at; /* salvage: this record needs no other to speak for it */
    uint64_t broken_at; /* salvage: what begins here is known to be none */

    /* pcapng */
    struct nm_saved_interface *interfaces;
    uint32_t interface_count;
    uint32_t interface_capacity;
    uint64_t memory_left; /* for interfaces */
    uint32_t section;       /* current, from 0 */
    uint32_t section_first; /* the interface that is number 0 of it */
    uint32_t max_block;
    bool in_section;
    bool swapped;          /* byte order of the current section */
    bool resyncing_inside; /* resync has left the block in which damage was met */
};

extern const struct nm_format nm_format_unknown;
extern const struct nm_format nm_format_pcap;
extern const struct nm_format nm_format_pcapng;

/* Records damage at offset at; text is printf's. */
enum nm_parse nm_reader_damaged(struct nm_reader *reader, uint64_t at, const char *text, ...)
    __attribute__((format(printf, 3, 4)));

/* A new, zeroed interface at the end of the table; NULL out of memory, which is then the failure. */
struct nm_saved_interface *nm_reader_add_interface(struct nm_reader *reader);

/* Takes the last one away again. */
void nm_reader_drop_interface(struct nm_reader *reader);

/* parse's MORE. */
static inline enum nm_parse nm_reader_want(struct nm_reader *reader, size_t len)
{
    reader->want = len;
    return NM_PARSE_MORE;
}

/* Sets head, fills in reader->info and the format, once the magic number is known. */
enum nm_parse nm_pcap_begin(struct nm_reader *reader);
bool nm_pcap_is_magic(const uint8_t *bytes);
bool nm_pcapng_is_magic(const uint8_t *bytes);

/* Some link types prefix packets with a structure of the capturing kernel, in its byte order: puts that
 * into ours, in place, and its lengths right. */
bool nm_pseudo_header_has(uint32_t linktype);
void nm_pseudo_header_fix(struct nm_view *view, bool swapped);

#endif
