/*
 * Numbers that the capturing machine wrote inside packets, in its own byte order.
 *
 * A few link types prefix packets with a structure of the capturing kernel. When a file of
 * the other byte order is read these are put into ours, in place, field by field as far as
 * the captured bytes reach; libpcap does so, and dissectors count on it. What is defined in
 * network byte order inside them is left alone.
 */
#include <stddef.h>

#include "bytes.h"
#include "savefile/linktype.h"
#include "savefile/format.h"

static void swap_field(uint8_t *data, uint32_t caplen, uint32_t at, unsigned size)
{
    unsigned i;

    if (at > caplen || caplen - at < size)
        return;
    for (i = 0; i < size / 2; i++) {
        uint8_t byte = data[at + i];

        data[at + i] = data[at + size - 1 - i];
        data[at + size - 1 - i] = byte;
    }
}

/* ---- USB: struct usbmon_packet of the kernel's usbmon -------------------------------- */

enum { USB_HEADER = 48, USB_MMAPPED_HEADER = 64, USB_ISO_DESCRIPTOR = 16, USB_NDESC_AT = 60, USB_ISOCHRONOUS = 0 };

static bool usb_is_isochronous(const uint8_t *data, uint32_t caplen)
{
    return caplen > 9 && data[9] == USB_ISOCHRONOUS;
}

static void swap_usb_isochronous(uint8_t *data, uint32_t caplen)
{
    uint32_t left = caplen >= USB_MMAPPED_HEADER ? nm_get32(data + USB_NDESC_AT, false) : 0;
    uint32_t at;

    for (at = USB_MMAPPED_HEADER; left && at < caplen; left--, at += USB_ISO_DESCRIPTOR) {
        swap_field(data, caplen, at, 4);
        swap_field(data, caplen, at + 4, 4);
        swap_field(data, caplen, at + 8, 4);
    }
}

static void swap_usb(uint8_t *data, uint32_t caplen, bool mmapped)
{
    static const struct {
        uint8_t at;
        uint8_t size;
    } fields[] = {{0, 8}, {12, 2}, {16, 8}, {24, 4}, {28, 4}, {32, 4}, {36, 4}};
    size_t i;
    uint32_t at;

    for (i = 0; i < sizeof fields / sizeof fields[0]; i++)
        swap_field(data, caplen, fields[i].at, fields[i].size);
    if (usb_is_isochronous(data, caplen)) {
        swap_field(data, caplen, 40, 4);
        swap_field(data, caplen, 44, 4);
    }
    if (!mmapped)
        return;
    for (at = USB_HEADER; at < USB_MMAPPED_HEADER; at += 4)
        swap_field(data, caplen, at, 4);
    if (usb_is_isochronous(data, caplen))
        swap_usb_isochronous(data, caplen);
}

/*
 * A completed isochronous transfer into the machine is logged with the length of its whole
 * buffer, of which the packets fill only parts. What usbmon kept ends with the last of them:
 * that is the length on the wire, unless more was captured.
 */
static uint32_t usb_isochronous_len(const uint8_t *data, uint32_t caplen, uint32_t len)
{
    uint32_t descriptors = nm_get32(data + USB_NDESC_AT, false);
    uint32_t header = USB_MMAPPED_HEADER + descriptors * USB_ISO_DESCRIPTOR;
    uint32_t filled = 0;
    uint32_t at;

    if (len != header + nm_get32(data + 32, false))
        return len;
    for (at = USB_MMAPPED_HEADER; descriptors && caplen - at >= USB_ISO_DESCRIPTOR; descriptors--) {
        uint32_t size = nm_get32(data + at + 8, false);
        uint32_t end = nm_get32(data + at + 4, false) + size;

        if (size && end > filled)
            filled = end;
        at += USB_ISO_DESCRIPTOR;
    }
    if (header + filled >= caplen)
        return header + filled;
    return len < caplen ? caplen : len;
}

static void fix_usb_len(struct nm_view *view)
{
    const uint8_t *data = view->data;

    if (view->caplen >= USB_MMAPPED_HEADER && data[8] == 'C' && data[9] == USB_ISOCHRONOUS && data[10] & 0x80)
        view->len = usb_isochronous_len(data, view->caplen, view->len);
}

/* ---- netfilter log: type-length-value triples, of which type and length are swapped --- */

/* The head of a triple counts as captured, what it announces must lie within the packet as well (as in libpcap). */
static void swap_nflog(uint8_t *data, uint32_t caplen, uint32_t len)
{
    uint32_t at = 4;

    if (caplen < 4 || len < 4 || data[1] != 0) /* only version 0 is known */
        return;
    while (caplen - at >= 4) {
        uint32_t size;

        swap_field(data, caplen, at, 2);
        swap_field(data, caplen, at + 2, 2);
        size = (nm_get16(data + at, false) + 3u) & ~3u;
        if (size < 4 || caplen - at < size || len - at < size)
            return;
        at += size;
    }
}

/* ---- CAN frames behind a Linux cooked header ------------------------------------------ */

static void swap_can_id(uint8_t *data, uint32_t caplen, uint32_t protocol_at, uint32_t header)
{
    uint16_t protocol;

    if (caplen < header)
        return;
    protocol = (uint16_t)(data[protocol_at] << 8 | data[protocol_at + 1]);
    switch (protocol) {
    case 0x000c: /* LINUX_SLL_P_CAN: the identifier */
    case 0x000d: /* LINUX_SLL_P_CANFD */
        swap_field(data, caplen, header, 4);
        break;
    case 0x000e: /* LINUX_SLL_P_CANXL: priority, length, acceptance field */
        swap_field(data, caplen, header, 4);
        swap_field(data, caplen, header + 6, 2);
        swap_field(data, caplen, header + 8, 4);
        break;
    default:
        break;
    }
}

/* ---- pflog: uid, pid, rule uid and rule pid, as far as the header says it reaches -------- */

static void swap_pflog(uint8_t *data, uint32_t caplen)
{
    uint32_t header = caplen && data[0] < caplen ? data[0] : caplen;
    uint32_t at;

    for (at = 44; at < 60; at += 4)
        swap_field(data, header, at, 4);
}

bool nm_pseudo_header_has(uint32_t linktype)
{
    return linktype == NM_DLT_USB_LINUX || linktype == NM_DLT_USB_LINUX_MMAPPED || linktype == NM_DLT_NFLOG ||
           linktype == NM_DLT_LINUX_SLL || linktype == NM_DLT_LINUX_SLL2 || linktype == NM_DLT_PFLOG;
}

/* What lies behind a packet's own length is no field of it, whatever was captured; but USB's length may be the
 * buffer's and says nothing of the header (libpcap: swap_pseudo_headers). */
static void swap(uint32_t linktype, uint8_t *data, uint32_t caplen, uint32_t len)
{
    uint32_t end = caplen < len ? caplen : len;

    switch (linktype) {
    case NM_DLT_USB_LINUX:
        swap_usb(data, caplen, false);
        break;
    case NM_DLT_USB_LINUX_MMAPPED:
        swap_usb(data, caplen, true);
        break;
    case NM_DLT_NFLOG:
        swap_nflog(data, caplen, len);
        break;
    case NM_DLT_PFLOG:
        swap_pflog(data, end);
        break;
    case NM_DLT_LINUX_SLL:
        swap_can_id(data, end, 14, 16);
        break;
    case NM_DLT_LINUX_SLL2:
        swap_can_id(data, end, 0, 20);
        break;
    default:
        break;
    }
}

void nm_pseudo_header_fix(struct nm_view *view, bool swapped)
{
    /* The views of a savefile point into the reader's own memory. */
    if (swapped)
        swap(view->linktype, (uint8_t *)(uintptr_t)view->data, view->caplen, view->len);
    if (view->linktype == NM_DLT_USB_LINUX_MMAPPED)
        fix_usb_len(view);
}
