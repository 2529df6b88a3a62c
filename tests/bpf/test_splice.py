"""Spliced programs: the same verdicts, however much has been put between a jump and where it leads."""

from __future__ import annotations

import random

import pytest

from nmpcap.bpf import Instruction, vm
from nmpcap.bpf import insn as op
from nmpcap.bpf.check import check
from nmpcap.bpf.splice import splice

from .assembler import assemble
from .programs import make_packet, make_program, show

NOTHING = Instruction(op.ALU | op.OR, 0, 0, 0)  # A | 0
SKIP = Instruction(op.JMP | op.JA, 0, 0, 1)


def test_nothing_spliced_is_the_program_itself() -> None:
    program = assemble("ldh [12]\njeq #0x800, yes, no\nyes: ret #1\nno: ret #0")
    assert splice(program, {}) == program


def test_jumps_to_what_is_replaced_lead_to_its_first_instruction() -> None:
    program = assemble("ldb [0]\njeq #1, one, other\none: ret #5\nother: ret #6")
    ten = [Instruction(op.LD, 0, 0, 10), Instruction(op.RET | op.A, 0, 0, 0)]
    spliced = splice(program, {2: ten}, prologue=[NOTHING])
    assert [vm.run(spliced, bytes([first])) for first in (1, 2)] == [10, 6]


@pytest.mark.parametrize("longest", [4, 300])
def test_verdicts_stay(rng: random.Random, longest: int) -> None:
    passed = 0
    for _ in range(300 if longest < 10 else 150):
        program = make_program(rng, max_len=80)
        pieces = {
            index: [*[NOTHING] * rng.randrange(longest), SKIP, Instruction(op.RET | op.K, 0, 0, 77), insn]
            for index, insn in enumerate(program)
            if insn.code & 0x07 != op.JMP and rng.random() < 0.3
        }
        spliced = splice(program, pieces, [NOTHING] * rng.randrange(3))
        check(spliced)
        for _ in range(4):
            packet = make_packet(rng)
            expected = vm.run(program, packet)
            assert vm.run(spliced, packet) == expected, show(program, packet)
            passed += expected > 0
    assert passed > 5
