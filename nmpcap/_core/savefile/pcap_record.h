/* Record headers of classic pcap files, in all their variants. */
#ifndef NMPCAP_SAVEFILE_PCAP_RECORD_H
#define NMPCAP_SAVEFILE_PCAP_RECORD_H

#include "bytes.h"
#include "savefile/format.h"

enum { RECORD_HEADER = 16, MODIFIED_HEADER = 24 };

/* How caplen and len are ordered in a record header. */
enum { LENGTHS_NORMAL, LENGTHS_EXCHANGED, LENGTHS_PERHAPS_EXCHANGED };

/* What kind of record headers a file has: constant in each of the loops made from it. */
struct nm_record_layout {
    bool swapped;
    bool nano;
    bool modified;
    uint8_t lengths;
};

struct nm_pcap_record {
    int64_t ts_ns;
    uint32_t fraction;
    uint32_t caplen;
    uint32_t len;
};

static inline __attribute__((always_inline)) struct nm_pcap_record
nm_pcap_record_at(const uint8_t *at, struct nm_record_layout layout)
{
    struct nm_pcap_record record = {
        .fraction = nm_get32(at + 4, layout.swapped),
        .caplen = nm_get32(at + 8, layout.swapped),
        .len = nm_get32(at + 12, layout.swapped),
    };

    /* Seconds are unsigned, good until 2106; a fraction of a second or more counts as what it says. */
    record.ts_ns = (int64_t)nm_get32(at, layout.swapped) * 1000000000 +
                   (int64_t)record.fraction * (layout.nano ? 1 : 1000);
    if (layout.lengths == LENGTHS_EXCHANGED ||
        (layout.lengths == LENGTHS_PERHAPS_EXCHANGED && record.caplen > record.len)) {
        uint32_t caplen = record.len;

        record.len = record.caplen;
        record.caplen = caplen;
    }
    return record;
}

static inline struct nm_record_layout nm_record_layout_of(const struct nm_reader *reader)
{
    return (struct nm_record_layout){
        .swapped = reader->info.swapped,
        .nano = reader->info.nano,
        .modified = reader->info.modified,
        .lengths = reader->lengths,
    };
}

/* Whether nothing in a header speaks against it. One of nothing but zeros is a hole in the file. */
static inline bool nm_pcap_record_possible(const struct nm_reader *reader, const struct nm_pcap_record *record)
{
    return (record->len || record->caplen || record->ts_ns) && record->caplen <= reader->limit && record->len <= reader->max_snaplen &&
           record->fraction < (reader->info.nano ? 1000000000u : 1000000u);
}

/* The format's resync: see pcap_salvage.c. */
enum nm_parse nm_pcap_resync(struct nm_reader *reader, bool ended);

#endif
