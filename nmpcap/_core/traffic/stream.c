/* Frames of a stream: sums over the template are made once, so that a frame costs what changes in it. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "traffic/stream.h"
#include "wire/draw.h"

#define UDP_SIZE 8u
#define LENGTH_DRAW 64u /* the number of the draw of lengths; fields have those below */

struct field {
    struct nm_stream_field range;
    uint64_t now;
    bool in_ip, in_udp; /* counts in the header's checksum, in UDP's */
};

struct nm_stream {
    uint32_t shortest, longest;
    uint32_t version, ip, udp, payload; /* offsets of the headers, of what UDP carries */
    bool sequence;
    uint64_t seed, index;
    uint64_t ip_sum, udp_sum;           /* over all that does not change, payload apart */
    uint32_t num_fields;
    struct field field[NM_STREAM_FIELDS];
    uint32_t *payload_sum;              /* [n]: of the payload's first n bytes, folded */
    uint8_t frame[];
};

/* ---- sums -------------------------------------------------------------------------- */

static uint64_t words(const uint8_t *data, uint32_t length)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)data[i] << 8 | data[i + 1];
    return sum;
}

static uint64_t words_of(uint64_t value)
{
    return (value & 0xffff) + (value >> 16 & 0xffff) + (value >> 32 & 0xffff) + (value >> 48);
}

static uint16_t folded(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void put(uint8_t *to, uint64_t value, uint32_t size)
{
    value = __builtin_bswap64(value << (64 - 8 * size));
    memcpy(to, &value, size);
}

/* What changes is zero in the template, so that the sums over it are of the rest. */
static void clear_changing(struct nm_stream *s)
{
    for (uint32_t i = 0; i < s->num_fields; i++)
        memset(s->frame + s->field[i].range.offset, 0, s->field[i].range.size);
    if (s->version == 4) {
        memset(s->frame + s->ip + 2, 0, 2);
        memset(s->frame + s->ip + 10, 0, 2);
    }
    if (s->version == 6)
        memset(s->frame + s->ip + 4, 0, 2);
    if (s->version)
        memset(s->frame + s->udp + 4, 0, 4);
    if (s->sequence)
        memset(s->frame + s->payload, 0, 4);
}

static void sum_template(struct nm_stream *s)
{
    uint32_t addresses = s->version == 4 ? s->ip + 12 : s->ip + 8, size = s->longest - s->payload;

    s->ip_sum = s->version == 4 ? words(s->frame + s->ip, s->udp - s->ip) : 0;
    s->udp_sum = words(s->frame + addresses, s->udp - addresses) + words(s->frame + s->udp, UDP_SIZE) + 17;
    for (uint32_t n = 1; n <= size; n++) {
        uint32_t byte = s->frame[s->payload + n - 1];

        s->payload_sum[n] = folded(s->payload_sum[n - 1] + (n % 2 ? byte << 8 : byte));
    }
    for (uint32_t i = 0; i < s->num_fields; i++) {
        s->field[i].in_ip = s->version == 4 && s->field[i].range.offset >= s->ip && s->field[i].range.offset < s->udp;
        s->field[i].in_udp = s->field[i].range.offset >= addresses && s->field[i].range.offset < s->payload;
    }
}

/* ---- making one -------------------------------------------------------------------- */

static bool field_is_wrong(const struct nm_stream_config *config, const struct nm_stream_field *field)
{
    uint64_t most = field->size >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * field->size) - 1;

    return !field->size || field->size > 8 || field->size % 2 || field->offset % 2 || field->offset > config->shortest ||
           field->size > config->shortest - field->offset || field->low > field->high || field->high > most;
}

static bool is_wrong(const struct nm_stream_config *config)
{
    uint32_t headers = (config->ip_version == 6 ? 40 : 20) + UDP_SIZE + (config->sequence ? 4 : 0);

    if (!config->shortest || config->shortest > config->longest || config->longest > NM_STREAM_LONGEST ||
        config->num_fields > NM_STREAM_FIELDS)
        return true;
    for (uint32_t i = 0; i < config->num_fields; i++)
        if (field_is_wrong(config, &config->field[i]))
            return true;
    if (!config->ip_version)
        return config->sequence != 0;
    return (config->ip_version != 4 && config->ip_version != 6) || config->ip_offset % 2 ||
           config->ip_offset > config->shortest || headers > config->shortest - config->ip_offset;
}

int nm_stream_new(const struct nm_stream_config *config, struct nm_stream **stream)
{
    struct nm_stream *s;

    *stream = NULL;
    if (is_wrong(config))
        return -EINVAL;
    s = calloc(1, sizeof(*s) + config->longest);
    if (!s)
        return -ENOMEM;
    s->shortest = config->shortest;
    s->longest = config->longest;
    s->version = config->ip_version;
    s->ip = config->ip_offset;
    s->udp = s->ip + (s->version == 6 ? 40 : 20);
    s->payload = s->udp + UDP_SIZE;
    s->sequence = config->sequence;
    s->seed = config->seed;
    s->num_fields = config->num_fields;
    for (uint32_t i = 0; i < s->num_fields; i++)
        s->field[i] = (struct field){.range = config->field[i], .now = config->field[i].low};
    memcpy(s->frame, config->frame, s->longest);
    if (s->version) {
        s->payload_sum = calloc(s->longest - s->payload + 1, sizeof(*s->payload_sum));
        if (!s->payload_sum) {
            free(s);
            return -ENOMEM;
        }
    }
    clear_changing(s);
    if (s->version)
        sum_template(s);
    *stream = s;
    return 0;
}

void nm_stream_free(struct nm_stream *stream)
{
    if (stream)
        free(stream->payload_sum);
    free(stream);
}

int nm_stream_same(const struct nm_stream *stream)
{
    bool same = stream->shortest == stream->longest && !stream->sequence;

    for (uint32_t i = 0; i < stream->num_fields; i++)
        same = same && stream->field[i].range.low == stream->field[i].range.high;
    return same;
}

uint32_t nm_stream_longest(const struct nm_stream *stream)
{
    return stream->longest;
}

/* ---- one after the other ----------------------------------------------------------- */

static uint64_t draw(const struct nm_stream *s, uint32_t what, uint64_t low, uint64_t high)
{
    uint64_t stream = nm_draw_mix(s->seed ^ (uint64_t)what << 32);

    if (high - low == UINT64_MAX)
        return nm_draw_at(stream, s->index);
    return low + nm_draw_below(stream, s->index, high - low + 1);
}

/* Goes on to the next values, as the digits of a number do. */
static void sweep(struct nm_stream *s)
{
    for (uint32_t i = 0; i < s->num_fields; i++) {
        struct field *field = &s->field[i];

        if (field->range.random)
            continue;
        if (field->now < field->range.high) {
            field->now++;
            return;
        }
        field->now = field->range.low;
    }
}

static void put_lengths(const struct nm_stream *s, uint8_t *to, uint32_t length, uint64_t ip_sum, uint64_t udp_sum)
{
    uint32_t udp_length = length - s->udp;
    uint16_t sum;

    if (s->version == 4) {
        put(to + s->ip + 2, length - s->ip, 2);
        put(to + s->ip + 10, (uint16_t)~folded(ip_sum + length - s->ip), 2);
    } else {
        put(to + s->ip + 4, udp_length, 2);
    }
    /* The length counts twice: it is in the pseudo-header, too. */
    sum = (uint16_t)~folded(udp_sum + 2 * (uint64_t)udp_length + s->payload_sum[length - s->payload]);
    put(to + s->udp + 4, udp_length, 2);
    put(to + s->udp + 6, sum ? sum : 0xffff, 2);
}

uint32_t nm_stream_next(struct nm_stream *s, uint8_t *to, int fresh)
{
    uint64_t ip_sum = s->ip_sum, udp_sum = s->udp_sum;
    uint32_t length = s->longest;

    if (fresh)
        memcpy(to, s->frame, s->longest);
    if (s->shortest < s->longest)
        length = (uint32_t)draw(s, LENGTH_DRAW, s->shortest, s->longest);
    for (uint32_t i = 0; i < s->num_fields; i++) {
        struct field *field = &s->field[i];

        if (field->range.random)
            field->now = draw(s, i, field->range.low, field->range.high);
        put(to + field->range.offset, field->now, field->range.size);
        ip_sum += field->in_ip ? words_of(field->now) : 0;
        udp_sum += field->in_udp ? words_of(field->now) : 0;
    }
    if (s->sequence) {
        uint32_t number = (uint32_t)s->index;

        put(to + s->payload, number, 4);
        udp_sum += words_of(number);
    }
    if (s->version)
        put_lengths(s, to, length, ip_sum, udp_sum);
    s->index++;
    sweep(s);
    return length;
}
