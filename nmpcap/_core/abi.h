/*
 * netmap's user ABI, version 14: what a program and a netmap device exchange.
 *
 * Three kinds of things live here, and nothing of ours:
 *   shared memory    netmap_if, netmap_ring, netmap_slot     (a region, as mapped)
 *   requests         nmreq_*, the legacy nmreq               (ioctl arguments)
 *   numbers          NS_*, NR_*, NETMAP_*, NIOC*             (flags, codes, ioctl numbers)
 *
 * Names and numbers are netmap's own, so that C and Python programs written for
 * netmap(4) read the same here. Layout is pinned by the assertions at the end,
 * and the test suite compiles the genuine header of the FreeBSD base system next
 * to this one and compares every offset.
 */
#ifndef NMPCAP_ABI_H
#define NMPCAP_ABI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#define NETMAP_DEVICE_NAME "/dev/netmap"

#define NETMAP_API 14
#define NETMAP_MIN_API 14
#define NETMAP_MAX_API 15

#define NM_CACHE_ALIGN 128
#define NETMAP_MAX_FRAGS 64
#define NETMAP_REQ_IFNAMSIZ 64
#define NETMAP_REQ_MAXSIZE 4096
#define NM_IFNAMSIZ 16 /* IFNAMSIZ, without the system's header */
#define NM_BDG_NAME "vale"

/* ---- shared memory ------------------------------------------------------------- */

/* slot.flags */
#define NS_BUF_CHANGED 0x0001 /* buf_idx was changed by the program */
#define NS_REPORT 0x0002      /* tx: tell me when this slot has gone */
#define NS_FORWARD 0x0004     /* rx: pass on to the other side (transparent mode) */
#define NS_NO_LEARN 0x0008    /* documented; no kernel implements it */
#define NS_INDIRECT 0x0010    /* tx on VALE: the bytes are at ptr, not in the buffer */
#define NS_MOREFRAG 0x0020    /* the packet goes on in the next slot */
#define NS_TXMON 0x0040       /* rx of a monitor: the packet was being sent */
#define NS_PORT_SHIFT 8
#define NS_PORT_MASK (0xff << NS_PORT_SHIFT)
#define NS_RFRAGS(slot) (((slot)->flags >> 8) & 0xff) /* slots of the packet, on rx of VALE */

struct netmap_slot {
    uint32_t buf_idx; /* 0 and 1 are never valid */
    uint16_t len;     /* bytes */
    uint16_t flags;   /* NS_* */
    uint64_t ptr;     /* user address (NS_INDIRECT) or offset (offsets option) */
};

/* ring.flags */
#define NR_TIMESTAMP 0x0002 /* set ts at each rxsync, whatever the device's setting */
#define NR_FORWARD 0x0004   /* honour NS_FORWARD on this ring */

struct netmap_ring {
    const int64_t buf_ofs;      /* from this ring to buffer 0, in bytes */
    const uint32_t num_slots;
    const uint32_t nr_buf_size; /* bytes a buffer */
    const uint16_t ringid;
    const uint16_t dir;         /* 1: tx, 0: rx */
    uint32_t head;              /* program: first slot it still owns */
    uint32_t cur;               /* program: wake me when tail moves past this */
    uint32_t tail;              /* device: first slot it owns */
    uint32_t flags;             /* NR_TIMESTAMP, NR_FORWARD */
    struct timeval ts;          /* time of the last rxsync */
    const uint64_t offset_mask; /* bits of slot.ptr that are an offset; 0: none */
    const uint64_t buf_align;
    uint8_t sem[128] __attribute__((aligned(NM_CACHE_ALIGN)));
    struct netmap_slot slot[] __attribute__((aligned(NM_CACHE_ALIGN)));
};

#define NI_PRIV_MEM 0x1 /* ni_flags: the region serves this port alone */

struct netmap_if {
    char ni_name[NM_IFNAMSIZ];
    const uint32_t ni_version;
    const uint32_t ni_flags;
    const uint32_t ni_tx_rings;
    const uint32_t ni_rx_rings;
    uint32_t ni_bufs_head; /* first of the extra buffers, 0: none */
    const uint32_t ni_host_tx_rings;
    const uint32_t ni_host_rx_rings;
    uint32_t ni_spare1[3];
    const int64_t ring_ofs[]; /* tx, host tx, rx, host rx; from here, in bytes; 0: not yours */
};

/* ---- requests ------------------------------------------------------------------- */

enum {
    NETMAP_REQ_REGISTER = 1,
    NETMAP_REQ_PORT_INFO_GET = 2,
    NETMAP_REQ_VALE_ATTACH = 3,
    NETMAP_REQ_VALE_DETACH = 4,
    NETMAP_REQ_VALE_LIST = 5,
    NETMAP_REQ_PORT_HDR_SET = 6,
    NETMAP_REQ_PORT_HDR_GET = 7,
    NETMAP_REQ_VALE_NEWIF = 8,
    NETMAP_REQ_VALE_DELIF = 9,
    NETMAP_REQ_VALE_POLLING_ENABLE = 10,
    NETMAP_REQ_VALE_POLLING_DISABLE = 11,
    NETMAP_REQ_POOLS_INFO_GET = 12,
    NETMAP_REQ_SYNC_KLOOP_START = 13,
    NETMAP_REQ_SYNC_KLOOP_STOP = 14,
    NETMAP_REQ_CSB_ENABLE = 15,
};

enum {
    NETMAP_REQ_OPT_EXTMEM = 1,
    NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS = 2,
    NETMAP_REQ_OPT_CSB = 3,
    NETMAP_REQ_OPT_SYNC_KLOOP_MODE = 4,
    NETMAP_REQ_OPT_OFFSETS = 5,
    NETMAP_REQ_OPT_MAX = 6,
};

/* nr_mode */
enum {
    NR_REG_DEFAULT = 0, /* legacy requests only */
    NR_REG_ALL_NIC = 1,
    NR_REG_SW = 2,
    NR_REG_NIC_SW = 3,
    NR_REG_ONE_NIC = 4,
    NR_REG_PIPE_MASTER = 5, /* legacy requests only */
    NR_REG_PIPE_SLAVE = 6,  /* legacy requests only */
    NR_REG_NULL = 7,
    NR_REG_ONE_SW = 8,
};

/* nr_flags */
#define NR_MONITOR_TX 0x100
#define NR_MONITOR_RX 0x200
#define NR_ZCOPY_MON 0x400
#define NR_EXCLUSIVE 0x800
#define NR_RX_RINGS_ONLY 0x2000
#define NR_TX_RINGS_ONLY 0x4000
#define NR_ACCEPT_VNET_HDR 0x8000
#define NR_DO_RX_POLL 0x10000 /* accepted; no kernel acts on it */
#define NR_NO_TX_POLL 0x20000 /* poll() sends only when asked for POLLOUT */

struct nmreq_option {
    uint64_t nro_next;    /* address of the next option or 0 */
    uint32_t nro_reqtype; /* NETMAP_REQ_OPT_* */
    uint32_t nro_status;  /* out: 0 or an errno value */
    uint64_t nro_size;    /* whole size, for options of variable size */
};

struct nmreq_header {
    uint16_t nr_version;
    uint16_t nr_reqtype;
    uint32_t nr_reserved;
    char nr_name[NETMAP_REQ_IFNAMSIZ];
    uint64_t nr_options; /* address of the first option or 0 */
    uint64_t nr_body;    /* address of the body or 0 */
};

struct nmreq_register {
    uint64_t nr_offset;  /* out: of the netmap_if in the region */
    uint64_t nr_memsize; /* out: of the region, in bytes */
    uint32_t nr_tx_slots;
    uint32_t nr_rx_slots;
    uint16_t nr_tx_rings;
    uint16_t nr_rx_rings;
    uint16_t nr_host_tx_rings;
    uint16_t nr_host_rx_rings;
    uint16_t nr_mem_id;
    uint16_t nr_ringid;
    uint32_t nr_mode;
    uint32_t nr_extra_bufs;
    uint64_t nr_flags __attribute__((aligned(8)));
};

struct nmreq_port_info_get {
    uint64_t nr_memsize;
    uint32_t nr_tx_slots;
    uint32_t nr_rx_slots;
    uint16_t nr_tx_rings;
    uint16_t nr_rx_rings;
    uint16_t nr_host_tx_rings;
    uint16_t nr_host_rx_rings;
    uint16_t nr_mem_id;
    uint16_t pad[3];
};

struct nmreq_vale_attach {
    struct nmreq_register reg;
    uint32_t port_index;
    uint32_t pad1;
};

struct nmreq_vale_detach {
    uint32_t port_index;
    uint32_t pad1;
};

struct nmreq_vale_list {
    uint16_t nr_bridge_idx;
    uint16_t pad1;
    uint32_t nr_port_idx;
};

struct nmreq_port_hdr {
    uint32_t nr_hdr_len; /* 0, 10 or 12 */
    uint32_t pad1;
};

struct nmreq_vale_newif {
    uint32_t nr_tx_slots;
    uint32_t nr_rx_slots;
    uint16_t nr_tx_rings;
    uint16_t nr_rx_rings;
    uint16_t nr_mem_id;
    uint16_t pad1;
};

#define NETMAP_POLLING_MODE_SINGLE_CPU 1
#define NETMAP_POLLING_MODE_MULTI_CPU 2

struct nmreq_vale_polling {
    uint32_t nr_mode;
    uint32_t nr_first_cpu_id;
    uint32_t nr_num_polling_cpus;
    uint32_t pad1;
};

struct nmreq_pools_info {
    uint64_t nr_memsize;
    uint16_t nr_mem_id;
    uint16_t pad1[3];
    uint64_t nr_if_pool_offset;
    uint32_t nr_if_pool_objtotal;
    uint32_t nr_if_pool_objsize;
    uint64_t nr_ring_pool_offset;
    uint32_t nr_ring_pool_objtotal;
    uint32_t nr_ring_pool_objsize;
    uint64_t nr_buf_pool_offset;
    uint32_t nr_buf_pool_objtotal;
    uint32_t nr_buf_pool_objsize;
};

struct nmreq_sync_kloop_start {
    uint32_t sleep_us;
    uint32_t pad1;
};

struct nm_csb_atok { /* written by the program */
    uint32_t head;
    uint32_t cur;
    uint32_t appl_need_kick;
    uint32_t sync_flags;
    uint32_t pad[12];
};

struct nm_csb_ktoa { /* written by the device */
    uint32_t hwcur;
    uint32_t hwtail;
    uint32_t kern_need_kick;
    uint32_t pad[13];
};

struct nmreq_opt_sync_kloop_eventfds {
    struct nmreq_option nro_opt;
    struct {
        int32_t ioeventfd;
        int32_t irqfd;
    } eventfds[];
};

#define NM_OPT_SYNC_KLOOP_DIRECT_TX 0x1
#define NM_OPT_SYNC_KLOOP_DIRECT_RX 0x2

struct nmreq_opt_sync_kloop_mode {
    struct nmreq_option nro_opt;
    uint32_t mode;
};

struct nmreq_opt_extmem {
    struct nmreq_option nro_opt;
    uint64_t nro_usrptr;
    struct nmreq_pools_info nro_info;
};

struct nmreq_opt_csb {
    struct nmreq_option nro_opt;
    uint64_t csb_atok;
    uint64_t csb_ktoa;
};

struct nmreq_opt_offsets {
    struct nmreq_option nro_opt;
    uint64_t nro_max_offset;
    uint64_t nro_initial_offset;
    uint32_t nro_offset_bits;
    uint32_t nro_tx_align;
    uint64_t nro_min_gap;
};

/* ---- legacy request --------------------------------------------------------------- */

/* nr_ringid */
#define NETMAP_HW_RING 0x4000
#define NETMAP_SW_RING 0x2000
#define NETMAP_RING_MASK 0x0fff
#define NETMAP_NO_TX_POLL 0x1000 /* not the number of NR_NO_TX_POLL */
#define NETMAP_DO_RX_POLL 0x8000

/* nr_cmd */
#define NETMAP_BDG_ATTACH 1
#define NETMAP_BDG_DETACH 2
#define NETMAP_BDG_REGOPS 3
#define NETMAP_BDG_LIST 4
#define NETMAP_BDG_VNET_HDR 5
#define NETMAP_BDG_NEWIF 6
#define NETMAP_BDG_DELIF 7
#define NETMAP_PT_HOST_CREATE 8
#define NETMAP_PT_HOST_DELETE 9
#define NETMAP_BDG_POLLING_ON 10
#define NETMAP_BDG_POLLING_OFF 11
#define NETMAP_VNET_HDR_GET 12

#define NETMAP_BDG_HOST 1 /* nr_arg1 of BDG_ATTACH: the host stack too */
#define NR_REG_MASK 0xf   /* the mode in the legacy nr_flags */

struct nmreq {
    char nr_name[NM_IFNAMSIZ];
    uint32_t nr_version;
    uint32_t nr_offset;
    uint32_t nr_memsize;
    uint32_t nr_tx_slots;
    uint32_t nr_rx_slots;
    uint16_t nr_tx_rings;
    uint16_t nr_rx_rings;
    uint16_t nr_ringid;
    uint16_t nr_cmd;
    uint16_t nr_arg1;
    uint16_t nr_arg2;
    uint32_t nr_arg3;
    uint32_t nr_flags;
    uint32_t spare2[1];
};

#define NM_IFRDATA_LEN 256

struct nm_ifreq {
    char nifr_name[NM_IFNAMSIZ];
    char data[NM_IFRDATA_LEN];
};

/* ---- ioctl numbers ------------------------------------------------------------------
 * The system's own macros: the direction bits differ between architectures, and _IO
 * between Linux and FreeBSD. */
#define NIOCGINFO _IOWR('i', 145, struct nmreq)
#define NIOCREGIF _IOWR('i', 146, struct nmreq)
#define NIOCTXSYNC _IO('i', 148)
#define NIOCRXSYNC _IO('i', 149)
#define NIOCCONFIG _IOWR('i', 150, struct nm_ifreq)
#define NIOCCTRL _IOWR('i', 151, struct nmreq_header)

/* ---- layout, pinned ----------------------------------------------------------------- */

#define NM_AT(type, field, offset) \
    _Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
#define NM_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), "size of " #type)

NM_SIZE(netmap_slot, 16);
NM_AT(netmap_slot, len, 4);
NM_AT(netmap_slot, flags, 6);
NM_AT(netmap_slot, ptr, 8);
NM_SIZE(netmap_ring, 256);
NM_AT(netmap_ring, num_slots, 8);
NM_AT(netmap_ring, nr_buf_size, 12);
NM_AT(netmap_ring, ringid, 16);
NM_AT(netmap_ring, dir, 18);
NM_AT(netmap_ring, head, 20);
NM_AT(netmap_ring, cur, 24);
NM_AT(netmap_ring, tail, 28);
NM_AT(netmap_ring, flags, 32);
NM_AT(netmap_ring, ts, 40);
NM_AT(netmap_ring, offset_mask, 56);
NM_AT(netmap_ring, buf_align, 64);
NM_AT(netmap_ring, sem, 128);
NM_AT(netmap_ring, slot, 256);
NM_SIZE(netmap_if, 56);
NM_AT(netmap_if, ni_version, 16);
NM_AT(netmap_if, ni_flags, 20);
NM_AT(netmap_if, ni_tx_rings, 24);
NM_AT(netmap_if, ni_rx_rings, 28);
NM_AT(netmap_if, ni_bufs_head, 32);
NM_AT(netmap_if, ni_host_tx_rings, 36);
NM_AT(netmap_if, ni_host_rx_rings, 40);
NM_AT(netmap_if, ring_ofs, 56);
NM_SIZE(nmreq_option, 24);
NM_AT(nmreq_option, nro_reqtype, 8);
NM_AT(nmreq_option, nro_status, 12);
NM_AT(nmreq_option, nro_size, 16);
NM_SIZE(nmreq_header, 88);
NM_AT(nmreq_header, nr_reqtype, 2);
NM_AT(nmreq_header, nr_reserved, 4);
NM_AT(nmreq_header, nr_name, 8);
NM_AT(nmreq_header, nr_options, 72);
NM_AT(nmreq_header, nr_body, 80);
NM_SIZE(nmreq_register, 56);
NM_AT(nmreq_register, nr_memsize, 8);
NM_AT(nmreq_register, nr_tx_slots, 16);
NM_AT(nmreq_register, nr_rx_slots, 20);
NM_AT(nmreq_register, nr_tx_rings, 24);
NM_AT(nmreq_register, nr_rx_rings, 26);
NM_AT(nmreq_register, nr_host_tx_rings, 28);
NM_AT(nmreq_register, nr_host_rx_rings, 30);
NM_AT(nmreq_register, nr_mem_id, 32);
NM_AT(nmreq_register, nr_ringid, 34);
NM_AT(nmreq_register, nr_mode, 36);
NM_AT(nmreq_register, nr_extra_bufs, 40);
NM_AT(nmreq_register, nr_flags, 48);
NM_SIZE(nmreq_port_info_get, 32);
NM_AT(nmreq_port_info_get, nr_tx_slots, 8);
NM_AT(nmreq_port_info_get, nr_tx_rings, 16);
NM_AT(nmreq_port_info_get, nr_mem_id, 24);
NM_SIZE(nmreq_vale_attach, 64);
NM_AT(nmreq_vale_attach, port_index, 56);
NM_SIZE(nmreq_vale_detach, 8);
NM_SIZE(nmreq_vale_list, 8);
NM_AT(nmreq_vale_list, nr_port_idx, 4);
NM_SIZE(nmreq_port_hdr, 8);
NM_SIZE(nmreq_vale_newif, 16);
NM_AT(nmreq_vale_newif, nr_mem_id, 12);
NM_SIZE(nmreq_vale_polling, 16);
NM_SIZE(nmreq_pools_info, 64);
NM_AT(nmreq_pools_info, nr_mem_id, 8);
NM_AT(nmreq_pools_info, nr_if_pool_offset, 16);
NM_AT(nmreq_pools_info, nr_if_pool_objtotal, 24);
NM_AT(nmreq_pools_info, nr_ring_pool_offset, 32);
NM_AT(nmreq_pools_info, nr_buf_pool_offset, 48);
NM_AT(nmreq_pools_info, nr_buf_pool_objsize, 60);
NM_SIZE(nmreq_sync_kloop_start, 8);
NM_SIZE(nm_csb_atok, 64);
NM_SIZE(nm_csb_ktoa, 64);
NM_SIZE(nmreq_opt_sync_kloop_eventfds, 24);
NM_SIZE(nmreq_opt_sync_kloop_mode, 32);
NM_SIZE(nmreq_opt_extmem, 96);
NM_AT(nmreq_opt_extmem, nro_info, 32);
NM_SIZE(nmreq_opt_csb, 40);
NM_SIZE(nmreq_opt_offsets, 56);
NM_AT(nmreq_opt_offsets, nro_initial_offset, 32);
NM_AT(nmreq_opt_offsets, nro_offset_bits, 40);
NM_AT(nmreq_opt_offsets, nro_tx_align, 44);
NM_AT(nmreq_opt_offsets, nro_min_gap, 48);
NM_SIZE(nmreq, 60);
NM_AT(nmreq, nr_version, 16);
NM_AT(nmreq, nr_tx_rings, 36);
NM_AT(nmreq, nr_ringid, 40);
NM_AT(nmreq, nr_cmd, 42);
NM_AT(nmreq, nr_arg1, 44);
NM_AT(nmreq, nr_arg3, 48);
NM_AT(nmreq, nr_flags, 52);
NM_SIZE(nm_ifreq, 272);

#undef NM_AT
#undef NM_SIZE

#endif
