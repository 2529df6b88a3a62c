/*
 * TPACKET_V3: packets in blocks.
 *
 *      lent_from                upcoming
 *          |                       |
 *     [ taken ][ taken ][ left ... ][ the kernel's ][ the kernel's ]
 *
 * Views point into the lent blocks. All but one that has packets left go back with the next fill.
 */
#include "afpacket/view.h"

static struct tpacket_block_desc *block_at(const struct nm_packet *p, uint32_t i)
{
    return (struct tpacket_block_desc *)(p->rx.base + (size_t)i * p->rx.block_size);
}

static uint32_t after(const struct nm_packet *p, uint32_t i)
{
    return i + 1 == p->rx.blocks ? 0 : i + 1;
}

static void give_back(struct nm_packet *p)
{
    uint32_t keep = p->left ? 1 : 0;

    for (; p->lent > keep; p->lent--) {
        /* Release: the kernel writes into the block once it sees this; our reads of it, and the headers
         * written into it, come before. */
        __atomic_store_n(&block_at(p, p->lent_from)->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        p->lent_from = after(p, p->lent_from);
    }
}

/* Takes the next block, if the kernel has handed it over. Half of them at most are lent, so that one fill of
 * nearly empty blocks does not leave the kernel without any. */
static bool take_block(struct nm_packet *p)
{
    struct tpacket_block_desc *block = block_at(p, p->upcoming);
    uint32_t status;

    if (p->lent == p->rx.blocks / 2)
        return false;
    /* Acquire: the packets are read after the block is seen to be ours. */
    status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER))
        return false;
    /* The kernel's count of drops has 32 bits: it is taken over whenever it has moved. */
    if (status & TP_STATUS_LOSING)
        nm_packet_count_drops(p);
    p->left = block->hdr.bh1.num_pkts;
    p->next = (uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
    p->upcoming = after(p, p->upcoming);
    p->lent++;
    return true;
}

static void take_packet(struct nm_packet *p, struct nm_arrival *raw)
{
    const struct tpacket3_hdr *header = (const struct tpacket3_hdr *)p->next;

    raw->data = p->next + header->tp_mac;
    raw->caplen = header->tp_snaplen;
    raw->len = header->tp_len;
    raw->status = header->tp_status;
    raw->tci = (uint16_t)header->hv1.tp_vlan_tci;
    raw->tpid = header->hv1.tp_vlan_tpid;
    raw->ts_ns = (int64_t)header->tp_sec * 1000000000 + header->tp_nsec;
    raw->from = (const struct sockaddr_ll *)(p->next + TPACKET_ALIGN(sizeof(*header)));
    p->next += header->tp_next_offset;
    p->left--;
}

int nm_packet_fill_blocks(struct nm_packet *p, struct nm_batch *batch)
{
    struct nm_arrival raw;
    uint32_t taken = 0;

    give_back(p);
    while (batch->count < batch->capacity && (p->left || take_block(p))) {
        if (!p->left)
            continue;
        take_packet(p, &raw);
        taken++;
        batch->count += nm_packet_view(p, &raw, &batch->views[batch->count]);
    }
    nm_packet_count_taken(p, taken);
    return (int)batch->count;
}
