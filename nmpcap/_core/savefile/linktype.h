/* Link types: what the rest of the core calls DLT_*, and what files call LINKTYPE_*. */
#ifndef NMPCAP_SAVEFILE_LINKTYPE_H
#define NMPCAP_SAVEFILE_LINKTYPE_H

#include <stdint.h>

#include "dlt.h"

/* The most bytes that a packet of this link type can sensibly have captured. */
uint32_t nm_linktype_max_snaplen(uint32_t dlt);

#endif
