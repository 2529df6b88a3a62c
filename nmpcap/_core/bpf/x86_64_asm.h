/*
 * x86_64_asm: the x86-64 instructions that filters are made of, by name.
 *
 * Encodings are those of Intel's Software Developer's Manual, volume 2:
 *
 *     [REX 0100WRXB] opcode [ModRM mod:2 reg:3 rm:3] [SIB scale:2 index:3 base:3] [displacement] [immediate]
 *
 * W makes operands 64 bits wide; R, X and B are the fourth bits of reg, index, and rm or base. Without W a
 * result's upper half becomes zero. Instructions take the destination first.
 */
#ifndef NMPCAP_BPF_X86_64_ASM_H
#define NMPCAP_BPF_X86_64_ASM_H

#include "bpf/jit.h"

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, R8D, R9D, R10D, R11D };

/* Condition codes: of Jcc, and with the lowest bit turned the opposite. */
enum { CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_A = 7, ALWAYS = -1 };

/* Operations with two forms: opcode 8 n + 1 of registers, and the extension /n of 81 and 83 with a constant. */
enum { ADD = 0, OR = 1, SBB = 3, AND = 4, SUB = 5, XOR = 6, CMP = 7 };

/* Shifts: the extensions /n of C1 (by a constant) and D3 (by cl). */
enum { SHL = 4, SHR = 5 };

enum { WIDE = 1 }; /* operands of 64 bits */

static inline bool fits_int8(uint32_t k)
{
    return (int32_t)k >= -128 && (int32_t)k <= 127;
}

static inline void imm8(struct nm_emitter *e, uint32_t k)
{
    nm_jit_byte(e, (uint8_t)k);
}

static inline void imm32(struct nm_emitter *e, uint32_t k)
{
    nm_jit_word(e, k);
}

/* ---- operands ------------------------------------------------------------------------ */

/* Memory at base + index * 2^scale + disp; size is how many bytes the displacement takes: 0, 1 or 4. */
struct mem {
    int base, index, scale;
    uint32_t disp;
    int size;
};

enum { NO_INDEX = ESP }; /* what the encoding takes for none */

static inline struct mem at(int base, uint32_t disp)
{
    return (struct mem){base, NO_INDEX, 0, disp, fits_int8(disp) ? 1 : 4};
}

static inline struct mem at_base(int base)
{
    return (struct mem){base, NO_INDEX, 0, 0, 0};
}

static inline struct mem at_far(int base, uint32_t disp)
{
    return (struct mem){base, NO_INDEX, 0, disp, 4};
}

static inline struct mem at_index(int base, int index, uint32_t disp)
{
    return (struct mem){base, index, 0, disp, fits_int8(disp) ? 1 : 4};
}

static inline struct mem at_word(int base, int index)
{
    return (struct mem){base, index, 2, 0, 0};
}

static inline void rex(struct nm_emitter *e, int wide, int reg, int index, int base)
{
    uint8_t prefix = (uint8_t)(0x40 | wide << 3 | (reg >= 8) << 2 | (index >= 8) << 1 | (base >= 8));

    if (prefix != 0x40)
        nm_jit_byte(e, prefix);
}

/* An opcode of one byte, or of two, the first of which is 0F. */
static inline void opcode(struct nm_emitter *e, uint32_t code)
{
    if (code > 0xff)
        nm_jit_byte(e, (uint8_t)(code >> 8));
    nm_jit_byte(e, (uint8_t)code);
}

static inline void modrm(struct nm_emitter *e, int mod, int reg, int rm)
{
    nm_jit_byte(e, (uint8_t)(mod << 6 | (reg & 7) << 3 | (rm & 7)));
}

/* An instruction on two registers; reg is an extension where it has one operand. */
static inline void on_reg(struct nm_emitter *e, int wide, uint32_t code, int reg, int rm)
{
    rex(e, wide, reg, 0, rm);
    opcode(e, code);
    modrm(e, 3, reg, rm);
}

/* An instruction on a register, or an extension, and memory. */
static inline void on_mem(struct nm_emitter *e, int wide, uint32_t code, int reg, struct mem m)
{
    bool sib = m.index != NO_INDEX || (m.base & 7) == ESP;

    rex(e, wide, reg, m.index == NO_INDEX ? 0 : m.index, m.base);
    opcode(e, code);
    modrm(e, m.size == 4 ? 2 : m.size, reg, sib ? ESP : m.base);
    if (sib)
        nm_jit_byte(e, (uint8_t)(m.scale << 6 | (m.index & 7) << 3 | (m.base & 7)));
    if (m.size == 1)
        imm8(e, m.disp);
    else if (m.size == 4)
        imm32(e, m.disp);
}

/* ---- moves --------------------------------------------------------------------------- */

static inline void mov(struct nm_emitter *e, int wide, int to, int from)
{
    on_reg(e, wide, 0x89, from, to);
}

static inline void mov_imm(struct nm_emitter *e, int reg, uint32_t k)
{
    if (k == 0) { /* xor reg, reg */
        on_reg(e, 0, XOR << 3 | 1, reg, reg);
        return;
    }
    rex(e, 0, 0, 0, reg);
    opcode(e, 0xb8 | (reg & 7));
    imm32(e, k);
}

static inline void mov_address(struct nm_emitter *e, int reg, const void *address)
{
    rex(e, WIDE, 0, 0, reg);
    opcode(e, 0xb8 | (reg & 7));
    imm32(e, (uint32_t)(uintptr_t)address);
    imm32(e, (uint32_t)((uintptr_t)address >> 32));
}

static inline void load32(struct nm_emitter *e, int reg, struct mem m)
{
    on_mem(e, 0, 0x8b, reg, m);
}

static inline void load16(struct nm_emitter *e, int reg, struct mem m)
{
    on_mem(e, 0, 0x0fb7, reg, m); /* movzx */
}

static inline void load8(struct nm_emitter *e, int reg, struct mem m)
{
    on_mem(e, 0, 0x0fb6, reg, m); /* movzx */
}

static inline void store32(struct nm_emitter *e, struct mem m, int reg)
{
    on_mem(e, 0, 0x89, reg, m);
}

static inline void lea(struct nm_emitter *e, int reg, struct mem m)
{
    on_mem(e, WIDE, 0x8d, reg, m);
}

static inline void bswap_eax(struct nm_emitter *e)
{
    opcode(e, 0x0fc8 | EAX);
}

static inline void rol_ax_8(struct nm_emitter *e)
{
    nm_jit_byte(e, 0x66); /* operands of 16 bits */
    on_reg(e, 0, 0xc1, 0, EAX);
    imm8(e, 8);
}

/* ---- arithmetic ---------------------------------------------------------------------- */

static inline void alu(struct nm_emitter *e, int wide, int operation, int to, int from)
{
    on_reg(e, wide, (uint32_t)operation << 3 | 1, from, to);
}

static inline void alu_imm(struct nm_emitter *e, int operation, int reg, uint32_t k)
{
    if (fits_int8(k)) {
        on_reg(e, 0, 0x83, operation, reg);
        imm8(e, k);
    } else if (reg == EAX) { /* has a form of its own, a byte shorter */
        opcode(e, (uint32_t)operation << 3 | 5);
        imm32(e, k);
    } else {
        on_reg(e, 0, 0x81, operation, reg);
        imm32(e, k);
    }
}

static inline void test(struct nm_emitter *e, int wide, int a, int b)
{
    on_reg(e, wide, 0x85, b, a);
}

static inline void test_eax_imm(struct nm_emitter *e, uint32_t k)
{
    if (k <= 0xff) { /* test al */
        opcode(e, 0xa8);
        imm8(e, k);
    } else {
        opcode(e, 0xa9);
        imm32(e, k);
    }
}

static inline void shift_imm(struct nm_emitter *e, int operation, int reg, uint32_t count)
{
    on_reg(e, 0, 0xc1, operation, reg);
    imm8(e, count);
}

static inline void shift_cl(struct nm_emitter *e, int operation, int reg)
{
    on_reg(e, 0, 0xd3, operation, reg);
}

static inline void imul(struct nm_emitter *e, int to, int from)
{
    on_reg(e, 0, 0x0faf, to, from);
}

static inline void imul_imm(struct nm_emitter *e, int to, int from, uint32_t k)
{
    on_reg(e, 0, 0x69, to, from);
    imm32(e, k);
}

/* edx:eax by a register: quotient in eax, remainder in edx. */
static inline void div_by(struct nm_emitter *e, int reg)
{
    on_reg(e, 0, 0xf7, 6, reg);
}

static inline void neg(struct nm_emitter *e, int reg)
{
    on_reg(e, 0, 0xf7, 3, reg);
}

/* Bit tests: the bit goes to the carry, CC_AE is where it is 0. A register's number counts modulo 32. */
static inline void bt(struct nm_emitter *e, int bits, int number)
{
    on_reg(e, 0, 0x0fa3, number, bits);
}

static inline void bt_mem_imm(struct nm_emitter *e, struct mem m, uint32_t number)
{
    on_mem(e, 0, 0x0fba, 4, m);
    imm8(e, number);
}

/* ---- the end, and elsewhere ---------------------------------------------------------- */

/* Where an indirect call may land, for processors that check it (CET); nothing for others. */
static inline void endbr64(struct nm_emitter *e)
{
    nm_jit_word(e, 0xfa1e0ff3);
}

static inline void ret(struct nm_emitter *e)
{
    opcode(e, 0xc3);
}

/* To an operation: the short form where the layout certainly has room for it. */
static inline void jump(struct nm_emitter *e, int condition, uint32_t target)
{
    if (nm_jit_near(e, target, 120)) {
        opcode(e, condition == ALWAYS ? 0xeb : 0x70u | (uint32_t)condition);
        imm8(e, e->layout[target] - (e->length + 1));
        return;
    }
    opcode(e, condition == ALWAYS ? 0xe9 : 0x0f80u | (uint32_t)condition);
    imm32(e, e->layout[target] - (e->length + 4));
}

#endif
