"""Random checked programs and the packets they like, biased to where machines go wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence

from nmpcap.bpf import Instruction
from nmpcap.bpf import insn as op

BOUNDARIES = (
    *(0, 1, 2, 3, 4, 7, 8, 14, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0xFFF, 0x1000),
    *(0xFFFF, 0x10000, 0x7FFFFFFB, 0x7FFFFFFC, 0x7FFFFFFD, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000),
    *(0x80000001, 0xFFE00000, 0xFFF00000, 0xFFF00002, 0xFFFFEFFF, 0xFFFFFF80, 0xFFFFFFFC, 0xFFFFFFFF),
)
PACKET = 80
CODES = tuple(op.OPCODES)
LOADS = tuple(code for code in CODES if code & 0x07 == op.LD and code & 0xE0 in (op.ABS, op.IND))
TESTS = tuple(code for code in CODES if code & 0x07 == op.JMP and code != op.JMP | op.JA)


def boundary(rng: random.Random) -> int:
    return rng.choice(BOUNDARIES) if rng.random() < 0.85 else rng.getrandbits(32)


def make_packet(rng: random.Random, size: int | None = None) -> bytes:
    """Mostly small bytes, so that comparisons with small numbers have a chance."""
    size = rng.randrange(PACKET) if size is None else size
    return bytes(rng.randrange(8) if rng.random() < 0.7 else rng.getrandbits(8) for _ in range(size))


def make_program(rng: random.Random, *, backward: bool = True, max_len: int = 60) -> tuple[Instruction, ...]:
    """A program the checker accepts; without ``backward``, one that Linux may accept, too."""
    count = rng.randrange(1, max_len)
    insns = [_instruction(rng, count - index, backward and index > 0) for index in range(count)]
    insns.append(Instruction(rng.choice((op.RET | op.A, op.RET | op.A, op.RET | op.K)), 0, 0, boundary(rng)))
    return tuple(insns)


def _instruction(rng: random.Random, left: int, backward: bool) -> Instruction:
    """``left`` is how many instructions follow, so jumps up to left - 1 stay inside."""
    code = rng.choice(rng.choices((CODES, LOADS, TESTS), (4, 3, 2))[0])
    if code & 0x07 == op.RET and rng.random() < 0.7:
        code = op.MISC | op.TAX
    if code in TESTS:
        reach = min(left, 6 if rng.random() < 0.8 else 256)
        return Instruction(code, rng.randrange(reach), rng.randrange(reach), _number(rng))
    if code == op.JMP | op.JA:
        if backward and rng.random() < 0.2:
            return Instruction(code, 0, 0, 0xFFFFFFFE)
        return Instruction(code, 0, 0, rng.randrange(min(left, 6)))
    return Instruction(code, 0, 0, _operand(rng, code))


def _number(rng: random.Random) -> int:
    return rng.randrange(10) if rng.random() < 0.5 else boundary(rng)


def _operand(rng: random.Random, code: int) -> int:
    if code in (op.ST, op.STX, op.LD | op.MEM, op.LDX | op.MEM):
        return rng.randrange(op.MEMWORDS)
    if code in (op.ALU | op.DIV, op.ALU | op.MOD):
        return max(1, _number(rng))
    if code in (op.ALU | op.LSH, op.ALU | op.RSH) and rng.random() < 0.9:
        return rng.randrange(32)
    if code in LOADS and rng.random() < 0.05:
        return op.AD_OFF + rng.choice(tuple(op.ANCILLARY))
    if code & 0x07 in (op.LD, op.LDX) and rng.random() < 0.8:
        return rng.randrange(PACKET)
    return boundary(rng)


def show(instructions: Sequence[Instruction], packet: bytes = b"") -> str:
    """For a failure: the program to paste, and the packet."""
    lines = "\n".join(f"{tuple(insn)},  # {insn}" for insn in instructions)
    return f"{lines}\npacket {packet.hex()}"
