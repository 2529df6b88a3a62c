/* Link types: DLT_* <-> LINKTYPE_*, and how long their packets may be. */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "savefile/linktype.h"
#include "savefile/savefile.h"

/* Values of DLT_* differed between systems when files began to travel; what was then given a
 * second number is here, with the DLT_* of Linux and FreeBSD. */
static const struct {
    uint32_t dlt;
    uint32_t linktype;
} renumbered[] = {
    {NM_DLT_ATM_RFC1483, 100},
    {NM_DLT_RAW, 101},
    {NM_DLT_SLIP_BSDOS, 102},
    {NM_DLT_PPP_BSDOS, 103},
    {NM_DLT_ATM_CLIP, 106},
};

enum { RENUMBERED = sizeof renumbered / sizeof renumbered[0] };

int nm_dlt_to_linktype(uint32_t dlt)
{
    size_t i;

    for (i = 0; i < RENUMBERED; i++)
        if (renumbered[i].dlt == dlt)
            return (int)renumbered[i].linktype;
    /* The three lie in the range that is otherwise each system's own. */
    if (dlt == NM_DLT_PPP_SERIAL || dlt == NM_DLT_PPP_ETHER || dlt == NM_DLT_SYMANTEC_FIREWALL)
        return (int)dlt;
    if (dlt <= NM_DLT_FDDI || (dlt >= NM_DLT_C_HDLC && dlt <= UINT16_MAX))
        return (int)dlt;
    return -1;
}

uint32_t nm_linktype_to_dlt(uint32_t linktype)
{
    size_t i;

    for (i = 0; i < RENUMBERED; i++)
        if (renumbered[i].linktype == linktype)
            return renumbered[i].dlt;
    return linktype; /* perhaps a DLT_* that an old program wrote as it was */
}

uint32_t nm_linktype_max_snaplen(uint32_t dlt)
{
    switch (dlt) {
    case NM_DLT_DBUS:
        return 128u << 20;
    case NM_DLT_EBHSCR:
        return 8u << 20;
    case NM_DLT_USBPCAP:
        return 1u << 20;
    default:
        return NM_MAXIMUM_SNAPLEN;
    }
}

uint32_t nm_linktype_snaplen(uint32_t dlt, uint32_t snaplen)
{
    return snaplen == 0 || snaplen > INT_MAX ? nm_linktype_max_snaplen(dlt) : snaplen;
}
