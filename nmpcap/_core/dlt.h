/* dlt.h - link types: the numbers of those that the core itself has to know. tests/test_dlt.py holds them
 * against the table in Python. */
#ifndef NMPCAP_DLT_H
#define NMPCAP_DLT_H

enum {
    NM_DLT_NULL = 0,
    NM_DLT_EN10MB = 1,
    NM_DLT_EN3MB = 2,
    NM_DLT_PRONET = 4,
    NM_DLT_CHAOS = 5,
    NM_DLT_IEEE802 = 6,
    NM_DLT_FDDI = 10,
    NM_DLT_ATM_RFC1483 = 11,
    NM_DLT_RAW = 12,
    NM_DLT_SLIP_BSDOS = 15,
    NM_DLT_PPP_BSDOS = 16,
    NM_DLT_ATM_CLIP = 19,
    NM_DLT_PPP_SERIAL = 50,
    NM_DLT_PPP_ETHER = 51,
    NM_DLT_SYMANTEC_FIREWALL = 99,
    NM_DLT_C_HDLC = 104,
    NM_DLT_IEEE802_11 = 105,
    NM_DLT_FRELAY = 107,
    NM_DLT_LOOP = 108,
    NM_DLT_LINUX_SLL = 113,
    NM_DLT_LTALK = 114,
    NM_DLT_PFLOG = 117,
    NM_DLT_PRISM_HEADER = 119,
    NM_DLT_IP_OVER_FC = 122,
    NM_DLT_IEEE802_11_RADIO = 127,
    NM_DLT_ARCNET_LINUX = 129,
    NM_DLT_DOCSIS = 143,
    NM_DLT_USB_LINUX = 189,
    NM_DLT_AX25_KISS = 202,
    NM_DLT_USB_LINUX_MMAPPED = 220,
    NM_DLT_IPV4 = 228,
    NM_DLT_IPV6 = 229,
    NM_DLT_IEEE802_15_4_NOFCS = 230,
    NM_DLT_DBUS = 231,
    NM_DLT_NFLOG = 239,
    NM_DLT_USBPCAP = 249,
    NM_DLT_NETLINK = 253,
    NM_DLT_VSOCK = 271,
    NM_DLT_LINUX_SLL2 = 276,
    NM_DLT_EBHSCR = 279,
};

#endif
