/*
 * The BPF machines against an interpreter that knows none of their tricks: random checked
 * programs over random packets, each packet ending where memory ends.
 *
 *     test_bpf [SEED [PROGRAMS]]      or NMPCAP_TEST_SEED in the environment
 *
 * Also built for other processors and run under an emulator (tests/bpf/test_aarch64.py).
 *
 * core: bpf
 * modes: plain asan
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bpf/jit.h"
#include "bpf/lower.h"
#include "bpf/vm.h"
#include "msg.h"
#include "view.h"

static int failures;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            failures++; \
        } \
    } while (0)

/* ---- the reference: one instruction at a time, from the definition --------------------- */

static int fetch(const uint8_t *pkt, uint32_t caplen, uint64_t address, uint32_t size, uint32_t *value)
{
    *value = 0;
    if (address + size > caplen)
        return 0;
    for (uint32_t i = 0; i < size; i++)
        *value = *value << 8 | pkt[address + i];
    return 1;
}

static uint32_t size_of(uint16_t code)
{
    return (code & 0x18) == BPF_W ? 4 : (code & 0x18) == BPF_H ? 2 : 1;
}

/* 0: ended with reject. */
static int arithmetic(uint16_t code, uint32_t *a, uint32_t operand)
{
    switch (code & 0xf0) {
    case BPF_ADD: *a += operand; break;
    case BPF_SUB: *a -= operand; break;
    case BPF_MUL: *a *= operand; break;
    case BPF_DIV:
        if (!operand)
            return 0;
        *a /= operand;
        break;
    case BPF_MOD:
        if (!operand)
            return 0;
        *a %= operand;
        break;
    case BPF_OR: *a |= operand; break;
    case BPF_AND: *a &= operand; break;
    case BPF_XOR: *a ^= operand; break;
    case BPF_LSH: *a = operand < 32 ? *a << operand : 0; break;
    case BPF_RSH: *a = operand < 32 ? *a >> operand : 0; break;
    case BPF_NEG: *a = -*a; break;
    }
    return 1;
}

static int holds(uint16_t code, uint32_t a, uint32_t operand)
{
    switch (code & 0xf0) {
    case BPF_JEQ: return a == operand;
    case BPF_JGT: return a > operand;
    case BPF_JGE: return a >= operand;
    default: return (a & operand) != 0;
    }
}

static uint32_t reference(const struct nm_insn *insns, const uint8_t *pkt, uint32_t wirelen, uint32_t caplen,
                          const struct nm_metadata *metadata)
{
    uint32_t a = 0, x = 0, mem[NM_BPF_MEMWORDS] = {0}, backward = 0, value;
    const struct nm_insn *insn = insns;

    for (;; insn++) {
        uint16_t code = insn->code;
        uint32_t k = insn->k, slot = (k - BPF_AD_OFF) / 4;
        uint32_t operand = code & BPF_X ? x : k;

        switch (code & 0x07) {
        case BPF_LD:
        case BPF_LDX:
            switch (code & 0xe0) {
            case BPF_IMM: value = k; break;
            case BPF_MEM: value = mem[k]; break;
            case BPF_LEN: value = wirelen; break;
            case BPF_MSH:
                if (!fetch(pkt, caplen, k, 1, &value))
                    return 0;
                value = (value & 0xf) * 4;
                break;
            case BPF_IND:
                if (!fetch(pkt, caplen, (uint64_t)x + k, size_of(code), &value))
                    return 0;
                break;
            default:
                if (k >= BPF_AD_OFF && k % 4 == 0 && slot < BPF_AD_WORDS) {
                    if (!metadata || !(metadata->known >> slot & 1))
                        return 0;
                    value = metadata->value[slot];
                } else if (!fetch(pkt, caplen, k, size_of(code), &value)) {
                    return 0;
                }
            }
            *((code & 0x07) == BPF_LD ? &a : &x) = value;
            break;
        case BPF_ST: mem[k] = a; break;
        case BPF_STX: mem[k] = x; break;
        case BPF_ALU:
            if (!arithmetic(code, &a, operand))
                return 0;
            break;
        case BPF_JMP:
            if (code == (BPF_JMP | BPF_JA)) {
                if ((int32_t)k < 0 && backward++ == NM_BPF_BACKWARD_LIMIT)
                    return 0;
                insn += (int32_t)k;
            } else {
                insn += holds(code, a, operand) ? insn->jt : insn->jf;
            }
            break;
        case BPF_RET: return code == (BPF_RET | BPF_A) ? a : k;
        default:
            if (code == (BPF_MISC | BPF_TAX))
                x = a;
            else
                a = x;
        }
    }
}

/* ---- random programs -------------------------------------------------------------------- */

static uint64_t state;

static uint32_t random_word(void)
{
    /* splitmix64 */
    uint64_t z = state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) >> 16);
}

static uint32_t below(uint32_t n)
{
    return random_word() % n;
}

static uint32_t boundary(void)
{
    static const uint32_t values[] = {
        0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 63, 64, 127, 128, 129, 254, 255, 256, 0x7ff, 0xfff, 0x1000, 0xffff,
        0x10000, 0xffffff, 0x1000000, 0x7ffffffb, 0x7ffffffc, 0x7ffffffd, 0x7ffffffe, 0x7fffffff, 0x80000000,
        0x80000001, 0xffe00000, 0xfff00000, 0xfffff000, 0xfffff004, 0xfffff02c, 0xfffff030, 0xfffff03c,
        0xfffff040, 0xffffff80, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff, 0x00ff00ff, 0xaaaaaaaa,
    };

    return below(8) ? values[below(sizeof(values) / sizeof(*values))] : random_word();
}

static const uint16_t codes[] = {
#define CODE(name, code) code,
    NM_BPF_OPERATIONS(CODE)
#undef CODE
};

static int indexing; /* this program is about [x + k] */

enum { MAX_INSNS = 96, PACKET = 72, NCODES = sizeof(codes) / sizeof(*codes) };

static uint32_t random_k(uint16_t code)
{
    switch (code & 0x07) {
    case BPF_LD:
    case BPF_LDX:
        if ((code & 0xe0) == BPF_MEM)
            return below(NM_BPF_MEMWORDS);
        return below(5) ? below(PACKET + 4) : boundary();
    case BPF_ST:
    case BPF_STX:
        return below(NM_BPF_MEMWORDS);
    case BPF_RET:
        return below(2) ? 0 : boundary();
    case BPF_JMP:
        return below(2) ? below(6) : boundary();
    case BPF_ALU:
        if ((code & 0xf0) == BPF_LSH || (code & 0xf0) == BPF_RSH)
            return below(4) ? below(36) : boundary();
        return boundary();
    default:
        return 0;
    }
}

static struct nm_insn random_insn(uint32_t left)
{
    struct nm_insn insn = {.code = codes[below(NCODES)]};

    /* Loads and comparisons are what filters are made of; what happens between two indexed
     * loads to X needs many of both. */
    if (indexing && below(2))
        return (struct nm_insn){.code = codes[NM_OP_LD_IND_W + below(3)], .k = below(PACKET / 2)};
    if (indexing && below(3) == 0)
        return (struct nm_insn){.code = codes[NM_OP_LDX_IMM], .k = below(PACKET / 2)};
    if (below(3) == 0)
        insn.code = codes[NM_OP_LD_ABS_W + below(6)];
    else if (below(4) == 0)
        insn.code = codes[NM_OP_JEQ_K + below(4)];
    if ((insn.code & 0x07) == BPF_RET && below(3))
        insn.code = BPF_MISC | BPF_TAX;
    insn.k = random_k(insn.code);
    if ((insn.code == (BPF_ALU | BPF_DIV) || insn.code == (BPF_ALU | BPF_MOD)) && !insn.k)
        insn.k = 1 + below(9);
    if (insn.code == (BPF_JMP | BPF_JA))
        insn.k = below(left < 6 ? left : 6);
    else if ((insn.code & 0x07) == BPF_JMP) {
        uint32_t far = below(4) ? 4 : MAX_INSNS;

        insn.jt = (uint8_t)below(left < far ? left : far);
        insn.jf = (uint8_t)below(left < far ? left : far);
    }
    return insn;
}

enum { NEXT, HIT, MISS, OTHERS }; /* targets in a tree until it is whole; OTHERS + n: n further on */

/* A tree over the multiples of 3 from 3 low up to 3 high; returns where it ends. */
static uint32_t plant(struct nm_insn *insns, uint32_t at, uint32_t low, uint32_t high)
{
    uint32_t middle, right;

    if (high - low < 3) {
        for (uint32_t key = low; key < high; key++)
            insns[at++] = (struct nm_insn){
                .code = BPF_JMP | BPF_JEQ,
                .jt = HIT,
                .jf = key == high - 1 ? MISS : NEXT,
                .k = below(4) ? 3 * key : 3 * below(20) - below(2), /* some where they cannot match */
            };
        return at;
    }
    middle = low + 1 + below(high - low - 1);
    right = plant(insns, at + 1, low, middle);
    insns[at] = (struct nm_insn){BPF_JMP | BPF_JGE, (uint8_t)(OTHERS + right - at - 1), NEXT, 3 * middle};
    if (below(2))
        insns[at] = (struct nm_insn){BPF_JMP | BPF_JGT, insns[at].jt, NEXT, 3 * middle - 1 - below(2)};
    if (!below(8))
        insns[at].k = below(60); /* forks that lead one way only, or away from keys */
    return plant(insns, right, middle, high);
}

/* Metadata, a byte, a tree, something to tell by where it led, and a way back for even results. */
static uint32_t plant_program(struct nm_insn *insns)
{
    uint32_t end = plant(insns, 2, 0, 8 + below(12));

    insns[0] = (struct nm_insn){BPF_LD | BPF_ABS, 0, 0, below(2) ? BPF_AD_OFF : 0};
    insns[1] = (struct nm_insn){BPF_LD | BPF_B | BPF_ABS, 0, 0, below(4)};
    for (uint32_t i = 2; i < end; i++) {
        uint8_t *targets[2] = {&insns[i].jt, &insns[i].jf};
        uint8_t to_end = (uint8_t)(end - i - 1);

        for (int side = 0; side < 2; side++) {
            if (*targets[side] >= OTHERS)
                *targets[side] -= OTHERS;
            else if (*targets[side] == MISS)
                *targets[side] = to_end + 2;
            else if (*targets[side] == HIT)
                *targets[side] = (uint8_t)(to_end + below(2));
        }
    }
    insns[end++] = (struct nm_insn){BPF_ALU | BPF_OR, 0, 0, 0x1000};
    insns[end++] = (struct nm_insn){BPF_ALU | BPF_XOR, 0, 0, 0x5500};
    insns[end++] = (struct nm_insn){BPF_ALU | BPF_ADD, 0, 0, 7};
    if (!below(3)) {
        insns[end++] = (struct nm_insn){BPF_JMP | BPF_JSET, 1, 0, 1};
        insns[end] = (struct nm_insn){BPF_JMP | BPF_JA, 0, 0, 0 - end};
        end++;
    }
    insns[end++] = (struct nm_insn){BPF_RET | BPF_A, 0, 0, 0};
    return end;
}

/* A row of comparisons in the middle, and sometimes a jump back. */
static uint32_t random_program(struct nm_insn *insns)
{
    uint32_t count = 2 + below(below(4) ? 24 : MAX_INSNS - 2);
    uint32_t row = below(3) ? count : below(count), row_end = row + 8 + below(16);

    indexing = below(6) == 0;
    for (uint32_t i = 0; i < count - 1; i++) {
        uint32_t left = count - 1 - i;

        insns[i] = random_insn(left);
        if (i >= row && i < row_end && below(30)) {
            insns[i] = (struct nm_insn){.code = codes[NM_OP_JEQ_K], .k = below(12)};
            insns[i].jt = (uint8_t)below(left);
        } else if (!below(60)) {
            insns[i] = (struct nm_insn){.code = BPF_JMP | BPF_JA, .k = 0 - 1 - below(i + 1)};
        }
    }
    insns[count - 1] = (struct nm_insn){.code = BPF_RET | (below(4) ? BPF_A : BPF_K), .k = boundary()};
    return count;
}

/* ---- comparison ------------------------------------------------------------------------- */

struct fence {
    uint8_t *mem;
    size_t page;
};

/* The last size bytes before memory that must not be touched. */
static uint8_t *before_fence(const struct fence *fence, uint32_t size)
{
    return fence->mem + fence->page - size;
}

static void fill(uint8_t *pkt, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        pkt[i] = (uint8_t)(below(3) ? below(below(2) ? 6 : 64) : random_word());
}

static void show(const struct nm_insn *insns, uint32_t count, const uint8_t *pkt, uint32_t size)
{
    for (uint32_t i = 0; i < count; i++)
        printf("    %u %u %u %u\n", insns[i].code, insns[i].jt, insns[i].jf, insns[i].k);
    printf("    packet ");
    for (uint32_t i = 0; i < size; i++)
        printf("%02x", pkt[i]);
    printf("\n");
}

static void expect(uint32_t expected, uint32_t verdict, const char *machine, const struct nm_insn *insns,
                   uint32_t count, const uint8_t *pkt, uint32_t size)
{
    if (verdict == expected)
        return;
    printf("%s: %u, expected %u\n", machine, verdict, expected);
    show(insns, count, pkt, size);
    failures++;
}

/* A program in the machines below nm_program, with a blind that comes from the seed. */
struct blinded {
    struct nm_lowered lowered;
    struct nm_jit jit;
};

static void blind(const struct nm_insn *insns, uint32_t count, struct blinded *program)
{
    CHECK(nm_bpf_lower(insns, count, nm_jit_blinds() ? boundary() : 0, &program->lowered) == 0);
    nm_vm_prepare(&program->lowered);
    CHECK(nm_jit_compile(&program->lowered, &program->jit) == 0);
}

static void blinded_free(struct blinded *program)
{
    nm_jit_free(&program->jit);
    nm_lowered_free(&program->lowered);
}

static void compare(const struct nm_insn *insns, uint32_t count, struct nm_program *const machines[2],
                    const struct blinded *blinded, const uint8_t *pkt, uint32_t size)
{
    struct nm_metadata metadata = {.known = random_word()}, *given = below(2) ? &metadata : NULL;
    uint32_t wirelen = below(2) ? size : boundary();
    uint32_t expected;

    for (int i = 0; i < 16; i++)
        metadata.value[i] = boundary();
    expected = reference(insns, pkt, wirelen, size, given);
    for (int m = 0; m < 2; m++)
        if (machines[m])
            expect(expected, nm_program_run(machines[m], pkt, wirelen, size, given),
                   nm_program_machine(machines[m]), insns, count, pkt, size);
    expect(expected, nm_vm_run(&blinded->lowered, pkt, wirelen, size, given), "interpreter, blinded", insns,
           count, pkt, size);
    expect(expected, nm_jit_entry(&blinded->jit)(pkt, wirelen, size, given), "machine code, blinded", insns,
           count, pkt, size);
}

static void test_random_programs(uint32_t programs, const struct fence *fence)
{
    static const int kinds[2] = {NM_BPF_INTERPRETER, NM_BPF_JIT};
    struct nm_insn insns[MAX_INSNS];
    char msg[NM_MSG_SIZE];

    for (uint32_t i = 0; i < programs && failures < 3; i++) {
        struct nm_program *machines[2] = {NULL, NULL};
        struct blinded blinded = {0};
        int damaged = below(5) == 0;
        uint32_t count = below(10) ? random_program(insns) : plant_program(insns);

        if (damaged)
            ((uint8_t *)&insns[below(count)])[below(sizeof(*insns))] ^= (uint8_t)(1 + below(255));
        for (int m = 0; m < 2; m++) {
            int error = nm_program_new(insns, count, kinds[m], &machines[m], msg);

            if (error && !(damaged && error == EINVAL && !machines[m])) {
                printf("error %d: %s\n", error, msg);
                show(insns, count, NULL, 0);
                failures++;
            }
        }
        if (machines[0])
            blind(insns, count, &blinded);
        for (int p = 0; machines[0] && p < 12; p++) {
            uint32_t size = p < 3 ? PACKET : below(PACKET);
            uint8_t *pkt = before_fence(fence, size);

            fill(pkt, size);
            compare(insns, count, machines, &blinded, pkt, size);
        }
        blinded_free(&blinded);
        nm_program_unref(machines[0]);
        nm_program_unref(machines[1]);
    }
}

/* Jumps of every length around the limits of short forms. */
static void test_long_jumps(const struct fence *fence)
{
    enum { MAX = 2000 };
    struct nm_insn *insns = calloc(MAX + 4, sizeof(*insns));
    uint8_t *pkt = before_fence(fence, 1);

    for (uint32_t between = 1; between < MAX; between += between < 80 ? 1 : 97) {
        uint32_t count = 0;
        struct nm_program *program;
        char msg[NM_MSG_SIZE];

        insns[count++] = (struct nm_insn){BPF_LD | BPF_B | BPF_ABS, 0, 0, 0};
        insns[count++] = (struct nm_insn){BPF_JMP | BPF_JEQ, 0, 1, 7};
        insns[count++] = (struct nm_insn){BPF_JMP | BPF_JA, 0, 0, between};
        for (uint32_t i = 0; i < between; i++)
            insns[count++] = (struct nm_insn){BPF_ALU | BPF_ADD, 0, 0, i % 3 ? 1 : 1000};
        insns[count++] = (struct nm_insn){BPF_RET | BPF_A, 0, 0, 0};
        CHECK(nm_program_new(insns, count, NM_BPF_AUTO, &program, msg) == 0);
        for (*pkt = 6; *pkt < 9; (*pkt)++)
            CHECK(nm_program_run(program, pkt, 1, 1, NULL) == reference(insns, pkt, 1, 1, NULL));
        nm_program_unref(program);
    }
    free(insns);
}

static void test_backward_jumps_are_bounded(void)
{
    /* M[0] counts to the limit of len, then returns it. */
    static const struct nm_insn loop[] = {
        {BPF_LD | BPF_MEM, 0, 0, 0},        {BPF_ALU | BPF_ADD, 0, 0, 1}, {BPF_ST, 0, 0, 0},
        {BPF_LDX | BPF_LEN, 0, 0, 0},       {BPF_JMP | BPF_JEQ | BPF_X, 1, 0, 0},
        {BPF_JMP | BPF_JA, 0, 0, 0 - 6u},   {BPF_RET | BPF_A, 0, 0, 0},
    };
    char msg[NM_MSG_SIZE];

    for (int kind = NM_BPF_AUTO; kind <= NM_BPF_JIT; kind++) {
        struct nm_program *program;

        CHECK(nm_program_new(loop, 7, kind, &program, msg) == 0);
        CHECK(nm_program_run(program, NULL, 5, 0, NULL) == 5);
        CHECK(nm_program_run(program, NULL, NM_BPF_BACKWARD_LIMIT + 1, 0, NULL) ==
              NM_BPF_BACKWARD_LIMIT + 1);
        CHECK(nm_program_run(program, NULL, NM_BPF_BACKWARD_LIMIT + 2, 0, NULL) == 0);
        nm_program_unref(program);
    }
}

static void test_filter_keeps_what_passes(void)
{
    static const struct nm_insn verdict_is_first_byte[] = {
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, 0},
        {BPF_RET | BPF_A, 0, 0, 0},
    };
    static const uint8_t bytes[5][4] = {{0, 9}, {2, 9}, {0, 9}, {9, 9}, {4, 9}};
    char msg[NM_MSG_SIZE];

    for (int kind = NM_BPF_INTERPRETER; kind <= NM_BPF_JIT; kind++) {
        struct nm_program *program;
        struct nm_view views[6];

        for (uint32_t i = 0; i < 5; i++)
            views[i] = (struct nm_view){.data = bytes[i], .ts_ns = i, .caplen = 4, .len = 100};
        views[5] = (struct nm_view){.data = bytes[1], .ts_ns = 5, .caplen = 0, .len = 100};
        CHECK(nm_program_new(verdict_is_first_byte, 2, kind, &program, msg) == 0);
        CHECK(nm_program_filter(program, views, NULL, 6) == 3);
        CHECK(views[0].ts_ns == 1 && views[0].caplen == 2 && views[0].len == 100);
        CHECK(views[1].ts_ns == 3 && views[1].caplen == 4);
        CHECK(views[2].ts_ns == 4 && views[2].caplen == 4);
        CHECK(nm_program_filter(program, views, NULL, 0) == 0);
        nm_program_unref(program);
    }
}

/* Whoever calls may leave anything in the upper halves of the registers of 32-bit arguments. */
static void test_upper_halves_do_not_count(void)
{
    typedef uint32_t wide(const uint8_t *pkt, uint64_t wirelen, uint64_t caplen, const void *metadata);
    static const struct nm_insn last_byte_by_len[] = {
        {BPF_LDX | BPF_LEN, 0, 0, 0},
        {BPF_LD | BPF_B | BPF_IND, 0, 0, 0},
        {BPF_RET | BPF_A, 0, 0, 0},
    };
    static const uint8_t pkt[4] = {5, 6, 7, 8};
    const uint64_t garbage = 0xdeadbeef00000000;
    struct nm_program *program;
    char msg[NM_MSG_SIZE];
    size_t size;
    wide *code;

    CHECK(nm_program_new(last_byte_by_len, 3, NM_BPF_JIT, &program, msg) == 0);
    code = (wide *)(uintptr_t)nm_program_code(program, &size);
    CHECK(code(pkt, garbage | 2, garbage | 3, NULL) == 7);
    CHECK(code(pkt, garbage | 3, garbage | 3, NULL) == 0);
    nm_program_unref(program);
}

/* n comparisons one after the other, or as a tree with a comparison of size at each fork. */
static uint32_t write_choice(struct nm_insn *insns, uint32_t at, uint32_t low, uint32_t high, int row)
{
    uint32_t middle = (low + high) / 2, right;

    if (row || high - low < 3) {
        for (uint32_t key = low; key < high; key++)
            insns[at++] = (struct nm_insn){BPF_JMP | BPF_JEQ, HIT, key == high - 1 ? MISS : NEXT, 977 * key};
        return at;
    }
    right = write_choice(insns, at + 1, low, middle, row);
    insns[at] = (struct nm_insn){BPF_JMP | BPF_JGE, (uint8_t)(OTHERS + right - at - 1), NEXT, 977 * middle};
    return write_choice(insns, right, middle, high, row);
}

static void test_choices_become_searches(void)
{
    for (int row = 0; row < 2; row++) {
        struct nm_insn insns[MAX_INSNS] = {{BPF_LD | BPF_ABS, 0, 0, 0}};
        uint32_t end = write_choice(insns, 1, 0, 40, row), comparisons = 0;
        struct nm_lowered lowered;

        for (uint32_t i = 1; i < end; i++) {
            insns[i].jt = insns[i].jt == HIT ? (uint8_t)(end - i) : (uint8_t)(insns[i].jt - OTHERS);
            insns[i].jf = insns[i].jf == MISS ? (uint8_t)(end - i - 1) : 0;
        }
        insns[end] = (struct nm_insn){BPF_RET, 0, 0, 1};
        insns[end + 1] = (struct nm_insn){BPF_RET, 0, 0, 2};
        CHECK(nm_bpf_lower(insns, end + 2, row ? 0 : random_word(), &lowered) == 0);
        for (uint32_t i = 0; i < lowered.count; i++)
            comparisons += nm_op_branches(lowered.ops[i].operation);
        CHECK(lowered.nsieves == 1);
        CHECK(comparisons >= 40 && comparisons < 80);
        nm_lowered_free(&lowered);
    }
}

/* Past what the translation takes the interpreter runs. */
static void test_too_large_for_machine_code(void)
{
    uint32_t count = (2u << 20) + 1;
    struct nm_insn *insns = calloc(count, sizeof(*insns));
    struct nm_program *program;
    char msg[NM_MSG_SIZE];

    for (uint32_t i = 0; i < count; i++)
        insns[i] = (struct nm_insn){BPF_ALU | BPF_ADD, 0, 0, 1};
    insns[count - 1] = (struct nm_insn){BPF_RET | BPF_A, 0, 0, 0};
    CHECK(nm_program_new(insns, count, NM_BPF_JIT, &program, msg) == ENOTSUP);
    CHECK(program == NULL && strstr(msg, "no translation"));
    CHECK(nm_program_new(insns, count, NM_BPF_AUTO, &program, msg) == 0);
    CHECK(strcmp(nm_program_machine(program), "interpreter") == 0);
    CHECK(nm_program_run(program, NULL, 0, 0, NULL) == count - 1);
    nm_program_unref(program);
    free(insns);
}

/* ---- memory that runs out ---------------------------------------------------------------
 * The allocator is replaced where that can be done: not under a sanitizer, which has its own, and not
 * in a static program (STATIC), whose C library does not let go of the names. */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(STATIC)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *mem, size_t size);
void __libc_free(void *mem);

static int until_failure = -1; /* allocations that still succeed; -1: all */
static int live;               /* allocated, and not freed yet */

static int fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

static void *count_live(void *mem)
{
    live += mem != NULL;
    return mem;
}

void *malloc(size_t size)
{
    return fails() ? NULL : count_live(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : count_live(__libc_calloc(count, size));
}

void *realloc(void *mem, size_t size)
{
    if (fails())
        return NULL;
    return mem ? __libc_realloc(mem, size) : count_live(__libc_malloc(size));
}

void free(void *mem)
{
    live -= mem != NULL;
    __libc_free(mem);
}

static void test_memory_runs_out_anywhere(void)
{
    struct nm_insn insns[MAX_INSNS] = {{BPF_LD | BPF_ABS, 0, 0, 0}};
    uint32_t end = 1;
    int error = ENOMEM, before = live, failed = 0;
    char msg[NM_MSG_SIZE];

    for (; end < 20; end++)
        insns[end] = (struct nm_insn){BPF_JMP | BPF_JEQ, (uint8_t)(19 - end), 0, end};
    insns[end++] = (struct nm_insn){BPF_RET, 0, 0, 1};
    while (error && failed < 100) {
        struct nm_program *program = (struct nm_program *)&failures;

        until_failure = failed;
        error = nm_program_new(insns, end, NM_BPF_JIT, &program, msg);
        until_failure = -1;
        if (error) {
            CHECK(error == ENOMEM && program == NULL && strstr(msg, "memory"));
            failed++;
        }
        nm_program_unref(program);
        CHECK(live == before);
    }
    CHECK(error == 0 && failed >= 8);
}

#else

static void test_memory_runs_out_anywhere(void)
{
}

#endif

static void test_owners(void)
{
    static const struct nm_insn accept = {BPF_RET, 0, 0, 1};
    struct nm_program *program;
    char msg[NM_MSG_SIZE];

    CHECK(nm_program_new(&accept, 1, NM_BPF_AUTO, &program, msg) == 0);
    CHECK(nm_program_ref(program) == program);
    nm_program_unref(program);
    CHECK(nm_program_run(program, NULL, 0, 0, NULL) == 1);
    nm_program_unref(program);
    nm_program_unref(NULL);
    CHECK(nm_program_ref(NULL) == NULL);
}

static void test_refusals(void)
{
    static const struct nm_insn jump_out[] = {{BPF_JMP | BPF_JA, 0, 0, 1}, {BPF_RET, 0, 0, 0}};
    struct nm_program *program = (struct nm_program *)&failures;
    uint32_t index = 7;
    char msg[NM_MSG_SIZE];

    CHECK(nm_program_new(jump_out, 2, NM_BPF_AUTO, &program, msg) != 0);
    CHECK(program == NULL);
    CHECK(strstr(msg, "instruction 0") != NULL);
    CHECK(nm_program_new(jump_out + 1, 1, 9, &program, msg) != 0 && program == NULL && msg[0]);
    CHECK(nm_bpf_check(jump_out, 0, &index) != NULL && index == 0);
    CHECK(nm_bpf_check(jump_out + 1, 1, &index) == NULL);
}

int main(int argc, char **argv)
{
    const char *seed = argc > 1 ? argv[1] : getenv("NMPCAP_TEST_SEED");
    uint32_t programs = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 20000;
    struct fence fence = {.page = (size_t)sysconf(_SC_PAGESIZE)};

    state = seed && *seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu, %u programs\n", (unsigned long long)state, programs);
    fence.mem = mmap(NULL, 2 * fence.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fence.mem == MAP_FAILED || mprotect(fence.mem + fence.page, fence.page, PROT_NONE)) {
        perror("mmap");
        return 1;
    }
    test_refusals();
    test_owners();
    test_memory_runs_out_anywhere();
    test_too_large_for_machine_code();
    test_choices_become_searches();
    test_upper_halves_do_not_count();
    test_filter_keeps_what_passes();
    test_backward_jumps_are_bounded();
    test_long_jumps(&fence);
    test_random_programs(programs, &fence);
    munmap(fence.mem, 2 * fence.page);
    printf("%s\n", failures ? "FAILED" : "ok");
    return failures != 0;
}
