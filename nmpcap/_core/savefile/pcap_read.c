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
#include "savefile/pcap_record.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u

enum { FILE_HEADER = 24 };

/* pkt_type of a modified header, as in linux/if_packet.h */
enum { PACKET_OUTGOING = 4 };

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

static enum nm_parse absurd_length(struct nm_reader *reader, uint32_t caplen)
{
    bool over_snaplen = caplen > reader->info.snaplen;

    return nm_reader_damaged(reader, nm_input_offset(&reader->in),
                             "invalid packet capture length %u, bigger than %s of %u", caplen,
                             over_snaplen ? "snaplen" : "maximum",
                             over_snaplen ? reader->info.snaplen : reader->max_snaplen);
}

static inline __attribute__((always_inline)) enum nm_parse
parse_records(struct nm_reader *reader, struct nm_batch *batch, struct nm_record_layout layout)
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
        struct nm_pcap_record record;

        if (left < header) {
            stop = nm_reader_want(reader, header);
            break;
        }
        record = nm_pcap_record_at(at, layout);
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

/* Whether the header behind a record speaks for it; MORE: that is not here yet. */
static enum nm_parse next_speaks(struct nm_reader *reader, size_t next, struct nm_record_layout layout)
{
    const size_t header = layout.modified ? MODIFIED_HEADER : RECORD_HEADER;
    struct nm_pcap_record record;

    if (nm_input_left(&reader->in) < next + header)
        return reader->at_end ? NM_PARSE_FULL : nm_reader_want(reader, next + header);
    record = nm_pcap_record_at(nm_input_at(&reader->in) + next, layout);
    return nm_pcap_record_possible(reader, &record) ? NM_PARSE_FULL : NM_PARSE_DAMAGED;
}

/* With salvage a record is looked at closely before it is given out: nothing that makes no sense, nor what is followed
 * by something that does not. */
static enum nm_parse examine(struct nm_reader *reader, struct nm_record_layout layout)
{
    const size_t header = layout.modified ? MODIFIED_HEADER : RECORD_HEADER;
    struct nm_pcap_record record;
    enum nm_parse stop = NM_PARSE_DAMAGED;

    if (nm_input_left(&reader->in) < header)
        return nm_reader_want(reader, header);
    record = nm_pcap_record_at(nm_input_at(&reader->in), layout);
    if (nm_pcap_record_possible(reader, &record) && reader->broken_at != nm_input_offset(&reader->in)) {
        if (nm_input_left(&reader->in) < header + record.caplen)
            return nm_reader_want(reader, header + record.caplen);
        if (reader->proved_at == nm_input_offset(&reader->in))
            return NM_PARSE_FULL;
        stop = next_speaks(reader, header + record.caplen, layout);
    }
    if (stop == NM_PARSE_DAMAGED)
        return nm_reader_damaged(reader, nm_input_offset(&reader->in), "a record, or the one after it, makes no sense");
    return stop;
}

static enum nm_parse parse_closely(struct nm_reader *reader, struct nm_batch *batch)
{
    const struct nm_record_layout layout = nm_record_layout_of(reader);
    const uint32_t capacity = batch->capacity;
    enum nm_parse stop = NM_PARSE_FULL;

    while (stop == NM_PARSE_FULL && batch->count < capacity) {
        stop = examine(reader, layout);
        if (stop == NM_PARSE_FULL) {
            batch->capacity = batch->count + 1;
            stop = parse_records(reader, batch, layout);
        }
    }
    batch->capacity = capacity;
    return stop;
}

static enum nm_parse parse_any(struct nm_reader *reader, struct nm_batch *batch)
{
    return parse_records(reader, batch, nm_record_layout_of(reader));
}

static enum nm_parse parse_micro(struct nm_reader *reader, struct nm_batch *batch)
{
    return parse_records(reader, batch, (struct nm_record_layout){.nano = false});
}

static enum nm_parse parse_nano(struct nm_reader *reader, struct nm_batch *batch)
{
    return parse_records(reader, batch, (struct nm_record_layout){.nano = true});
}

static enum nm_parse parse(struct nm_reader *reader, struct nm_batch *batch)
{
    const struct nm_savefile_info *info = &reader->info;
    uint32_t first = batch->count;
    uint32_t i;
    enum nm_parse stop;

    if (reader->flags & NM_SAVEFILE_SALVAGE)
        stop = parse_closely(reader, batch);
    else if (!info->swapped && !info->modified && reader->lengths == LENGTHS_NORMAL)
        stop = info->nano ? parse_nano(reader, batch) : parse_micro(reader, batch);
    else
        stop = parse_any(reader, batch);
    if (nm_pseudo_header_has(info->linktype))
        for (i = first; i < batch->count; i++)
            nm_pseudo_header_fix(&batch->views[i], info->swapped);
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

const struct nm_format nm_format_pcap = {parse, truncated, nm_pcap_resync};
