/* metadata: what is known of a packet besides its bytes, for Linux' ancillary loads. */
#ifndef NMPCAP_BPF_METADATA_H
#define NMPCAP_BPF_METADATA_H

#include "bpf/bpf.h"

/* what: NM_META_*. Words that nobody has told are not known, and read as bpf.h says. */
static inline void nm_metadata_tell(struct nm_metadata *metadata, uint32_t what, uint32_t value)
{
    metadata->known |= 1u << what;
    metadata->value[what] = value;
}

#endif
