/*
 * view.h - one packet that still lies where its source keeps it; read as is by the cffi build.
 */

struct nm_view {
    const uint8_t *data; /* caplen bytes */
    int64_t ts_ns;       /* since the epoch, UTC */
    uint32_t caplen;     /* bytes that are there */
    uint32_t len;        /* bytes the packet had */
    uint32_t ifindex;    /* which interface of the source: an index into its table, 0 where it has one */
    uint16_t linktype;   /* DLT_* */
    uint16_t flags;      /* NM_VIEW_* */
};

#define NM_VIEW_OUT 0x0001 /* the packet was being sent (monitors, packet sockets) */
