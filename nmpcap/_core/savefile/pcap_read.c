/*
 * Classic pcap, read.
 *
 *     file header    magic 4 | major 2 | minor 2 | thiszone 4 | sigfigs 4 | snaplen 4 | linktype 4
 *     record header  seconds 4 | fraction 4 | caplen 4 | len 4
 *     modified       ... | ifindex 4 | protocol 2 | pkt_type 1 | pad 1
 *
 * Which versions, lengths and link type words are accepted follows libpcap, and so do the
 * words of refusal.
 */
#include <errno.h>

#include "bytes.h"
#include "savefile/linktype.h"
#include "savefile/format.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u

enum { FILE_HEADER = 24, RECORD_HEADER = 16, MODIFIED_HEADER = 24 };

/* pkt_type of a modified header, as in linux/if_packet.h */
enum { PACKET_OUTGOING = 4 };

/* How caplen and len are ordered in a record header. */
enum { LENGTHS_NORMAL, LENGTHS_EXCHANGED, LENGTHS_PERHAPS_EXCHANGED };

static bool is_magic(uint32_t magic)
{
    return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

bool nm_pcap_is_magic(const uint8_t *bytes)
{
    return is_magic(nm_get32(bytes, false)) || is_magic(nm_get32(bytes, true));
}

/* ---- file header --------------------------------------------------------------------- */

static bool known_version(uint32_t major, uint32_t minor)
{
    return (major == 2 && minor <= 4) || (major == 543 && minor == 0); /* 543.0: DG/UX */
}

static uint8_t order_of_lengths(uint32_t major, uint32_t minor)
{
    if (major == 543 || minor < 3)
        return LENGTHS_EXCHANGED;
    return minor == 3 ? LENGTHS_PERHAPS_EXCHANGED : LENGTHS_NORMAL;
}

enum nm_parse nm_pcap_begin(struct nm_reader *reader)
{
    const uint8_t *header = nm_input_at(&reader->in);
    struct nm_savefile_info *info = &reader->info;
    struct nm_saved_interface *interface;
    bool swapped = !is_magic(nm_get32(header, false));
    uint32_t magic = nm_get32(header, swapped);
    uint32_t word = nm_get32(header + 20, swapped);

    *info = (struct nm_savefile_info){
        .version_major = nm_get16(header + 4, swapped),
        .version_minor = nm_get16(header + 6, swapped),
        .thiszone = (int32_t)nm_get32(header + 8, swapped),
        .linktype = nm_linktype_to_dlt(word & 0xffff),
        .file_linktype = word,
        .fcs_len = word & 1u << 26 ? (int32_t)(word >> 28) * 2 : -1,
        .swapped = swapped,
        .nano = magic == MAGIC_NANO,
        .modified = magic == MAGIC_MODIFIED,
    };
    if (info->version_major < 2)
        return nm_reader_damaged(reader, 4, "archaic pcap savefile format");
    if (!known_version(info->version_major, info->version_minor))
        return nm_reader_damaged(reader, 4, "unsupported pcap savefile version %u.%u", info->version_major,
                                 info->version_minor);
    if (word & 0x03ff0000)
        return nm_reader_damaged(reader, 20, "savefile linktype reserved field not zero (0x%08x)",
                                 word & 0x03ff0000);
    if (reader->flags & NM_SAVEFILE_BLOCKS)
        return nm_reader_damaged(reader, 0, "a pcap file has no blocks; pcapng files have");

    info->snaplen = nm_linktype_snaplen(info->linktype, nm_get32(header + 16, swapped));
    /* The patched kernels that wrote these files counted the snapshot length without the link header. */
    if (info->modified && info->linktype == NM_DLT_EN10MB)
        info->snaplen += 14;
    reader->max_snaplen = nm_linktype_max_snaplen(info->linktype);
    reader->limit = info->snaplen < reader->max_snaplen ? info->snaplen : reader->max_snaplen;
    reader->lengths = order_of_lengths(info->version_major, info->version_minor);
    interface = nm_reader_add_interface(reader);
    if (!interface)
        return NM_PARSE_FAILED;
    interface->linktype = info->linktype;
    interface->file_linktype = word & 0xffff;
    interface->snaplen = info->snaplen;
    interface->units = info->nano ? 1000000000 : 1000000;

    info->format = NM_SAVEFILE_PCAP;
    reader->format = &nm_format_pcap;
    reader->in.head += FILE_HEADER;
    return NM_PARSE_FULL;
}

/* ---- records ------------------------------------------------------------------------- */

/* What kind of record headers a file has: constant in each of the loops made from it. */
struct layout {
    bool swapped;
    bool nano;
    bool modified;
    uint8_t lengths;
};

struct record {
    int64_t ts_ns;
    uint32_t fraction;
    uint32_t caplen;
    uint32_t len;
};

static inline __attribute__((always_inline)) struct record read_header(const uint8_t *at, struct layout layout)
{
    struct record record = {
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

static enum nm_parse absurd_length(struct nm_reader *reader, uint32_t caplen)
{
    bool over_snaplen = caplen > reader->info.snaplen;

    return nm_reader_damaged(reader, nm_input_offset(&reader->in),
                             "invalid packet capture length %u, bigger than %s of %u", caplen,
                             over_snaplen ? "snaplen" : "maximum",
                             over_snaplen ? reader->info.snaplen : reader->max_snaplen);
}

static inline __attribute__((always_inline)) enum nm_parse
parse_records(struct nm_reader *reader, struct nm_batch *batch, struct layout layout)
{
    const size_t header = layout.modified ? MODIFIED_HEADER : RECORD_HEADER;
    const uint32_t limit = reader->limit;
    const uint16_t linktype = (uint16_t)reader->info.linktype;
    struct nm_input *in = &reader->in;
    struct nm_view *view = batch->views + batch->count;
    struct nm_view *const end = batch->views + batch->capacity;
    enum nm_parse stop = NM_PARSE_FULL;
    uint64_t bytes = 0;

    for (; view < end; view++) {
        const uint8_t *at = nm_input_at(in);
        size_t left = nm_input_left(in);
        struct record record;

        if (left < header) {
            stop = nm_reader_want(reader, header);
            break;
        }
        record = read_header(at, layout);
        if (record.caplen > reader->max_snaplen) {
            stop = absurd_length(reader, record.caplen);
            break;
        }
        if (left - header < record.caplen) {
            stop = nm_reader_want(reader, header + record.caplen);
            break;
        }
        in->head += header + record.caplen;
        view->data = at + header;
        view->ts_ns = record.ts_ns;
        view->caplen = record.caplen < limit ? record.caplen : limit;
        view->len = record.len;
        view->ifindex = 0;
        view->linktype = linktype;
        view->flags = layout.modified && at[22] == PACKET_OUTGOING ? NM_VIEW_OUT : 0;
        bytes += record.len;
    }
    batch->count = (uint32_t)(view - batch->views);
    reader->batch_bytes += bytes;
    return stop;
}

static enum nm_parse parse_any(struct nm_reader *reader, struct nm_batch *batch)
{
    const struct layout layout = {
        .swapped = reader->info.swapped,
        .nano = reader->info.nano,
        .modified = reader->info.modified,
        .lengths = reader->lengths,
    };

    return parse_records(reader, batch, layout);
}

static enum nm_parse parse_micro(struct nm_reader *reader, struct nm_batch *batch)
{
    return parse_records(reader, batch, (struct layout){.nano = false});
}

static enum nm_parse parse_nano(struct nm_reader *reader, struct nm_batch *batch)
{
    return parse_records(reader, batch, (struct layout){.nano = true});
}

static enum nm_parse parse(struct nm_reader *reader, struct nm_batch *batch)
{
    const struct nm_savefile_info *info = &reader->info;
    uint32_t first = batch->count;
    uint32_t i;
    enum nm_parse stop;

    if (!info->swapped && !info->modified && reader->lengths == LENGTHS_NORMAL)
        stop = info->nano ? parse_nano(reader, batch) : parse_micro(reader, batch);
    else
        stop = parse_any(reader, batch);
    if (nm_pseudo_header_has(info->linktype))
        for (i = first; i < batch->count; i++)
            nm_pseudo_header_fix(&batch->views[i], info->swapped);
    if (batch->count)
        reader->last_ts_ns = batch->views[batch->count - 1].ts_ns;
    return stop;
}

static void truncated(struct nm_reader *reader, size_t left)
{
    size_t header = reader->info.modified ? MODIFIED_HEADER : RECORD_HEADER;
    uint64_t at = nm_input_offset(&reader->in);

    if (left < header)
        nm_reader_damaged(reader, at, "truncated dump file; tried to read %zu header bytes, only got %zu", header, left);
    else
        nm_reader_damaged(reader, at, "truncated dump file; tried to read %zu captured bytes, only got %zu",
                          reader->want - header, left - header);
}

/* ---- salvage ------------------------------------------------------------------------- */

static bool believable(const struct nm_reader *reader, struct record record)
{
    const int64_t day_ns = 86400 * INT64_C(1000000000);
    int64_t apart = record.ts_ns - reader->last_ts_ns;

    return record.caplen <= reader->limit && record.caplen <= record.len && record.caplen > 0 &&
           record.len <= reader->max_snaplen && record.fraction < (reader->info.nano ? 1000000000u : 1000000u) &&
           (reader->last_ts_ns == 0 || (apart > -day_ns && apart < day_ns));
}

/* A record is believed when the one after it is believable too, or the input ends behind it. */
static enum nm_parse resync(struct nm_reader *reader, bool ended)
{
    const size_t header = reader->info.modified ? MODIFIED_HEADER : RECORD_HEADER;
    const struct layout layout = {
        .swapped = reader->info.swapped,
        .nano = reader->info.nano,
        .modified = reader->info.modified,
        .lengths = reader->lengths,
    };
    struct nm_input *in = &reader->in;

    while (nm_input_left(in) > header) {
        struct record record;
        size_t next;

        in->head++; /* what head pointed at has been judged already */
        record = read_header(nm_input_at(in), layout);
        if (!believable(reader, record))
            continue;
        next = header + record.caplen;
        if (nm_input_left(in) >= next + header) {
            if (believable(reader, read_header(nm_input_at(in) + next, layout)))
                return NM_PARSE_FULL;
        } else if (ended) {
            if (nm_input_left(in) == next)
                return NM_PARSE_FULL;
        } else {
            in->head--; /* to be judged once the record after it is here */
            return nm_reader_want(reader, next + header + 1);
        }
    }
    if (ended)
        in->head = in->tail;
    return nm_reader_want(reader, header + 1);
}

const struct nm_format nm_format_pcap = {parse, truncated, resync};
