/* judge: packets before a filter, as they are delivered or as the kernel's own filter had them. */
#ifndef NMPCAP_CAPTURE_FILTER_H
#define NMPCAP_CAPTURE_FILTER_H

#include <stdbool.h>

#include "source.h"

struct nm_filter {
    struct nm_program *program; /* or NULL: everything passes */
    uint16_t linktype;          /* of the packets it can judge */
    bool beside;                /* it expects VLAN tags as metadata, not in the frame */
};

/* nm_judge - keeps, in order and at the front, those of n views of the source that pass, each cut to the
 * verdict. Returns how many. */
uint32_t nm_judge(struct nm_source *source, const struct nm_filter *filter, struct nm_view *views, uint32_t n);

#endif
