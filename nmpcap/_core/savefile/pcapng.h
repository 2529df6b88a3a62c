/* pcapng's numbers (draft-ietf-opsawg-pcapng): block types, option codes, sizes without options. */
#ifndef NMPCAP_SAVEFILE_PCAPNG_H
#define NMPCAP_SAVEFILE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NM_BLOCK_IDB = 1,
    NM_BLOCK_PB = 2,
    NM_BLOCK_SPB = 3,
    NM_BLOCK_EPB = 6,
    NM_BLOCK_SHB = 0x0a0d0d0a,
};

enum { NM_PCAPNG_ORDER = 0x1a2b3c4d };

enum {
    NM_BLOCK_MIN = 12,
    NM_SHB_MIN = 28,
    NM_IDB_MIN = 20,
    NM_EPB_MIN = 32, /* and PB */
    NM_SPB_MIN = 16,
};

enum {
    NM_OPTION_END = 0,
    NM_OPTION_FLAGS = 2, /* of an EPB */
    NM_OPTION_TSRESOL = 9,
    NM_OPTION_TSOFFSET = 14,
};

enum { NM_FLAGS_DIRECTION = 3, NM_FLAGS_OUTBOUND = 2 };

static inline bool nm_block_holds_packet(uint32_t type)
{
    return type == NM_BLOCK_EPB || type == NM_BLOCK_SPB || type == NM_BLOCK_PB;
}

#endif
