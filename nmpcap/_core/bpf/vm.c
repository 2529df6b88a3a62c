/*
 * The interpreter: one computed jump an operation, and one for a load with the
 * comparison behind it, which is most of what filters do.
 *
 * Scratch words start as 0, but only programs that read some pay for that.
 */
#include <endian.h>
#include <string.h>

#include "bpf/vm.h"

/* Joined operations, numbered behind the others. */
enum {
    VM_W_JEQ = NM_OP_COUNT,
    VM_H_JEQ,
    VM_B_JEQ,
    VM_COUNT,
};

void nm_vm_prepare(struct nm_lowered *lowered)
{
    for (uint32_t i = 0; i < lowered->count; i++) {
        struct nm_op *op = &lowered->ops[i];

        op->dispatch = op->operation;
        if (i + 1 == lowered->count || op[1].operation != NM_OP_JEQ_K)
            continue;
        if (op->operation == NM_OP_LD_ABS_W)
            op->dispatch = VM_W_JEQ;
        else if (op->operation == NM_OP_LD_ABS_H)
            op->dispatch = VM_H_JEQ;
        else if (op->operation == NM_OP_LD_ABS_B)
            op->dispatch = VM_B_JEQ;
    }
}

static inline uint32_t word_at(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof(value));
    return be32toh(value);
}

static inline uint32_t half_at(const uint8_t *p)
{
    uint16_t value;

    memcpy(&value, p, sizeof(value));
    return be16toh(value);
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
#define DO(operation, statement) \
    do_##operation: \
    statement; \
    NEXT

uint32_t nm_vm_run(const struct nm_lowered *lowered, const uint8_t *pkt, uint32_t wirelen, uint32_t caplen,
                   const struct nm_metadata *metadata)
{
#define LABEL(name, code) [NM_OP_##name] = &&do_##name,
    static const void *const labels[VM_COUNT] = {
        NM_BPF_OPERATIONS(LABEL)
        [NM_OP_JUMP] = &&do_JUMP,
        [NM_OP_LD_METADATA] = &&do_LD_METADATA,
        [NM_OP_SIEVE] = &&do_SIEVE,
        [VM_W_JEQ] = &&do_W_JEQ,
        [VM_H_JEQ] = &&do_H_JEQ,
        [VM_B_JEQ] = &&do_B_JEQ,
    };
#undef LABEL
    const struct nm_op *const ops = lowered->ops;
    const struct nm_op *op;
    uint32_t a = 0, x = 0, backward = 0;
    uint32_t mem[NM_BPF_MEMWORDS];

    if (lowered->mem_read)
        memset(mem, 0, sizeof(mem));
    GO(ops);

    DO(LD_IMM, a = op->k);
    DO(LD_ABS_W, NEED; a = word_at(pkt + op->k));
    DO(LD_ABS_H, NEED; a = half_at(pkt + op->k));
    DO(LD_ABS_B, NEED; a = pkt[op->k]);
    DO(LD_IND_W, NEED_X; a = word_at(pkt + x + op->k));
    DO(LD_IND_H, NEED_X; a = half_at(pkt + x + op->k));
    DO(LD_IND_B, NEED_X; a = pkt[x + op->k]);
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
    DO(AND_K, a &= op->k);
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

do_JA:
    if (backward++ == NM_BPF_BACKWARD_LIMIT)
        return 0;
do_JUMP:
    GO(ops + op->jt);

do_W_JEQ:
    NEED;
    a = word_at(pkt + op->k);
    op++;
do_JEQ_K:
    BRANCH(a == op->k);
do_H_JEQ:
    NEED;
    a = half_at(pkt + op->k);
    op++;
    BRANCH(a == op->k);
do_B_JEQ:
    NEED;
    a = pkt[op->k];
    op++;
    BRANCH(a == op->k);

do_JGT_K:
    BRANCH(a > op->k);
do_JGE_K:
    BRANCH(a >= op->k);
do_JSET_K:
    BRANCH(a & op->k);
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
