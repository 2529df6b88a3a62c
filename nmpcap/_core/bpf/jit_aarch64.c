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
#include "bpf/aarch64_asm.h"

#if defined(__aarch64__)

const char *const nm_emit_machine = "jit-aarch64";
const bool nm_emit_blinds = false; /* instructions are aligned words: nothing jumps into the middle of one */

enum { PKT, WIRELEN, CAPLEN, METADATA, A, X, BACKWARD, T, U, V, VERDICT = 0 };

enum { FRAME = 4 * NM_BPF_MEMWORDS }; /* bytes of stack for M[] */

struct arm {
    struct nm_emitter *e;
    uint32_t reject; /* the operation behind the last */
    bool frame;      /* M[] is on the stack */
};

/* ---- jumps ------------------------------------------------------------------------------ */

static void branch(struct nm_emitter *e, const struct nm_op *op, uint32_t condition)
{
    uint32_t next = e->current + 1;

    if (op->jt == op->jf) {
        if (op->jt != next)
            b(e, op->jt);
    } else if (op->jt == next) {
        b_cond(e, condition ^ 1, op->jf);
    } else {
        b_cond(e, condition, op->jt);
        if (op->jf != next)
            b(e, op->jf);
    }
}

static void compare_k(struct nm_emitter *e, const struct nm_op *op, uint32_t condition)
{
    cmp_w_imm(e, A, op->k, T);
    branch(e, op, condition);
}

static void compare_x(struct nm_emitter *e, const struct nm_op *op, uint32_t condition)
{
    cmp_w(e, A, X);
    branch(e, op, condition);
}

static void test_bits_k(struct nm_emitter *e, const struct nm_op *op)
{
    tst_w_imm(e, A, op->k, T);
    branch(e, op, CC_NE);
}

static void test_bits_x(struct nm_emitter *e, const struct nm_op *op)
{
    tst_w(e, A, X);
    branch(e, op, CC_NE);
}

static void jump_back(struct arm *m, const struct nm_op *op)
{
    subs_w_imm(m->e, BACKWARD, BACKWARD, 1, T);
    b_cond(m->e, CC_LO, m->reject);
    b(m->e, op->jt);
}

/* Leaves to jf what the sieve does not let through. The keys that follow are compared with A: there is no
 * blind. */
static void begin_search(struct nm_emitter *e, const struct nm_op *op)
{
    const struct nm_sieve *sieve = &e->program->sieves[op->k];

    mov_x_imm(e, V, (uintptr_t)sieve->words);
    mov_w_imm(e, T, NM_SIEVE_FACTOR);
    mul_w(e, T, A, T);
    lsr_w_imm(e, U, T, sieve->shift + 5);
    lsr_w_imm(e, T, T, sieve->shift);
    ldr_w_scaled(e, U, V, U);
    lsrv_w(e, U, U, T);
    tst_w_imm(e, U, 1, T);
    b_cond(e, CC_EQ, op->jf);
}

static void leave(struct arm *m)
{
    if (m->frame)
        add_x_imm(m->e, SP, SP, FRAME, T);
    ret(m->e);
}

static void return_constant(struct arm *m, uint32_t verdict)
{
    mov_w_imm(m->e, VERDICT, verdict);
    leave(m);
}

static void return_a(struct arm *m)
{
    mov_w(m->e, VERDICT, A);
    leave(m);
}

/* ---- loads ------------------------------------------------------------------------------ */

static void check_bounds(struct arm *m, const struct nm_op *op)
{
    struct nm_emitter *e = m->e;

    if (op->need) {
        cmp_w_imm(e, CAPLEN, op->need, T);
        b_cond(e, CC_LO, m->reject);
    }
    if (op->need_x) {
        add_x_imm(e, T, X, op->need_x, T);
        cmp_x(e, T, CAPLEN);
        b_cond(e, CC_HI, m->reject);
    }
}

/* A = packet[k], or packet[X + k]. */
static void load(struct arm *m, const struct nm_op *op, uint32_t log2_size, bool indexed)
{
    struct nm_emitter *e = m->e;

    check_bounds(m, op);
    if (indexed)
        add_x(e, T, PKT, X);
    ldr(e, log2_size, A, indexed ? T : PKT, op->k, U);
    if (log2_size == LOG2_W)
        rev_w(e, A, A);
    if (log2_size == LOG2_H)
        rev16_w(e, A, A);
}

/* X = 4 * (packet[k] & 0x0f) */
static void load_header_length(struct arm *m, const struct nm_op *op)
{
    check_bounds(m, op);
    ldr(m->e, LOG2_B, X, PKT, op->k, U);
    ubfiz_w(m->e, X, X, 2, 4);
}

static void load_metadata(struct arm *m, const struct nm_op *op)
{
    struct nm_emitter *e = m->e;

    cmp_x_imm(e, METADATA, 0, T);
    b_cond(e, CC_EQ, m->reject);
    ldr(e, LOG2_W, T, METADATA, offsetof(struct nm_metadata, known), U);
    tst_w_imm(e, T, 1u << op->k, T);
    b_cond(e, CC_EQ, m->reject);
    ldr(e, LOG2_W, A, METADATA, (uint32_t)offsetof(struct nm_metadata, value) + 4 * op->k, U);
}

/* ---- arithmetic ------------------------------------------------------------------------- */

static void divide_by(struct nm_emitter *e, uint32_t rm, bool remainder)
{
    if (remainder) {
        udiv_w(e, U, A, rm);
        msub_w(e, A, U, rm, A);
    } else {
        udiv_w(e, A, A, rm);
    }
}

static void divide_k(struct nm_emitter *e, uint32_t k, bool remainder)
{
    mov_w_imm(e, T, k);
    divide_by(e, T, remainder);
}

static void divide_x(struct arm *m, bool remainder)
{
    cmp_w_imm(m->e, X, 0, T);
    b_cond(m->e, CC_EQ, m->reject);
    divide_by(m->e, X, remainder);
}

static void multiply_k(struct nm_emitter *e, uint32_t k)
{
    mov_w_imm(e, T, k);
    mul_w(e, A, A, T);
}

/* The processor counts modulo 32. */
static void shift_x(struct nm_emitter *e,
                    void (*shift)(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t rm))
{
    shift(e, A, A, X);
    cmp_w_imm(e, X, 32, T);
    csel_w(e, A, A, ZERO, CC_LO);
}

/* ---- the program ------------------------------------------------------------------------ */

static void emit_op(struct arm *m, const struct nm_op *op)
{
    struct nm_emitter *e = m->e;
    uint32_t k = op->k;

#define DO(operation, statement) \
    case NM_OP_##operation: \
        statement; \
        break
    switch ((enum nm_bpf_operation)op->operation) {
    DO(LD_IMM, mov_w_imm(e, A, k));
    DO(LD_ABS_W, load(m, op, LOG2_W, false));
    DO(LD_ABS_H, load(m, op, LOG2_H, false));
    DO(LD_ABS_B, load(m, op, LOG2_B, false));
    DO(LD_IND_W, load(m, op, LOG2_W, true));
    DO(LD_IND_H, load(m, op, LOG2_H, true));
    DO(LD_IND_B, load(m, op, LOG2_B, true));
    DO(LD_MEM, ldr(e, LOG2_W, A, SP, 4 * k, U));
    DO(LD_LEN, mov_w(e, A, WIRELEN));
    DO(LD_METADATA, load_metadata(m, op));
    DO(LDX_IMM, mov_w_imm(e, X, k));
    DO(LDX_MEM, ldr(e, LOG2_W, X, SP, 4 * k, U));
    DO(LDX_LEN, mov_w(e, X, WIRELEN));
    DO(LDX_MSH, load_header_length(m, op));
    DO(ST, str_w(e, A, SP, k));
    DO(STX, str_w(e, X, SP, k));
    DO(TAX, mov_w(e, X, A));
    DO(TXA, mov_w(e, A, X));

    DO(ADD_K, add_w_imm(e, A, A, k, T));
    DO(SUB_K, sub_w_imm(e, A, A, k, T));
    DO(MUL_K, multiply_k(e, k));
    DO(DIV_K, divide_k(e, k, false));
    DO(MOD_K, divide_k(e, k, true));
    DO(OR_K, orr_w_imm(e, A, A, k, T));
    DO(AND_K, and_w_imm(e, A, A, k, T));
    DO(XOR_K, eor_w_imm(e, A, A, k, T));
    DO(LSH_K, lsl_w_imm(e, A, A, k));
    DO(RSH_K, lsr_w_imm(e, A, A, k));
    DO(ADD_X, add_w(e, A, A, X));
    DO(SUB_X, sub_w(e, A, A, X));
    DO(MUL_X, mul_w(e, A, A, X));
    DO(DIV_X, divide_x(m, false));
    DO(MOD_X, divide_x(m, true));
    DO(OR_X, orr_w(e, A, A, X));
    DO(AND_X, and_w(e, A, A, X));
    DO(XOR_X, eor_w(e, A, A, X));
    DO(LSH_X, shift_x(e, lslv_w));
    DO(RSH_X, shift_x(e, lsrv_w));
    DO(NEG, neg_w(e, A, A));

    DO(JA, jump_back(m, op));
    DO(JUMP, b(e, op->jt));
    DO(JEQ_K, compare_k(e, op, CC_EQ));
    DO(JGT_K, compare_k(e, op, CC_HI));
    DO(JGE_K, compare_k(e, op, CC_HS));
    DO(JSET_K, test_bits_k(e, op));
    DO(JEQ_X, compare_x(e, op, CC_EQ));
    DO(JGT_X, compare_x(e, op, CC_HI));
    DO(JGE_X, compare_x(e, op, CC_HS));
    DO(JSET_X, test_bits_x(e, op));
    DO(SIEVE, begin_search(e, op));
    DO(KEY_EQ, compare_k(e, op, CC_EQ));
    DO(KEY_GE, compare_k(e, op, CC_HS));
    DO(RET_K, return_constant(m, k));
    DO(RET_A, return_a(m));
    case NM_OP_SEARCH: /* written out by the layout */
    case NM_OP_NONE:
        break;
    }
#undef DO
}

static void prologue(struct arm *m)
{
    const struct nm_lowered *program = m->e->program;
    bool backward = false;

    m->frame = program->mem_read != 0;
    for (uint32_t i = 0; i < program->count; i++) {
        uint8_t operation = program->ops[i].operation;

        backward |= operation == NM_OP_JA;
        m->frame |= operation == NM_OP_ST || operation == NM_OP_STX;
    }
    if (m->frame)
        sub_x_imm(m->e, SP, SP, FRAME, T);
    /* The upper half of an argument of 32 bits is anybody's; [x + k] is compared in 64. */
    mov_w(m->e, CAPLEN, CAPLEN);
    if (backward)
        mov_w_imm(m->e, BACKWARD, NM_BPF_BACKWARD_LIMIT);
    mov_w_imm(m->e, A, 0);
    mov_w_imm(m->e, X, 0);
    for (uint32_t n = 0; n < NM_BPF_MEMWORDS; n++)
        if (program->mem_read >> n & 1)
            str_w(m->e, ZERO, SP, n);
}

void nm_emit_program(struct nm_emitter *e)
{
    struct arm m = {.e = e, .reject = e->program->count};

    bti_c(e);
    prologue(&m);
    for (uint32_t i = 0; i < e->program->count; i++) {
        e->current = i;
        e->written[i] = e->length;
        emit_op(&m, &e->program->ops[i]);
    }
    e->written[m.reject] = e->length;
    return_constant(&m, 0);
}

#endif
