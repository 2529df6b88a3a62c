/* Link types: what the rest of the core calls DLT_*, and what files call LINKTYPE_*. */
#ifndef NMPCAP_SAVEFILE_LINKTYPE_H
#define NMPCAP_SAVEFILE_LINKTYPE_H

#include <stdint.h>

/* The values that the code itself has to know. */
enum {
    NM_DLT_EN10MB = 1,
    NM_DLT_LINUX_SLL = 113,
    NM_DLT_PFLOG = 117,
    NM_DLT_USB_LINUX = 189,
    NM_DLT_USB_LINUX_MMAPPED = 220,
    NM_DLT_DBUS = 231,
    NM_DLT_NFLOG = 239,
    NM_DLT_USBPCAP = 249,
    NM_DLT_LINUX_SLL2 = 276,
    NM_DLT_EBHSCR = 279,
};

#define NM_MAX_SNAPLEN 262144u

/* The most bytes that a packet of this link type can sensibly have captured. */
uint32_t nm_linktype_max_snaplen(uint32_t dlt);

#endif
