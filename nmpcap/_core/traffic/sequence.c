/* Sequence numbers: a bit for each of the last ones, and where the next is expected. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "traffic/sequence.h"
#include "wire/pace.h"

struct nm_sequence {
    bool begun;
    uint32_t expected;
    struct nm_sequence_counters counters;
    uint64_t gap[NM_SEQUENCE_GAPS];            /* first and count in one word, which is read whole */
    uint64_t seen[NM_SEQUENCE_WINDOW / 64];    /* of the numbers below expected */
};

struct nm_sequence *nm_sequence_new(void)
{
    return calloc(1, sizeof(struct nm_sequence));
}

void nm_sequence_free(struct nm_sequence *sequence)
{
    free(sequence);
}

static uint64_t *word_of(struct nm_sequence *s, uint32_t number)
{
    return &s->seen[number % NM_SEQUENCE_WINDOW / 64];
}

static uint64_t bit_of(uint32_t number)
{
    return UINT64_C(1) << number % 64;
}

/* Numbers from expected on have not come. */
static void leave_out(struct nm_sequence *s, uint32_t count)
{
    uint64_t n = s->counters.gaps;

    if (count >= NM_SEQUENCE_WINDOW)
        memset(s->seen, 0, sizeof(s->seen));
    else
        for (uint32_t i = 0; i < count; i++)
            *word_of(s, s->expected + i) &= ~bit_of(s->expected + i);
    __atomic_store_n(&s->gap[n % NM_SEQUENCE_GAPS], (uint64_t)s->expected << 32 | count, __ATOMIC_RELAXED);
    nm_pace_count(&s->counters.missing, count);
    /* release: who sees the number of gaps sees the gaps */
    __atomic_store_n(&s->counters.gaps, n + 1, __ATOMIC_RELEASE);
}

static void see_late(struct nm_sequence *s, uint32_t number)
{
    if (s->expected - number > NM_SEQUENCE_WINDOW) {
        nm_pace_count(&s->counters.stale, 1);
    } else if (*word_of(s, number) & bit_of(number)) {
        nm_pace_count(&s->counters.duplicates, 1);
    } else {
        *word_of(s, number) |= bit_of(number);
        nm_pace_count(&s->counters.reordered, 1);
        if (s->counters.missing)
            __atomic_store_n(&s->counters.missing, s->counters.missing - 1, __ATOMIC_RELAXED);
    }
}

void nm_sequence_see(struct nm_sequence *s, uint32_t number)
{
    if (!s->begun) {
        s->begun = true;
        s->expected = number;
        memset(s->seen, 0xff, sizeof(s->seen)); /* what was before is none of ours: it does not close a gap */
    }
    if (number != s->expected) {
        if ((int32_t)(number - s->expected) < 0) {
            see_late(s, number);
            return;
        }
        leave_out(s, number - s->expected);
    }
    *word_of(s, number) |= bit_of(number);
    s->expected = number + 1;
    __atomic_store_n(&s->counters.expected, s->expected, __ATOMIC_RELAXED);
}

void nm_sequence_count(const struct nm_sequence *sequence, struct nm_sequence_counters *counters)
{
    const uint64_t *from = (const uint64_t *)&sequence->counters;
    uint64_t *to = (uint64_t *)counters;

    for (size_t i = 0; i < sizeof(*counters) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
}

int nm_sequence_gap(const struct nm_sequence *sequence, uint64_t n, struct nm_gap *gap)
{
    uint64_t gaps = __atomic_load_n(&sequence->counters.gaps, __ATOMIC_ACQUIRE), word;

    if (n >= gaps || gaps - n > NM_SEQUENCE_GAPS)
        return 0;
    word = __atomic_load_n(&sequence->gap[n % NM_SEQUENCE_GAPS], __ATOMIC_RELAXED);
    *gap = (struct nm_gap){(uint32_t)(word >> 32), (uint32_t)word};
    return 1;
}
