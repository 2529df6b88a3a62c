/*
 * AArch64, procedure call standard, a leaf function.
 *
 *     w4  A          x0  packet              w6      jumps backwards left
 *     w5  X          w1  length on the wire  x7-x9   scratch
 *                    w2  bytes captured      M[n]    sp + 4 n, in 64 bytes of stack
 *                    x3  metadata
 *
 * The verdict leaves in w0. Writing w clears the upper half of x, so x5 + k is X + k
 * without wrapping.
 */
typedef int nm_jit_aarch64_elsewhere; /* a translation unit must hold something */

#if defined(__aarch64__)

#include "bpf/jit.h"

const char *const nm_jit_name = "jit-aarch64";

enum { PKT, WIRELEN, CAPLEN, METADATA, A, X, BACKWARD, T, U, V, ZERO = 31, SP = 31 };

enum { CC_EQ = 0, CC_NE = 1, CC_HS = 2, CC_LO = 3, CC_HI = 8, ALWAYS = 14 };

/* Opcodes, registers and constants to be put in: Rd at bit 0, Rn 5, Rm 16. */
enum {
    ADD_REG = 0x0b000000,
    SUB_REG = 0x4b000000,
    AND_REG = 0x0a000000,
    ORR_REG = 0x2a000000,
    EOR_REG = 0x4a000000,
    SUBS_REG = 0x6b000000,
    ANDS_REG = 0x6a000000,
    LSLV = 0x1ac02000,
    LSRV = 0x1ac02400,
    LSR_IMM = 0x53007c00,
    UDIV = 0x1ac00800,
    MUL = 0x1b007c00,
    ADD_IMM = 0x11000000,
    SUB_IMM = 0x51000000,
    SUBS_IMM = 0x71000000,
    AND_IMM = 0x12000000,
    ORR_IMM = 0x32000000,
    EOR_IMM = 0x52000000,
    ANDS_IMM = 0x72000000,
};
#define WIDE 0x80000000u /* the same on 64 bits */

struct arm {
    struct nm_emitter *e;
    uint32_t reject; /* the operation behind the last */
    bool frame;      /* M[] is on the stack */
};

static void word(struct arm *m, uint32_t instruction)
{
    nm_jit_word(m->e, instruction);
}

static void three(struct arm *m, uint32_t opcode, uint32_t rd, uint32_t rn, uint32_t rm)
{
    word(m, opcode | rm << 16 | rn << 5 | rd);
}

static void move(struct arm *m, uint32_t rd, uint32_t rm)
{
    three(m, ORR_REG, rd, ZERO, rm);
}

static void load_imm(struct arm *m, uint32_t rd, uint32_t k)
{
    if (k <= 0xffff) {
        word(m, 0x52800000 | k << 5 | rd); /* movz */
    } else if (~k <= 0xffff) {
        word(m, 0x12800000 | ~k << 5 | rd); /* movn */
    } else {
        word(m, 0x52a00000 | (k >> 16) << 5 | rd); /* movz, lsl 16 */
        if (k & 0xffff)
            word(m, 0x72800000 | (k & 0xffff) << 5 | rd); /* movk */
    }
}

/* ---- constants in instructions -------------------------------------------------------- */

/* add, sub or cmp with a constant, which fits or goes through a register. */
static void arith_imm(struct arm *m, uint32_t imm_form, uint32_t reg_form, uint32_t rd, uint32_t rn,
                      uint32_t k)
{
    if (k <= 0xfff) {
        word(m, imm_form | k << 10 | rn << 5 | rd);
    } else if (k <= 0xffffff && !(k & 0xfff)) {
        word(m, imm_form | 1u << 22 | (k >> 12) << 10 | rn << 5 | rd);
    } else {
        load_imm(m, T, k);
        three(m, reg_form, rd, rn, T);
    }
}

/* A run of ones, which may go around the end, is a constant of and, orr, eor and tst. */
static bool bit_run(uint32_t k, uint32_t *field)
{
    uint32_t ones = (uint32_t)__builtin_popcount(k), start, run;

    if (k == 0 || k == UINT32_MAX)
        return false;
    start = k & 1 && k >> 31 ? 32 - (uint32_t)__builtin_clz(~k) : (uint32_t)__builtin_ctz(k);
    run = (1u << ones) - 1;
    if ((start ? run << start | run >> (32 - start) : run) != k)
        return false;
    *field = ((32 - start) & 31) << 16 | (ones - 1) << 10;
    return true;
}

static void logic_imm(struct arm *m, uint32_t imm_form, uint32_t reg_form, uint32_t rd, uint32_t rn,
                      uint32_t k)
{
    uint32_t field;

    if (bit_run(k, &field)) {
        word(m, imm_form | field | rn << 5 | rd);
    } else {
        load_imm(m, T, k);
        three(m, reg_form, rd, rn, T);
    }
}

/* ---- jumps ---------------------------------------------------------------------------- */

static uint32_t distance(const struct arm *m, uint32_t target)
{
    return (m->e->layout[target] - m->e->length) / 4;
}

static void jump(struct arm *m, uint32_t condition, uint32_t target)
{
    if (condition != ALWAYS) {
        /* Conditional branches reach 1 MiB. */
        if (nm_jit_near(m->e, target, 1000000)) {
            word(m, 0x54000000 | (distance(m, target) & 0x7ffff) << 5 | condition);
            return;
        }
        word(m, 0x54000000 | 2 << 5 | (condition ^ 1));
    }
    word(m, 0x14000000 | (distance(m, target) & 0x3ffffff));
}

static void branch(struct arm *m, const struct nm_op *op, uint32_t condition)
{
    uint32_t next = m->e->current + 1;

    if (op->jt == op->jf) {
        if (op->jt != next)
            jump(m, ALWAYS, op->jt);
    } else if (op->jt == next) {
        jump(m, condition ^ 1, op->jf);
    } else {
        jump(m, condition, op->jt);
        if (op->jf != next)
            jump(m, ALWAYS, op->jf);
    }
}

/* Leaves to jf what the sieve does not let through. */
static void sieve(struct arm *m, const struct nm_op *op)
{
    const struct nm_sieve *sieve = &m->e->program->sieves[op->k];
    uint64_t address = (uintptr_t)sieve->words;

    load_imm(m, V, (uint32_t)address);
    word(m, 0xf2c00000 | (uint32_t)(address >> 32 & 0xffff) << 5 | V); /* movk, lsl 32 */
    word(m, 0xf2e00000 | (uint32_t)(address >> 48) << 5 | V);          /* movk, lsl 48 */
    load_imm(m, T, NM_SIEVE_FACTOR);
    three(m, MUL, T, A, T);
    word(m, LSR_IMM | (sieve->shift + 5) << 16 | T << 5 | U);
    word(m, LSR_IMM | sieve->shift << 16 | T << 5 | T);
    word(m, 0xb8607800 | U << 16 | V << 5 | U); /* ldr u, [v, u, lsl 2] */
    three(m, LSRV, U, U, T);                    /* counts modulo 32 */
    word(m, ANDS_IMM | U << 5 | ZERO);          /* tst u, 1 */
    jump(m, CC_EQ, op->jf);
}

static void back(struct arm *m, const struct nm_op *op)
{
    word(m, SUBS_IMM | 1 << 10 | BACKWARD << 5 | BACKWARD);
    jump(m, CC_LO, m->reject);
    jump(m, ALWAYS, op->jt);
}

static void compare_k(struct arm *m, const struct nm_op *op, uint32_t condition)
{
    arith_imm(m, SUBS_IMM, SUBS_REG, ZERO, A, op->k);
    branch(m, op, condition);
}

static void compare_x(struct arm *m, const struct nm_op *op, uint32_t condition)
{
    three(m, SUBS_REG, ZERO, A, X);
    branch(m, op, condition);
}

/* ---- loads ---------------------------------------------------------------------------- */

static void check(struct arm *m, const struct nm_op *op)
{
    if (op->need) {
        arith_imm(m, SUBS_IMM, SUBS_REG, ZERO, CAPLEN, op->need);
        jump(m, CC_LO, m->reject);
    }
    if (op->need_x) {
        arith_imm(m, WIDE | ADD_IMM, WIDE | ADD_REG, T, X, op->need_x);
        three(m, WIDE | SUBS_REG, ZERO, T, CAPLEN);
        jump(m, CC_HI, m->reject);
    }
}

/* ldrb, ldrh or ldr (log2 of the size: 0, 1, 2) of [base + k]. */
static void load_at(struct arm *m, uint32_t rt, uint32_t base, uint32_t k, uint32_t size)
{
    uint32_t form = size << 30 | base << 5 | rt;

    if (k % (1u << size) == 0 && k >> size <= 0xfff) {
        word(m, 0x39400000 | form | (k >> size) << 10);
    } else if (k <= 255) {
        word(m, 0x38400000 | form | k << 12); /* unscaled */
    } else {
        load_imm(m, U, k);
        word(m, 0x38606800 | form | U << 16);
    }
}

static void load(struct arm *m, const struct nm_op *op, uint32_t size, bool indexed)
{
    uint32_t base = PKT;

    check(m, op);
    if (indexed) {
        three(m, WIDE | ADD_REG, T, PKT, X);
        base = T;
    }
    load_at(m, A, base, op->k, size);
    if (size == 2)
        word(m, 0x5ac00800 | A << 5 | A); /* rev */
    else if (size == 1)
        word(m, 0x5ac00400 | A << 5 | A); /* rev16 */
}

static void load_msh(struct arm *m, const struct nm_op *op)
{
    check(m, op);
    load_at(m, X, PKT, op->k, 0);
    word(m, 0x531e0c00 | X << 5 | X); /* ubfiz x, x, 2, 4 */
}

static void load_metadata(struct arm *m, const struct nm_op *op)
{
    word(m, WIDE | SUBS_IMM | METADATA << 5 | ZERO);
    jump(m, CC_EQ, m->reject);
    load_at(m, T, METADATA, 0, 2);
    logic_imm(m, ANDS_IMM, ANDS_REG, ZERO, T, 1u << op->k);
    jump(m, CC_EQ, m->reject);
    load_at(m, A, METADATA, 4 + 4 * op->k, 2);
}

static void store_scratch(struct arm *m, uint32_t rt, uint32_t k)
{
    word(m, 0xb9000000 | k << 10 | SP << 5 | rt);
}

/* ---- arithmetic ----------------------------------------------------------------------- */

static void divide_by(struct arm *m, uint32_t rm, bool remainder)
{
    if (remainder) {
        three(m, UDIV, U, A, rm);
        word(m, 0x1b008000 | rm << 16 | A << 10 | U << 5 | A); /* msub a, u, rm, a */
    } else {
        three(m, UDIV, A, A, rm);
    }
}

static void divide_k(struct arm *m, uint32_t k, bool remainder)
{
    load_imm(m, T, k);
    divide_by(m, T, remainder);
}

static void divide_x(struct arm *m, bool remainder)
{
    word(m, SUBS_IMM | X << 5 | ZERO);
    jump(m, CC_EQ, m->reject);
    divide_by(m, X, remainder);
}

static void shift_k(struct arm *m, bool left, uint32_t k)
{
    if (left)
        word(m, 0x53000000 | ((32 - k) & 31) << 16 | (31 - k) << 10 | A << 5 | A);
    else
        word(m, LSR_IMM | k << 16 | A << 5 | A);
}

/* The processor counts modulo 32. */
static void shift_x(struct arm *m, uint32_t opcode)
{
    three(m, opcode, A, A, X);
    word(m, SUBS_IMM | 32 << 10 | X << 5 | ZERO);
    word(m, 0x1a800000 | ZERO << 16 | CC_LO << 12 | A << 5 | A); /* csel a, a, zero, lo */
}

/* ---- the program ------------------------------------------------------------------------ */

static void ret(struct arm *m)
{
    if (m->frame)
        word(m, WIDE | ADD_IMM | 64 << 10 | SP << 5 | SP);
    word(m, 0xd65f03c0);
}

static void emit_load(struct arm *m, const struct nm_op *op)
{
    switch (op->operation) {
    case NM_OP_LD_IMM:
        load_imm(m, A, op->k);
        break;
    case NM_OP_LD_ABS_W:
        load(m, op, 2, false);
        break;
    case NM_OP_LD_ABS_H:
        load(m, op, 1, false);
        break;
    case NM_OP_LD_ABS_B:
        load(m, op, 0, false);
        break;
    case NM_OP_LD_IND_W:
        load(m, op, 2, true);
        break;
    case NM_OP_LD_IND_H:
        load(m, op, 1, true);
        break;
    case NM_OP_LD_IND_B:
        load(m, op, 0, true);
        break;
    case NM_OP_LD_MEM:
        load_at(m, A, SP, 4 * op->k, 2);
        break;
    case NM_OP_LD_LEN:
        move(m, A, WIRELEN);
        break;
    case NM_OP_LDX_IMM:
        load_imm(m, X, op->k);
        break;
    case NM_OP_LDX_MEM:
        load_at(m, X, SP, 4 * op->k, 2);
        break;
    case NM_OP_LDX_LEN:
        move(m, X, WIRELEN);
        break;
    case NM_OP_LDX_MSH:
        load_msh(m, op);
        break;
    case NM_OP_LD_METADATA:
        load_metadata(m, op);
        break;
    }
}

static void emit_arithmetic(struct arm *m, const struct nm_op *op)
{
    switch (op->operation) {
    case NM_OP_ADD_K:
        arith_imm(m, ADD_IMM, ADD_REG, A, A, op->k);
        break;
    case NM_OP_SUB_K:
        arith_imm(m, SUB_IMM, SUB_REG, A, A, op->k);
        break;
    case NM_OP_MUL_K:
        load_imm(m, T, op->k);
        three(m, MUL, A, A, T);
        break;
    case NM_OP_DIV_K:
        divide_k(m, op->k, false);
        break;
    case NM_OP_MOD_K:
        divide_k(m, op->k, true);
        break;
    case NM_OP_OR_K:
        logic_imm(m, ORR_IMM, ORR_REG, A, A, op->k);
        break;
    case NM_OP_AND_K:
        logic_imm(m, AND_IMM, AND_REG, A, A, op->k);
        break;
    case NM_OP_XOR_K:
        logic_imm(m, EOR_IMM, EOR_REG, A, A, op->k);
        break;
    case NM_OP_LSH_K:
        shift_k(m, true, op->k);
        break;
    case NM_OP_RSH_K:
        shift_k(m, false, op->k);
        break;
    case NM_OP_ADD_X:
        three(m, ADD_REG, A, A, X);
        break;
    case NM_OP_SUB_X:
        three(m, SUB_REG, A, A, X);
        break;
    case NM_OP_MUL_X:
        three(m, MUL, A, A, X);
        break;
    case NM_OP_DIV_X:
        divide_x(m, false);
        break;
    case NM_OP_MOD_X:
        divide_x(m, true);
        break;
    case NM_OP_OR_X:
        three(m, ORR_REG, A, A, X);
        break;
    case NM_OP_AND_X:
        three(m, AND_REG, A, A, X);
        break;
    case NM_OP_XOR_X:
        three(m, EOR_REG, A, A, X);
        break;
    case NM_OP_LSH_X:
        shift_x(m, LSLV);
        break;
    case NM_OP_RSH_X:
        shift_x(m, LSRV);
        break;
    case NM_OP_NEG:
        three(m, SUB_REG, A, ZERO, A);
        break;
    }
}

static void emit_rest(struct arm *m, const struct nm_op *op)
{
    switch (op->operation) {
    case NM_OP_ST:
        store_scratch(m, A, op->k);
        break;
    case NM_OP_STX:
        store_scratch(m, X, op->k);
        break;
    case NM_OP_TAX:
        move(m, X, A);
        break;
    case NM_OP_TXA:
        move(m, A, X);
        break;
    case NM_OP_JA:
        back(m, op);
        break;
    case NM_OP_JUMP:
        jump(m, ALWAYS, op->jt);
        break;
    case NM_OP_SIEVE:
        sieve(m, op);
        break;
    case NM_OP_JEQ_K:
        compare_k(m, op, CC_EQ);
        break;
    case NM_OP_JGT_K:
        compare_k(m, op, CC_HI);
        break;
    case NM_OP_JGE_K:
        compare_k(m, op, CC_HS);
        break;
    case NM_OP_JSET_K:
        logic_imm(m, ANDS_IMM, ANDS_REG, ZERO, A, op->k);
        branch(m, op, CC_NE);
        break;
    case NM_OP_JEQ_X:
        compare_x(m, op, CC_EQ);
        break;
    case NM_OP_JGT_X:
        compare_x(m, op, CC_HI);
        break;
    case NM_OP_JGE_X:
        compare_x(m, op, CC_HS);
        break;
    case NM_OP_JSET_X:
        three(m, ANDS_REG, ZERO, A, X);
        branch(m, op, CC_NE);
        break;
    case NM_OP_RET_K:
        load_imm(m, 0, op->k);
        ret(m);
        break;
    case NM_OP_RET_A:
        move(m, 0, A);
        ret(m);
        break;
    }
}

static void prologue(struct arm *m, const struct nm_lowered *program)
{
    bool backward = false;

    m->frame = program->mem_read != 0;
    for (uint32_t i = 0; i < program->count; i++) {
        uint8_t operation = program->ops[i].operation;

        backward |= operation == NM_OP_JA;
        m->frame |= operation == NM_OP_ST || operation == NM_OP_STX;
    }
    if (m->frame)
        word(m, WIDE | SUB_IMM | 64 << 10 | SP << 5 | SP);
    /* The upper half of an argument of 32 bits is anybody's; [x + k] is compared in 64. */
    move(m, CAPLEN, CAPLEN);
    if (backward)
        load_imm(m, BACKWARD, NM_BPF_BACKWARD_LIMIT);
    load_imm(m, A, 0);
    load_imm(m, X, 0);
    for (uint32_t k = 0; k < NM_BPF_MEMWORDS; k++)
        if (program->mem_read >> k & 1)
            store_scratch(m, ZERO, k);
}

void nm_jit_emit(struct nm_emitter *e)
{
    struct arm m = {.e = e, .reject = e->program->count};

    word(&m, 0xd503245f); /* bti c: where an indirect call may land; nothing for processors that do not check */
    prologue(&m, e->program);
    for (uint32_t i = 0; i < e->program->count; i++) {
        const struct nm_op *op = &e->program->ops[i];

        e->current = i;
        e->written[i] = e->length;
        emit_load(&m, op);
        emit_arithmetic(&m, op);
        emit_rest(&m, op);
    }
    e->written[m.reject] = e->length;
    load_imm(&m, 0, 0);
    ret(&m);
}

#endif
