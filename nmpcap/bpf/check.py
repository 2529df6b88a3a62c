"""Which programs may run: what libpcap's bpf_validate demands, and what Linux demands on top.

    any machine                              and before Linux attaches it
    at least one instruction                 at most 4096
    only the 49 opcodes                      no jump backwards
    M[k]: k < 16                             M[k] written on every path before it is read
    no division or modulo by constant 0      no shift by a constant of 32 or more
    jumps end inside the program             loads from 0xfffff000 on: known ancillary data only
    the last instruction returns

A ``ja`` may lead backwards (libpcap's protochain needs it): running such a program is
bounded by ``vm.BACKWARD_LIMIT``. The addresses of loads are not restricted; they are
compared with the packet when it is there. check.c in the core has the left column, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nmpcap.bpf import insn as op
from nmpcap.bpf.insn import Instruction
from nmpcap.errors import ProgramError

__all__ = ["LINUX_MAX_INSNS", "Fault", "check", "find_fault", "find_linux_fault"]

LINUX_MAX_INSNS = 4096  # BPF_MAXINSNS of linux/bpf_common.h

_FIELD_LIMITS = Instruction(0xFFFF, 0xFF, 0xFF, 0xFFFFFFFF)


@dataclass(frozen=True)
class Fault:
    """Why a program is refused, and the instruction (from 0) that is to blame."""

    index: int
    reason: str


def check(instructions: Sequence[Instruction]) -> None:
    """Raise ProgramError unless the machines of this package may run the program."""
    fault = find_fault(instructions)
    if fault:
        culprit = f"instruction {fault.index}" if instructions else "the program"
        raise ProgramError(f"BPF program is not valid: {culprit}: {fault.reason}", fault.index)


def find_fault(instructions: Sequence[Instruction]) -> Fault | None:
    """Find the first instruction no machine accepts; None if the program may run."""
    if not instructions:
        return Fault(0, "no instructions")
    end = len(instructions)
    for index, insn in enumerate(instructions):
        reason = _fault_of(insn, index, end)
        if reason:
            return Fault(index, reason)
    if instructions[-1].code & 0x07 != op.RET:
        return Fault(end - 1, "the last instruction does not return")
    return None


def _fault_of(insn: Instruction, index: int, end: int) -> str | None:
    code = insn.code
    if not all(0 <= value <= limit for value, limit in zip(insn, _FIELD_LIMITS, strict=True)):
        return "code, jt, jf and k are not unsigned numbers of 16, 8, 8 and 32 bits"
    if code not in op.OPCODES:
        return "no such opcode"
    if code in (op.LD | op.MEM, op.LDX | op.MEM, op.ST, op.STX) and insn.k >= op.MEMWORDS:
        return "there is no such scratch word"
    if code in (op.ALU | op.DIV | op.K, op.ALU | op.MOD | op.K) and insn.k == 0:
        return "division by zero"
    if code == op.JMP | op.JA and not 0 <= index + 1 + insn.skip < end:
        return "jump out of the program"
    if insn.is_branch and index + 1 + max(insn.jt, insn.jf) >= end:
        return "jump out of the program"
    return None


def find_linux_fault(instructions: Sequence[Instruction]) -> Fault | None:
    """Find what keeps Linux from attaching a program (SO_ATTACH_FILTER); None if it would.

    The socket's share of memory (net.core.optmem_max, which counts the program as Linux expands it) may
    still be too small for a large one: the system call then fails with ENOMEM.
    """
    fault = find_fault(instructions)
    if fault:
        return fault
    if len(instructions) > LINUX_MAX_INSNS:
        return Fault(LINUX_MAX_INSNS, f"Linux takes at most {LINUX_MAX_INSNS} instructions")
    return next(_linux_faults(instructions), None)


def _linux_faults(instructions: Sequence[Instruction]) -> Iterator[Fault]:
    every_word = (1 << op.MEMWORDS) - 1
    written_at = [every_word] * len(instructions)  # what all jumps to an instruction had written
    written = 0
    for index, insn in enumerate(instructions):
        code, k = insn.code, insn.k
        written &= written_at[index]
        if code in (op.ALU | op.LSH | op.K, op.ALU | op.RSH | op.K) and k >= 32:
            yield Fault(index, "Linux refuses shifts by 32 or more")
        elif code & 0xE7 == op.LD | op.ABS and k >= op.AD_OFF and k - op.AD_OFF not in op.ANCILLARY:
            yield Fault(index, "Linux knows no such ancillary data")
        elif code in (op.ST, op.STX):
            written |= 1 << k
        elif code in (op.LD | op.MEM, op.LDX | op.MEM) and not written >> k & 1:
            yield Fault(index, f"Linux refuses to read M[{k}] where it may not have been written")
        elif code == op.JMP | op.JA:
            if insn.skip < 0:
                yield Fault(index, "Linux refuses jumps backwards")
            else:
                written_at[index + 1 + insn.skip] &= written
            written = every_word
        elif insn.is_branch:
            written_at[index + 1 + insn.jt] &= written
            written_at[index + 1 + insn.jf] &= written
            written = every_word
