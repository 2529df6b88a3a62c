/*
 * Savefile readers over damaged files: whatever the bytes, they give packets that lie within what was
 * fed, or an error, and they come to an end; fed at once or in pieces they give the same.
 *
 * core: slab.c savefile
 * modes: plain asan
 *
 * NMPCAP_TEST_SEED repeats a run, NMPCAP_FUZZ_ROUNDS says how many files (6000).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "source.h"
#include "savefile/savefile.h"

enum { FILE_MAX = 1 << 16, END = NM_SOURCE_END };

#define CHECK(condition)                                                                                  \
    do {                                                                                                  \
        if (!(condition)) {                                                                               \
            fprintf(stderr, "%s:%d: not true: %s (round %llu)\n", __FILE__, __LINE__, #condition, round_); \
            exit(1);                                                                                      \
        }                                                                                                 \
    } while (0)

static unsigned long long state, round_;

static uint32_t rnd(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? (uint32_t)(state >> 16) % below : (uint32_t)(state >> 16);
}

/* ---- files --------------------------------------------------------------------------- */

struct file {
    uint8_t bytes[FILE_MAX];
    size_t len;
    bool swapped;
};

static void put(struct file *file, uint32_t value, unsigned size)
{
    unsigned i;

    for (i = 0; i < size && file->len < FILE_MAX; i++)
        file->bytes[file->len++] = (uint8_t)(value >> 8 * (file->swapped ? size - 1 - i : i));
}

static void put_data(struct file *file, uint32_t len)
{
    while (len--)
        put(file, rnd(4) ? 0 : rnd(256), 1);
}

static uint32_t some_linktype(void)
{
    static const uint32_t linktypes[] = {1, 1, 101, 113, 117, 189, 220, 220, 231, 239, 276};

    return linktypes[rnd(sizeof linktypes / sizeof linktypes[0])];
}

static void make_pcap(struct file *file)
{
    static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34};
    uint32_t magic = magics[rnd(3)];
    unsigned packets = rnd(20);

    put(file, magic, 4);
    put(file, 2, 2);
    put(file, rnd(4) ? 4 : rnd(5), 2);
    put(file, 0, 4);
    put(file, 0, 4);
    put(file, rnd(3) ? 65535 : rnd(0), 4);
    put(file, some_linktype(), 4);
    while (packets--) {
        uint32_t caplen = rnd(300);

        put(file, 1700000000 + rnd(100), 4);
        put(file, rnd(1000000), 4);
        put(file, caplen, 4);
        put(file, caplen + (rnd(2) ? 0 : rnd(100)), 4);
        if (magic == magics[2])
            put_data(file, 8);
        put_data(file, caplen);
    }
}

/* Fills in the lengths around what has been put since at. */
static void close_block(struct file *file, size_t at)
{
    struct file lengths = {.swapped = file->swapped};
    uint32_t total;

    while ((file->len - at) % 4)
        put(file, 0, 1);
    total = (uint32_t)(file->len - at) + 4;
    put(&lengths, total, 4);
    memcpy(file->bytes + at + 4, lengths.bytes, 4);
    put(file, total, 4);
}

static size_t open_block(struct file *file, uint32_t type)
{
    size_t at = file->len;

    put(file, type, 4);
    put(file, 0, 4);
    return at;
}

static void put_option(struct file *file, uint32_t code, uint32_t len)
{
    put(file, code, 2);
    put(file, len, 2);
    put_data(file, (len + 3) & ~3u);
}

static void put_section(struct file *file)
{
    size_t at = open_block(file, 0x0a0d0d0a);

    put(file, 0x1a2b3c4d, 4);
    put(file, 1, 2);
    put(file, 0, 2);
    put_data(file, 8);
    if (rnd(2))
        put_option(file, 1, rnd(20));
    close_block(file, at);
}

static void put_interface(struct file *file)
{
    size_t at = open_block(file, 1);

    put(file, some_linktype(), 2);
    put(file, 0, 2);
    put(file, rnd(3) ? 65535 : rnd(400), 4);
    if (rnd(2)) {
        put(file, 9, 2);
        put(file, 1, 2);
        put(file, rnd(2) ? rnd(20) : 0x80 | rnd(64), 1);
        put_data(file, 3);
    }
    if (rnd(4) == 0)
        put_option(file, 14, 8);
    close_block(file, at);
}

static void put_packet(struct file *file)
{
    static const uint32_t types[] = {6, 6, 2, 3, 4, 5, 0xa, 0x1234};
    uint32_t type = types[rnd(8)];
    uint32_t caplen = rnd(300);
    size_t at = open_block(file, type);

    if (type == 6 || type == 2) {
        put(file, rnd(10) ? 0 : rnd(3), 4);
        put_data(file, 8);
        put(file, rnd(20) ? caplen : caplen + rnd(400), 4); /* now and then a lie */
    }
    put(file, rnd(20) ? caplen : caplen + rnd(400), 4);
    put_data(file, (caplen + 3) & ~3u);
    if (type == 6 && rnd(3) == 0)
        put_option(file, 2, 4);
    close_block(file, at);
}

static void make_pcapng(struct file *file)
{
    unsigned blocks = rnd(20);

    put_section(file);
    put_interface(file);
    while (blocks--) {
        unsigned kind = rnd(12);

        if (kind == 0)
            put_section(file);
        else if (kind == 1)
            put_interface(file);
        else
            put_packet(file);
    }
}

static void damage(struct file *file)
{
    unsigned times = rnd(4);

    while (times-- && file->len > 8) {
        size_t at = rnd((uint32_t)file->len);
        size_t size = rnd(40);

        switch (rnd(5)) {
        case 0:
            file->bytes[at] ^= (uint8_t)(1u << rnd(8));
            break;
        case 1:
            file->len = at;
            break;
        case 2: /* bytes lost */
            size = size < file->len - at ? size : file->len - at;
            memmove(file->bytes + at, file->bytes + at + size, file->len - at - size);
            file->len -= size;
            break;
        case 3: /* bytes that do not belong there */
            size = size < FILE_MAX - file->len ? size : FILE_MAX - file->len;
            memmove(file->bytes + at + size, file->bytes + at, file->len - at);
            file->len += size;
            break;
        default: /* a number at the limits */
            at &= ~(size_t)3;
            if (file->len - at >= 4)
                memset(file->bytes + at, rnd(2) ? 0xff : 0, rnd(2) ? 4 : 3);
            break;
        }
    }
}

/* ---- reading ------------------------------------------------------------------------- */

struct result {
    uint64_t packets;
    uint64_t sum;
    int end;
    uint64_t offset;
    char msg[NM_MSG_SIZE];
};

static void add(struct result *result, const struct nm_view *view)
{
    uint32_t i;

    result->packets++;
    result->sum = result->sum * 31 + (uint64_t)view->ts_ns + view->len + view->ifindex + view->linktype + view->flags;
    for (i = 0; i < view->caplen; i++)
        result->sum = result->sum * 31 + view->data[i];
}

/* Feeds the next piece, from memory of just its size, so that reading past it is seen. */
static size_t feed(struct nm_source *source, const struct file *file, size_t at, size_t piece)
{
    size_t size = piece < file->len - at ? piece : file->len - at;
    uint8_t *bytes = malloc(size + 1);

    CHECK(bytes);
    memcpy(bytes, file->bytes + at, size);
    if (size)
        CHECK(nm_savefile_feed(source, bytes, size) == 0);
    else
        nm_savefile_finish(source);
    free(bytes);
    return at + size;
}

static struct result read_file(const struct file *file, int flags, size_t piece, uint32_t capacity)
{
    struct nm_view *views = malloc(capacity * sizeof *views);
    struct result result = {0};
    struct nm_source *source = nm_savefile_open(-1, flags, 1 << 27, result.msg);
    unsigned idle = 0;
    size_t at = 0;
    int got;

    CHECK(source && views);
    while ((got = nm_savefile_begin(source)) == -EAGAIN)
        at = feed(source, file, at, piece);
    while (got >= 0) {
        got = nm_savefile_fill(source, views, capacity);
        CHECK(got <= (int)capacity);
        if (got == 0) {
            CHECK(nm_savefile_wait(source, 0) != 0);
            at = feed(source, file, at, piece);
            CHECK(idle++ < 2 * FILE_MAX);
        }
        for (int i = 0; i < got; i++) {
            CHECK(views[i].caplen <= file->len);
            CHECK(flags & NM_SAVEFILE_BLOCKS || views[i].ifindex < nm_savefile_interfaces(source));
            add(&result, &views[i]);
        }
    }
    result.end = got;
    result.offset = nm_savefile_offset(source);
    CHECK(result.offset <= file->len);
    snprintf(result.msg, sizeof result.msg, "%s", got == END ? "" : nm_savefile_msg(source));
    CHECK(got == END || result.msg[0]);
    nm_savefile_close(source);
    free(views);
    return result;
}

static void check_file(const struct file *file, int flags)
{
    struct result whole = read_file(file, flags, FILE_MAX, 64);
    struct result pieces = read_file(file, flags, 1 + rnd(50), 1 + rnd(5));

    CHECK(whole.packets == pieces.packets);
    CHECK(whole.sum == pieces.sum);
    CHECK(whole.end == pieces.end);
    CHECK(strcmp(whole.msg, pieces.msg) == 0);
    CHECK(flags & NM_SAVEFILE_SALVAGE ? whole.end == END || whole.packets == 0 : true);
}

/* ---- writing what can be read --------------------------------------------------------- */

static void check_copy(const struct file *file, uint32_t format)
{
    struct nm_writer_config config = {.format = format, .linktype = 1, .nano = 1, .snaplen = 128u << 20};
    static struct file copy;
    struct nm_view views[16];
    struct nm_writer *writer;
    struct nm_source *source;
    const uint8_t *pending;
    char msg[NM_MSG_SIZE];
    uint64_t written = 0;
    int got;

    source = nm_savefile_open(-1, 0, 1 << 27, msg);
    CHECK(source);
    CHECK(nm_savefile_feed(source, file->bytes, file->len) == 0);
    nm_savefile_finish(source);
    CHECK(nm_writer_open(-1, &config, &writer, msg) == 0);
    got = nm_savefile_begin(source);
    while (got >= 0 && (got = nm_savefile_fill(source, views, 16)) > 0)
        for (int i = 0; i < got; i++)
            written += nm_writer_views(writer, &views[i], 1, 0) == 1;
    nm_savefile_close(source);
    CHECK(nm_writer_packets(writer) == written);
    copy.len = nm_writer_pending(writer, &pending);
    if (copy.len <= FILE_MAX) {
        memcpy(copy.bytes, pending, copy.len);
        if (written) {
            struct result again = read_file(&copy, 0, FILE_MAX, 64);

            CHECK(again.packets == written);
            CHECK(again.end == END);
        }
    }
    nm_writer_taken(writer, copy.len);
    CHECK(nm_writer_close(writer, msg) == 0);
}

int main(void)
{
    const char *seed = getenv("NMPCAP_TEST_SEED");
    const char *rounds = getenv("NMPCAP_FUZZ_ROUNDS");
    unsigned long long count = rounds ? strtoull(rounds, NULL, 10) : 6000;
    unsigned long long first = seed ? strtoull(seed, NULL, 10) : (unsigned long long)time(NULL);
    static struct file file;

    printf("NMPCAP_TEST_SEED=%llu\n", first);
    fflush(stdout);
    for (round_ = 0; round_ < count; round_++) {
        state = (first + round_) * 0x9e3779b97f4a7c15ull + 1;
        rnd(0);
        file.len = 0;
        file.swapped = rnd(2);
        if (rnd(2))
            make_pcap(&file);
        else
            make_pcapng(&file);
        damage(&file);
        check_file(&file, 0);
        check_file(&file, NM_SAVEFILE_SALVAGE);
        check_file(&file, NM_SAVEFILE_BLOCKS);
        check_copy(&file, rnd(2) ? NM_SAVEFILE_PCAP : NM_SAVEFILE_PCAPNG);
    }
    return 0;
}
