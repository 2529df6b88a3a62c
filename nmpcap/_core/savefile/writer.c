/* The writer: gathers records, hands them on a buffer at a time, and keeps what could not be written. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "savefile/linktype.h"
#include "savefile/writer.h"

/* As for reading: small enough to stay in the cache until it is written. */
enum { BUFFER_SIZE = 256 * 1024 };

/* More than either format puts around a packet without a comment. */
enum { MOST_AROUND = 128 };

/* ---- open ---------------------------------------------------------------------------- */

static void free_writer(struct nm_writer *writer)
{
    free(writer->interfaces);
    free(writer->buckets);
    free(writer->section_options);
    free(writer->buffer);
    free(writer);
}

static struct nm_writer *new_writer(int fd, const struct nm_writer_config *config)
{
    struct nm_writer *writer = calloc(1, sizeof *writer);
    struct stat status;

    if (!writer)
        return NULL;
    writer->fd = fd;
    writer->plain = fd >= 0 && fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode));
    writer->config = *config;
    writer->config.snaplen = nm_linktype_snaplen(config->linktype, config->snaplen);
    writer->format = config->format == NM_SAVEFILE_PCAPNG ? &nm_writer_pcapng : &nm_writer_pcap;
    writer->buffer = malloc(BUFFER_SIZE);
    writer->capacity = BUFFER_SIZE;
    writer->section_options = malloc(config->options_len + 1);
    if (!writer->buffer || !writer->section_options) {
        free_writer(writer);
        return NULL;
    }
    if (config->options_len)
        memcpy(writer->section_options, config->options, config->options_len);
    return writer;
}

/* A pcapng file is continued by a section of its own, a pcap file by records. */
static int start(struct nm_writer *writer)
{
    off_t end = writer->config.append ? lseek(writer->fd, 0, SEEK_CUR) : 0;
    size_t len = writer->format->header_len(writer);
    int error = 0;
    uint8_t *to;

    writer->position = end > 0 ? (uint64_t)end : 0;
    if (writer->config.append && writer->config.format == NM_SAVEFILE_PCAP)
        return 0;
    to = nm_writer_reserve(writer, len, &error);
    if (!to)
        return error;
    writer->format->header(writer, to);
    writer->used = writer->header = len;
    return 0;
}

int nm_writer_open(int fd, const struct nm_writer_config *config, struct nm_writer **result, char *msg)
{
    struct nm_writer *writer = NULL;
    int error = -EINVAL;

    *result = NULL;
    msg[0] = '\0';
    if (nm_dlt_to_linktype(config->linktype) < 0) {
        snprintf(msg, NM_MSG_SIZE, "link-layer type %u isn't supported in savefiles", config->linktype);
    } else {
        writer = new_writer(fd, config);
        error = writer ? start(writer) : -ENOMEM;
        if (!error) {
            *result = writer;
            return 0;
        }
        snprintf(msg, NM_MSG_SIZE, "no memory for a savefile's buffer of %d bytes", BUFFER_SIZE);
    }
    if (writer)
        free_writer(writer);
    if (fd >= 0)
        close(fd);
    return error;
}

/* ---- out ----------------------------------------------------------------------------- */

/* ---- in ------------------------------------------------------------------------------ */

/* One packet always fits: a limit too small for any would keep nothing. */
static bool reached_limit(const struct nm_writer *writer, int64_t len)
{
    const struct nm_writer_config *config = &writer->config;

    if (config->max_packets && writer->packets >= config->max_packets)
        return true;
    return config->max_bytes && writer->packets && nm_writer_len(writer) + (uint64_t)len > config->max_bytes;
}

static int append(struct nm_writer *writer, const struct nm_record *record)
{
    int64_t len = writer->format->measure(writer, record);
    uint8_t *to;
    int error = 0;

    if (len < 0)
        return (int)len;
    if (reached_limit(writer, len)) {
        snprintf(writer->msg, NM_MSG_SIZE, "the file has reached its limit");
        return -EOVERFLOW;
    }
    to = nm_writer_reserve(writer, (size_t)len, &error);
    if (!to)
        return error;
    writer->format->encode(writer, record, to);
    writer->used += (size_t)len;
    writer->packets++;
    return 0;
}

int nm_writer_write(struct nm_writer *writer, int64_t ts_ns, const void *data, uint32_t caplen, uint32_t len,
                    uint32_t linktype, uint32_t source, uint32_t ifindex, const void *options, uint32_t options_len)
{
    const struct nm_view view = {
        .data = data,
        .ts_ns = ts_ns,
        .caplen = caplen,
        .len = len,
        .ifindex = ifindex,
        .linktype = (uint16_t)linktype,
    };
    const struct nm_record record = {
        .view = &view, .source = source, .options = options, .options_len = options_len};

    return append(writer, &record);
}

int nm_writer_append(struct nm_writer *writer, const struct nm_view *view, uint32_t source)
{
    const struct nm_record record = {.view = view, .source = source};

    if (!writer->format->knows(writer, &record) ||
        writer->capacity - writer->used < (size_t)nm_writer_caplen(writer, view) + MOST_AROUND)
        return -EAGAIN;
    return append(writer, &record);
}

int nm_writer_views(struct nm_writer *writer, const struct nm_view *views, uint32_t count, uint32_t source)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        const struct nm_record record = {.view = &views[i], .source = source};
        int error = append(writer, &record);

        if (error)
            return i ? (int)i : error;
    }
    return (int)count;
}

static bool view_of_column(const struct nm_columns *columns, uint32_t i, struct nm_view *view)
{
    uint64_t offset = (uint64_t)columns->offsets[i]; /* a negative one becomes larger than any data */

    *view = (struct nm_view){
        .data = columns->data + columns->offsets[i],
        .ts_ns = columns->ts_ns[i],
        .caplen = columns->caplens[i],
        .len = columns->lens[i],
        .ifindex = columns->interfaces[i],
        .linktype = columns->linktypes[i],
        .flags = columns->flags[i],
    };
    return offset <= columns->data_len && columns->data_len - offset >= columns->caplens[i];
}

int nm_writer_columns(struct nm_writer *writer, const struct nm_columns *columns, uint32_t first)
{
    uint32_t i;

    for (i = first; i < columns->count; i++) {
        struct nm_view view;
        const struct nm_record record = {.view = &view, .source = columns->source};
        int error = -EINVAL;

        if (view_of_column(columns, i, &view))
            error = append(writer, &record);
        else
            snprintf(writer->msg, NM_MSG_SIZE, "packet %u of the batch lies outside its data", i);
        if (error)
            return i > first ? (int)(i - first) : error;
    }
    return (int)(columns->count - first);
}

/* ---- close --------------------------------------------------------------------------- */

/* Offset in the buffer of the record that sent lies in: what has been written of it is of no use. */
static size_t last_boundary(const struct nm_writer *writer, uint64_t *missing)
{
    size_t at = writer->header;
    size_t boundary = 0;

    *missing = 0;
    if (at <= writer->sent)
        boundary = at;
    while (at < writer->used) {
        bool packet;

        at += writer->format->length(writer, writer->buffer + at, &packet);
        if (at <= writer->sent)
            boundary = at;
        else
            *missing += packet;
    }
    return boundary;
}

static void give_up_pending(struct nm_writer *writer)
{
    uint64_t missing;
    size_t boundary = last_boundary(writer, &missing);
    size_t used = strlen(writer->msg);

    snprintf(writer->msg + used, NM_MSG_SIZE - used, "; closed without the last %llu packets",
             (unsigned long long)missing);
    if (writer->plain && ftruncate(writer->fd, (off_t)(writer->position + boundary)) < 0)
        return; /* the error already there is the one to report */
}

int nm_writer_close(struct nm_writer *writer, char *msg)
{
    int error = 0;

    msg[0] = '\0';
    if (writer->used)
        error = nm_writer_flush(writer);
    if (error == -EINTR)
        snprintf(writer->msg, NM_MSG_SIZE, "interrupted while the dump file takes no bytes");
    if (error)
        give_up_pending(writer);
    if (writer->fd >= 0 && close(writer->fd) < 0 && errno != EINTR && !error) {
        error = -errno; /* network file systems report a full disk only here */
        snprintf(writer->msg, NM_MSG_SIZE, "error closing dump file: %m");
    }
    if (error)
        snprintf(msg, NM_MSG_SIZE, "%s", writer->msg);
    free_writer(writer);
    return error;
}

/* ---- asked about --------------------------------------------------------------------- */

uint64_t nm_writer_position(struct nm_writer *writer)
{
    return nm_writer_len(writer);
}

uint32_t nm_writer_snaplen(struct nm_writer *writer)
{
    return writer->config.snaplen;
}

int nm_writer_swapped(struct nm_writer *writer)
{
    return writer->swapped;
}

uint64_t nm_writer_packets(struct nm_writer *writer)
{
    return writer->packets;
}

const char *nm_writer_msg(struct nm_writer *writer)
{
    return writer->msg;
}
