/*
 * x86-64, System V calling convention, a leaf function.
 *
 *     eax  A, and the verdict         rdi  packet
 *     ecx  X, shift counts in cl      esi  length on the wire
 *     edx  bytes captured; r9d in programs that divide, for div takes edx
 *     r8d  jumps backwards left       r10  metadata
 *     r11  scratch                    M[n] at rsp - 64 + 4 n, in the red zone
 *
 *     A sieve needs two more scratch registers, and is left out if they are taken.
 *
 * Only what a program uses is set up. All 32-bit results are zero-extended, so rcx + k
 * is X + k without wrapping.
 *
 * Of what a program's author chooses, the code holds no two bytes in a row: constants stand
 * beside it (x86_64_asm.h), and keys of searches, so many that they would push packets out
 * of the cache from there, are blinded. What is left to choose are bytes by themselves and,
 * by the length of the program, the distances of jumps. Filters are as fast with this as
 * without, searches that find something in every other packet 1 to 3 % slower.
 */
#include "bpf/x86_64_asm.h"

#if defined(__x86_64__)

const char *const nm_emit_machine = "jit-x86_64";
const bool nm_emit_blinds = true;

enum { A = RAX, X = RCX, PKT = RDI, WIRELEN = RSI, BACKWARD = R8, METADATA = R10, SCRATCH = R11 };

struct x86 {
    struct nm_emitter *e;
    uint32_t reject;  /* the operation behind the last */
    uint32_t caplen;  /* its register */
    uint32_t spare;   /* the register of BACKWARD or METADATA that is not in use, or 0 */
    uint32_t blinded; /* the register of A - blind, from the beginning of a search to its end */
};

/* ---- jumps ---------------------------------------------------------------------------- */

static void branch(struct nm_emitter *e, const struct nm_op *op, uint32_t condition)
{
    uint32_t next = e->current + 1;

    if (op->jt == op->jf) {
        if (op->jt != next)
            jmp(e, op->jt);
    } else if (op->jt == next) {
        jcc(e, condition ^ 1, op->jf);
    } else {
        jcc(e, condition, op->jt);
        if (op->jf != next)
            jmp(e, op->jf);
    }
}

static void compare_k(struct nm_emitter *e, const struct nm_op *op, uint32_t condition)
{
    if (op->k == 0 && condition == CC_E)
        test_r32_r32(e, A, A);
    else
        cmp_r32_const(e, A, op->k);
    branch(e, op, condition);
}

static void compare_x(struct nm_emitter *e, const struct nm_op *op, uint32_t condition)
{
    cmp_r32_r32(e, A, X);
    branch(e, op, condition);
}

static void test_bits_k(struct nm_emitter *e, const struct nm_op *op)
{
    test_eax_const(e, op->k);
    branch(e, op, CC_NE);
}

static void test_bits_x(struct nm_emitter *e, const struct nm_op *op)
{
    test_r32_r32(e, A, X);
    branch(e, op, CC_NE);
}

static void jump_back(struct x86 *x, const struct nm_op *op)
{
    sub_r32_const(x->e, BACKWARD, 1);
    jcc(x->e, CC_B, x->reject);
    jmp(x->e, op->jt);
}

/* Goes on at otherwise with what the sieve does not let through. */
static void sift(struct x86 *x, const struct nm_sieve *sieve, uint32_t otherwise)
{
    struct nm_emitter *e = x->e;
    uint32_t words = x->caplen == RDX ? R9 : RDX, word = x->spare;

    mov_r64_imm64(e, words, (uintptr_t)sieve->words);
    imul_r32_r32_imm32(e, SCRATCH, A, NM_SIEVE_FACTOR);
    mov_r32_r32(e, word, SCRATCH);
    shr_r32_imm8(e, word, sieve->shift + 5);
    shr_r32_imm8(e, SCRATCH, sieve->shift);
    mov_r32_mem(e, word, at_word(words, word));
    bt_r32_r32(e, word, SCRATCH);
    jcc(e, CC_AE, otherwise);
}

static void begin_search(struct x86 *x, const struct nm_op *op)
{
    const struct nm_lowered *program = x->e->program;

    if (x->spare)
        sift(x, &program->sieves[op->k], op->jf);
    /* The blind is in the code: a word beside it would come late where the sieve was guessed wrong. */
    lea_r32_disp32(x->e, x->blinded, A, 0 - program->blind);
}

static void compare_key(struct x86 *x, const struct nm_op *op, uint32_t condition)
{
    cmp_r32_imm32(x->e, x->blinded, op->k);
    branch(x->e, op, condition);
}

static void return_constant(struct nm_emitter *e, uint32_t verdict)
{
    mov_r32_const(e, A, verdict);
    ret(e);
}

/* ---- loads and stores ------------------------------------------------------------------- */

static void check_bounds(struct x86 *x, const struct nm_op *op)
{
    struct nm_emitter *e = x->e;

    if (op->need) {
        cmp_r32_const(e, x->caplen, op->need);
        jcc(e, CC_B, x->reject);
    }
    if (op->need_x) {
        if (fits_int8(op->need_x)) {
            lea_r64_mem(e, SCRATCH, at(X, op->need_x));
        } else {
            mov_r32_const(e, SCRATCH, op->need_x);
            add_r64_r64(e, SCRATCH, X);
        }
        cmp_r64_r64(e, SCRATCH, x->caplen);
        jcc(e, CC_A, x->reject);
    }
}

/* packet[k], or packet[index + k]; good until SCRATCH changes */
static struct mem packet_at(struct nm_emitter *e, uint32_t index, uint32_t k)
{
    if (fits_int8(k))
        return at_index(PKT, index, k);
    mov_r32_const(e, SCRATCH, k);
    if (index != NO_INDEX)
        add_r64_r64(e, SCRATCH, index);
    return at_index(PKT, SCRATCH, 0);
}

/* A = packet[k], or packet[index + k]; size in bytes. */
static void load(struct x86 *x, const struct nm_op *op, int size, uint32_t index)
{
    struct nm_emitter *e = x->e;
    struct mem packet;

    check_bounds(x, op);
    packet = packet_at(e, index, op->k);
    switch (size) {
    case 4:
        mov_r32_mem(e, A, packet);
        bswap_r32(e, A);
        break;
    case 2:
        movzx_r32_mem16(e, A, packet);
        rol_r16_imm8(e, A, 8);
        break;
    default:
        movzx_r32_mem8(e, A, packet);
    }
}

/* X = 4 * (packet[k] & 0x0f) */
static void load_header_length(struct x86 *x, const struct nm_op *op)
{
    struct nm_emitter *e = x->e;

    check_bounds(x, op);
    movzx_r32_mem8(e, X, packet_at(e, NO_INDEX, op->k));
    and_r32_const(e, X, 0x0f);
    shl_r32_imm8(e, X, 2);
}

static void load_metadata(struct x86 *x, const struct nm_op *op)
{
    struct nm_emitter *e = x->e;
    uint32_t value = (uint32_t)offsetof(struct nm_metadata, value) + 4 * op->k;

    test_r64_r64(e, METADATA, METADATA);
    jcc(e, CC_E, x->reject);
    bt_mem32_imm8(e, at(METADATA, offsetof(struct nm_metadata, known)), op->k);
    jcc(e, CC_AE, x->reject);
    mov_r32_mem(e, A, at(METADATA, value));
}

static struct mem scratch_word(uint32_t n)
{
    return at(RSP, 4 * n - 4 * NM_BPF_MEMWORDS);
}

/* ---- arithmetic ----------------------------------------------------------------------- */

static void divide_by(struct nm_emitter *e, uint32_t reg, bool remainder)
{
    xor_r32_r32(e, RDX, RDX);
    div_r32(e, reg);
    if (remainder)
        mov_r32_r32(e, A, RDX);
}

static void divide_k(struct nm_emitter *e, uint32_t k, bool remainder)
{
    if (k & (k - 1)) {
        mov_r32_const(e, SCRATCH, k);
        divide_by(e, SCRATCH, remainder);
    } else if (remainder) {
        and_r32_const(e, A, k - 1);
    } else {
        shr_r32_imm8(e, A, (uint32_t)__builtin_ctz(k));
    }
}

static void divide_x(struct x86 *x, bool remainder)
{
    test_r32_r32(x->e, X, X);
    jcc(x->e, CC_E, x->reject);
    divide_by(x->e, X, remainder);
}

/* Shifts count modulo 32; the mask is 0 where X is 32 or more. */
static void shift_x(struct nm_emitter *e, void (*shift)(struct nm_emitter *e, uint32_t reg))
{
    cmp_r32_const(e, X, 32);
    sbb_r32_r32(e, SCRATCH, SCRATCH);
    shift(e, A);
    and_r32_r32(e, A, SCRATCH);
}

/* ---- the program ------------------------------------------------------------------------- */

static void emit_op(struct x86 *x, const struct nm_op *op)
{
    struct nm_emitter *e = x->e;
    uint32_t k = op->k;

#define DO(operation, statement) \
    case NM_OP_##operation: \
        statement; \
        break
    switch ((enum nm_bpf_operation)op->operation) {
    DO(LD_IMM, mov_r32_const(e, A, k));
    DO(LD_ABS_W, load(x, op, 4, NO_INDEX));
    DO(LD_ABS_H, load(x, op, 2, NO_INDEX));
    DO(LD_ABS_B, load(x, op, 1, NO_INDEX));
    DO(LD_IND_W, load(x, op, 4, X));
    DO(LD_IND_H, load(x, op, 2, X));
    DO(LD_IND_B, load(x, op, 1, X));
    DO(LD_MEM, mov_r32_mem(e, A, scratch_word(k)));
    DO(LD_LEN, mov_r32_r32(e, A, WIRELEN));
    DO(LD_METADATA, load_metadata(x, op));
    DO(LDX_IMM, mov_r32_const(e, X, k));
    DO(LDX_MEM, mov_r32_mem(e, X, scratch_word(k)));
    DO(LDX_LEN, mov_r32_r32(e, X, WIRELEN));
    DO(LDX_MSH, load_header_length(x, op));
    DO(ST, mov_mem_r32(e, scratch_word(k), A));
    DO(STX, mov_mem_r32(e, scratch_word(k), X));
    DO(TAX, mov_r32_r32(e, X, A));
    DO(TXA, mov_r32_r32(e, A, X));

    DO(ADD_K, add_r32_const(e, A, k));
    DO(SUB_K, sub_r32_const(e, A, k));
    DO(MUL_K, imul_r32_const(e, A, k));
    DO(DIV_K, divide_k(e, k, false));
    DO(MOD_K, divide_k(e, k, true));
    DO(OR_K, or_r32_const(e, A, k));
    DO(AND_K, and_r32_const(e, A, k));
    DO(XOR_K, xor_r32_const(e, A, k));
    DO(LSH_K, shl_r32_imm8(e, A, k));
    DO(RSH_K, shr_r32_imm8(e, A, k));
    DO(ADD_X, add_r32_r32(e, A, X));
    DO(SUB_X, sub_r32_r32(e, A, X));
    DO(MUL_X, imul_r32_r32(e, A, X));
    DO(DIV_X, divide_x(x, false));
    DO(MOD_X, divide_x(x, true));
    DO(OR_X, or_r32_r32(e, A, X));
    DO(AND_X, and_r32_r32(e, A, X));
    DO(XOR_X, xor_r32_r32(e, A, X));
    DO(LSH_X, shift_x(e, shl_r32_cl));
    DO(RSH_X, shift_x(e, shr_r32_cl));
    DO(NEG, neg_r32(e, A));

    DO(JA, jump_back(x, op));
    DO(JUMP, jmp(e, op->jt));
    DO(JEQ_K, compare_k(e, op, CC_E));
    DO(JGT_K, compare_k(e, op, CC_A));
    DO(JGE_K, compare_k(e, op, CC_AE));
    DO(JSET_K, test_bits_k(e, op));
    DO(JEQ_X, compare_x(e, op, CC_E));
    DO(JGT_X, compare_x(e, op, CC_A));
    DO(JGE_X, compare_x(e, op, CC_AE));
    DO(JSET_X, test_bits_x(e, op));
    DO(SIEVE, begin_search(x, op));
    DO(KEY_EQ, compare_key(x, op, CC_E));
    DO(KEY_GE, compare_key(x, op, CC_AE));
    DO(RET_K, return_constant(e, k));
    DO(RET_A, ret(e));
    case NM_OP_SEARCH: /* written out by the layout */
    case NM_OP_NONE:
        break;
    }
#undef DO
}

static bool asks_for_length(uint8_t operation)
{
    return operation == NM_OP_LD_LEN || operation == NM_OP_LDX_LEN;
}

static bool divides(uint8_t operation)
{
    return operation == NM_OP_DIV_K || operation == NM_OP_MOD_K || operation == NM_OP_DIV_X ||
           operation == NM_OP_MOD_X;
}

static void prologue(struct x86 *x)
{
    const struct nm_lowered *program = x->e->program;
    bool backward = false, metadata = false;

    x->caplen = RDX;
    x->blinded = WIRELEN; /* if it is free: instructions on SCRATCH are a byte longer */
    for (uint32_t i = 0; i < program->count; i++) {
        uint8_t operation = program->ops[i].operation;

        if (divides(operation))
            x->caplen = R9;
        if (asks_for_length(operation))
            x->blinded = SCRATCH;
        backward |= operation == NM_OP_JA;
        metadata |= operation == NM_OP_LD_METADATA;
    }
    x->spare = !backward ? BACKWARD : !metadata ? METADATA : 0;
    /* The upper half of an argument of 32 bits is anybody's; [x + k] is compared in 64. */
    mov_r32_r32(x->e, x->caplen, RDX);
    if (metadata)
        mov_r64_r64(x->e, METADATA, RCX);
    if (backward)
        mov_r32_const(x->e, BACKWARD, NM_BPF_BACKWARD_LIMIT);
    mov_r32_const(x->e, A, 0);
    mov_r32_const(x->e, X, 0);
    for (uint32_t n = 0; n < NM_BPF_MEMWORDS; n++)
        if (program->mem_read >> n & 1)
            mov_mem_r32(x->e, scratch_word(n), A);
}

void nm_emit_program(struct nm_emitter *e)
{
    struct x86 x = {.e = e, .reject = e->program->count};

    endbr64(e);
    prologue(&x);
    for (uint32_t i = 0; i < e->program->count; i++) {
        e->current = i;
        e->written[i] = e->length;
        emit_op(&x, &e->program->ops[i]);
    }
    e->written[x.reject] = e->length;
    return_constant(e, 0);
}

#endif
