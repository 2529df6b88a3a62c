"""Listings of a program, as tcpdump prints them with -d, -dd and -ddd, and -ddd read back.

    d     (000) ldh      [12]                  for people; jumps show where they lead
    dd    { 0x28, 0, 0, 0x0000000c },          a C array of struct bpf_insn
    ddd   40 0 0 12                            decimal numbers under a line with their count

Spaces at the end of a line, which libpcap printed until 1.11, are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nmpcap.bpf.insn import JA, JMP, Instruction, signed
from nmpcap.errors import PcapError

__all__ = ["image", "instruction_image", "parse_ddd"]

_LIMITS = Instruction(0xFFFF, 0xFF, 0xFF, 0xFFFFFFFF)


def image(instructions: Sequence[Instruction], form: str = "d") -> str:
    """Write a program as ``tcpdump -d``, ``-dd`` or ``-ddd`` would; no newline after the last line."""
    if form == "d":
        lines: Iterable[str] = (instruction_image(insn, pos) for pos, insn in enumerate(instructions))
    elif form == "dd":
        lines = (f"{{ 0x{i.code:x}, {i.jt}, {i.jf}, 0x{i.k:08x} }}," for i in instructions)
    elif form == "ddd":
        lines = (str(len(instructions)), *(f"{i.code} {i.jt} {i.jf} {i.k}" for i in instructions))
    else:
        raise ValueError(f"a program has the images 'd', 'dd' and 'ddd', not {form!r}")
    return "\n".join(lines)


def instruction_image(insn: Instruction, pos: int) -> str:
    """Write one instruction as the line ``tcpdump -d`` has for it at position ``pos``."""
    operand = insn.operand
    if insn.code == JMP | JA:
        operand = str(signed(pos + 1 + insn.k))
    line = f"({pos:03d}) {insn.mnemonic:<8} {operand:<16}"
    if insn.code & 0x07 == JMP and insn.code & 0xF0 != JA:  # as libpcap: unknown jumps, too
        return f"{line} jt {pos + 1 + insn.jt}\tjf {pos + 1 + insn.jf}"
    return line.rstrip()


def parse_ddd(text: str) -> tuple[Instruction, ...]:
    """Read the listing of ``tcpdump -ddd``; commas may stand for the newlines, as iptables wants them.

    Says nothing about whether the program makes sense. Raises PcapError naming the line.
    """
    lines = [line.split() for line in text.replace(",", "\n").splitlines() if line.strip()]
    if not lines:
        raise PcapError("BPF listing: empty; the first line must hold the number of instructions")
    (count,) = _numbers(lines[0], 1, "a number of instructions alone", 1)
    program = []
    for number, words in enumerate(lines[1:], 2):
        insn = Instruction(*_numbers(words, number, "four numbers: code jt jf k", 4))
        if any(value > limit for value, limit in zip(insn, _LIMITS, strict=True)):
            raise PcapError(f"BPF listing, line {number}: {tuple(insn)} does not fit 16, 8, 8 and 32 bits")
        program.append(insn)
    if len(program) != count:
        raise PcapError(f"BPF listing: line 1 announces {count} instructions, {len(program)} follow")
    return tuple(program)


def _numbers(words: list[str], line: int, expected: str, count: int) -> list[int]:
    # int() would also take "+1", "1_000" and other alphabets' digits, and more digits than it converts.
    if len(words) != count or not all(w.isascii() and w.isdigit() and len(w) <= 10 for w in words):
        raise PcapError(f"BPF listing, line {line}: expected {expected}, found {' '.join(words)[:60]!r}")
    return [int(word) for word in words]
