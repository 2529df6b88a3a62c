/*
 * opcode: the bit fields of nm_insn.code, and a list of all 49 operations.
 *
 * Names and numbers as in bpf(4).
 */
#ifndef NMPCAP_BPF_OPCODE_H
#define NMPCAP_BPF_OPCODE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/bpf.h"

enum { BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_RET, BPF_MISC };

enum { BPF_W = 0x00, BPF_H = 0x08, BPF_B = 0x10 };
enum { BPF_IMM = 0x00, BPF_ABS = 0x20, BPF_IND = 0x40, BPF_MEM = 0x60, BPF_LEN = 0x80, BPF_MSH = 0xa0 };

enum {
    BPF_ADD = 0x00,
    BPF_SUB = 0x10,
    BPF_MUL = 0x20,
    BPF_DIV = 0x30,
    BPF_OR = 0x40,
    BPF_AND = 0x50,
    BPF_LSH = 0x60,
    BPF_RSH = 0x70,
    BPF_NEG = 0x80,
    BPF_MOD = 0x90,
    BPF_XOR = 0xa0,
};
enum { BPF_JA = 0x00, BPF_JEQ = 0x10, BPF_JGT = 0x20, BPF_JGE = 0x30, BPF_JSET = 0x40 };

enum { BPF_K = 0x00, BPF_X = 0x08, BPF_A = 0x10 };
enum { BPF_TAX = 0x00, BPF_TXA = 0x80 };

#define BPF_AD_OFF 0xfffff000u /* Linux: loads from here on ask for metadata */
#define BPF_AD_WORDS 16

/* The operation of each opcode, numbered without gaps: X(name, code). */
#define NM_BPF_OPERATIONS(X) \
    X(LD_IMM, BPF_LD | BPF_IMM) \
    X(LD_ABS_W, BPF_LD | BPF_W | BPF_ABS) \
    X(LD_ABS_H, BPF_LD | BPF_H | BPF_ABS) \
    X(LD_ABS_B, BPF_LD | BPF_B | BPF_ABS) \
    X(LD_IND_W, BPF_LD | BPF_W | BPF_IND) \
    X(LD_IND_H, BPF_LD | BPF_H | BPF_IND) \
    X(LD_IND_B, BPF_LD | BPF_B | BPF_IND) \
    X(LD_MEM, BPF_LD | BPF_MEM) \
    X(LD_LEN, BPF_LD | BPF_LEN) \
    X(LDX_IMM, BPF_LDX | BPF_IMM) \
    X(LDX_MEM, BPF_LDX | BPF_MEM) \
    X(LDX_LEN, BPF_LDX | BPF_LEN) \
    X(LDX_MSH, BPF_LDX | BPF_B | BPF_MSH) \
    X(ST, BPF_ST) \
    X(STX, BPF_STX) \
    X(ADD_K, BPF_ALU | BPF_ADD | BPF_K) \
    X(SUB_K, BPF_ALU | BPF_SUB | BPF_K) \
    X(MUL_K, BPF_ALU | BPF_MUL | BPF_K) \
    X(DIV_K, BPF_ALU | BPF_DIV | BPF_K) \
    X(MOD_K, BPF_ALU | BPF_MOD | BPF_K) \
    X(OR_K, BPF_ALU | BPF_OR | BPF_K) \
    X(AND_K, BPF_ALU | BPF_AND | BPF_K) \
    X(XOR_K, BPF_ALU | BPF_XOR | BPF_K) \
    X(LSH_K, BPF_ALU | BPF_LSH | BPF_K) \
    X(RSH_K, BPF_ALU | BPF_RSH | BPF_K) \
    X(ADD_X, BPF_ALU | BPF_ADD | BPF_X) \
    X(SUB_X, BPF_ALU | BPF_SUB | BPF_X) \
    X(MUL_X, BPF_ALU | BPF_MUL | BPF_X) \
    X(DIV_X, BPF_ALU | BPF_DIV | BPF_X) \
    X(MOD_X, BPF_ALU | BPF_MOD | BPF_X) \
    X(OR_X, BPF_ALU | BPF_OR | BPF_X) \
    X(AND_X, BPF_ALU | BPF_AND | BPF_X) \
    X(XOR_X, BPF_ALU | BPF_XOR | BPF_X) \
    X(LSH_X, BPF_ALU | BPF_LSH | BPF_X) \
    X(RSH_X, BPF_ALU | BPF_RSH | BPF_X) \
    X(NEG, BPF_ALU | BPF_NEG) \
    X(JA, BPF_JMP | BPF_JA) \
    X(JEQ_K, BPF_JMP | BPF_JEQ | BPF_K) \
    X(JGT_K, BPF_JMP | BPF_JGT | BPF_K) \
    X(JGE_K, BPF_JMP | BPF_JGE | BPF_K) \
    X(JSET_K, BPF_JMP | BPF_JSET | BPF_K) \
    X(JEQ_X, BPF_JMP | BPF_JEQ | BPF_X) \
    X(JGT_X, BPF_JMP | BPF_JGT | BPF_X) \
    X(JGE_X, BPF_JMP | BPF_JGE | BPF_X) \
    X(JSET_X, BPF_JMP | BPF_JSET | BPF_X) \
    X(RET_K, BPF_RET | BPF_K) \
    X(RET_A, BPF_RET | BPF_A) \
    X(TAX, BPF_MISC | BPF_TAX) \
    X(TXA, BPF_MISC | BPF_TXA)

#define NM_BPF_ENUM(name, code) NM_OP_##name,
enum nm_bpf_operation {
    NM_BPF_OPERATIONS(NM_BPF_ENUM)
    /* made by lowering; a JA that is left over counts as a jump backwards */
    NM_OP_JUMP,
    NM_OP_LD_METADATA,
    NM_OP_SIEVE,
    NM_OP_KEY_EQ,
    NM_OP_KEY_GE,
    NM_OP_SEARCH,
    NM_OP_COUNT,
    NM_OP_NONE = NM_OP_COUNT,
};
#undef NM_BPF_ENUM

/* nm_bpf_operation - the operation of an opcode, NM_OP_NONE if there is none. */
enum nm_bpf_operation nm_bpf_operation(uint16_t code);

#endif
