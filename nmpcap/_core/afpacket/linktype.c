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
    {ARPHRD_EETHER, 2},              /* EN3MB */
    {ARPHRD_AX25, 202},              /* AX25_KISS */
    {ARPHRD_PRONET, 4},              /* PRONET */
    {ARPHRD_CHAOS, 5},               /* CHAOS */
    {ARPHRD_IEEE802, 6},             /* IEEE802, which is token ring */
    {ARPHRD_IEEE802_TR, 6},
    {ARPHRD_ARCNET, 129},            /* ARCNET_LINUX */
    {ARPHRD_FDDI, 10},               /* FDDI */
    {ARPHRD_IEEE80211, 105},         /* IEEE802_11 */
    {ARPHRD_IEEE80211_PRISM, 119},   /* PRISM_HEADER */
    {ARPHRD_IEEE80211_RADIOTAP, 127}, /* IEEE802_11_RADIO */
    {ARPHRD_CISCO, 104},             /* C_HDLC */
    {ARPHRD_DLCI, 107},              /* FRELAY */
    {ARPHRD_LOCALTLK, 114},          /* LTALK */
    {ARPHRD_FCPP, 122},              /* IP_OVER_FC */
    {ARPHRD_FCAL, 122},
    {ARPHRD_FCPL, 122},
    {ARPHRD_FCFABRIC, 122},
    {ARPHRD_IEEE802154, 230},        /* IEEE802_15_4_NOFCS */
    {ARPHRD_VSOCKMON, 271},          /* VSOCK */
    /* What has no header at all: RAW. */
    {ARPHRD_NONE, 12},
    {ARPHRD_RAWIP, 12},
    {ARPHRD_RAWHDLC, 12},
    {ARPHRD_TUNNEL, 12},
    {ARPHRD_SIT, 12},
    {ARPHRD_SLIP, 12},
    {ARPHRD_CSLIP, 12},
    {ARPHRD_SLIP6, 12},
    {ARPHRD_CSLIP6, 12},
    {ARPHRD_ADAPT, 12},
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
