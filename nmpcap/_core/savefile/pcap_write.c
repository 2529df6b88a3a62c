/* Classic pcap, written: version 2.4, in this machine's byte order. */
#include <errno.h>
#include <stdio.h>

#include "bytes.h"
#include "savefile/writer.h"

enum { FILE_HEADER = 24, RECORD_HEADER = 16, NS_A_SECOND = 1000000000 };

static size_t header_len(const struct nm_writer *writer)
{
    (void)writer;
    return FILE_HEADER;
}

static void header(struct nm_writer *writer, uint8_t *to)
{
    const struct nm_writer_config *config = &writer->config;

    nm_put32(to, config->nano ? 0xa1b23c4du : 0xa1b2c3d4u, false);
    nm_put16(to + 4, 2, false);
    nm_put16(to + 6, 4, false);
    nm_put32(to + 8, 0, false); /* time zone and accuracy: nobody uses them */
    nm_put32(to + 12, 0, false);
    nm_put32(to + 16, config->told_snaplen ? config->told_snaplen : config->snaplen, false);
    nm_put32(to + 20, (uint32_t)nm_dlt_to_linktype(config->linktype), false);
}

static bool knows(struct nm_writer *writer, const struct nm_record *record)
{
    (void)writer;
    (void)record;
    return true;
}

static int64_t measure(struct nm_writer *writer, const struct nm_record *record)
{
    const struct nm_view *view = record->view;

    if (view->linktype != writer->config.linktype) {
        snprintf(writer->msg, sizeof writer->msg,
                 "a packet of link type %u does not fit a pcap file of link type %u; a pcapng file holds both",
                 view->linktype, writer->config.linktype);
        return -EINVAL;
    }
    if (record->options_len) {
        snprintf(writer->msg, sizeof writer->msg, "a pcap file has no comments or options; a pcapng file has");
        return -EINVAL;
    }
    if (writer->config.told_snaplen && nm_writer_caplen(writer, view) > writer->config.told_snaplen) {
        snprintf(writer->msg, sizeof writer->msg,
                 "a packet of %u bytes is longer than the snapshot length of %u that the pcap file tells, its first "
                 "interface's; give snaplen, or write pcapng",
                 nm_writer_caplen(writer, view), writer->config.told_snaplen);
        return -EINVAL;
    }
    if (view->ts_ns < 0 || view->ts_ns / NS_A_SECOND > UINT32_MAX) {
        snprintf(writer->msg, sizeof writer->msg,
                 "time stamp %lld ns: a pcap file holds those from 1970 to 2106", (long long)view->ts_ns);
        return -ERANGE;
    }
    return RECORD_HEADER + (int64_t)nm_writer_caplen(writer, view);
}

static void encode(struct nm_writer *writer, const struct nm_record *record, uint8_t *to)
{
    const struct nm_view *view = record->view;
    uint32_t caplen = nm_writer_caplen(writer, view);
    uint32_t nanoseconds = (uint32_t)((uint64_t)view->ts_ns % NS_A_SECOND);

    nm_put32(to, (uint32_t)((uint64_t)view->ts_ns / NS_A_SECOND), false);
    nm_put32(to + 4, writer->config.nano ? nanoseconds : nanoseconds / 1000, false);
    nm_put32(to + 8, caplen, false);
    nm_put32(to + 12, view->len, false);
    memcpy(to + RECORD_HEADER, view->data, caplen);
}

static size_t length(const struct nm_writer *writer, const uint8_t *bytes, bool *packet)
{
    (void)writer;
    *packet = true;
    return RECORD_HEADER + (size_t)nm_get32(bytes + 8, false);
}

const struct nm_writer_format nm_writer_pcap = {header_len, header, knows, measure, encode, length};
