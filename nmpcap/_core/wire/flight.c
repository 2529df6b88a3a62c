/* Packets on their way: pieces of memory for those in order, a heap of pointers for those that others may pass. */
#include <stdlib.h>
#include <string.h>

#include "wire/flight.h"

#define PIECE (1u << 20)

struct packet {
    int64_t departure_ns;
    uint64_t number; /* of two that leave at once, the one added first goes first */
    uint32_t len;
    uint8_t bytes[];
};

struct piece {
    struct piece *next;
    uint32_t size, filled, taken;
    _Alignas(8) uint8_t memory[];
};

struct nm_flight {
    struct piece *first, *last; /* of those in order */
    struct piece *spare;        /* one, so that a steady flow takes no memory */
    struct piece *gone;         /* taken from, to be let go */
    struct packet **heap;       /* the earliest first */
    uint32_t heap_count, heap_capacity;
    struct packet **taken;      /* out of the heap, to be let go */
    uint32_t taken_count, taken_capacity;
    uint64_t number, packets, bytes;
};

struct nm_flight *nm_flight_new(void)
{
    return calloc(1, sizeof(struct nm_flight));
}

static void free_pieces(struct piece *piece)
{
    while (piece) {
        struct piece *next = piece->next;

        free(piece);
        piece = next;
    }
}

void nm_flight_free(struct nm_flight *flight)
{
    if (!flight)
        return;
    nm_flight_release(flight);
    free_pieces(flight->first);
    free(flight->spare);
    for (uint32_t i = 0; i < flight->heap_count; i++)
        free(flight->heap[i]);
    free(flight->heap);
    free(flight->taken);
    free(flight);
}

uint64_t nm_flight_packets(const struct nm_flight *flight)
{
    return flight->packets;
}

uint64_t nm_flight_bytes(const struct nm_flight *flight)
{
    return flight->bytes;
}

/* ---- those in order ---------------------------------------------------------------- */

static uint32_t stride(uint32_t len)
{
    return (uint32_t)(sizeof(struct packet) + len + 7) / 8 * 8;
}

static struct piece *new_piece(struct nm_flight *flight, uint32_t size)
{
    struct piece *piece = flight->spare;

    if (piece && piece->size >= size) {
        flight->spare = NULL;
    } else {
        size = size > PIECE ? size : PIECE;
        piece = malloc(sizeof(*piece) + size);
        if (!piece)
            return NULL;
        piece->size = size;
    }
    piece->next = NULL;
    piece->filled = piece->taken = 0;
    return piece;
}

static struct packet *append(struct nm_flight *flight, uint32_t len)
{
    struct piece *piece = flight->last;
    uint32_t size = stride(len);

    if (!piece || piece->size - piece->filled < size) {
        piece = new_piece(flight, size);
        if (!piece)
            return NULL;
        if (flight->last)
            flight->last->next = piece;
        else
            flight->first = piece;
        flight->last = piece;
    }
    piece->filled += size;
    return (struct packet *)(void *)(piece->memory + piece->filled - size);
}

/* The next packet in order. */
static struct packet *ordered(const struct nm_flight *flight)
{
    struct piece *piece = flight->first;

    return piece && piece->taken < piece->filled ? (struct packet *)(void *)(piece->memory + piece->taken) : NULL;
}

static void step(struct nm_flight *flight)
{
    struct piece *piece = flight->first;

    piece->taken += stride(((struct packet *)(void *)(piece->memory + piece->taken))->len);
    if (piece->taken < piece->filled)
        return;
    if (!(flight->first = piece->next))
        flight->last = NULL;
    piece->next = flight->gone;
    flight->gone = piece;
}

/* ---- the others -------------------------------------------------------------------- */

static bool earlier(const struct packet *a, const struct packet *b)
{
    return a->departure_ns != b->departure_ns ? a->departure_ns < b->departure_ns : a->number < b->number;
}

static bool reserve(struct packet ***list, uint32_t count, uint32_t *capacity)
{
    uint32_t more = *capacity ? 2 * *capacity : 64;
    struct packet **grown;

    if (count < *capacity)
        return true;
    grown = realloc(*list, more * sizeof(*grown));
    if (!grown)
        return false;
    *list = grown;
    *capacity = more;
    return true;
}

static void sift_up(struct packet **heap, uint32_t i)
{
    struct packet *packet = heap[i];

    for (; i && earlier(packet, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = packet;
}

static void sift_down(struct packet **heap, uint32_t count)
{
    struct packet *packet = heap[0];
    uint32_t i = 0;

    for (uint32_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && earlier(heap[child + 1], heap[child]))
            child++;
        if (!earlier(heap[child], packet))
            break;
        heap[i] = heap[child];
    }
    heap[i] = packet;
}

/* ---- all --------------------------------------------------------------------------- */

uint8_t *nm_flight_add(struct nm_flight *flight, int64_t departure_ns, uint32_t len, bool in_order)
{
    struct packet *packet;

    if (len > UINT32_MAX / 2)
        return NULL;
    if (in_order) {
        packet = append(flight, len);
        if (!packet)
            return NULL;
    } else {
        if (!reserve(&flight->heap, flight->heap_count, &flight->heap_capacity) ||
            !(packet = malloc(sizeof(*packet) + len)))
            return NULL;
        flight->heap[flight->heap_count++] = packet;
    }
    packet->departure_ns = departure_ns;
    packet->number = flight->number++;
    packet->len = len;
    if (!in_order)
        sift_up(flight->heap, flight->heap_count - 1);
    flight->packets++;
    flight->bytes += len;
    return packet->bytes;
}

static struct packet *earliest(const struct nm_flight *flight, bool *in_order)
{
    struct packet *first = ordered(flight), *other = flight->heap_count ? flight->heap[0] : NULL;

    *in_order = first && (!other || earlier(first, other));
    return *in_order ? first : other;
}

int64_t nm_flight_next(const struct nm_flight *flight)
{
    bool in_order;
    const struct packet *packet = earliest(flight, &in_order);

    return packet ? packet->departure_ns : INT64_MAX;
}

uint32_t nm_flight_take(struct nm_flight *flight, int64_t until_ns, struct nm_frame *frames, int64_t *departure_ns, uint32_t n)
{
    uint32_t count = 0;

    while (count < n) {
        bool in_order;
        struct packet *packet = earliest(flight, &in_order);

        if (!packet || packet->departure_ns > until_ns)
            break;
        if (!in_order && !reserve(&flight->taken, flight->taken_count, &flight->taken_capacity))
            break; /* another time: memory may be there again */
        frames[count] = (struct nm_frame){packet->bytes, packet->len};
        departure_ns[count++] = packet->departure_ns;
        flight->packets--;
        flight->bytes -= packet->len;
        if (in_order) {
            step(flight);
            continue;
        }
        flight->taken[flight->taken_count++] = packet;
        flight->heap[0] = flight->heap[--flight->heap_count];
        if (flight->heap_count)
            sift_down(flight->heap, flight->heap_count);
    }
    return count;
}

void nm_flight_release(struct nm_flight *flight)
{
    while (flight->gone) {
        struct piece *piece = flight->gone;

        flight->gone = piece->next;
        if (flight->spare)
            free(piece);
        else
            flight->spare = piece;
    }
    while (flight->taken_count)
        free(flight->taken[--flight->taken_count]);
}
