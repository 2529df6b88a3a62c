/* One filter a link type, in their order: files have few, unless they are made to be slow. Packets go in runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/bpf.h"
#include "capture/filters.h"

void nm_mixed_reset(struct nm_mixed *mixed, bool asks)
{
    for (uint32_t i = 0; i < mixed->count; i++)
        nm_program_unref(mixed->filters[i].program);
    free(mixed->filters);
    mixed->filters = NULL;
    mixed->count = 0;
    mixed->asks = asks;
    mixed->wanted = -1;
}

/* Where a link type's filter is, or would be. */
static uint32_t place_of(const struct nm_mixed *mixed, uint16_t linktype)
{
    uint32_t low = 0;
    uint32_t high = mixed->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (mixed->filters[middle].linktype < linktype)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct nm_filter *find(const struct nm_mixed *mixed, uint16_t linktype)
{
    uint32_t place = place_of(mixed, linktype);

    return place < mixed->count && mixed->filters[place].linktype == linktype ? &mixed->filters[place] : NULL;
}

int nm_mixed_add(struct nm_mixed *mixed, struct nm_program *program, uint16_t linktype)
{
    struct nm_filter *filter = find(mixed, linktype);

    if (!filter) {
        struct nm_filter *filters = realloc(mixed->filters, (mixed->count + 1) * sizeof(*filters));

        if (!filters)
            return -ENOMEM;
        mixed->filters = filters;
        filter = &filters[place_of(mixed, linktype)];
        memmove(filter + 1, filter, (size_t)(filters + mixed->count++ - filter) * sizeof(*filters));
        *filter = (struct nm_filter){.linktype = linktype};
    }
    nm_program_unref(filter->program);
    filter->program = nm_program_ref(program);
    return 0;
}

bool nm_mixed_lacks(struct nm_mixed *mixed, const struct nm_filter *first, const struct nm_view *views, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (views[i].linktype == first->linktype || find(mixed, views[i].linktype))
            continue;
        mixed->wanted = views[i].linktype;
        return true;
    }
    mixed->wanted = -1;
    return false;
}

uint32_t nm_mixed_judge(const struct nm_mixed *mixed, struct nm_source *source, const struct nm_filter *first,
                        struct nm_view *views, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0, end; i < n; i = end) {
        uint16_t linktype = views[i].linktype;
        const struct nm_filter *filter = linktype == first->linktype ? first : find(mixed, linktype);
        uint32_t passed;

        for (end = i + 1; end < n && views[end].linktype == linktype; end++)
            ;
        passed = filter ? nm_judge(source, filter, views + i, end - i) : 0;
        memmove(views + kept, views + i, passed * sizeof(*views));
        kept += passed;
    }
    return kept;
}
