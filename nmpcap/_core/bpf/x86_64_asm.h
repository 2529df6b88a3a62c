/*
 * x86_64_asm: the x86-64 instructions that filters are made of, by name.
 *
 * Each function writes the instruction it is called after, the destination first. Encodings
 * are those of Intel's Software Developer's Manual, volume 2, whose bytes come in this order:
 *
 *     [66] [REX 0100WRXB] opcode [ModRM mod:2 reg:3 rm:3] [SIB scale:2 index:3 base:3] [displacement]
 *     [constant]
 *
 * and which the comments write as it does: /r for a ModRM with a register and an operand,
 * /digit for one with three bits of the opcode in reg, +rd for a register in the opcode, ib,
 * id and io for a constant of 8, 32 and 64 bits, cb and cd for a jump's distance. Without
 * REX.W operands have 32 bits, and the upper half of a register becomes zero.
 *
 * No instruction holds more than a byte in a row of what a program's author has chosen:
 * instructions begin at any byte, so that whoever could make the processor jump into the
 * middle of one would find there what the author put there. Constants (_const) that take
 * more stand beside the code, where nothing is executed, and displacements take a byte.
 */
#ifndef NMPCAP_BPF_X86_64_ASM_H
#define NMPCAP_BPF_X86_64_ASM_H

#include "bpf/emitter.h"

/* How much of the register counts, the instruction's name says. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11 };

/* The condition codes cc of jcc; the lowest bit turns one into its opposite. */
enum { CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_A = 7 };

static inline bool fits_int8(uint32_t k)
{
    return (int32_t)k >= INT8_MIN && (int32_t)k <= INT8_MAX;
}

/* ---- operands in memory -------------------------------------------------------------- */

/* [base + index * scale + disp], disp from -128 to 127; or, with the base BESIDE, at the address disp beside
 * the code. */
struct mem {
    uint32_t base;
    uint32_t index;
    uint32_t log2_scale;
    uint32_t disp;
};

enum { NO_INDEX = RSP, BESIDE = 16 }; /* rsp cannot be an index; registers end at 15 */

static inline struct mem at(uint32_t base, uint32_t disp)
{
    return (struct mem){base, NO_INDEX, 0, disp};
}

static inline struct mem at_index(uint32_t base, uint32_t index, uint32_t disp)
{
    return (struct mem){base, index, 0, disp};
}

/* Of an array of words. */
static inline struct mem at_word(uint32_t base, uint32_t index)
{
    return (struct mem){base, index, 2, 0};
}

static inline struct mem constant(struct nm_emitter *e, uint32_t k)
{
    return (struct mem){BESIDE, NO_INDEX, 0, nm_emit_constant(e, k)};
}

/* ---- the parts of an instruction (chapter 2) ------------------------------------------- */

#define REX_W 0x10000      /* beside an opcode: on 64 bits */
#define OPERAND_16 0x20000 /* on 16 bits */

/* The upper bit of each register number is in the REX prefix. */
static inline void prefixes_and_opcode(struct nm_emitter *e, uint32_t opcode, uint32_t reg, uint32_t index,
                                       uint32_t base)
{
    uint32_t rex = (opcode & REX_W ? 8 : 0) | reg >> 3 << 2 | index >> 3 << 1 | base >> 3;

    if (opcode & OPERAND_16)
        nm_emit_byte(e, 0x66);
    if (rex)
        nm_emit_byte(e, 0x40 | rex);
    if (opcode & 0xff00)
        nm_emit_byte(e, opcode >> 8);
    nm_emit_byte(e, opcode);
}

/* opcode+rd */
static inline void opcode_reg(struct nm_emitter *e, uint32_t opcode, uint32_t reg)
{
    prefixes_and_opcode(e, opcode | (reg & 7), 0, 0, reg);
}

/* opcode /r; reg is the register, or the digit of an opcode /digit. */
static inline void opcode_reg_reg(struct nm_emitter *e, uint32_t opcode, uint32_t reg, uint32_t rm)
{
    prefixes_and_opcode(e, opcode, reg, 0, rm);
    nm_emit_byte(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* [rip + distance], from the end of the instruction on, which is that of the distance. */
static inline void opcode_reg_beside(struct nm_emitter *e, uint32_t opcode, uint32_t reg, uint32_t address)
{
    prefixes_and_opcode(e, opcode, reg, 0, 0);
    nm_emit_byte(e, (reg & 7) << 3 | RBP);
    nm_emit_word(e, address - (e->length + 4));
}

static inline void opcode_reg_mem(struct nm_emitter *e, uint32_t opcode, uint32_t reg, struct mem m)
{
    uint32_t base = m.base & 7, mod = m.disp || base == RBP;
    bool sib = m.index != NO_INDEX || base == RSP;

    if (m.base == BESIDE) {
        opcode_reg_beside(e, opcode, reg, m.disp);
        return;
    }
    prefixes_and_opcode(e, opcode, reg, m.index, m.base);
    nm_emit_byte(e, mod << 6 | (reg & 7) << 3 | (sib ? RSP : base));
    if (sib)
        nm_emit_byte(e, m.log2_scale << 6 | (m.index & 7) << 3 | base);
    if (mod)
        nm_emit_byte(e, m.disp);
}

/* ---- moves ---------------------------------------------------------------------------- */

/* 89 /r */
static inline void mov_r32_r32(struct nm_emitter *e, uint32_t to, uint32_t from)
{
    opcode_reg_reg(e, 0x89, from, to);
}

/* REX.W 89 /r */
static inline void mov_r64_r64(struct nm_emitter *e, uint32_t to, uint32_t from)
{
    opcode_reg_reg(e, REX_W | 0x89, from, to);
}

/* REX.W B8+rd io: an address of ours */
static inline void mov_r64_imm64(struct nm_emitter *e, uint32_t to, uint64_t k)
{
    opcode_reg(e, REX_W | 0xb8, to);
    nm_emit_word(e, (uint32_t)k);
    nm_emit_word(e, (uint32_t)(k >> 32));
}

/* 8B /r */
static inline void mov_r32_mem(struct nm_emitter *e, uint32_t to, struct mem from)
{
    opcode_reg_mem(e, 0x8b, to, from);
}

/* 31 /r of 0; B8+rd id of a byte; 8B /r */
static inline void mov_r32_const(struct nm_emitter *e, uint32_t to, uint32_t k)
{
    if (k == 0) {
        opcode_reg_reg(e, 0x31, to, to);
    } else if (k <= UINT8_MAX) {
        opcode_reg(e, 0xb8, to);
        nm_emit_word(e, k);
    } else {
        mov_r32_mem(e, to, constant(e, k));
    }
}

/* 89 /r */
static inline void mov_mem_r32(struct nm_emitter *e, struct mem to, uint32_t from)
{
    opcode_reg_mem(e, 0x89, from, to);
}

/* 0F B6 /r */
static inline void movzx_r32_mem8(struct nm_emitter *e, uint32_t to, struct mem from)
{
    opcode_reg_mem(e, 0x0fb6, to, from);
}

/* 0F B7 /r */
static inline void movzx_r32_mem16(struct nm_emitter *e, uint32_t to, struct mem from)
{
    opcode_reg_mem(e, 0x0fb7, to, from);
}

/* REX.W 8D /r */
static inline void lea_r64_mem(struct nm_emitter *e, uint32_t to, struct mem of)
{
    opcode_reg_mem(e, REX_W | 0x8d, to, of);
}

/* 8D /r: to = base + disp, which is ours and takes four bytes */
static inline void lea_r32_disp32(struct nm_emitter *e, uint32_t to, uint32_t base, uint32_t disp)
{
    prefixes_and_opcode(e, 0x8d, to, 0, base);
    nm_emit_byte(e, 0x80 | (to & 7) << 3 | (base & 7));
    nm_emit_word(e, disp);
}

/* 0F C8+rd */
static inline void bswap_r32(struct nm_emitter *e, uint32_t reg)
{
    opcode_reg(e, 0x0fc8, reg);
}

/* ---- arithmetic ----------------------------------------------------------------------- */

/* The opcodes of these follow one scheme, with the digit n in it. */
#define ARITHMETIC(X) \
    X(add, 0) \
    X(or, 1) \
    X(sbb, 3) \
    X(and, 4) \
    X(sub, 5) \
    X(xor, 6) \
    X(cmp, 7)

/* 01 + 8 n /r; of constants 83 /n ib, with the sign extended, or 03 + 8 n /r */
#define DEFINE_ARITHMETIC(name, n) \
    static inline void name##_r32_r32(struct nm_emitter *e, uint32_t to, uint32_t by) \
    { \
        opcode_reg_reg(e, 0x01 + 8 * (n), by, to); \
    } \
    static inline void name##_r32_const(struct nm_emitter *e, uint32_t to, uint32_t by) \
    { \
        if (fits_int8(by)) { \
            opcode_reg_reg(e, 0x83, n, to); \
            nm_emit_byte(e, by); \
        } else { \
            opcode_reg_mem(e, 0x03 + 8 * (n), to, constant(e, by)); \
        } \
    }
ARITHMETIC(DEFINE_ARITHMETIC)
#undef DEFINE_ARITHMETIC

/* REX.W 01 /r */
static inline void add_r64_r64(struct nm_emitter *e, uint32_t to, uint32_t by)
{
    opcode_reg_reg(e, REX_W | 0x01, by, to);
}

/* 81 /7 id: with a key that is blinded */
static inline void cmp_r32_imm32(struct nm_emitter *e, uint32_t reg, uint32_t with)
{
    opcode_reg_reg(e, 0x81, 7, reg);
    nm_emit_word(e, with);
}

/* REX.W 39 /r */
static inline void cmp_r64_r64(struct nm_emitter *e, uint32_t reg, uint32_t with)
{
    opcode_reg_reg(e, REX_W | 0x39, with, reg);
}

/* 85 /r */
static inline void test_r32_r32(struct nm_emitter *e, uint32_t reg, uint32_t with)
{
    opcode_reg_reg(e, 0x85, with, reg);
}

/* REX.W 85 /r */
static inline void test_r64_r64(struct nm_emitter *e, uint32_t reg, uint32_t with)
{
    opcode_reg_reg(e, REX_W | 0x85, with, reg);
}

/* A8 ib of al, which of such constants tells the same; 85 /r */
static inline void test_eax_const(struct nm_emitter *e, uint32_t with)
{
    if (with <= UINT8_MAX) {
        nm_emit_byte(e, 0xa8);
        nm_emit_byte(e, with);
    } else {
        opcode_reg_mem(e, 0x85, RAX, constant(e, with));
    }
}

/* F7 /3 */
static inline void neg_r32(struct nm_emitter *e, uint32_t reg)
{
    opcode_reg_reg(e, 0xf7, 3, reg);
}

/* F7 /6: edx:eax by a register; quotient in eax, remainder in edx */
static inline void div_r32(struct nm_emitter *e, uint32_t by)
{
    opcode_reg_reg(e, 0xf7, 6, by);
}

/* 0F AF /r */
static inline void imul_r32_r32(struct nm_emitter *e, uint32_t to, uint32_t by)
{
    opcode_reg_reg(e, 0x0faf, to, by);
}

/* 6B /r ib, with the sign extended; 0F AF /r */
static inline void imul_r32_const(struct nm_emitter *e, uint32_t to, uint32_t by)
{
    if (fits_int8(by)) {
        opcode_reg_reg(e, 0x6b, to, to);
        nm_emit_byte(e, by);
    } else {
        opcode_reg_mem(e, 0x0faf, to, constant(e, by));
    }
}

/* 69 /r id: by a constant of ours */
static inline void imul_r32_r32_imm32(struct nm_emitter *e, uint32_t to, uint32_t from, uint32_t by)
{
    opcode_reg_reg(e, 0x69, to, from);
    nm_emit_word(e, by);
}

/* ---- bits ----------------------------------------------------------------------------- */

/* 66 C1 /0 ib */
static inline void rol_r16_imm8(struct nm_emitter *e, uint32_t reg, uint32_t count)
{
    opcode_reg_reg(e, OPERAND_16 | 0xc1, 0, reg);
    nm_emit_byte(e, count);
}

/* C1 /4 ib */
static inline void shl_r32_imm8(struct nm_emitter *e, uint32_t reg, uint32_t count)
{
    opcode_reg_reg(e, 0xc1, 4, reg);
    nm_emit_byte(e, count);
}

/* C1 /5 ib */
static inline void shr_r32_imm8(struct nm_emitter *e, uint32_t reg, uint32_t count)
{
    opcode_reg_reg(e, 0xc1, 5, reg);
    nm_emit_byte(e, count);
}

/* D3 /4; by cl modulo 32, as D3 /5 */
static inline void shl_r32_cl(struct nm_emitter *e, uint32_t reg)
{
    opcode_reg_reg(e, 0xd3, 4, reg);
}

/* D3 /5 */
static inline void shr_r32_cl(struct nm_emitter *e, uint32_t reg)
{
    opcode_reg_reg(e, 0xd3, 5, reg);
}

/* 0F BA /4 ib: the carry flag is the bit */
static inline void bt_mem32_imm8(struct nm_emitter *e, struct mem of, uint32_t bit)
{
    opcode_reg_mem(e, 0x0fba, 4, of);
    nm_emit_byte(e, bit);
}

/* 0F A3 /r: the bit's number is taken modulo 32 */
static inline void bt_r32_r32(struct nm_emitter *e, uint32_t of, uint32_t bit)
{
    opcode_reg_reg(e, 0x0fa3, bit, of);
}

/* ---- the end, and jumps to operations --------------------------------------------------- */

enum { SHORT_JUMP = 120 }; /* bytes from an operation on; what rel8 spans, less an instruction */

/* The distance to the target from the end of its own bytes on. */
static inline void rel8(struct nm_emitter *e, uint32_t target)
{
    nm_emit_byte(e, e->layout[target] - (e->length + 1));
}

static inline void rel32(struct nm_emitter *e, uint32_t target)
{
    nm_emit_word(e, e->layout[target] - (e->length + 4));
}

/* EB cb, E9 cd */
static inline void jmp(struct nm_emitter *e, uint32_t target)
{
    if (nm_emit_near(e, target, SHORT_JUMP)) {
        nm_emit_byte(e, 0xeb);
        rel8(e, target);
    } else {
        nm_emit_byte(e, 0xe9);
        rel32(e, target);
    }
}

/* 70+cc cb, 0F 80+cc cd */
static inline void jcc(struct nm_emitter *e, uint32_t cc, uint32_t target)
{
    if (nm_emit_near(e, target, SHORT_JUMP)) {
        nm_emit_byte(e, 0x70 | cc);
        rel8(e, target);
    } else {
        nm_emit_byte(e, 0x0f);
        nm_emit_byte(e, 0x80 | cc);
        rel32(e, target);
    }
}

/* F3 0F 1E FA: where an indirect call may land, for processors that check it (CET); nothing for others */
static inline void endbr64(struct nm_emitter *e)
{
    nm_emit_word(e, 0xfa1e0ff3);
}

/* C3 */
static inline void ret(struct nm_emitter *e)
{
    nm_emit_byte(e, 0xc3);
}

#endif
