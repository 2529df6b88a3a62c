"""Puts instructions in the place of others: every jump goes on leading where it led.

What takes an instruction's place may be longer than it was; where a conditional jump can then
reach its targets no more, it becomes one over two ``ja``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nmpcap.bpf import insn as op
from nmpcap.bpf.insn import Instruction

__all__ = ["splice"]

_FARTHEST = 255
_LONG = 3  # instructions of a conditional jump over two ja


def splice(
    program: Sequence[Instruction],
    pieces: Mapping[int, Sequence[Instruction]],
    prologue: Sequence[Instruction] = (),
) -> tuple[Instruction, ...]:
    """Return ``program`` with piece ``i`` in place of instruction ``i``, and ``prologue`` in front.

    Jumps inside a piece count from their own place in it and stay inside; a jump to a replaced
    instruction leads to the first of its piece. The program must be a checked one.
    """
    long: set[int] = set()
    while True:
        starts = _starts(program, pieces, long, len(prologue))
        short = _branches(program, pieces, long)
        grown = {index for index in short if _reach(program, starts, index) > _FARTHEST}
        if not grown:
            break
        long |= grown
    spliced = list(prologue)
    for index, insn in enumerate(program):
        if index in pieces:
            spliced += pieces[index]
        elif insn.is_branch:
            spliced += _branch(insn, index, starts, index in long)
        elif insn.code == op.JMP | op.JA:
            spliced.append(_ja(starts[index + 1 + insn.skip] - starts[index] - 1))
        else:
            spliced.append(insn)
    return tuple(spliced)


def _starts(
    program: Sequence[Instruction], pieces: Mapping[int, Sequence[Instruction]], long: set[int], at: int
) -> list[int]:
    """Return where each instruction, or what replaces it, begins."""
    starts = []
    for index in range(len(program)):
        starts.append(at)
        at += len(pieces[index]) if index in pieces else _LONG if index in long else 1
    return starts


def _branches(
    program: Sequence[Instruction], pieces: Mapping[int, Sequence[Instruction]], long: set[int]
) -> list[int]:
    return [i for i, insn in enumerate(program) if insn.is_branch and i not in pieces and i not in long]


def _reach(program: Sequence[Instruction], starts: Sequence[int], index: int) -> int:
    insn = program[index]
    return starts[index + 1 + max(insn.jt, insn.jf)] - starts[index] - 1


def _branch(insn: Instruction, index: int, starts: Sequence[int], long: bool) -> list[Instruction]:
    here = starts[index] + 1
    yes, no = (starts[index + 1 + skip] - here for skip in (insn.jt, insn.jf))
    if not long:
        return [insn._replace(jt=yes, jf=no)]
    return [insn._replace(jt=0, jf=1), _ja(yes - 1), _ja(no - 2)]


def _ja(skip: int) -> Instruction:
    return Instruction(op.JMP | op.JA, 0, 0, skip & 0xFFFFFFFF)
