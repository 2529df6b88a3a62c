/*
 * Packets of several link types before filters of their own: what passes, in which order, and what is missing.
 * core: slab.c capture bpf
 * modes: plain asan
 *
 * NMPCAP_TEST_SEED repeats a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bpf/bpf.h"
#include "capture/filters.h"
#include "check.h"

enum { PACKETS = 300, TYPES = 6, ROUNDS = 300 };

static unsigned long long state;

static uint32_t rnd(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16) % below;
}

/* Passes packets whose first byte is at least `least`, and keeps two bytes of them. */
static struct nm_program *at_least(uint32_t least)
{
    const struct nm_insn insns[] = {{0x30, 0, 0, 0}, {0x35, 0, 1, least}, {0x06, 0, 0, 2}, {0x06, 0, 0, 0}};
    struct nm_program *program;
    char msg[512];

    CHECK(nm_program_new(insns, 4, NM_BPF_AUTO, &program, msg) == 0);
    return program;
}

static void make_packets(uint8_t bytes[][4], struct nm_view *views)
{
    uint16_t linktype = 0;

    for (uint32_t i = 0; i < PACKETS; i++) {
        if (rnd(3) == 0)
            linktype = (uint16_t)rnd(TYPES);
        bytes[i][0] = (uint8_t)rnd(256);
        views[i] = (struct nm_view){.data = bytes[i], .caplen = 4, .len = 4, .ts_ns = i, .linktype = linktype};
    }
}

static void one_round(void)
{
    static uint8_t bytes[PACKETS][4];
    struct nm_view views[PACKETS];
    struct nm_mixed mixed = {0};
    uint32_t least[TYPES], expected[PACKETS], count = 0, there = rnd(TYPES - 1) + 1;
    int lacking = -1;
    struct nm_filter first;

    make_packets(bytes, views);
    nm_mixed_reset(&mixed, true);
    for (uint32_t type = 0; type < TYPES; type++)
        least[type] = rnd(256);
    first = (struct nm_filter){.program = at_least(least[0])};
    for (uint32_t type = 1; type < there; type++) {
        struct nm_program *other = at_least(rnd(256)), *program = at_least(least[type]);

        CHECK(nm_mixed_add(&mixed, other, (uint16_t)type) == 0);
        CHECK(nm_mixed_add(&mixed, program, (uint16_t)type) == 0); /* in place of that one */
        nm_program_unref(other);
        nm_program_unref(program);
    }
    for (uint32_t i = 0; i < PACKETS; i++) {
        if (views[i].linktype < there && bytes[i][0] >= least[views[i].linktype])
            expected[count++] = i;
        if (views[i].linktype >= there && lacking < 0)
            lacking = views[i].linktype;
    }
    CHECK(nm_mixed_lacks(&mixed, &first, views, PACKETS) == (lacking >= 0));
    CHECK(mixed.wanted == lacking);
    CHECK(nm_mixed_judge(&mixed, NULL, &first, views, PACKETS) == count);
    for (uint32_t k = 0; k < count; k++)
        CHECK(views[k].data == bytes[expected[k]] && views[k].ts_ns == expected[k] && views[k].caplen == 2);
    nm_mixed_reset(&mixed, false);
    nm_program_unref(first.program);
}

int main(void)
{
    const char *seed = getenv("NMPCAP_TEST_SEED");

    state = (seed ? strtoull(seed, NULL, 10) : (unsigned long long)time(NULL)) | 1;
    printf("NMPCAP_TEST_SEED=%llu\n", state);
    for (uint32_t round = 0; round < ROUNDS; round++)
        one_round();
    return 0;
}
