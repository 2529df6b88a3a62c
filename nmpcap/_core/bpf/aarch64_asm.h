/*
 * aarch64_asm: the AArch64 instructions that filters are made of, by name.
 *
 * Each function writes the instruction, or alias, it is called after, the destination first.
 * _w is on 32 bits and clears the upper half of its destination, _x is on 64. Encodings are
 * those of the Arm Architecture Reference Manual (DDI 0487), chapter C6: an instruction is a
 * word with Rd or Rt at bit 0, Rn at bit 5 and Rm at bit 16.
 */
#ifndef NMPCAP_BPF_AARCH64_ASM_H
#define NMPCAP_BPF_AARCH64_ASM_H

#include "bpf/emitter.h"

/* x0 to x30 go by their numbers; 31 is one or the other, as the instruction has it. */
enum { ZERO = 31, SP = 31 };

/* Conditions; the lowest bit turns one into its opposite. */
enum { CC_EQ = 0, CC_NE = 1, CC_HS = 2, CC_LO = 3, CC_HI = 8 };

#define WIDE 0x80000000u /* the bit sf: the same on 64 bits */

static inline void three(struct nm_emitter *e, uint32_t opcode, uint32_t rd, uint32_t rn, uint32_t rm)
{
    nm_emit_word(e, opcode | rm << 16 | rn << 5 | rd);
}

/* ---- moves ------------------------------------------------------------------------------ */

static inline void movz_w(struct nm_emitter *e, uint32_t rd, uint32_t imm16, uint32_t shift)
{
    nm_emit_word(e, 0x52800000 | shift / 16 << 21 | imm16 << 5 | rd);
}

static inline void movn_w(struct nm_emitter *e, uint32_t rd, uint32_t imm16)
{
    nm_emit_word(e, 0x12800000 | imm16 << 5 | rd);
}

static inline void movk_w(struct nm_emitter *e, uint32_t rd, uint32_t imm16)
{
    nm_emit_word(e, 0x72800000 | imm16 << 5 | rd);
}

static inline void movk_x(struct nm_emitter *e, uint32_t rd, uint32_t imm16, uint32_t shift)
{
    nm_emit_word(e, WIDE | 0x72800000 | shift / 16 << 21 | imm16 << 5 | rd);
}

/* mov of any constant: one instruction, or two */
static inline void mov_w_imm(struct nm_emitter *e, uint32_t rd, uint32_t k)
{
    if (k <= 0xffff) {
        movz_w(e, rd, k, 0);
    } else if (~k <= 0xffff) {
        movn_w(e, rd, ~k);
    } else {
        movz_w(e, rd, k >> 16, 16);
        if (k & 0xffff)
            movk_w(e, rd, k & 0xffff);
    }
}

static inline void mov_x_imm(struct nm_emitter *e, uint32_t rd, uint64_t k)
{
    mov_w_imm(e, rd, (uint32_t)k);
    movk_x(e, rd, (uint32_t)(k >> 32 & 0xffff), 32);
    movk_x(e, rd, (uint32_t)(k >> 48), 48);
}

/* ---- arithmetic and logic ---------------------------------------------------------------- */

/* The field of a constant in add and sub: 12 bits, or 12 bits with 12 zeros behind them. */
static inline bool arithmetic_field(uint32_t k, uint32_t *field)
{
    *field = k <= 0xfff ? k << 10 : 1u << 22 | k >> 12 << 10;
    return k <= 0xfff || (k <= 0xffffff && !(k & 0xfff));
}

/* The field of a constant in and, orr and eor: a run of ones, which may go around the end. (Runs that
 * repeat have a field, too; filters have no use for them.) */
static inline bool logic_field(uint32_t k, uint32_t *field)
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

/* X(name, opcode with two registers, opcode with a register and a constant) */
#define ARITHMETIC(X) \
    X(add, 0x0b000000, 0x11000000) \
    X(sub, 0x4b000000, 0x51000000) \
    X(subs, 0x6b000000, 0x71000000)
#define LOGIC(X) \
    X(and, 0x0a000000, 0x12000000) \
    X(orr, 0x2a000000, 0x32000000) \
    X(eor, 0x4a000000, 0x52000000) \
    X(ands, 0x6a000000, 0x72000000)

/* A constant that has no field goes through the register via. */
#define DEFINE(name, two, constant, field_of) \
    static inline void name(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t rm) \
    { \
        three(e, two, rd, rn, rm); \
    } \
    static inline void name##_imm(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t k, uint32_t via) \
    { \
        uint32_t field; \
\
        if (field_of(k, &field)) { \
            nm_emit_word(e, (constant) | field | rn << 5 | rd); \
        } else { \
            mov_w_imm(e, via, k); \
            name(e, rd, rn, via); \
        } \
    }
#define DEFINE_ARITHMETIC(name, two, constant) \
    DEFINE(name##_w, two, constant, arithmetic_field) \
    DEFINE(name##_x, WIDE | (two), WIDE | (constant), arithmetic_field)
#define DEFINE_LOGIC(name, two, constant) DEFINE(name##_w, two, constant, logic_field)
ARITHMETIC(DEFINE_ARITHMETIC)
LOGIC(DEFINE_LOGIC)
#undef DEFINE_LOGIC
#undef DEFINE_ARITHMETIC
#undef DEFINE

/* X(name, opcode): lslv and lsrv take the count modulo 32; udiv by 0 gives 0 */
#define WITH_REGISTERS(X) \
    X(mul_w, 0x1b007c00) \
    X(udiv_w, 0x1ac00800) \
    X(lslv_w, 0x1ac02000) \
    X(lsrv_w, 0x1ac02400)

#define DEFINE(name, opcode) \
    static inline void name(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t rm) \
    { \
        three(e, opcode, rd, rn, rm); \
    }
WITH_REGISTERS(DEFINE)
#undef DEFINE

/* rd = ra - rn * rm */
static inline void msub_w(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t rm, uint32_t ra)
{
    three(e, 0x1b008000 | ra << 10, rd, rn, rm);
}

static inline void mov_w(struct nm_emitter *e, uint32_t rd, uint32_t rm)
{
    orr_w(e, rd, ZERO, rm);
}

static inline void neg_w(struct nm_emitter *e, uint32_t rd, uint32_t rm)
{
    sub_w(e, rd, ZERO, rm);
}

static inline void cmp_w(struct nm_emitter *e, uint32_t rn, uint32_t rm)
{
    subs_w(e, ZERO, rn, rm);
}

static inline void cmp_w_imm(struct nm_emitter *e, uint32_t rn, uint32_t k, uint32_t via)
{
    subs_w_imm(e, ZERO, rn, k, via);
}

static inline void cmp_x(struct nm_emitter *e, uint32_t rn, uint32_t rm)
{
    subs_x(e, ZERO, rn, rm);
}

static inline void cmp_x_imm(struct nm_emitter *e, uint32_t rn, uint32_t k, uint32_t via)
{
    subs_x_imm(e, ZERO, rn, k, via);
}

static inline void tst_w(struct nm_emitter *e, uint32_t rn, uint32_t rm)
{
    ands_w(e, ZERO, rn, rm);
}

static inline void tst_w_imm(struct nm_emitter *e, uint32_t rn, uint32_t k, uint32_t via)
{
    ands_w_imm(e, ZERO, rn, k, via);
}

/* rd = the condition holds ? rn : rm */
static inline void csel_w(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t rm, uint32_t condition)
{
    three(e, 0x1a800000 | condition << 12, rd, rn, rm);
}

/* ---- bits ------------------------------------------------------------------------------- */

/* What ubfiz and shifts by constants are forms of. */
static inline void ubfm_w(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t immr, uint32_t imms)
{
    nm_emit_word(e, 0x53000000 | immr << 16 | imms << 10 | rn << 5 | rd);
}

static inline void lsl_w_imm(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t count)
{
    ubfm_w(e, rd, rn, (32 - count) & 31, 31 - count);
}

static inline void lsr_w_imm(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t count)
{
    ubfm_w(e, rd, rn, count, 31);
}

/* rd = the lowest width bits of rn, moved up to bit lsb */
static inline void ubfiz_w(struct nm_emitter *e, uint32_t rd, uint32_t rn, uint32_t lsb, uint32_t width)
{
    ubfm_w(e, rd, rn, (32 - lsb) & 31, width - 1);
}

static inline void rev_w(struct nm_emitter *e, uint32_t rd, uint32_t rn)
{
    nm_emit_word(e, 0x5ac00800 | rn << 5 | rd);
}

/* The bytes of each half change places. */
static inline void rev16_w(struct nm_emitter *e, uint32_t rd, uint32_t rn)
{
    nm_emit_word(e, 0x5ac00400 | rn << 5 | rd);
}

/* ---- memory ----------------------------------------------------------------------------- */

enum { LOG2_B = 0, LOG2_H = 1, LOG2_W = 2 }; /* of a size in bytes: ldrb, ldrh, ldr */

/* [rn + k]: k a multiple of the size, or small; else it goes through the register via */
static inline void ldr(struct nm_emitter *e, uint32_t log2_size, uint32_t rt, uint32_t rn, uint32_t k,
                       uint32_t via)
{
    uint32_t form = log2_size << 30 | rn << 5 | rt;

    if (k % (1u << log2_size) == 0 && k >> log2_size <= 0xfff) {
        nm_emit_word(e, 0x39400000 | form | k >> log2_size << 10);
    } else if (k <= 255) {
        nm_emit_word(e, 0x38400000 | form | k << 12); /* ldur */
    } else {
        mov_w_imm(e, via, k);
        nm_emit_word(e, 0x38606800 | form | via << 16);
    }
}

/* [rn + 4 * rm] */
static inline void ldr_w_scaled(struct nm_emitter *e, uint32_t rt, uint32_t rn, uint32_t rm)
{
    three(e, 0xb8607800, rt, rn, rm);
}

/* [rn + 4 * index], index below 2^12 */
static inline void str_w(struct nm_emitter *e, uint32_t rt, uint32_t rn, uint32_t index)
{
    nm_emit_word(e, 0xb9000000 | index << 10 | rn << 5 | rt);
}

/* ---- the end, and jumps to operations --------------------------------------------------- */

enum { CONDITIONAL_REACH = 1000000 }; /* bytes; a conditional branch spans 1 MiB */

/* In instructions. */
static inline uint32_t distance(const struct nm_emitter *e, uint32_t target)
{
    return (e->layout[target] - e->length) / 4;
}

static inline void b(struct nm_emitter *e, uint32_t target)
{
    nm_emit_word(e, 0x14000000 | (distance(e, target) & 0x3ffffff));
}

/* Where the target may be too far, the opposite condition skips a jump to it. */
static inline void b_cond(struct nm_emitter *e, uint32_t condition, uint32_t target)
{
    if (nm_emit_near(e, target, CONDITIONAL_REACH)) {
        nm_emit_word(e, 0x54000000 | (distance(e, target) & 0x7ffff) << 5 | condition);
    } else {
        nm_emit_word(e, 0x54000000 | 2 << 5 | (condition ^ 1));
        b(e, target);
    }
}

/* Where an indirect call may land; nothing for processors that do not check. */
static inline void bti_c(struct nm_emitter *e)
{
    nm_emit_word(e, 0xd503245f);
}

static inline void ret(struct nm_emitter *e)
{
    nm_emit_word(e, 0xd65f03c0);
}

#endif
