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
 */
#if defined(__x86_64__)

#include "bpf/jit.h"

const char *const nm_jit_name = "jit-x86_64";

enum { EAX, ECX, EDX, ESI = 6, EDI, R8D, R9D, R10D, R11D };

enum { CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_A = 7, ALWAYS = -1 };

struct x86 {
    struct nm_emitter *e;
    uint32_t reject; /* the operation behind the last */
    int caplen;      /* its register */
    int spare;       /* one of r8d and r10d that is not in use, or 0 */
};

static void bytes(struct x86 *x, uint64_t code, int count)
{
    for (int i = count - 1; i >= 0; i--)
        nm_jit_byte(x->e, (uint8_t)(code >> (8 * i)));
}

static void imm32(struct x86 *x, uint32_t value)
{
    nm_jit_word(x->e, value);
}

/* mod-reg-rm with both registers; a REX prefix where one is r8d or above. */
static void reg_reg(struct x86 *x, uint8_t opcode, int reg, int rm)
{
    if (reg >= 8 || rm >= 8)
        bytes(x, 0x40 | (reg >= 8) << 2 | (rm >= 8), 1);
    bytes(x, opcode, 1);
    bytes(x, 0xc0 | (reg & 7) << 3 | (rm & 7), 1);
}

static bool fits_int8(uint32_t k)
{
    return (int32_t)k >= -128 && (int32_t)k <= 127;
}

/* One of add /0, or /1, and /4, sub /5, xor /6, cmp /7 with a constant. */
static void arith_imm(struct x86 *x, int operation, int reg, uint32_t k)
{
    if (reg == EAX && !fits_int8(k)) {
        bytes(x, operation << 3 | 5, 1);
        imm32(x, k);
        return;
    }
    if (reg >= 8)
        bytes(x, 0x41, 1);
    bytes(x, fits_int8(k) ? 0x83 : 0x81, 1);
    bytes(x, 0xc0 | operation << 3 | (reg & 7), 1);
    if (fits_int8(k))
        bytes(x, k & 0xff, 1);
    else
        imm32(x, k);
}

static void load_imm(struct x86 *x, int reg, uint32_t k)
{
    if (k == 0) {
        reg_reg(x, 0x31, reg, reg);
        return;
    }
    if (reg >= 8)
        bytes(x, 0x41, 1);
    bytes(x, 0xb8 | (reg & 7), 1);
    imm32(x, k);
}

static void load_address(struct x86 *x, int reg, const void *address)
{
    bytes(x, 0x48 | (reg >= 8), 1);
    bytes(x, 0xb8 | (reg & 7), 1);
    imm32(x, (uint32_t)(uintptr_t)address);
    imm32(x, (uint32_t)((uintptr_t)address >> 32));
}

/* Of r8d to r11d. */
static void shift_right(struct x86 *x, int reg, uint32_t count)
{
    bytes(x, 0x41c1e8 | (reg & 7), 3);
    bytes(x, count, 1);
}

static void jump(struct x86 *x, int condition, uint32_t target)
{
    struct nm_emitter *e = x->e;

    if (nm_jit_near(e, target, 120)) {
        bytes(x, condition == ALWAYS ? 0xeb : 0x70 | condition, 1);
        bytes(x, (e->layout[target] - (e->length + 1)) & 0xff, 1);
        return;
    }
    if (condition == ALWAYS)
        bytes(x, 0xe9, 1);
    else
        bytes(x, 0x0f80 | condition, 2);
    imm32(x, e->layout[target] - (e->length + 4));
}

static void branch(struct x86 *x, const struct nm_op *op, int condition)
{
    uint32_t next = x->e->current + 1;

    if (op->jt == op->jf) {
        if (op->jt != next)
            jump(x, ALWAYS, op->jt);
    } else if (op->jt == next) {
        jump(x, condition ^ 1, op->jf);
    } else {
        jump(x, condition, op->jt);
        if (op->jf != next)
            jump(x, ALWAYS, op->jf);
    }
}

/* ---- loads --------------------------------------------------------------------------- */

static void check(struct x86 *x, const struct nm_op *op)
{
    if (op->need) {
        arith_imm(x, 7, x->caplen, op->need);
        jump(x, CC_B, x->reject);
    }
    if (op->need_x) {
        bytes(x, 0x4c8d99, 3); /* lea r11, [rcx + need_x] */
        imm32(x, op->need_x);
        bytes(x, x->caplen == EDX ? 0x4939d3 : 0x4d39cb, 3); /* cmp r11, caplen */
        jump(x, CC_A, x->reject);
    }
}

/* The address [rdi + k] or [rdi + rcx + k] for a register field of 0 (eax) or 1 (ecx). */
static void packet_address(struct x86 *x, int reg, bool indexed, uint32_t k)
{
    uint8_t mod = fits_int8(k) ? 0x40 : 0x80;

    if (indexed)
        bytes(x, (uint32_t)(mod | reg << 3 | 4) << 8 | 0x0f, 2);
    else
        bytes(x, mod | reg << 3 | EDI, 1);
    if (mod == 0x40)
        bytes(x, k, 1);
    else
        imm32(x, k);
}

static void load(struct x86 *x, const struct nm_op *op, int size, bool indexed)
{
    check(x, op);
    switch (size) {
    case 4:
        bytes(x, 0x8b, 1);
        packet_address(x, EAX, indexed, op->k);
        bytes(x, 0x0fc8, 2); /* bswap eax */
        break;
    case 2:
        bytes(x, 0x0fb7, 2);
        packet_address(x, EAX, indexed, op->k);
        bytes(x, 0x66c1c008, 4); /* rol ax, 8 */
        break;
    default:
        bytes(x, 0x0fb6, 2);
        packet_address(x, EAX, indexed, op->k);
    }
}

static void load_msh(struct x86 *x, const struct nm_op *op)
{
    check(x, op);
    bytes(x, 0x0fb6, 2);
    packet_address(x, ECX, false, op->k);
    arith_imm(x, 4, ECX, 0x0f);
    bytes(x, 0xc1e102, 3); /* shl ecx, 2 */
}

static void load_metadata(struct x86 *x, const struct nm_op *op)
{
    bytes(x, 0x4d85d2, 3); /* test r10, r10 */
    jump(x, CC_E, x->reject);
    bytes(x, 0x410fba22, 4); /* bt dword [r10], k */
    bytes(x, op->k, 1);
    jump(x, CC_AE, x->reject);
    bytes(x, 0x418b42, 3); /* mov eax, [r10 + 4 + 4 k] */
    bytes(x, 4 + 4 * op->k, 1);
}

/* mov to (0x8b) or from (0x89) a register and M[k]. */
static void scratch_word(struct x86 *x, uint8_t opcode, int reg, uint32_t k)
{
    bytes(x, opcode, 1);
    bytes(x, 0x44 | reg << 3, 1);
    bytes(x, 0x24, 1);
    bytes(x, (4 * k - 64) & 0xff, 1);
}

/* ---- arithmetic ---------------------------------------------------------------------- */

static bool is_power_of_2(uint32_t k)
{
    return (k & (k - 1)) == 0;
}

static void divide_by(struct x86 *x, int reg, bool remainder)
{
    load_imm(x, EDX, 0);
    if (reg >= 8)
        bytes(x, 0x41, 1);
    bytes(x, 0xf7, 1);
    bytes(x, 0xf0 | (reg & 7), 1);
    if (remainder)
        reg_reg(x, 0x89, EDX, EAX);
}

static void divide_k(struct x86 *x, uint32_t k, bool remainder)
{
    if (!is_power_of_2(k)) {
        load_imm(x, R11D, k);
        divide_by(x, R11D, remainder);
    } else if (remainder) {
        arith_imm(x, 4, EAX, k - 1);
    } else {
        bytes(x, 0xc1e8, 2); /* shr eax, log2 k */
        bytes(x, (unsigned)__builtin_ctz(k), 1);
    }
}

static void divide_x(struct x86 *x, bool remainder)
{
    reg_reg(x, 0x85, ECX, ECX);
    jump(x, CC_E, x->reject);
    divide_by(x, ECX, remainder);
}

/* Shifts count modulo 32; the mask is 0 where X is 32 or more. */
static void shift_x(struct x86 *x, int operation)
{
    arith_imm(x, 7, ECX, 32);
    bytes(x, 0x4519db, 3); /* sbb r11d, r11d */
    bytes(x, 0xd3, 1);
    bytes(x, 0xc0 | operation << 3, 1);
    reg_reg(x, 0x21, R11D, EAX);
}

static void multiply_k(struct x86 *x, uint32_t k)
{
    bytes(x, 0x69c0, 2);
    imm32(x, k);
}

/* ---- comparisons --------------------------------------------------------------------- */

static void compare_k(struct x86 *x, uint32_t k)
{
    if (k == 0)
        reg_reg(x, 0x85, EAX, EAX);
    else
        arith_imm(x, 7, EAX, k);
}

static void test_k(struct x86 *x, uint32_t k)
{
    if (k <= 0xff) {
        bytes(x, 0xa8, 1);
        bytes(x, k, 1);
    } else {
        bytes(x, 0xa9, 1);
        imm32(x, k);
    }
}

/* Leaves to jf what the sieve does not let through. */
static void sieve(struct x86 *x, const struct nm_op *op)
{
    const struct nm_sieve *sieve = &x->e->program->sieves[op->k];
    int table = x->caplen == EDX ? R9D : EDX;
    int index = x->spare;

    if (!index)
        return;
    load_address(x, table, sieve->words);
    bytes(x, 0x4469d8, 3); /* imul r11d, eax, factor */
    imm32(x, NM_SIEVE_FACTOR);
    reg_reg(x, 0x89, R11D, index);
    shift_right(x, index, sieve->shift + 5);
    shift_right(x, R11D, sieve->shift);
    /* mov index, [table + 4 index] */
    bytes(x, 0x46 | (table >= 8), 1);
    bytes(x, 0x8b04 | (index & 7) << 3, 2);
    bytes(x, 0x80 | (index & 7) << 3 | (table & 7), 1);
    /* bt index, r11d: counts modulo 32 */
    bytes(x, 0x450fa3d8 | (index & 7), 4);
    jump(x, CC_AE, op->jf);
}

static void back(struct x86 *x, const struct nm_op *op)
{
    arith_imm(x, 5, R8D, 1);
    jump(x, CC_B, x->reject);
    jump(x, ALWAYS, op->jt);
}

static void ret(struct x86 *x, uint32_t verdict)
{
    load_imm(x, EAX, verdict);
    bytes(x, 0xc3, 1);
}

/* ---- the program ----------------------------------------------------------------------- */

static void emit_op(struct x86 *x, const struct nm_op *op)
{
    switch ((enum nm_bpf_operation)op->operation) {
    case NM_OP_LD_IMM:
        load_imm(x, EAX, op->k);
        break;
    case NM_OP_LD_ABS_W:
        load(x, op, 4, false);
        break;
    case NM_OP_LD_ABS_H:
        load(x, op, 2, false);
        break;
    case NM_OP_LD_ABS_B:
        load(x, op, 1, false);
        break;
    case NM_OP_LD_IND_W:
        load(x, op, 4, true);
        break;
    case NM_OP_LD_IND_H:
        load(x, op, 2, true);
        break;
    case NM_OP_LD_IND_B:
        load(x, op, 1, true);
        break;
    case NM_OP_LD_MEM:
        scratch_word(x, 0x8b, EAX, op->k);
        break;
    case NM_OP_LD_LEN:
        reg_reg(x, 0x89, ESI, EAX);
        break;
    case NM_OP_LDX_IMM:
        load_imm(x, ECX, op->k);
        break;
    case NM_OP_LDX_MEM:
        scratch_word(x, 0x8b, ECX, op->k);
        break;
    case NM_OP_LDX_LEN:
        reg_reg(x, 0x89, ESI, ECX);
        break;
    case NM_OP_LDX_MSH:
        load_msh(x, op);
        break;
    case NM_OP_LD_METADATA:
        load_metadata(x, op);
        break;
    case NM_OP_ST:
        scratch_word(x, 0x89, EAX, op->k);
        break;
    case NM_OP_STX:
        scratch_word(x, 0x89, ECX, op->k);
        break;
    case NM_OP_ADD_K:
        arith_imm(x, 0, EAX, op->k);
        break;
    case NM_OP_SUB_K:
        arith_imm(x, 5, EAX, op->k);
        break;
    case NM_OP_MUL_K:
        multiply_k(x, op->k);
        break;
    case NM_OP_DIV_K:
        divide_k(x, op->k, false);
        break;
    case NM_OP_MOD_K:
        divide_k(x, op->k, true);
        break;
    case NM_OP_OR_K:
        arith_imm(x, 1, EAX, op->k);
        break;
    case NM_OP_AND_K:
        arith_imm(x, 4, EAX, op->k);
        break;
    case NM_OP_XOR_K:
        arith_imm(x, 6, EAX, op->k);
        break;
    case NM_OP_LSH_K:
        bytes(x, 0xc1e0, 2);
        bytes(x, op->k, 1);
        break;
    case NM_OP_RSH_K:
        bytes(x, 0xc1e8, 2);
        bytes(x, op->k, 1);
        break;
    case NM_OP_ADD_X:
        reg_reg(x, 0x01, ECX, EAX);
        break;
    case NM_OP_SUB_X:
        reg_reg(x, 0x29, ECX, EAX);
        break;
    case NM_OP_MUL_X:
        bytes(x, 0x0fafc1, 3); /* imul eax, ecx */
        break;
    case NM_OP_DIV_X:
        divide_x(x, false);
        break;
    case NM_OP_MOD_X:
        divide_x(x, true);
        break;
    case NM_OP_OR_X:
        reg_reg(x, 0x09, ECX, EAX);
        break;
    case NM_OP_AND_X:
        reg_reg(x, 0x21, ECX, EAX);
        break;
    case NM_OP_XOR_X:
        reg_reg(x, 0x31, ECX, EAX);
        break;
    case NM_OP_LSH_X:
        shift_x(x, 4);
        break;
    case NM_OP_RSH_X:
        shift_x(x, 5);
        break;
    case NM_OP_NEG:
        bytes(x, 0xf7d8, 2);
        break;
    case NM_OP_TAX:
        reg_reg(x, 0x89, EAX, ECX);
        break;
    case NM_OP_TXA:
        reg_reg(x, 0x89, ECX, EAX);
        break;
    case NM_OP_JA:
        back(x, op);
        break;
    case NM_OP_JUMP:
        jump(x, ALWAYS, op->jt);
        break;
    case NM_OP_JEQ_K:
        compare_k(x, op->k);
        branch(x, op, CC_E);
        break;
    case NM_OP_JGT_K:
        arith_imm(x, 7, EAX, op->k);
        branch(x, op, CC_A);
        break;
    case NM_OP_JGE_K:
        arith_imm(x, 7, EAX, op->k);
        branch(x, op, CC_AE);
        break;
    case NM_OP_JSET_K:
        test_k(x, op->k);
        branch(x, op, CC_NE);
        break;
    case NM_OP_JEQ_X:
        reg_reg(x, 0x39, ECX, EAX);
        branch(x, op, CC_E);
        break;
    case NM_OP_JGT_X:
        reg_reg(x, 0x39, ECX, EAX);
        branch(x, op, CC_A);
        break;
    case NM_OP_JGE_X:
        reg_reg(x, 0x39, ECX, EAX);
        branch(x, op, CC_AE);
        break;
    case NM_OP_JSET_X:
        reg_reg(x, 0x85, ECX, EAX);
        branch(x, op, CC_NE);
        break;
    case NM_OP_RET_K:
        ret(x, op->k);
        break;
    case NM_OP_RET_A:
        bytes(x, 0xc3, 1);
        break;
    case NM_OP_SIEVE:
        sieve(x, op);
        break;
    case NM_OP_SEARCH: /* written out by lowering */
    case NM_OP_NONE:
        break;
    }
}

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
    reg_reg(x, 0x89, EDX, x->caplen);
    if (metadata)
        bytes(x, 0x4989ca, 3); /* mov r10, rcx */
    if (backward)
        load_imm(x, R8D, NM_BPF_BACKWARD_LIMIT);
    load_imm(x, EAX, 0);
    load_imm(x, ECX, 0);
    for (uint32_t k = 0; k < NM_BPF_MEMWORDS; k++)
        if (program->mem_read >> k & 1)
            scratch_word(x, 0x89, EAX, k);
}

void nm_jit_emit(struct nm_emitter *e)
{
    struct x86 x = {.e = e, .reject = e->program->count};

    prologue(&x, e->program);
    for (uint32_t i = 0; i < e->program->count; i++) {
        e->current = i;
        e->written[i] = e->length;
        emit_op(&x, &e->program->ops[i]);
    }
    e->written[x.reject] = e->length;
    ret(&x, 0);
}

#endif
