/*
 * pcapng, written: one section of unknown length, an interface described when its first packet comes,
 * enhanced packet blocks; and blocks copied as they are.
 *
 * A copied section header begins a section of its byte order, and everything after it is
 * written in that order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "savefile/pcapng.h"
#include "savefile/writer.h"

enum { TSRESOL_OPTION = 8, FLAGS_OPTION = 12 }; /* the latter with the options' end */

static inline uint32_t pad4(uint32_t len)
{
    return (len + 3) & ~3u;
}

/* ---- blocks -------------------------------------------------------------------------- */

/* The frame around a body of total - 12 bytes; returns where the body goes. */
static uint8_t *put_frame(uint8_t *to, uint32_t type, uint32_t total, bool swapped)
{
    nm_put32(to, type, swapped);
    nm_put32(to + 4, total, swapped);
    nm_put32(to + total - 4, total, swapped);
    return to + 8;
}

static size_t header_len(const struct nm_writer *writer)
{
    return NM_SHB_MIN + writer->config.options_len;
}

static void header(struct nm_writer *writer, uint8_t *to)
{
    bool swapped = writer->swapped;
    uint8_t *body = put_frame(to, NM_BLOCK_SHB, (uint32_t)header_len(writer), swapped);

    nm_put32(body, NM_PCAPNG_ORDER, swapped);
    nm_put16(body + 4, 1, swapped);
    nm_put16(body + 6, 0, swapped);
    memset(body + 8, 0xff, 8); /* section length: not known */
    if (writer->config.options_len)
        memcpy(body + 16, writer->section_options, writer->config.options_len);
}

/* ---- interfaces ---------------------------------------------------------------------- */

static uint32_t interface_len(const struct nm_writer *writer, uint32_t options_len)
{
    uint32_t resolution = writer->config.nano ? TSRESOL_OPTION + (options_len ? 0 : 4) : 0;

    return NM_IDB_MIN + resolution + options_len;
}

static void put_interface(struct nm_writer *writer, uint8_t *to, uint32_t linktype, uint32_t snaplen,
                          const uint8_t *options, uint32_t options_len)
{
    bool swapped = writer->swapped;
    uint8_t *body = put_frame(to, NM_BLOCK_IDB, interface_len(writer, options_len), swapped);

    nm_put16(body, (uint16_t)nm_dlt_to_linktype(linktype), swapped);
    nm_put16(body + 2, 0, swapped);
    nm_put32(body + 4, snaplen, swapped);
    body += 8;
    if (writer->config.nano) {
        nm_put16(body, NM_OPTION_TSRESOL, swapped);
        nm_put16(body + 2, 1, swapped);
        memcpy(body + 4, "\x09\0\0\0", 4);
        body += TSRESOL_OPTION;
        if (!options_len)
            memset(body, 0, 4);
    }
    if (options_len)
        memcpy(body, options, options_len);
}

int nm_writer_interface(struct nm_writer *writer, uint32_t source, uint32_t ifindex, uint32_t linktype,
                        uint32_t snaplen, const void *options, uint32_t options_len)
{
    const struct nm_written_interface interface = {
        .source = source, .ifindex = ifindex, .linktype = linktype, .matches = true};
    uint32_t len = interface_len(writer, options_len);
    uint8_t *to;
    int error = 0;

    if (writer->format != &nm_writer_pcapng || nm_dlt_to_linktype(linktype) < 0 || options_len % 4) {
        snprintf(writer->msg, sizeof writer->msg, "link-layer type %u isn't supported in savefiles%s", linktype,
                 writer->format == &nm_writer_pcapng ? "" : "; a pcap file describes no interfaces");
        return -EINVAL;
    }
    to = nm_writer_reserve(writer, len, &error);
    if (!to)
        return error;
    if (!nm_writer_describe(writer, &interface))
        return -ENOMEM;
    put_interface(writer, to, linktype, snaplen, options, options_len);
    writer->used += len;
    return (int)writer->interface_count - 1;
}

/* ---- packets ------------------------------------------------------------------------- */

static uint32_t options_len(const struct nm_record *record)
{
    if (record->options_len)
        return record->options_len;
    return record->view->flags & NM_VIEW_OUT ? FLAGS_OPTION : 0;
}

static uint32_t packet_len(const struct nm_writer *writer, const struct nm_record *record)
{
    return NM_EPB_MIN + pad4(nm_writer_caplen(writer, record->view)) + options_len(record);
}

static uint32_t interface_of(const struct nm_writer *writer, const struct nm_record *record)
{
    return nm_writer_described(writer, record->source, record->view->linktype, record->view->ifindex);
}

static bool knows(struct nm_writer *writer, const struct nm_record *record)
{
    return interface_of(writer, record) < writer->interface_count;
}

static int64_t measure(struct nm_writer *writer, const struct nm_record *record)
{
    const struct nm_view *view = record->view;
    uint32_t number = interface_of(writer, record);

    if (view->ts_ns < 0) {
        snprintf(writer->msg, sizeof writer->msg, "time stamp %lld ns: a pcapng file holds those from 1970 on",
                 (long long)view->ts_ns);
        return -ERANGE;
    }
    if (number == writer->interface_count) {
        number = (uint32_t)nm_writer_interface(writer, record->source, view->ifindex, view->linktype,
                                               writer->config.snaplen, NULL, 0);
        if ((int)number < 0)
            return (int)number;
    }
    writer->interface_last = number;
    return packet_len(writer, record);
}

static void encode(struct nm_writer *writer, const struct nm_record *record, uint8_t *to)
{
    const struct nm_view *view = record->view;
    bool swapped = writer->swapped;
    uint32_t caplen = nm_writer_caplen(writer, view);
    uint64_t units = writer->config.nano ? (uint64_t)view->ts_ns : (uint64_t)view->ts_ns / 1000;
    uint8_t *body = put_frame(to, NM_BLOCK_EPB, packet_len(writer, record), swapped);

    nm_put32(body, writer->interface_last, swapped);
    nm_put32(body + 4, (uint32_t)(units >> 32), swapped);
    nm_put32(body + 8, (uint32_t)units, swapped);
    nm_put32(body + 12, caplen, swapped);
    nm_put32(body + 16, view->len, swapped);
    body += 20;
    if (caplen)
        memset(body + pad4(caplen) - 4, 0, 4); /* the padding; data follows over the rest of it */
    memcpy(body, view->data, caplen);
    body += pad4(caplen);
    if (record->options_len) {
        memcpy(body, record->options, record->options_len);
    } else if (view->flags & NM_VIEW_OUT) {
        nm_put16(body, NM_OPTION_FLAGS, swapped);
        nm_put16(body + 2, 4, swapped);
        nm_put32(body + 4, NM_FLAGS_OUTBOUND, swapped);
        nm_put32(body + 8, 0, swapped);
    }
}

static size_t length(const struct nm_writer *writer, const uint8_t *bytes, bool *packet)
{
    /* A copied section header in the block may be of the other order than what stands before it. */
    bool swapped = writer->swapped;
    uint32_t total = nm_get32(bytes + 4, swapped);

    if (total < NM_BLOCK_MIN || total > writer->used || nm_get32(bytes + total - 4, swapped) != total) {
        swapped = !swapped;
        total = nm_get32(bytes + 4, swapped);
    }
    *packet = nm_block_holds_packet(nm_get32(bytes, swapped));
    return total;
}

const struct nm_writer_format nm_writer_pcapng = {header_len, header, knows, measure, encode, length};

/* ---- copied blocks ------------------------------------------------------------------- */

static int no_block(struct nm_writer *writer, const char *why)
{
    snprintf(writer->msg, sizeof writer->msg, "a block that cannot be written: %s", why);
    return -EINVAL;
}

int nm_writer_block(struct nm_writer *writer, const void *bytes, uint32_t len)
{
    bool swapped = writer->swapped;
    uint32_t type;
    uint8_t *to;
    int error = 0;

    if (writer->format != &nm_writer_pcapng)
        return no_block(writer, "a pcap file has none");
    if (len < NM_BLOCK_MIN || len % 4)
        return no_block(writer, "its length is no multiple of 4, or under 12");
    type = nm_get32(bytes, swapped);
    if (type == NM_BLOCK_SHB && len >= NM_SHB_MIN)
        swapped = nm_get32((const uint8_t *)bytes + 8, false) != NM_PCAPNG_ORDER;
    if (nm_get32((const uint8_t *)bytes + 4, swapped) != len ||
        nm_get32((const uint8_t *)bytes + len - 4, swapped) != len)
        return no_block(writer, "it says another length, or has the other byte order");
    /* A section header in front of everything else takes the place of the writer's own. */
    if (type == NM_BLOCK_SHB && writer->used == writer->header && writer->sent == 0)
        writer->used = writer->header = 0;
    to = nm_writer_reserve(writer, len, &error);
    if (!to)
        return error;
    if (type == NM_BLOCK_IDB) {
        if (!nm_writer_describe(writer, &(struct nm_written_interface){.matches = false}))
            return -ENOMEM;
    } else if (type == NM_BLOCK_SHB) {
        nm_writer_forget(writer);
        writer->swapped = swapped;
    }
    memcpy(to, bytes, len);
    writer->used += len;
    writer->packets += nm_block_holds_packet(type);
    return 0;
}
