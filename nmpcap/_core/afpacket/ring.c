/* The ring that a socket shares with the kernel: how large, and where. */
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afpacket/impl.h"

/* A block holds a packet of any size there is: 64 KiB is the most that offloads join, headers come to it.
 * Larger ones (BIG TCP) are cut, and their caplen says so. */
#define LARGEST_PACKET (65536 + 64)

/* More than this in one block only makes packets wait for one another. */
#define BLOCK (128 * 1024)

/* What the kernel puts in front of a packet, alignment and link-layer header included, at most. */
#define IN_FRONT 192

/* In immediate mode: larger packets than these are rare enough to be copied. */
#define LARGEST_FRAME 9216

static uint32_t smaller(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static uint32_t page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);

    return size > 0 ? (uint32_t)size : 4096;
}

/* Blocks for packets of up to `largest` bytes: eight at least, if the buffer allows it, and two in any case. */
static void plan_blocks(struct nm_packet_ring *ring, uint64_t buffer_size, uint32_t largest)
{
    uint32_t size = BLOCK;

    while (size < largest + IN_FRONT)
        size *= 2;
    while (size / 2 >= largest + IN_FRONT && size / 2 >= page_size() && (uint64_t)size * 8 > buffer_size)
        size /= 2;
    ring->block_size = size;
    /* The kernel multiplies in 32 bits. */
    ring->blocks = smaller(buffer_size / size, UINT32_MAX / size);
    if (ring->blocks < 2)
        ring->blocks = 2;
}

static void plan_rx(struct nm_packet *p, uint64_t buffer_size)
{
    uint32_t largest;

    if (p->version == TPACKET_V3) {
        /* A filter may look farther than the snapshot length, and what it looks at has to be there. */
        largest = p->mtu + UINT64_C(64) > p->snaplen ? smaller(p->mtu + UINT64_C(64), LARGEST_PACKET)
                                                     : smaller(p->snaplen, LARGEST_PACKET);
        p->rx.frame_size = 2048; /* of no importance: it must divide the block */
    } else {
        largest = smaller(p->snaplen, smaller((uint64_t)p->mtu + 64, LARGEST_FRAME));
        p->rx.frame_size = TPACKET_ALIGN(largest + IN_FRONT);
    }
    plan_blocks(&p->rx, buffer_size, largest);
}

static int set_ring(struct nm_packet *p, struct nm_packet_ring *ring)
{
    struct tpacket_req3 request = {
        .tp_block_size = ring->block_size,
        .tp_block_nr = ring->blocks,
        .tp_frame_size = ring->frame_size,
        .tp_frame_nr = ring->block_size / ring->frame_size * ring->blocks,
        .tp_retire_blk_tov = NM_PACKET_RETIRE_MS,
    };
    /* The request of TPACKET_V2 is the beginning of this one. */
    socklen_t size = p->version == TPACKET_V3 ? sizeof(request) : sizeof(struct tpacket_req);

    if (setsockopt(p->fd, SOL_PACKET, PACKET_RX_RING, &request, size))
        return -errno;
    ring->frames = request.tp_frame_nr;
    return 0;
}

static int make_rx(struct nm_packet *p, uint64_t buffer_size)
{
    int error;

    plan_rx(p, buffer_size);
    while ((error = set_ring(p, &p->rx)) == -ENOMEM && p->rx.blocks > 2)
        p->rx.blocks -= (p->rx.blocks + 3) / 4 < p->rx.blocks - 2 ? (p->rx.blocks + 3) / 4 : p->rx.blocks - 2;
    if (error)
        return nm_packet_fail(p, -error, "a ring of %u blocks of %u bytes to receive cannot be made: %s",
                              p->rx.blocks, p->rx.block_size, strerror(-error));
    return 0;
}

int nm_packet_make_ring(struct nm_packet *p, uint64_t buffer_size)
{
    int error = make_rx(p, buffer_size);
    void *map;

    if (error)
        return error;
    p->map_size = (size_t)p->rx.block_size * p->rx.blocks;
    map = mmap(NULL, p->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
    if (map == MAP_FAILED)
        return nm_packet_fail(p, errno, "mapping its ring of %zu bytes: %s", p->map_size, strerror(errno));
    p->rx.base = map;
    return 0;
}
