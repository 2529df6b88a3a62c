/*
 * Linux takes the outermost VLAN tag out of a frame before its filters see it, and a source puts it
 * back. For a program that was made for such filters it is taken out once more, judged, and put
 * back: the same program over the same bytes cannot come to another verdict than in the kernel.
 */
#include <string.h>

#include "judge.h"

#define TAG_SIZE 4
#define IN_ETHERNET 12 /* behind the addresses */
#define IN_COOKED 14   /* LINKTYPE_LINUX_SLL: before the protocol */
#define DLT_LINUX_SLL 113

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

static uint32_t before_tag(const struct nm_view *view)
{
    return view->linktype == DLT_LINUX_SLL ? IN_COOKED : IN_ETHERNET;
}

static void take_out(struct nm_view *view, uint8_t tag[TAG_SIZE])
{
    uint8_t *frame = writable(view);
    uint32_t before = before_tag(view);

    memcpy(tag, frame + before, TAG_SIZE);
    memmove(frame + TAG_SIZE, frame, before);
    view->data += TAG_SIZE;
    view->len -= TAG_SIZE;
    view->caplen -= view->caplen < TAG_SIZE ? view->caplen : TAG_SIZE;
}

static void put_back(const struct nm_view *view, const uint8_t tag[TAG_SIZE])
{
    uint8_t *frame = writable(view);
    uint32_t before = before_tag(view);

    memmove(frame, frame + TAG_SIZE, before);
    memcpy(frame + before, tag, TAG_SIZE);
}

static void tell(struct nm_metadata *metadata, uint32_t what, uint32_t value)
{
    metadata->known |= 1u << what;
    metadata->value[what] = value;
}

static void tell_tag(struct nm_metadata *metadata, const uint8_t *tag)
{
    tell(metadata, NM_META_TAGGED, tag != NULL);
    tell(metadata, NM_META_TPID, tag ? (uint32_t)tag[0] << 8 | tag[1] : 0);
    tell(metadata, NM_META_TAG, tag ? (uint32_t)tag[2] << 8 | tag[3] : 0);
}

/* The verdict over one packet, in bytes of what is delivered. */
static uint32_t judge_one(struct nm_source *source, const struct nm_filter *filter, const struct nm_view *view,
                          bool asks)
{
    struct nm_metadata metadata = {.known = 0};
    bool tagged = filter->beside && view->flags & NM_VIEW_TAG;
    struct nm_view seen = *view;
    uint8_t tag[TAG_SIZE];
    uint32_t verdict;

    if (tagged)
        take_out(&seen, tag);
    if (asks && source->ops->metadata) {
        source->ops->metadata(source, view, &metadata);
        if (filter->beside)
            tell_tag(&metadata, tagged ? tag : NULL);
    }
    verdict = nm_program_run(filter->program, seen.data, seen.len, seen.caplen, &metadata);
    if (!tagged)
        return verdict;
    put_back(view, tag);
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
    for (uint32_t i = 0; i < n; i++) {
        uint32_t verdict = judge_one(source, filter, &views[i], asks);

        if (!verdict)
            continue;
        if (kept != i)
            views[kept] = views[i];
        if (views[kept].caplen > verdict)
            views[kept].caplen = verdict;
        kept++;
    }
    return kept;
}
