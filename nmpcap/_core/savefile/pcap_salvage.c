/*
 * Where a damaged pcap file goes on. It has no marks; what can be trusted is a chain: a header that says where the next one
 * is, which says where the one after it is, and so on. A chain proves itself by how far it goes: one that begins by
 * chance, or in a packet that holds another capture, breaks soon, unless it has run into the true one.
 *
 * For each place of a window the length of its chain is found from the window's end backwards, so that it costs one
 * look at each. A place that is chosen has half a window to prove itself in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "savefile/pcap_record.h"

enum { WINDOW = 128 * 1024, HALF = WINDOW / 2 };

/* Of a chain: how many records, and whether it was still going on where the window ended. */
enum { ALIVE = 1, RECORD = 2 };

/* Records that prove a chain which goes on, one that breaks, and one that ends just where the file does. */
enum { ENOUGH_ALIVE = 3 * RECORD, ENOUGH_BROKEN = 2 * RECORD, ENOUGH_ENDED = RECORD };

static bool in_doubt(const struct nm_reader *reader, const struct nm_pcap_record *record)
{
    return !nm_pcap_record_possible(reader, record) || record->caplen == 0 || record->caplen > record->len;
}

/* The chain that begins at a place, of which all further ones are known; left bytes follow it in the window. */
static uint32_t chain_at(const struct nm_reader *reader, const uint8_t *at, const uint32_t *chain, size_t left, bool ended)
{
    const struct nm_record_layout layout = nm_record_layout_of(reader);
    const size_t header = layout.modified ? MODIFIED_HEADER : RECORD_HEADER;
    struct nm_pcap_record record;
    size_t next;

    if (left < header)
        return ended ? 0 : ALIVE;
    record = nm_pcap_record_at(at, layout);
    if (in_doubt(reader, &record))
        return 0;
    next = header + record.caplen;
    if (next < left)
        return chain[next] + RECORD;
    if (next == left)
        return RECORD | ALIVE;
    return ended ? 0 : RECORD | ALIVE; /* the input ends inside: not a record */
}

static bool has_chains(const struct nm_reader *reader, bool ended)
{
    const struct nm_chains *chains = &reader->chains;
    uint64_t head = nm_input_offset(&reader->in);

    return chains->len && chains->ended == ended && head >= chains->from && head < chains->from + chains->len &&
           (ended || head + HALF <= chains->from + chains->len);
}

static bool find_chains(struct nm_reader *reader, bool ended)
{
    struct nm_chains *chains = &reader->chains;
    const uint8_t *bytes = nm_input_at(&reader->in);
    size_t left = nm_input_left(&reader->in);
    size_t len = left < WINDOW ? left : WINDOW;
    bool last = ended && len == left;

    if (!chains->of)
        chains->of = malloc(WINDOW * sizeof *chains->of);
    if (!chains->of) {
        reader->failure = -ENOMEM;
        snprintf(reader->base.msg, NM_MSG_SIZE, "no memory to look for what follows damage");
        return false;
    }
    for (size_t at = len; at-- > 0;)
        chains->of[at] = chain_at(reader, bytes + at, chains->of + at, len - at, last);
    chains->from = nm_input_offset(&reader->in);
    chains->len = len;
    chains->ended = last;
    return true;
}

/* Where a chain that goes on begins, of the places 1 to count - 1 behind head; 0 for nowhere. */
static size_t first_alive(const struct nm_reader *reader, size_t count)
{
    const uint32_t *chain = reader->chains.of + (nm_input_offset(&reader->in) - reader->chains.from);
    uint32_t enough = reader->chains.ended ? ENOUGH_ENDED : ENOUGH_ALIVE;

    for (size_t at = 1; at < count; at++)
        if (chain[at] & ALIVE && chain[at] >= enough)
            return at;
    return 0;
}

/* Where the longest of those that break begins. */
static size_t longest_broken(const struct nm_reader *reader, size_t count)
{
    const uint32_t *chain = reader->chains.of + (nm_input_offset(&reader->in) - reader->chains.from);
    size_t place = 0;

    for (size_t at = 1; at < count; at++)
        if (chain[at] >= ENOUGH_BROKEN && (!place || chain[at] > chain[place]))
            place = at;
    return place;
}

/* How long the record at head is, where that is there and sound but for what follows; 0: it is not. */
static size_t sound_record(const struct nm_reader *reader)
{
    const struct nm_record_layout layout = nm_record_layout_of(reader);
    const size_t header = layout.modified ? MODIFIED_HEADER : RECORD_HEADER;
    const size_t left = nm_input_left(&reader->in);
    struct nm_pcap_record record;

    if (reader->broken_at == nm_input_offset(&reader->in) || left < header)
        return 0;
    record = nm_pcap_record_at(nm_input_at(&reader->in), layout);
    return nm_pcap_record_possible(reader, &record) && left - header >= record.caplen ? header + record.caplen : 0;
}

static enum nm_parse go_on_at(struct nm_reader *reader, size_t place)
{
    reader->in.head += place;
    reader->proved_at = nm_input_offset(&reader->in);
    return NM_PARSE_FULL;
}

/* The record at head was not where the damage is, unless the true chain begins inside of it. */
static enum nm_parse keep_record(struct nm_reader *reader, size_t len)
{
    reader->broken_at = nm_input_offset(&reader->in) + len;
    reader->damage.places--; /* which counts once it is come to */
    return go_on_at(reader, 0);
}

enum nm_parse nm_pcap_resync(struct nm_reader *reader, bool ended)
{
    struct nm_input *in = &reader->in;
    size_t count, place, sound;

    while (nm_input_left(in)) {
        if (nm_input_left(in) < WINDOW && !ended)
            return nm_reader_want(reader, WINDOW);
        if (!has_chains(reader, ended && nm_input_left(in) <= WINDOW) && !find_chains(reader, ended))
            return NM_PARSE_FAILED;
        count = (size_t)(reader->chains.from + reader->chains.len - nm_input_offset(in));
        if (!reader->chains.ended)
            count -= HALF < count ? HALF : count - 1;
        sound = sound_record(reader);
        place = first_alive(reader, sound && sound < count ? sound : count);
        if (!place && sound)
            return keep_record(reader, sound);
        if (!place)
            place = longest_broken(reader, count);
        if (place)
            return go_on_at(reader, place);
        if (reader->chains.ended)
            break;
        in->head += count > 1 ? count - 1 : 1; /* places are asked about from the next one on */
        reader->broken_at = nm_input_offset(in);
    }
    in->head = in->tail;
    return nm_reader_want(reader, 1);
}
