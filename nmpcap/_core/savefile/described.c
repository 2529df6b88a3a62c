/* The interfaces that a pcapng writer has described in its section, found by what their packets say of themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "savefile/writer.h"

enum { LEAST = 4, NOWHERE = 0 };

/* buckets holds numbers from 1 on, at the first free place from the one that this gives; never more than half of it. */
static uint32_t bucket_of(const struct nm_writer *writer, uint32_t source, uint32_t linktype, uint32_t ifindex)
{
    uint64_t mixed = ((uint64_t)source << 32 | ifindex) * UINT64_C(0x9e3779b97f4a7c15) + linktype;

    mixed *= UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(mixed >> 32) & (2 * writer->interface_capacity - 1);
}

static void put_in_bucket(struct nm_writer *writer, uint32_t number)
{
    const struct nm_written_interface *interface = &writer->interfaces[number];
    uint32_t at = bucket_of(writer, interface->source, interface->linktype, interface->ifindex);

    while (writer->buckets[at] != NOWHERE)
        at = (at + 1) & (2 * writer->interface_capacity - 1);
    writer->buckets[at] = number + 1;
}

/* Both tables anew: a failure leaves them as they were. */
static bool grow(struct nm_writer *writer)
{
    uint32_t capacity = writer->interface_capacity ? 2 * writer->interface_capacity : LEAST;
    struct nm_written_interface *interfaces = malloc(capacity * sizeof *interfaces);
    uint32_t *buckets = calloc(2 * (size_t)capacity, sizeof *buckets);

    if (!interfaces || !buckets) {
        free(interfaces);
        free(buckets);
        snprintf(writer->msg, sizeof writer->msg, "no memory for interface %u", writer->interface_count);
        return false;
    }
    if (writer->interface_count)
        memcpy(interfaces, writer->interfaces, writer->interface_count * sizeof *interfaces);
    free(writer->interfaces);
    free(writer->buckets);
    writer->interfaces = interfaces;
    writer->buckets = buckets;
    writer->interface_capacity = capacity;
    for (uint32_t i = 0; i < writer->interface_count; i++)
        if (interfaces[i].matches)
            put_in_bucket(writer, i);
    return true;
}

bool nm_writer_describe(struct nm_writer *writer, const struct nm_written_interface *interface)
{
    if (writer->interface_count == writer->interface_capacity && !grow(writer))
        return false;
    writer->interfaces[writer->interface_count++] = *interface;
    if (interface->matches)
        put_in_bucket(writer, writer->interface_count - 1);
    return true;
}

static bool is(const struct nm_written_interface *interface, uint32_t source, uint32_t linktype, uint32_t ifindex)
{
    return interface->matches && interface->ifindex == ifindex && interface->linktype == linktype &&
           interface->source == source;
}

static uint32_t find(const struct nm_writer *writer, uint32_t source, uint32_t linktype, uint32_t ifindex)
{
    uint32_t at = bucket_of(writer, source, linktype, ifindex);

    while (writer->buckets[at] != NOWHERE) {
        if (is(&writer->interfaces[writer->buckets[at] - 1], source, linktype, ifindex))
            return writer->buckets[at] - 1;
        at = (at + 1) & (2 * writer->interface_capacity - 1);
    }
    return writer->interface_count;
}

uint32_t nm_writer_described(const struct nm_writer *writer, uint32_t source, uint32_t linktype, uint32_t ifindex)
{
    uint32_t number = writer->interface_last;

    if (number < writer->interface_count && is(&writer->interfaces[number], source, linktype, ifindex))
        return number;
    if (!writer->interface_count)
        return 0;
    number = find(writer, source, linktype, ifindex);
    return number < writer->interface_count ? number : find(writer, NM_WRITER_ANY_SOURCE, linktype, ifindex);
}

void nm_writer_forget(struct nm_writer *writer)
{
    writer->interface_count = 0;
    if (writer->buckets)
        memset(writer->buckets, 0, 2 * (size_t)writer->interface_capacity * sizeof *writer->buckets);
}
