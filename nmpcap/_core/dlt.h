/* dlt.h - link types: the numbers of those that the core itself has to know. tests/test_dlt.py holds them
 * against the table in Python. */
#ifndef NMPCAP_DLT_H
#define NMPCAP_DLT_H

enum {
    NM_DLT_EN10MB = 1,
    NM_DLT_LINUX_SLL = 113,
    NM_DLT_PFLOG = 117,
    NM_DLT_DOCSIS = 143,
    NM_DLT_USB_LINUX = 189,
    NM_DLT_USB_LINUX_MMAPPED = 220,
    NM_DLT_DBUS = 231,
    NM_DLT_NFLOG = 239,
    NM_DLT_USBPCAP = 249,
    NM_DLT_NETLINK = 253,
    NM_DLT_LINUX_SLL2 = 276,
    NM_DLT_EBHSCR = 279,
};

#endif
