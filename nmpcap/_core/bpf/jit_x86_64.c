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
 * is X + k without wrapping. The constants of a program stand in its code as they are: who may write
 * filters and see them run could place bytes there, but nothing jumps to any but the first, and the
 * memory is never writable and executable at once.
 */
#if defined(__x86_64__)

#include "bpf/x86_64_asm.h"

const char *const nm_jit_name = "jit-x86_64";

struct x86 {
    struct nm_emitter *e;
    uint32_t reject; /* the operation behind the last */
    int caplen;      /* its register */
    int spare;       /* one of r8d and r10d that is not in use, or 0 */
};

/* What becomes of an operation; arg tells those of one kind apart. */
typedef void emit_op(struct x86 *x, const struct nm_op *op, int arg);

static struct mem scratch_word(uint32_t k)
{
    return at(ESP, 4 * k - 64);
}

/* ---- loads --------------------------------------------------------------------------- */

static void check(struct x86 *x, const struct nm_op *op)
{
    if (op->need) {
        alu_imm(x->e, CMP, x->caplen, op->need);
        jump(x->e, CC_B, x->reject);
    }
    if (op->need_x) {
        lea(x->e, R11D, at_far(ECX, op->need_x));
        alu(x->e, WIDE, CMP, R11D, x->caplen);
        jump(x->e, CC_A, x->reject);
    }
}

static void load_from(struct x86 *x, struct mem from, int size)
{
    switch (size) {
    case 4:
        load32(x->e, EAX, from);
        bswap_eax(x->e);
        break;
    case 2:
        load16(x->e, EAX, from);
        rol_ax_8(x->e);
        break;
    default:
        load8(x->e, EAX, from);
    }
}

static void load_abs(struct x86 *x, const struct nm_op *op, int size)
{
    check(x, op);
    load_from(x, at(EDI, op->k), size);
}

static void load_ind(struct x86 *x, const struct nm_op *op, int size)
{
    check(x, op);
    load_from(x, at_index(EDI, ECX, op->k), size);
}

static void load_msh(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)arg;
    check(x, op);
    load8(x->e, ECX, at(EDI, op->k));
    alu_imm(x->e, AND, ECX, 0x0f);
    shift_imm(x->e, SHL, ECX, 2);
}

static void load_metadata(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)arg;
    test(x->e, WIDE, R10D, R10D);
    jump(x->e, CC_E, x->reject);
    bt_mem_imm(x->e, at_base(R10D), op->k);
    jump(x->e, CC_AE, x->reject);
    load32(x->e, EAX, at(R10D, 4 + 4 * op->k));
}

static void load_imm(struct x86 *x, const struct nm_op *op, int reg)
{
    mov_imm(x->e, reg, op->k);
}

static void load_mem(struct x86 *x, const struct nm_op *op, int reg)
{
    load32(x->e, reg, scratch_word(op->k));
}

static void load_len(struct x86 *x, const struct nm_op *op, int reg)
{
    (void)op;
    mov(x->e, 0, reg, ESI);
}

static void store(struct x86 *x, const struct nm_op *op, int reg)
{
    store32(x->e, scratch_word(op->k), reg);
}

/* ---- arithmetic ---------------------------------------------------------------------- */

static void alu_k(struct x86 *x, const struct nm_op *op, int operation)
{
    alu_imm(x->e, operation, EAX, op->k);
}

static void alu_x(struct x86 *x, const struct nm_op *op, int operation)
{
    (void)op;
    alu(x->e, 0, operation, EAX, ECX);
}

static void multiply_k(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)arg;
    imul_imm(x->e, EAX, EAX, op->k);
}

static void multiply_x(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)op;
    (void)arg;
    imul(x->e, EAX, ECX);
}

static void divide_by(struct x86 *x, int reg, bool remainder)
{
    mov_imm(x->e, EDX, 0);
    div_by(x->e, reg);
    if (remainder)
        mov(x->e, 0, EAX, EDX);
}

static void divide_k(struct x86 *x, const struct nm_op *op, int remainder)
{
    if (op->k & (op->k - 1)) {
        mov_imm(x->e, R11D, op->k);
        divide_by(x, R11D, remainder);
    } else if (remainder) { /* A % 2^n == A & (2^n - 1) */
        alu_imm(x->e, AND, EAX, op->k - 1);
    } else { /* A / 2^n == A >> n */
        shift_imm(x->e, SHR, EAX, (uint32_t)__builtin_ctz(op->k));
    }
}

static void divide_x(struct x86 *x, const struct nm_op *op, int remainder)
{
    (void)op;
    test(x->e, 0, ECX, ECX);
    jump(x->e, CC_E, x->reject);
    divide_by(x, ECX, remainder);
}

static void shift_k(struct x86 *x, const struct nm_op *op, int operation)
{
    shift_imm(x->e, operation, EAX, op->k);
}

/* Shifts count modulo 32; the mask is 0 where X is 32 or more. */
static void shift_x(struct x86 *x, const struct nm_op *op, int operation)
{
    (void)op;
    alu_imm(x->e, CMP, ECX, 32);
    alu(x->e, 0, SBB, R11D, R11D);
    shift_cl(x->e, operation, EAX);
    alu(x->e, 0, AND, EAX, R11D);
}

static void negate(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)op;
    (void)arg;
    neg(x->e, EAX);
}

/* A to X, or X to A. */
static void transfer(struct x86 *x, const struct nm_op *op, int to)
{
    (void)op;
    mov(x->e, 0, to, to == EAX ? ECX : EAX);
}

/* ---- jumps --------------------------------------------------------------------------- */

static void branch(struct x86 *x, const struct nm_op *op, int condition)
{
    uint32_t next = x->e->current + 1;

    if (op->jt == op->jf) {
        if (op->jt != next)
            jump(x->e, ALWAYS, op->jt);
    } else if (op->jt == next) {
        jump(x->e, condition ^ 1, op->jf);
    } else {
        jump(x->e, condition, op->jt);
        if (op->jf != next)
            jump(x->e, ALWAYS, op->jf);
    }
}

static void compare_k(struct x86 *x, const struct nm_op *op, int condition)
{
    if (op->k == 0 && condition == CC_E)
        test(x->e, 0, EAX, EAX);
    else
        alu_imm(x->e, CMP, EAX, op->k);
    branch(x, op, condition);
}

static void compare_x(struct x86 *x, const struct nm_op *op, int condition)
{
    alu(x->e, 0, CMP, EAX, ECX);
    branch(x, op, condition);
}

static void set_k(struct x86 *x, const struct nm_op *op, int condition)
{
    test_eax_imm(x->e, op->k);
    branch(x, op, condition);
}

static void set_x(struct x86 *x, const struct nm_op *op, int condition)
{
    test(x->e, 0, EAX, ECX);
    branch(x, op, condition);
}

static void jump_on(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)arg;
    jump(x->e, ALWAYS, op->jt);
}

static void jump_back(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)arg;
    alu_imm(x->e, SUB, R8D, 1);
    jump(x->e, CC_B, x->reject);
    jump(x->e, ALWAYS, op->jt);
}

/* Leaves to jf what the sieve does not let through. */
static void sift(struct x86 *x, const struct nm_op *op, int arg)
{
    const struct nm_sieve *sieve = &x->e->program->sieves[op->k];
    int table = x->caplen == EDX ? R9D : EDX, index = x->spare;

    (void)arg;
    if (!index)
        return;
    mov_address(x->e, table, sieve->words);
    imul_imm(x->e, R11D, EAX, NM_SIEVE_FACTOR);
    mov(x->e, 0, index, R11D);
    shift_imm(x->e, SHR, index, sieve->shift + 5);
    shift_imm(x->e, SHR, R11D, sieve->shift);
    load32(x->e, index, at_word(table, index));
    bt(x->e, index, R11D);
    jump(x->e, CC_AE, op->jf);
}

static void return_k(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)arg;
    mov_imm(x->e, EAX, op->k);
    ret(x->e);
}

static void return_a(struct x86 *x, const struct nm_op *op, int arg)
{
    (void)op;
    (void)arg;
    ret(x->e);
}

/* ---- the program --------------------------------------------------------------------- */

/* By operation. Those without an entry make nothing: searches have been written out by lowering. */
static const struct {
    emit_op *emit;
    int arg;
} rules[] = {
    [NM_OP_LD_IMM] = {load_imm, EAX},
    [NM_OP_LD_ABS_W] = {load_abs, 4},
    [NM_OP_LD_ABS_H] = {load_abs, 2},
    [NM_OP_LD_ABS_B] = {load_abs, 1},
    [NM_OP_LD_IND_W] = {load_ind, 4},
    [NM_OP_LD_IND_H] = {load_ind, 2},
    [NM_OP_LD_IND_B] = {load_ind, 1},
    [NM_OP_LD_MEM] = {load_mem, EAX},
    [NM_OP_LD_LEN] = {load_len, EAX},
    [NM_OP_LDX_IMM] = {load_imm, ECX},
    [NM_OP_LDX_MEM] = {load_mem, ECX},
    [NM_OP_LDX_LEN] = {load_len, ECX},
    [NM_OP_LDX_MSH] = {load_msh, 0},
    [NM_OP_LD_METADATA] = {load_metadata, 0},
    [NM_OP_ST] = {store, EAX},
    [NM_OP_STX] = {store, ECX},
    [NM_OP_ADD_K] = {alu_k, ADD},
    [NM_OP_SUB_K] = {alu_k, SUB},
    [NM_OP_MUL_K] = {multiply_k, 0},
    [NM_OP_DIV_K] = {divide_k, false},
    [NM_OP_MOD_K] = {divide_k, true},
    [NM_OP_OR_K] = {alu_k, OR},
    [NM_OP_AND_K] = {alu_k, AND},
    [NM_OP_XOR_K] = {alu_k, XOR},
    [NM_OP_LSH_K] = {shift_k, SHL},
    [NM_OP_RSH_K] = {shift_k, SHR},
    [NM_OP_ADD_X] = {alu_x, ADD},
    [NM_OP_SUB_X] = {alu_x, SUB},
    [NM_OP_MUL_X] = {multiply_x, 0},
    [NM_OP_DIV_X] = {divide_x, false},
    [NM_OP_MOD_X] = {divide_x, true},
    [NM_OP_OR_X] = {alu_x, OR},
    [NM_OP_AND_X] = {alu_x, AND},
    [NM_OP_XOR_X] = {alu_x, XOR},
    [NM_OP_LSH_X] = {shift_x, SHL},
    [NM_OP_RSH_X] = {shift_x, SHR},
    [NM_OP_NEG] = {negate, 0},
    [NM_OP_TAX] = {transfer, ECX},
    [NM_OP_TXA] = {transfer, EAX},
    [NM_OP_JA] = {jump_back, 0},
    [NM_OP_JUMP] = {jump_on, 0},
    [NM_OP_JEQ_K] = {compare_k, CC_E},
    [NM_OP_JGT_K] = {compare_k, CC_A},
    [NM_OP_JGE_K] = {compare_k, CC_AE},
    [NM_OP_JSET_K] = {set_k, CC_NE},
    [NM_OP_JEQ_X] = {compare_x, CC_E},
    [NM_OP_JGT_X] = {compare_x, CC_A},
    [NM_OP_JGE_X] = {compare_x, CC_AE},
    [NM_OP_JSET_X] = {set_x, CC_NE},
    [NM_OP_RET_K] = {return_k, 0},
    [NM_OP_RET_A] = {return_a, 0},
    [NM_OP_SIEVE] = {sift, 0},
};

static bool divides(const struct nm_op *op)
{
    return op->operation == NM_OP_DIV_K || op->operation == NM_OP_MOD_K ||
           op->operation == NM_OP_DIV_X || op->operation == NM_OP_MOD_X;
}

static void prologue(struct x86 *x, const struct nm_lowered *program)
{
    bool backward = false, metadata = false;

    x->caplen = EDX;
    for (uint32_t i = 0; i < program->count; i++) {
        const struct nm_op *op = &program->ops[i];

        if (divides(op))
            x->caplen = R9D;
        backward |= op->operation == NM_OP_JA;
        metadata |= op->operation == NM_OP_LD_METADATA;
    }
    x->spare = !backward ? R8D : !metadata ? R10D : 0;
    /* The upper half of an argument of 32 bits is anybody's; [x + k] is compared in 64. */
    mov(x->e, 0, x->caplen, EDX);
    if (metadata)
        mov(x->e, WIDE, R10D, ECX);
    if (backward)
        mov_imm(x->e, R8D, NM_BPF_BACKWARD_LIMIT);
    mov_imm(x->e, EAX, 0);
    mov_imm(x->e, ECX, 0);
    for (uint32_t k = 0; k < NM_BPF_MEMWORDS; k++)
        if (program->mem_read >> k & 1)
            store32(x->e, scratch_word(k), EAX);
}

void nm_jit_emit(struct nm_emitter *e)
{
    struct x86 x = {.e = e, .reject = e->program->count};

    endbr64(e);
    prologue(&x, e->program);
    for (uint32_t i = 0; i < e->program->count; i++) {
        const struct nm_op *op = &e->program->ops[i];

        e->current = i;
        e->written[i] = e->length;
        if (op->operation < sizeof(rules) / sizeof(rules[0]) && rules[op->operation].emit)
            rules[op->operation].emit(&x, op, rules[op->operation].arg);
    }
    e->written[x.reject] = e->length;
    mov_imm(e, EAX, 0);
    ret(e);
}

#endif
