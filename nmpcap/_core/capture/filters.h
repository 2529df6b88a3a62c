/* mixed: packets of several link types before one filter expression, compiled for each of them. */
#ifndef NMPCAP_CAPTURE_FILTERS_H
#define NMPCAP_CAPTURE_FILTERS_H

#include "capture/filter.h"

struct nm_mixed {
    struct nm_filter *filters; /* one a link type, besides the handle's first */
    uint32_t count;
    bool asks;     /* packets of a link type that no filter is for are held until it has come */
    uint32_t held; /* how many: all of a batch, since they go on in their order */
    int wanted;    /* the link type that they wait for the filter of, or -1 */
};

/* nm_mixed_reset - forgets all filters; what is held stays. */
void nm_mixed_reset(struct nm_mixed *mixed, bool asks);

/* nm_mixed_add - adds or replaces the filter of a link type, with a reference of its own to the program. 0, -ENOMEM. */
int nm_mixed_add(struct nm_mixed *mixed, struct nm_program *program, uint16_t linktype);

/* nm_mixed_lacks - whether one of the views has to wait for a filter; wanted is set. */
bool nm_mixed_lacks(struct nm_mixed *mixed, const struct nm_filter *first, const struct nm_view *views, uint32_t n);

/* nm_mixed_judge - nm_judge by each view's own filter; what has none does not pass. */
uint32_t nm_mixed_judge(const struct nm_mixed *mixed, struct nm_source *source, const struct nm_filter *first,
                        struct nm_view *views, uint32_t n);

#endif
