/*
 * TPACKET_V2, for immediate mode: a packet a frame, handed over when it comes.
 *
 * Frames have room for what the interface's MTU allows. What is larger, which receive offloads make of
 * several packets, the kernel also leaves whole in the socket's queue, in the order of the frames. Where
 * the queue has no room, the part in the frame has to do: the packet's caplen says so.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "afpacket/view.h"

/* In front of a copy, as the ring leaves it in front of a frame. */
#define HEADROOM (NM_VLAN_TAG + NM_SLL2_HEADER)

static struct tpacket2_hdr *frame_at(const struct nm_packet *p, uint32_t i)
{
    uint32_t each = p->rx.block_size / p->rx.frame_size;

    return (struct tpacket2_hdr *)(p->rx.base + (size_t)(i / each) * p->rx.block_size +
                                   (size_t)(i % each) * p->rx.frame_size);
}

static uint32_t after(const struct nm_packet *p, uint32_t i)
{
    return i + 1 == p->rx.frames ? 0 : i + 1;
}

void nm_packet_free_copies(struct nm_packet *p)
{
    while (p->copies) {
        struct nm_packet_copy *next = p->copies->next;

        free(p->copies);
        p->copies = next;
    }
}

static void give_back(struct nm_packet *p)
{
    for (; p->lent; p->lent--) {
        /* Release, as for blocks. */
        __atomic_store_n(&frame_at(p, p->lent_from)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        p->lent_from = after(p, p->lent_from);
    }
    nm_packet_free_copies(p);
}

/* The next copy in the queue. What has happened to the interface since is told first, and only once: it is noted,
 * and the copy taken, or every later one would pass for another packet's. */
static ssize_t receive(struct nm_packet *p, void *bytes, size_t size)
{
    ssize_t got;

    while ((got = recv(p->fd, bytes, size, MSG_DONTWAIT)) < 0 && errno == ENETDOWN)
        p->down = true;
    return got;
}

/* The whole of a packet that has a part in its frame, which may be more than the snapshot length: the filter may
 * look further. Without memory for it, the part. */
static void take_copy(struct nm_packet *p, struct nm_arrival *raw)
{
    uint32_t size = raw->len;
    struct nm_packet_copy *copy = malloc(sizeof(*copy) + HEADROOM + size);
    uint8_t nothing;
    ssize_t got;

    if (!copy) {
        (void)receive(p, &nothing, sizeof(nothing));
        return;
    }
    got = receive(p, copy->bytes + HEADROOM, size);
    if (got < 0) {
        free(copy);
        return;
    }
    raw->data = copy->bytes + HEADROOM;
    raw->caplen = (uint32_t)got;
    copy->next = p->copies;
    p->copies = copy;
}

static bool take_frame(struct nm_packet *p, struct nm_arrival *raw)
{
    struct tpacket2_hdr *header = frame_at(p, p->upcoming);
    /* Acquire: the packet is read after the frame is seen to be ours. */
    uint32_t status = __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);

    if (!(status & TP_STATUS_USER) || p->lent == p->rx.frames / 2)
        return false;
    raw->data = (uint8_t *)header + header->tp_mac;
    raw->caplen = header->tp_snaplen;
    raw->len = header->tp_len;
    raw->status = status;
    raw->tci = header->tp_vlan_tci;
    raw->tpid = header->tp_vlan_tpid;
    raw->ts_ns = (int64_t)header->tp_sec * 1000000000 + header->tp_nsec;
    raw->from = (const struct sockaddr_ll *)((uint8_t *)header + TPACKET_ALIGN(sizeof(*header)));
    if (status & TP_STATUS_COPY)
        take_copy(p, raw);
    p->upcoming = after(p, p->upcoming);
    p->lent++;
    return true;
}

int nm_packet_fill_frames(struct nm_packet *p, struct nm_batch *batch)
{
    struct nm_arrival raw = {.status = 0};
    uint32_t losing = 0, taken = 0;

    give_back(p);
    while (batch->count < batch->capacity && take_frame(p, &raw)) {
        losing |= raw.status & TP_STATUS_LOSING;
        taken++;
        batch->count += nm_packet_view(p, &raw, &batch->views[batch->count]);
    }
    nm_packet_count_taken(p, taken);
    /* As for blocks: before 32 bits have wrapped. */
    if (losing)
        nm_packet_count_drops(p);
    return (int)batch->count;
}
