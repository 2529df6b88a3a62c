/*
 * portname: port names, from text to request. Pure: no system call, no allocation.
 *
 *     modern   "netmap:" name {pipe} | "vale" switch ":" name {pipe}    -> header
 *              [ "-" N | "*" | "^" [N] ] { "/" letters | "@" region }   -> register
 *              { "@" key "=" value | "@" key ":" sub "=" value "," ... } -> options
 *     legacy   as netmap_user.h has it: names of 15 characters, pipe ends as modes, no options
 *
 * A decoder reads at *position, and on success leaves it behind what it read and changes the
 * fields the text speaks of, no others. On failure it changes nothing but the error.
 *
 * Stricter than the originals where those let through what the kernel refuses anyway: a number
 * must have digits, a "/" letters, a pipe an id and a parent.
 */
#ifndef NMPCAP_PORTNAME_H
#define NMPCAP_PORTNAME_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct nmreq;
struct nmreq_header;
struct nmreq_register;
struct nm_portname_options;

/* What can be wrong with a name. */
enum nm_portname_fault {
    NM_PORTNAME_OK = 0,
    NM_PORTNAME_FOREIGN = 1, /* neither netmap: nor vale: somebody else's */
    NM_PORTNAME_NO_COLON = 2,
    NM_PORTNAME_BAD_SWITCH = 3,
    NM_PORTNAME_BAD_PORT = 4,
    NM_PORTNAME_TOO_LONG = 5,
    NM_PORTNAME_BAD_PIPE = 6,
    NM_PORTNAME_UNKNOWN_MODIFIER = 7,
    NM_PORTNAME_UNEXPECTED = 8,
    NM_PORTNAME_BAD_RING = 9,
    NM_PORTNAME_BAD_FLAG = 10,
    NM_PORTNAME_TWO_REGIONS = 11,
    NM_PORTNAME_BAD_REGION = 12,
    NM_PORTNAME_ENDS_EARLY = 13,
    NM_PORTNAME_BAD_OPTION = 14,
    NM_PORTNAME_BAD_KEY = 15,
    NM_PORTNAME_KEY_TWICE = 16,
    NM_PORTNAME_BAD_VALUE = 17,
    NM_PORTNAME_MISSING_KEY = 18,
};

struct nm_portname_error {
    enum nm_portname_fault fault;
    size_t position; /* of the offending character, from 0 */
};

/* nm_portname_reason - a fault in words, without a final stop. */
const char *nm_portname_reason(enum nm_portname_fault fault);

/* Each returns 0 or EINVAL, with *error saying what and where. */

/* nm_portname_header - nr_name: the part that names the port, pipe end included, "netmap:" left out. */
int nm_portname_header(const char *spec, size_t *position, struct nmreq_header *header,
                       struct nm_portname_error *error);

/* nm_portname_register - nr_mode (always), nr_ringid, nr_flags (added to), nr_mem_id. Stops before options. */
int nm_portname_register(const char *spec, size_t *position, struct nmreq_register *reg,
                         struct nm_portname_error *error);

/* nm_portname_options - the rest of the text, which must be options to its end. */
int nm_portname_options(const char *spec, size_t *position, struct nm_portname_options *options,
                        struct nm_portname_error *error);

/* nm_portname_legacy - the whole of a legacy name: nr_name, nr_ringid, nr_flags, nr_arg2. */
int nm_portname_legacy(const char *spec, struct nmreq *req, struct nm_portname_error *error);

struct nm_portname_options {
    char share[64];           /* @share=PORT: use that port's region; as the device knows it. "": not given */
    uint16_t tx_rings;        /* @conf:tx-rings=N and its kin; 0: not given */
    uint16_t rx_rings;
    uint16_t host_tx_rings;
    uint16_t host_rx_rings;
    uint32_t tx_slots;
    uint32_t rx_slots;
    char extmem_file[256];    /* @extmem=FILE: the region lives in this file. "": not given */
    uint32_t extmem_if_num;   /* 0: not given */
    uint32_t extmem_if_size;
    uint32_t extmem_ring_num;
    uint32_t extmem_ring_size;
    uint32_t extmem_buf_num;
    uint32_t extmem_buf_size;
    uint32_t has_offset;      /* @offset=N[,bits=N]: packets begin N bytes into their buffers */
    uint32_t offset_bits;
    uint64_t offset_initial;
};

#pragma GCC visibility pop

#endif
