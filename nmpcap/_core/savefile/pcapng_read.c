/*
 * pcapng, read (draft-ietf-opsawg-pcapng).
 *
 *     block      type 4 | total length 4 | body, padded to 4 | total length 4
 *     SHB        byte-order magic 4 | major 2 | minor 2 | section length 8 | options
 *     IDB        linktype 2 | reserved 2 | snaplen 4 | options
 *     EPB        interface 4 | time high 4 | low 4 | caplen 4 | len 4 | data, padded | options
 *     PB         interface 2 | drops 2 | then as EPB
 *     SPB        len 4 | data
 *
 * Refusals are libpcap's, in its words. Unlike libpcap this reads files whose interfaces differ
 * in link type and snaplen, and whose sections differ in byte order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "savefile/linktype.h"
#include "savefile/pcapng.h"
#include "savefile/format.h"
#include "savefile/timestamp.h"

enum {
    SHB_MAX = 1 << 20,
    MAX_BLOCK = 16 << 20,
    MAX_OVERHEAD = 131072, /* of a block over the packet in it, as libpcap reckons */
};

struct block {
    const uint8_t *at;
    uint32_t type;
    uint32_t total;
};

bool nm_pcapng_is_magic(const uint8_t *bytes)
{
    return nm_get32(bytes, false) == NM_BLOCK_SHB;
}

static enum nm_parse damaged_here(struct nm_reader *reader, const char *text)
{
    return nm_reader_damaged(reader, nm_input_offset(&reader->in), "%s", text);
}

static enum nm_parse too_short(struct nm_reader *reader, const struct block *block)
{
    return nm_reader_damaged(reader, nm_input_offset(&reader->in), "block of type %u in pcapng dump file is too short",
                             block->type);
}

/* ---- sections ------------------------------------------------------------------------ */

/* Reads the magic number of the section header at hand: whether its order is not ours. */
static bool section_order(const uint8_t *at, bool *swapped)
{
    *swapped = nm_get32(at + 8, false) != NM_PCAPNG_ORDER;
    return nm_get32(at + 8, *swapped) == NM_PCAPNG_ORDER;
}

static enum nm_parse bad_section_order(struct nm_reader *reader)
{
    return damaged_here(reader, reader->in_section ? "the file has a section with a bad byte order magic field"
                                                   : "unknown file format");
}

static enum nm_parse check_version(struct nm_reader *reader, uint32_t major, uint32_t minor)
{
    uint64_t at = nm_input_offset(&reader->in) + 12;

    if (!reader->in_section && !(major == 1 && (minor == 0 || minor == 2)))
        return nm_reader_damaged(reader, at, "unsupported pcapng savefile version %u.%u", major, minor);
    if (major != 1)
        return nm_reader_damaged(reader, at, "unknown pcapng savefile major version number %u", major);
    return NM_PARSE_FULL;
}

static enum nm_parse parse_section(struct nm_reader *reader, const struct block *block)
{
    struct nm_savefile_info *info = &reader->info;
    uint32_t major, minor;
    enum nm_parse stop;

    if (block->total < NM_SHB_MIN)
        return too_short(reader, block);
    major = nm_get16(block->at + 12, reader->swapped);
    minor = nm_get16(block->at + 14, reader->swapped);
    stop = check_version(reader, major, minor);
    if (stop != NM_PARSE_FULL)
        return stop;
    if (reader->in_section) {
        reader->section++;
    } else {
        info->version_major = major;
        info->version_minor = minor;
        info->swapped = reader->swapped;
    }
    reader->in_section = true;
    reader->section_first = reader->interface_count;
    return NM_PARSE_FULL;
}

/* ---- interfaces ---------------------------------------------------------------------- */

static enum nm_parse bad_option(struct nm_reader *reader, const char *text, unsigned is, unsigned should)
{
    return nm_reader_damaged(reader, nm_input_offset(&reader->in),
                             "Interface Description Block has %s option with length %u != %u", text, is, should);
}

static enum nm_parse set_resolution(struct nm_reader *reader, struct nm_saved_interface *interface, uint8_t exponent)
{
    bool binary = exponent & 0x80;

    exponent &= 0x7f;
    if (!nm_interface_set_resolution(interface, exponent, binary))
        return nm_reader_damaged(reader, nm_input_offset(&reader->in),
                                 "Interface Description Block if_tsresol option resolution %s^-%u is too high",
                                 binary ? "2" : "10", exponent);
    return NM_PARSE_FULL;
}

static enum nm_parse parse_interface_options(struct nm_reader *reader, struct nm_saved_interface *interface,
                                             const struct block *block)
{
    const uint8_t *at = interface->options;
    const uint8_t *end = at + interface->options_len;
    bool have_resolution = false, have_offset = false;
    enum nm_parse stop = NM_PARSE_FULL;

    while (stop == NM_PARSE_FULL && end - at >= 4) {
        unsigned code = nm_get16(at, interface->swapped);
        unsigned len = nm_get16(at + 2, interface->swapped);

        if ((size_t)(end - at - 4) < len)
            return too_short(reader, block);
        if (code == NM_OPTION_END)
            return len ? bad_option(reader, "opt_endofopt", len, 0) : NM_PARSE_FULL;
        if (code == NM_OPTION_TSRESOL) {
            if (len != 1)
                return bad_option(reader, "if_tsresol", len, 1);
            if (have_resolution)
                return damaged_here(reader, "Interface Description Block has more than one if_tsresol option");
            have_resolution = true;
            stop = set_resolution(reader, interface, at[4]);
        } else if (code == NM_OPTION_TSOFFSET) {
            if (len != 8)
                return bad_option(reader, "if_tsoffset", len, 8);
            if (have_offset)
                return damaged_here(reader, "Interface Description Block has more than one if_tsoffset option");
            have_offset = true;
            nm_interface_set_offset(interface, (int64_t)nm_get64(at + 4, interface->swapped));
        }
        len = (len + 3) & ~3u;
        at += (size_t)(end - at) < 4 + len ? (size_t)(end - at) : 4 + len;
    }
    return stop;
}

static enum nm_parse parse_interface(struct nm_reader *reader, const struct block *block)
{
    struct nm_saved_interface *interface;
    enum nm_parse stop;
    uint64_t cost;

    if (block->total < NM_IDB_MIN)
        return too_short(reader, block);
    cost = NM_SAVEFILE_INTERFACE_COST + 2 * (uint64_t)(block->total - NM_IDB_MIN);
    if (cost > reader->memory_left)
        return nm_reader_damaged(reader, nm_input_offset(&reader->in),
                                 "%u interfaces and their options are all that max_memory allows; give it more",
                                 reader->interface_count);
    interface = nm_reader_add_interface(reader);
    if (!interface)
        return NM_PARSE_FAILED;
    interface->file_linktype = nm_get16(block->at + 8, reader->swapped);
    interface->linktype = nm_linktype_to_dlt(interface->file_linktype);
    interface->snaplen = nm_get32(block->at + 12, reader->swapped);
    interface->limit = nm_linktype_snaplen(interface->linktype, interface->snaplen);
    interface->section = reader->section;
    interface->swapped = reader->swapped;
    interface->options_len = block->total - NM_IDB_MIN;
    interface->options = malloc(interface->options_len + 1);
    nm_interface_set_resolution(interface, 6, false);
    if (!interface->options) {
        reader->failure = -ENOMEM;
        snprintf(reader->base.msg, NM_MSG_SIZE, "no memory for an interface's options");
        interface->options_len = 0;
        return NM_PARSE_FAILED;
    }
    memcpy(interface->options, block->at + 16, interface->options_len);
    stop = parse_interface_options(reader, interface, block);
    if (stop != NM_PARSE_FULL) {
        nm_reader_drop_interface(reader);
        return stop;
    }
    reader->memory_left -= cost;
    if (reader->interface_count == 1) {
        reader->info.linktype = interface->linktype;
        reader->info.file_linktype = interface->file_linktype;
        reader->info.snaplen = interface->limit;
        reader->info.nano = interface->units > 1000000;
    }
    if (nm_linktype_max_snaplen(interface->linktype) + MAX_OVERHEAD > reader->max_block)
        reader->max_block = nm_linktype_max_snaplen(interface->linktype) + MAX_OVERHEAD;
    return NM_PARSE_FULL;
}

/* ---- packets ------------------------------------------------------------------------- */

/* The direction in an EPB's flags, where there are options. */
static uint16_t direction(const uint8_t *at, const uint8_t *end, bool swapped)
{
    while (end - at >= 8) {
        unsigned code = nm_get16(at, swapped);
        unsigned len = nm_get16(at + 2, swapped);

        if (code == NM_OPTION_END)
            return 0;
        if (code == NM_OPTION_FLAGS && len == 4)
            return (nm_get32(at + 4, swapped) & NM_FLAGS_DIRECTION) == NM_FLAGS_OUTBOUND ? NM_VIEW_OUT : 0;
        len = ((len + 3) & ~3u) + 4;
        if ((size_t)(end - at) < len)
            return 0;
        at += len;
    }
    return 0;
}

static const struct nm_saved_interface *interface_of(struct nm_reader *reader, uint32_t number)
{
    uint32_t known = reader->interface_count - reader->section_first;

    if (number < known)
        return &reader->interfaces[reader->section_first + number];
    nm_reader_damaged(reader, nm_input_offset(&reader->in),
                      "a packet arrived on interface %u, but there's no Interface Description Block for that interface",
                      number);
    return NULL;
}

/* An EPB, or a PB, whose body has the same length. */
static inline enum nm_parse parse_packet(struct nm_reader *reader, const struct block *block, struct nm_view *view)
{
    const bool swapped = reader->swapped;
    const uint8_t *at = block->at;
    const struct nm_saved_interface *interface;
    uint32_t number, caplen, padded;

    if (block->total < NM_EPB_MIN)
        return too_short(reader, block);
    number = block->type == NM_BLOCK_EPB ? nm_get32(at + 8, swapped) : nm_get16(at + 8, swapped);
    interface = interface_of(reader, number);
    if (!interface)
        return NM_PARSE_DAMAGED;
    caplen = nm_get32(at + 20, swapped);
    if (caplen > interface->limit)
        return nm_reader_damaged(reader, nm_input_offset(&reader->in),
                                 "invalid packet capture length %u, bigger than snaplen of %u", caplen, interface->limit);
    if (caplen > block->total - NM_EPB_MIN)
        return too_short(reader, block);
    view->data = at + 28;
    view->ts_ns = nm_interface_ts_ns(
        interface, (uint64_t)nm_get32(at + 12, swapped) << 32 | nm_get32(at + 16, swapped));
    view->caplen = caplen;
    view->len = nm_get32(at + 24, swapped);
    view->ifindex = reader->section_first + number;
    view->linktype = (uint16_t)interface->linktype;
    padded = (caplen + 3) & ~3u;
    view->flags = block->total - NM_EPB_MIN > padded ? direction(at + 28 + padded, at + block->total - 4, swapped) : 0;
    return NM_PARSE_FULL;
}

static enum nm_parse parse_simple_packet(struct nm_reader *reader, const struct block *block, struct nm_view *view)
{
    const struct nm_saved_interface *interface;
    uint32_t len;

    if (block->total < NM_SPB_MIN)
        return too_short(reader, block);
    interface = interface_of(reader, 0);
    if (!interface)
        return NM_PARSE_DAMAGED;
    len = nm_get32(block->at + 8, reader->swapped);
    view->caplen = len < interface->limit ? len : interface->limit;
    if (view->caplen > block->total - NM_SPB_MIN)
        return too_short(reader, block);
    view->data = block->at + 12;
    view->ts_ns = interface->offset_ns; /* no time of its own: none since the interface's moment */
    view->len = len;
    view->ifindex = reader->section_first;
    view->linktype = (uint16_t)interface->linktype;
    view->flags = 0;
    return NM_PARSE_FULL;
}

/* ---- blocks -------------------------------------------------------------------------- */

static enum nm_parse check_total(struct nm_reader *reader, const struct block *block)
{
    uint64_t at = nm_input_offset(&reader->in);

    if (!reader->in_section && (block->total < NM_SHB_MIN || block->total > SHB_MAX))
        return nm_reader_damaged(reader, at,
                                 "Section Header Block in pcapng dump file has invalid length %d < _%u_ < %d "
                                 "(BT_SHB_INSANE_MAX)", NM_SHB_MIN, block->total, SHB_MAX);
    if (block->total < NM_BLOCK_MIN)
        return nm_reader_damaged(reader, at, "block in pcapng dump file has a length of %u < %d", block->total, NM_BLOCK_MIN);
    if (block->total % 4)
        return nm_reader_damaged(reader, at, "block in pcapng dump file has a length of %u that is not a multiple of 4",
                                 block->total);
    if (block->total > reader->max_block)
        return nm_reader_damaged(reader, at, "pcapng block size %u > maximum %u", block->total, reader->max_block);
    return NM_PARSE_FULL;
}

/* The next block, whole and well framed; or what stands in the way. */
static inline enum nm_parse next_block(struct nm_reader *reader, struct block *block)
{
    size_t left = nm_input_left(&reader->in);
    enum nm_parse stop;

    if (left < 8)
        return nm_reader_want(reader, 8);
    block->at = nm_input_at(&reader->in);
    block->type = nm_get32(block->at, reader->swapped);
    if (block->type == NM_BLOCK_SHB) {
        if (left < 12)
            return nm_reader_want(reader, 12);
        if (!section_order(block->at, &reader->swapped))
            return bad_section_order(reader);
    }
    block->total = nm_get32(block->at + 4, reader->swapped);
    stop = check_total(reader, block);
    if (stop != NM_PARSE_FULL)
        return stop;
    if (left < block->total)
        return nm_reader_want(reader, block->total);
    if (nm_get32(block->at + block->total - 4, reader->swapped) != block->total)
        return damaged_here(reader, "block total length in header and trailer don't match");
    return NM_PARSE_FULL;
}

static enum nm_parse parse_block(struct nm_reader *reader, const struct block *block, struct nm_view *view)
{
    switch (block->type) {
    case NM_BLOCK_EPB:
    case NM_BLOCK_PB:
        return parse_packet(reader, block, view);
    case NM_BLOCK_SPB:
        return parse_simple_packet(reader, block, view);
    case NM_BLOCK_IDB:
        return parse_interface(reader, block);
    case NM_BLOCK_SHB:
        return parse_section(reader, block);
    default:
        return NM_PARSE_FULL; /* names, statistics, secrets, and whatever comes to be */
    }
}

/* begin: as far as the first interface, or, where blocks are wanted, up to the first block. */
static enum nm_parse parse_start(struct nm_reader *reader)
{
    reader->max_block = MAX_BLOCK;
    for (;;) {
        struct block block;
        enum nm_parse stop = next_block(reader, &block);

        if (stop != NM_PARSE_FULL || reader->flags & NM_SAVEFILE_BLOCKS)
            return stop;
        if (nm_block_holds_packet(block.type))
            return damaged_here(reader,
                                "the capture file has a packet block before any Interface Description Blocks");
        stop = parse_block(reader, &block, NULL);
        if (stop != NM_PARSE_FULL)
            return stop;
        reader->in.head += block.total;
        if (reader->interface_count)
            return NM_PARSE_FULL;
    }
}

static void whole_block(struct nm_reader *reader, const struct block *block, struct nm_view *view)
{
    bool packet = nm_block_holds_packet(block->type);

    *view = (struct nm_view){
        .data = block->at,
        .caplen = block->total,
        .len = block->total,
        .ts_ns = packet ? view->ts_ns : 0,
        .ifindex = packet ? view->ifindex : 0,
        .linktype = packet ? view->linktype : 0,
        .flags = reader->swapped ? NM_SAVEFILE_SWAPPED : 0,
    };
}

static enum nm_parse parse(struct nm_reader *reader, struct nm_batch *batch)
{
    const bool blocks = reader->flags & NM_SAVEFILE_BLOCKS;

    if (!batch)
        return parse_start(reader);
    while (batch->count < batch->capacity) {
        struct nm_view *view = &batch->views[batch->count];
        struct block block;
        enum nm_parse stop = next_block(reader, &block);

        if (stop == NM_PARSE_FULL)
            stop = parse_block(reader, &block, view);
        if (stop != NM_PARSE_FULL)
            return stop;
        reader->in.head += block.total;
        if (blocks)
            whole_block(reader, &block, view);
        else if (!nm_block_holds_packet(block.type))
            continue;
        else if (nm_pseudo_header_has(view->linktype))
            nm_pseudo_header_fix(view, reader->swapped);
        reader->batch_bytes += view->len;
        batch->count++;
    }
    return NM_PARSE_FULL;
}

static void truncated(struct nm_reader *reader, size_t left)
{
    const char *text = "truncated pcapng dump file; tried to read %zu bytes, only got %zu";
    uint64_t at = nm_input_offset(&reader->in);

    if (left == 0)
        nm_reader_damaged(reader, at, "the capture file has no Interface Description Blocks");
    else if (!reader->in_section && left < 12)
        nm_reader_damaged(reader, at, "unknown file format");
    else if (left < 8)
        nm_reader_damaged(reader, at, text, (size_t)8, left);
    else if (!reader->in_section)
        nm_reader_damaged(reader, at, text, reader->want - 12, left - 12);
    else
        nm_reader_damaged(reader, at, text, reader->want - 8, left - 8);
}

/* ---- salvage ------------------------------------------------------------------------- */

static bool known_type(uint32_t type)
{
    return (type >= NM_BLOCK_IDB && type <= 0xb) || type == 0xbad || type == 0x40000bad;
}

/* What the bytes at hand would be as a block: its length, 0 for none. */
static uint32_t believable(struct nm_reader *reader, const uint8_t *at, size_t left)
{
    uint32_t type = nm_get32(at, reader->swapped);
    bool swapped = reader->swapped;
    uint32_t total;

    if (type == NM_BLOCK_SHB) {
        if (left < 12 || !section_order(at, &swapped))
            return 0;
    } else if (!known_type(type)) {
        return 0;
    }
    total = nm_get32(at + 4, swapped);
    if (total < NM_BLOCK_MIN || total % 4 || total > reader->max_block)
        return 0;
    if (left >= total && nm_get32(at + total - 4, swapped) != total)
        return 0;
    return total;
}

static enum nm_parse resync(struct nm_reader *reader, bool ended)
{
    struct nm_input *in = &reader->in;
    uint32_t total = 0;

    if (nm_input_left(in) >= NM_BLOCK_MIN && !reader->resyncing_inside)
        total = believable(reader, nm_input_at(in), nm_input_left(in));
    if (total && total <= nm_input_left(in)) {
        in->head += total; /* a sound frame around what makes no sense: the block alone is lost */
        return NM_PARSE_FULL;
    }
    reader->resyncing_inside = true;
    while (nm_input_left(in) > NM_BLOCK_MIN) {
        in->head++; /* what head pointed at has been judged already */
        total = believable(reader, nm_input_at(in), nm_input_left(in));
        if (!total)
            continue;
        if (total <= nm_input_left(in)) {
            reader->resyncing_inside = false;
            return NM_PARSE_FULL;
        }
        if (!ended) {
            in->head--; /* to be judged once all of it is here */
            return nm_reader_want(reader, total + 1);
        }
    }
    if (ended) {
        in->head = in->tail;
        reader->resyncing_inside = false;
    }
    return nm_reader_want(reader, NM_BLOCK_MIN + 1);
}

const struct nm_format nm_format_pcapng = {parse, truncated, resync};
