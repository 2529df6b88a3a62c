/* keep: what a program's verdict does to a batch, for those who run programs over one. */
#ifndef NMPCAP_BPF_KEEP_H
#define NMPCAP_BPF_KEEP_H

#include "view.h"

/* nm_keep - moves view i behind the kept ones, cut to verdict bytes; 0 refuses it. Returns how many are kept now. */
static inline uint32_t nm_keep(struct nm_view *views, uint32_t kept, uint32_t i, uint32_t verdict)
{
    if (!verdict)
        return kept;
    if (kept != i)
        views[kept] = views[i];
    if (views[kept].caplen > verdict)
        views[kept].caplen = verdict;
    return kept + 1;
}

#endif
