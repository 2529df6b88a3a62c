from __future__ import annotations

import pickle

import pytest

from nmpcap.bpf import Instruction
from nmpcap.bpf.insn import ABS, JEQ, JMP, LD, OPCODES, RET, A, H, K, X, signed

from .assembler import FORMS, JUMP_ALWAYS


def test_there_are_49_opcodes() -> None:
    assert {code for _, _, code in FORMS} | {JUMP_ALWAYS} == set(OPCODES)
    assert len(OPCODES) == 49


def test_bit_fields_make_opcodes() -> None:
    assert LD | H | ABS == 0x28
    assert JMP | JEQ | X == 0x1D
    assert RET | A == 0x16
    assert RET | K == 0x06


@pytest.mark.parametrize(
    ("insn", "text"),
    [
        ((0x28, 0, 0, 12), "ldh [12]"),
        ((0x15, 0, 3, 0x800), "jeq #0x800 jt +0 jf +3"),
        ((0x05, 0, 0, 5), "ja +5"),
        ((0x05, 0, 0, 0xFFFFFFFE), "ja -2"),
        ((0x06, 0, 0, 0xFFFFFFFF), "ret #-1"),
        ((0x16, 0, 0, 0), "ret"),
        ((0xB1, 0, 0, 14), "ldxb 4*([14]&0xf)"),
        ((0x20, 0, 0, 0xFFFFF02C), "ld [vlan_tci]"),
        ((0x40, 0, 0, 0xFFFFF02C), "ld [x + -4052]"),
        ((0xFFFF, 1, 2, 3), "unimp 0xffff"),
    ],
)
def test_text_form(insn: tuple[int, int, int, int], text: str) -> None:
    assert str(Instruction(*insn)) == text


def test_only_conditional_jumps_branch() -> None:
    branching = [code for code in OPCODES if Instruction(code, 0, 0, 0).is_branch]
    assert sorted(branching) == [0x15, 0x1D, 0x25, 0x2D, 0x35, 0x3D, 0x45, 0x4D]


def test_an_instruction_is_a_value() -> None:
    insn = Instruction(0x28, 0, 0, 12)
    assert insn == (0x28, 0, 0, 12)
    assert pickle.loads(pickle.dumps(insn)) == insn
    assert len({insn, Instruction(0x28, 0, 0, 12)}) == 1
    with pytest.raises(AttributeError):
        insn.k = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("k", "number"), [(0, 0), (0x7FFFFFFF, 2**31 - 1), (0x80000000, -(2**31)), (0xFFFFFFFF, -1)]
)
def test_signed_is_twos_complement(k: int, number: int) -> None:
    assert signed(k) == number
