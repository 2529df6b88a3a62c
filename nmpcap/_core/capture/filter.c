/*
 * Linux takes the outermost VLAN tag out of a frame before its filters see it, and a source puts it
 * back. For a program that was made for such filters it is taken out once more, judged, and put
 * back: the same program over the same bytes cannot come to another verdict than in the kernel.
 */
#include <string.h>

#include "bpf/keep.h"
#include "bpf/metadata.h"
#include "capture/filter.h"

#define TAG_SIZE 4
#define MOST_BEFORE 20

/* Where a source puts a tag, by link type. */
struct place {
    uint16_t linktype;
    uint8_t before;      /* bytes in front of what is put in */
    uint8_t tpid, tci;
    bool protocol_moves; /* the packet's own protocol makes way for the TPID, and follows the TCI */
};

static const struct place places[] = {
    {.linktype = 1, .before = 12, .tpid = 12, .tci = 14},                        /* EN10MB */
    {.linktype = 113, .before = 14, .tpid = 14, .tci = 16},                      /* LINUX_SLL */
    {.linktype = 276, .before = 20, .tpid = 0, .tci = 20, .protocol_moves = true}, /* LINUX_SLL2 */
};

/* A program loads from fixed places: of another link type it would read nonsense. */
static uint32_t keep_linktype(struct nm_view *views, uint32_t n, uint16_t linktype)
{
    uint32_t kept = 0;

    while (kept < n && views[kept].linktype == linktype)
        kept++;
    for (uint32_t i = kept; i < n; i++)
        if (views[i].linktype == linktype)
            views[kept++] = views[i];
    return kept;
}

static bool any_tag(const struct nm_view *views, uint32_t n)
{
    uint16_t flags = 0;

    for (uint32_t i = 0; i < n; i++)
        flags |= views[i].flags;
    return flags & NM_VIEW_TAG;
}

/* The bytes are the source's, which has written them before: NM_VIEW_TAG says that they may be moved. */
static uint8_t *writable(const struct nm_view *view)
{
    return (uint8_t *)(uintptr_t)view->data;
}

static const struct place *place_of_tag(const struct nm_view *view)
{
    if (!(view->flags & NM_VIEW_TAG))
        return NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        if (places[i].linktype == view->linktype)
            return &places[i];
    return NULL;
}

/* Makes the view what it was without its tag; `saved` gets the bytes that this overwrites. */
static void take_out(struct nm_view *view, const struct place *place, uint8_t *saved)
{
    uint8_t *frame = writable(view);

    memcpy(saved, frame, place->before + TAG_SIZE);
    memmove(frame + TAG_SIZE, frame, place->before);
    if (place->protocol_moves)
        memcpy(frame + TAG_SIZE + place->tpid, saved + place->tci + 2, 2);
    view->data += TAG_SIZE;
    view->len -= TAG_SIZE;
    view->caplen -= view->caplen < TAG_SIZE ? view->caplen : TAG_SIZE;
}

static uint32_t half_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}


/* The verdict over one packet, in bytes of what is delivered. */
static uint32_t judge_one(struct nm_source *source, const struct nm_filter *filter, const struct nm_view *view,
                          bool asks)
{
    const struct place *place = filter->beside ? place_of_tag(view) : NULL;
    struct nm_metadata metadata = {.known = 0};
    struct nm_view seen = *view;
    uint8_t saved[MOST_BEFORE + TAG_SIZE];
    uint32_t verdict;

    if (place)
        take_out(&seen, place, saved);
    if (asks && source->ops->metadata) {
        source->ops->metadata(source, &seen, &metadata);
        nm_metadata_tell(&metadata, NM_META_TAGGED, place != NULL);
        nm_metadata_tell(&metadata, NM_META_TPID, place ? half_at(saved + place->tpid) : 0);
        nm_metadata_tell(&metadata, NM_META_TAG, place ? half_at(saved + place->tci) : 0);
    }
    verdict = nm_program_run(filter->program, seen.data, seen.len, seen.caplen, &metadata);
    if (!place)
        return verdict;
    memcpy(writable(view), saved, place->before + TAG_SIZE);
    return verdict && verdict <= UINT32_MAX - TAG_SIZE ? verdict + TAG_SIZE : verdict;
}

uint32_t nm_judge(struct nm_source *source, const struct nm_filter *filter, struct nm_view *views, uint32_t n)
{
    uint32_t kept = 0;
    bool asks;

    if (!filter->program)
        return n;
    n = keep_linktype(views, n, filter->linktype);
    asks = nm_program_metadata(filter->program) != 0;
    if (!asks && !(filter->beside && any_tag(views, n)))
        return nm_program_filter(filter->program, views, NULL, n);
    for (uint32_t i = 0; i < n; i++)
        kept = nm_keep(views, kept, i, judge_one(source, filter, &views[i], asks));
    return kept;
}
