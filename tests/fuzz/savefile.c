/*
 * Fuzz target: any bytes as a savefile. What a reader gives lies in memory, it comes to an end, and fed in pieces it
 * gives what it gives at once.
 *
 * The first byte chooses: salvage (1), blocks instead of packets (2), and the size of the pieces (the rest).
 *
 * core: slab.c savefile
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"
#include "savefile/savefile.h"

#define VIEWS 16
#define MEMORY (1u << 20) /* bytes that may be kept of interfaces */
#define EXPECT(condition)     \
    do {                      \
        if (!(condition))     \
            abort();          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint64_t packets, bytes;
    uint8_t sum;
    int end;
};

static struct outcome read_all(const uint8_t *data, size_t size, int flags, size_t piece)
{
    struct outcome outcome = {0};
    struct nm_view views[VIEWS];
    char msg[NM_MSG_SIZE];
    struct nm_source *source = nm_savefile_open(-1, flags, MEMORY, msg);
    size_t at = 0;
    int got = -EAGAIN, begun = 0;

    EXPECT(source);
    while (got >= 0 || got == -EAGAIN) {
        if (got == 0 || got == -EAGAIN) {
            size_t now = size - at < piece ? size - at : piece;

            if (now)
                EXPECT(nm_savefile_feed(source, data + at, now) == 0);
            else
                nm_savefile_finish(source);
            at += now;
        }
        if (!begun) {
            got = nm_savefile_begin(source);
            begun = got == 0;
            if (!begun)
                continue;
        }
        got = nm_savefile_fill(source, views, VIEWS);
        EXPECT(got <= VIEWS);
        for (int i = 0; i < got; i++) {
            EXPECT(views[i].caplen <= size);
            EXPECT((flags & NM_SAVEFILE_BLOCKS) || views[i].ifindex < nm_savefile_interfaces(source));
            for (uint32_t k = 0; k < views[i].caplen; k++)
                outcome.sum = (uint8_t)(outcome.sum * 31 + views[i].data[k]);
            outcome.packets++;
            outcome.bytes += views[i].caplen;
        }
    }
    EXPECT(nm_savefile_offset(source) <= size);
    outcome.end = got;
    nm_savefile_close(source);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, pieces;
    int flags;

    if (!size)
        return 0;
    flags = (data[0] & 1 ? NM_SAVEFILE_SALVAGE : 0) | (data[0] & 2 ? NM_SAVEFILE_BLOCKS : 0);
    whole = read_all(data + 1, size - 1, flags, size);
    pieces = read_all(data + 1, size - 1, flags, 1 + (data[0] >> 2));
    EXPECT(whole.packets == pieces.packets && whole.bytes == pieces.bytes && whole.sum == pieces.sum &&
           whole.end == pieces.end);
    return 0;
}
