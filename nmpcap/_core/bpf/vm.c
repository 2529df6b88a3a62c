/*
 * The interpreter: one computed jump an operation, and one for a load, or a mask, with the
 * comparison behind it, which is most of what filters do.
 *
 * Scratch words start as 0, but only programs that read some pay for that.
 */
#include <string.h>

#include "bpf/vm.h"

/* What is joined: every first with every second. */
#define FIRSTS(X) X(LD_ABS_W) X(LD_ABS_H) X(LD_ABS_B) X(LD_IND_W) X(LD_IND_H) X(LD_IND_B) X(AND_K)
#define SECONDS(X, first) X(first, JEQ_K) X(first, JGT_K) X(first, JGE_K) X(first, JSET_K)

/* Joined operations are numbered behind the others. */
enum {
    BEFORE_JOINED = NM_OP_COUNT - 1,
#define NUMBER(first, second) VM_##first##_##second,
#define NUMBERS(first) SECONDS(NUMBER, first)
    FIRSTS(NUMBERS)
#undef NUMBERS
#undef NUMBER
    VM_COUNT,
};

static uint8_t joined(uint8_t first, uint8_t second)
{
    switch (first << 8 | second) {
#define CASE(first, second) \
    case NM_OP_##first << 8 | NM_OP_##second: \
        return VM_##first##_##second;
#define CASES(first) SECONDS(CASE, first)
        FIRSTS(CASES)
#undef CASES
#undef CASE
    default:
        return first;
    }
}

void nm_vm_prepare(struct nm_lowered *lowered)
{
    for (uint32_t i = 0; i < lowered->count; i++) {
        struct nm_op *op = &lowered->ops[i];

        op->dispatch = i + 1 < lowered->count ? joined(op->operation, op[1].operation) : op->operation;
    }
}

/* Compilers make one load and one swap of these. */
static inline uint32_t word_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t half_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

#define GO(target) \
    do { \
        op = (target); \
        goto *labels[op->dispatch]; \
    } while (0)
#define NEXT GO(op + 1)
#define BRANCH(condition) \
    do { \
        if (condition) \
            GO(ops + op->jt); \
        GO(ops + op->jf); \
    } while (0)
#define NEED \
    do { \
        if (caplen < op->need) \
            return 0; \
    } while (0)
#define NEED_X \
    do { \
        if (op->need_x && (uint64_t)x + op->need_x > caplen) \
            return 0; \
    } while (0)

#define EXEC_LD_ABS_W NEED; a = word_at(pkt + op->k)
#define EXEC_LD_ABS_H NEED; a = half_at(pkt + op->k)
#define EXEC_LD_ABS_B NEED; a = pkt[op->k]
#define EXEC_LD_IND_W NEED_X; a = word_at(pkt + x + op->k)
#define EXEC_LD_IND_H NEED_X; a = half_at(pkt + x + op->k)
#define EXEC_LD_IND_B NEED_X; a = pkt[x + op->k]
#define EXEC_AND_K a &= op->k

#define EXEC_JEQ_K BRANCH(a == op->k)
#define EXEC_JGT_K BRANCH(a > op->k)
#define EXEC_JGE_K BRANCH(a >= op->k)
#define EXEC_JSET_K BRANCH(a & op->k)

#define DO(operation, statement) \
    do_##operation: \
    statement; \
    NEXT
#define DO_FIRST(first) DO(first, EXEC_##first);
#define DO_JOINED(first, second) \
    do_##first##_##second: \
    EXEC_##first; \
    op++; \
    EXEC_##second;
#define DO_ALL_JOINED(first) SECONDS(DO_JOINED, first)

uint32_t nm_vm_run(const struct nm_lowered *lowered, const uint8_t *pkt, uint32_t wirelen, uint32_t caplen,
                   const struct nm_metadata *metadata)
{
#define LABEL(name, code) [NM_OP_##name] = &&do_##name,
    static const void *const labels[VM_COUNT] = {
        NM_BPF_OPERATIONS(LABEL)
        [NM_OP_JUMP] = &&do_JUMP,
        [NM_OP_LD_METADATA] = &&do_LD_METADATA,
        [NM_OP_SIEVE] = &&do_SIEVE,
        [NM_OP_KEY_EQ] = &&do_KEY_EQ,
        [NM_OP_KEY_GE] = &&do_KEY_GE,
#define JOINED_LABEL(first, second) [VM_##first##_##second] = &&do_##first##_##second,
#define JOINED_LABELS(first) SECONDS(JOINED_LABEL, first)
        FIRSTS(JOINED_LABELS)
    };
    const struct nm_op *const ops = lowered->ops;
    const struct nm_op *op;
    uint32_t a = 0, x = 0, backward = 0;
    uint32_t mem[NM_BPF_MEMWORDS];

    if (lowered->mem_read)
        memset(mem, 0, sizeof(mem));
    GO(ops);

    DO(LD_IMM, a = op->k);
    FIRSTS(DO_FIRST)
    FIRSTS(DO_ALL_JOINED)
    DO(LD_MEM, a = mem[op->k]);
    DO(LD_LEN, a = wirelen);
    DO(LDX_IMM, x = op->k);
    DO(LDX_MEM, x = mem[op->k]);
    DO(LDX_LEN, x = wirelen);
    DO(LDX_MSH, NEED; x = 4u * (pkt[op->k] & 0x0f));
    DO(ST, mem[op->k] = a);
    DO(STX, mem[op->k] = x);
    DO(ADD_K, a += op->k);
    DO(SUB_K, a -= op->k);
    DO(MUL_K, a *= op->k);
    DO(DIV_K, a /= op->k);
    DO(MOD_K, a %= op->k);
    DO(OR_K, a |= op->k);
    DO(XOR_K, a ^= op->k);
    DO(LSH_K, a <<= op->k);
    DO(RSH_K, a >>= op->k);
    DO(ADD_X, a += x);
    DO(SUB_X, a -= x);
    DO(MUL_X, a *= x);
    DO(DIV_X, if (!x) return 0; a /= x);
    DO(MOD_X, if (!x) return 0; a %= x);
    DO(OR_X, a |= x);
    DO(AND_X, a &= x);
    DO(XOR_X, a ^= x);
    DO(LSH_X, a = x < 32 ? a << x : 0);
    DO(RSH_X, a = x < 32 ? a >> x : 0);
    DO(NEG, a = 0 - a);
    DO(TAX, x = a);
    DO(TXA, a = x);

do_LD_METADATA:
    if (!metadata || !(metadata->known >> op->k & 1))
        return 0;
    a = metadata->value[op->k];
    NEXT;

do_SIEVE:
    if (nm_sieve_passes(&lowered->sieves[op->k], a))
        NEXT;
    GO(ops + op->jf);

do_KEY_EQ:
    BRANCH(a - lowered->blind == op->k);
do_KEY_GE:
    BRANCH(a - lowered->blind >= op->k);

do_JA:
    if (backward++ == NM_BPF_BACKWARD_LIMIT)
        return 0;
do_JUMP:
    GO(ops + op->jt);

do_JEQ_K:
    EXEC_JEQ_K;
do_JGT_K:
    EXEC_JGT_K;
do_JGE_K:
    EXEC_JGE_K;
do_JSET_K:
    EXEC_JSET_K;
do_JEQ_X:
    BRANCH(a == x);
do_JGT_X:
    BRANCH(a > x);
do_JGE_X:
    BRANCH(a >= x);
do_JSET_X:
    BRANCH(a & x);

do_RET_K:
    return op->k;
do_RET_A:
    return a;
}
