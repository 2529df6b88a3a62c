/*
 * Which programs may run; nmpcap/bpf/check.py has the same rules in the same words.
 *
 * Everything the machines rely on is settled here, once: they test neither opcodes nor
 * scratch indexes nor jump targets again.
 */
#include "bpf/opcode.h"

enum nm_bpf_operation nm_bpf_operation(uint16_t code)
{
    switch (code) {
#define NM_BPF_CASE(name, code) \
    case code: \
        return NM_OP_##name;
        NM_BPF_OPERATIONS(NM_BPF_CASE)
#undef NM_BPF_CASE
    default:
        return NM_OP_NONE;
    }
}

static const char *fault_of(const struct nm_insn *insn, uint32_t index, uint32_t count)
{
    uint32_t left = count - index - 1; /* instructions after this one */

    switch (nm_bpf_operation(insn->code)) {
    case NM_OP_NONE:
        return "no such opcode";
    case NM_OP_LD_MEM:
    case NM_OP_LDX_MEM:
    case NM_OP_ST:
    case NM_OP_STX:
        return insn->k < NM_BPF_MEMWORDS ? NULL : "there is no such scratch word";
    case NM_OP_DIV_K:
    case NM_OP_MOD_K:
        return insn->k ? NULL : "division by zero";
    case NM_OP_JA: {
        int64_t target = (int64_t)index + 1 + (int32_t)insn->k;

        return target >= 0 && target < count ? NULL : "jump out of the program";
    }
    default:
        if ((insn->code & 0x07) == BPF_JMP && (insn->jt >= left || insn->jf >= left))
            return "jump out of the program";
        return NULL;
    }
}

const char *nm_bpf_check(const struct nm_insn *insns, uint32_t count, uint32_t *index)
{
    const char *reason;

    *index = 0;
    if (count == 0)
        return "no instructions";
    for (uint32_t i = 0; i < count; i++) {
        reason = fault_of(&insns[i], i, count);
        if (reason) {
            *index = i;
            return reason;
        }
    }
    if ((insns[count - 1].code & 0x07) != BPF_RET) {
        *index = count - 1;
        return "the last instruction does not return";
    }
    return NULL;
}
