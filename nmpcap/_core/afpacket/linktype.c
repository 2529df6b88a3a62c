/* From what the kernel calls an interface (ARPHRD_*) to what a capture of it is called (DLT_*). */
#include <linux/if_arp.h>

#include "afpacket/impl.h"

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519 /* Linux 4.14 */
#endif
#ifndef ARPHRD_VSOCKMON
#define ARPHRD_VSOCKMON 826 /* Linux 4.12 */
#endif

/* Kinds of interface whose packets have the same shape in the kernel and in a savefile. All others are
 * cooked: the kernel takes their header off, and one is made up. The pairs are libpcap's. */
static const struct {
    uint16_t arphrd, linktype;
} known[] = {
    {ARPHRD_ETHER, NM_DLT_EN10MB},
    {ARPHRD_LOOPBACK, NM_DLT_EN10MB},
    {ARPHRD_METRICOM, NM_DLT_EN10MB},
    {ARPHRD_EETHER, NM_DLT_EN3MB},
    {ARPHRD_AX25, NM_DLT_AX25_KISS},
    {ARPHRD_PRONET, NM_DLT_PRONET},
    {ARPHRD_CHAOS, NM_DLT_CHAOS},
    {ARPHRD_IEEE802, NM_DLT_IEEE802}, /* token ring */
    {ARPHRD_IEEE802_TR, NM_DLT_IEEE802},
    {ARPHRD_ARCNET, NM_DLT_ARCNET_LINUX},
    {ARPHRD_FDDI, NM_DLT_FDDI},
    {ARPHRD_IEEE80211, NM_DLT_IEEE802_11},
    {ARPHRD_IEEE80211_PRISM, NM_DLT_PRISM_HEADER},
    {ARPHRD_IEEE80211_RADIOTAP, NM_DLT_IEEE802_11_RADIO},
    {ARPHRD_CISCO, NM_DLT_C_HDLC},
    {ARPHRD_DLCI, NM_DLT_FRELAY},
    {ARPHRD_LOCALTLK, NM_DLT_LTALK},
    {ARPHRD_FCPP, NM_DLT_IP_OVER_FC},
    {ARPHRD_FCAL, NM_DLT_IP_OVER_FC},
    {ARPHRD_FCPL, NM_DLT_IP_OVER_FC},
    {ARPHRD_FCFABRIC, NM_DLT_IP_OVER_FC},
    {ARPHRD_IEEE802154, NM_DLT_IEEE802_15_4_NOFCS},
    {ARPHRD_VSOCKMON, NM_DLT_VSOCK},
    /* What has no header at all. */
    {ARPHRD_NONE, NM_DLT_RAW},
    {ARPHRD_RAWIP, NM_DLT_RAW},
    {ARPHRD_RAWHDLC, NM_DLT_RAW},
    {ARPHRD_TUNNEL, NM_DLT_RAW},
    {ARPHRD_SIT, NM_DLT_RAW},
    {ARPHRD_SLIP, NM_DLT_RAW},
    {ARPHRD_CSLIP, NM_DLT_RAW},
    {ARPHRD_SLIP6, NM_DLT_RAW},
    {ARPHRD_CSLIP6, NM_DLT_RAW},
    {ARPHRD_ADAPT, NM_DLT_RAW},
};

uint16_t nm_packet_linktype(uint16_t arphrd, bool *cooked)
{
    *cooked = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i].arphrd == arphrd)
            return known[i].linktype;
    *cooked = true;
    /* The same header by another name, so that its protocol is read as one of netlink's. */
    return arphrd == ARPHRD_NETLINK ? NM_DLT_NETLINK : NM_DLT_LINUX_SLL;
}
