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
    {11, 100}, /* ATM_RFC1483 */
    {12, 101}, /* RAW */
    {15, 102}, /* SLIP_BSDOS */
    {16, 103}, /* PPP_BSDOS */
    {19, 106}, /* ATM_CLIP */
};

enum { RENUMBERED = sizeof renumbered / sizeof renumbered[0] };

int nm_dlt_to_linktype(uint32_t dlt)
{
    size_t i;

    for (i = 0; i < RENUMBERED; i++)
        if (renumbered[i].dlt == dlt)
            return (int)renumbered[i].linktype;
    /* PPP_SERIAL, PPP_ETHER and SYMANTEC_FIREWALL lie in the range that is otherwise each system's own. */
    if (dlt <= 10 || dlt == 50 || dlt == 51 || dlt == 99 || (dlt >= 104 && dlt <= UINT16_MAX))
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
