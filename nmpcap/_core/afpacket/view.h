/*
 * From a packet in a ring to a view: what both ring formats have in common. All of it is inline, since it
 * is done once a packet.
 */
#ifndef NMPCAP_PACKET_VIEW_H
#define NMPCAP_PACKET_VIEW_H

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <string.h>

#include "afpacket/impl.h"

/* A packet as the kernel left it; both formats call these fields the same. */
struct nm_arrival {
    uint8_t *data; /* the link-layer header or, cooked, what follows it; the room of PACKET_RESERVE is in front of it */
    uint32_t caplen, len;
    uint32_t status; /* TP_STATUS_* */
    uint16_t tci, tpid;
    int64_t ts_ns;
    const struct sockaddr_ll *from;
};

static inline void nm_put16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static inline uint16_t nm_arrival_tpid(const struct nm_arrival *raw)
{
    return raw->status & TP_STATUS_VLAN_TPID_VALID ? raw->tpid : ETH_P_8021Q;
}

/* Puts back the VLAN tag that the adapter or the kernel has taken off an Ethernet frame. False: it has been cut
 * off with what would be in front of it. */
static inline bool nm_arrival_untake_tag(struct nm_arrival *raw)
{
    enum { ADDRESSES = 2 * ETH_ALEN };

    raw->data -= NM_VLAN_TAG;
    raw->len += NM_VLAN_TAG;
    memmove(raw->data, raw->data + NM_VLAN_TAG, raw->caplen < ADDRESSES ? raw->caplen : ADDRESSES);
    if (raw->caplen < ADDRESSES)
        return false;
    raw->caplen += NM_VLAN_TAG;
    nm_put16(raw->data + ADDRESSES, nm_arrival_tpid(raw));
    nm_put16(raw->data + ADDRESSES + 2, raw->tci);
    return true;
}

/* Makes up the header of a cooked packet: LINUX_SLL or LINUX_SLL2. A VLAN tag goes where it would be behind
 * any link-layer header: its TPID is the header's protocol, and the packet's own follows the TCI. */
static inline void nm_packet_cook(const struct nm_packet *p, struct nm_arrival *raw)
{
    uint16_t protocol = ntohs(raw->from->sll_protocol);
    uint32_t size = p->linktype == NM_DLT_LINUX_SLL2 ? NM_SLL2_HEADER : NM_SLL_HEADER;
    uint8_t *header;

    if (raw->status & TP_STATUS_VLAN_VALID) {
        raw->data -= NM_VLAN_TAG;
        nm_put16(raw->data, raw->tci);
        nm_put16(raw->data + 2, protocol);
        protocol = nm_arrival_tpid(raw);
        size += NM_VLAN_TAG;
        header = raw->data -= size - NM_VLAN_TAG;
    } else
        header = raw->data -= size;
    raw->caplen += size;
    raw->len += size;
    if (p->linktype == NM_DLT_LINUX_SLL2) {
        uint32_t ifindex = htonl((uint32_t)raw->from->sll_ifindex);

        nm_put16(header, protocol);
        nm_put16(header + 2, 0);
        memcpy(header + 4, &ifindex, sizeof(ifindex));
        nm_put16(header + 8, raw->from->sll_hatype);
        header[10] = raw->from->sll_pkttype;
        header[11] = raw->from->sll_halen;
        memcpy(header + 12, raw->from->sll_addr, 8);
    } else {
        nm_put16(header, raw->from->sll_pkttype);
        nm_put16(header + 2, raw->from->sll_hatype);
        nm_put16(header + 4, raw->from->sll_halen);
        memcpy(header + 6, raw->from->sll_addr, 8);
        nm_put16(header + 14, protocol);
    }
}

/* Makes a view of a packet. False where it is not to be seen: a looped-back packet is seen coming in, so
 * that its other copy, going out, is left out. */
static inline bool nm_packet_view(struct nm_packet *p, struct nm_arrival *raw, struct nm_view *view)
{
    bool outgoing = raw->from->sll_pkttype == PACKET_OUTGOING;
    bool tagged = raw->status & TP_STATUS_VLAN_VALID;

    if (outgoing && raw->from->sll_hatype == ARPHRD_LOOPBACK)
        return false;
    if (p->cooked)
        nm_packet_cook(p, raw);
    else if (tagged)
        tagged = p->linktype == NM_DLT_EN10MB && nm_arrival_untake_tag(raw);
    view->data = raw->data;
    view->ts_ns = raw->ts_ns;
    view->caplen = raw->caplen;
    view->len = raw->len;
    view->ifindex = p->ifindex ? 0 : nm_packet_meet(p, raw->from->sll_ifindex);
    view->linktype = p->linktype;
    view->flags = (uint16_t)((raw->from->sll_pkttype << NM_VIEW_TYPE_SHIFT & NM_VIEW_TYPE) |
                             (outgoing ? NM_VIEW_OUT : 0) | (tagged ? NM_VIEW_TAG : 0));
    return true;
}

#endif
