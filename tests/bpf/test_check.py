from __future__ import annotations

import pickle
import random

import pytest

from nmpcap._core import ffi, lib
from nmpcap.bpf import Instruction
from nmpcap.bpf.check import LINUX_MAX_INSNS, Fault, check, find_fault, find_linux_fault
from nmpcap.bpf.insn import AD_OFF, ANCILLARY, OPCODES
from nmpcap.errors import PcapError, ProgramError

from ..oracles import libpcap_bpf
from ..oracles.kernel_bpf import MISSING as NO_KERNEL
from ..oracles.kernel_bpf import Kernel
from .assembler import assemble
from .programs import boundary, make_program, show

needs_libpcap = pytest.mark.skipif(bool(libpcap_bpf.MISSING), reason=libpcap_bpf.MISSING)
needs_kernel = pytest.mark.skipif(bool(NO_KERNEL), reason=NO_KERNEL)

RET = Instruction(0x06, 0, 0, 0)
OPCODE, SCRATCH = "no such opcode", "there is no such scratch word"
DIVISION, JUMP, END = "division by zero", "jump out of the program", "the last instruction does not return"

INVALID = {
    "empty": ((), Fault(0, "no instructions")),
    "no return": (assemble("ld [0]"), Fault(0, END)),
    "ends with a jump": (assemble("a: ret #0\nja a"), Fault(1, END)),
    "opcode": ((RET, Instruction(0x08, 0, 0, 0), RET), Fault(1, OPCODE)),
    "opcode at the end": ((RET, Instruction(0x0E, 0, 0, 0)), Fault(1, OPCODE)),
    "high bits of an opcode": ((Instruction(0x128, 0, 0, 0), RET), Fault(0, OPCODE)),
    "word 16 read": (assemble("ld M[16]\nret #0"), Fault(0, SCRATCH)),
    "word 16 read to x": (assemble("ldx M[16]\nret #0"), Fault(0, SCRATCH)),
    "word 16 written": (assemble("st M[16]\nret #0"), Fault(0, SCRATCH)),
    "word 16 written from x": (assemble("stx M[-1]\nret #0"), Fault(0, SCRATCH)),
    "division": (assemble("div #0\nret #0"), Fault(0, DIVISION)),
    "modulo": (assemble("mod #0\nret #0"), Fault(0, DIVISION)),
    "jump to the end": ((Instruction(0x05, 0, 0, 1), RET), Fault(0, JUMP)),
    "jump past all": ((Instruction(0x05, 0, 0, 0x7FFFFFFF), RET), Fault(0, JUMP)),
    "jump before all": ((Instruction(0x05, 0, 0, 0xFFFFFFFE), RET), Fault(0, JUMP)),
    "jump far back": ((Instruction(0x05, 0, 0, 0x80000000), RET), Fault(0, JUMP)),
    "branch if true": ((Instruction(0x15, 1, 0, 0), RET), Fault(0, JUMP)),
    "branch if false": ((Instruction(0x2D, 0, 1, 0), RET), Fault(0, JUMP)),
    "branch at the end": ((RET, Instruction(0x15, 0, 0, 0)), Fault(1, JUMP)),
    "the first fault counts": (
        (Instruction(0x15, 9, 0, 0), Instruction(0x34, 0, 0, 0), RET),
        Fault(0, JUMP),
    ),
}

VALID = {
    "every opcode": (*(Instruction(code, 0, 0, 1) for code in OPCODES if code & 0x07 != 5), RET),
    "word 15": assemble("ld M[15]\nst M[15]\nret"),
    "division by x": assemble("div x\nmod x\nret"),
    "any address": assemble("ld [0xffffffff]\nld [x + 0xffffffff]\nldxb 4*([0xffffffff]&0xf)\nret"),
    "any shift": assemble("lsh #32\nrsh #0xffffffff\nret"),
    "jump to the last": (Instruction(0x05, 0, 0, 0), Instruction(0x15, 0, 0, 0), RET),
    "jump back": (RET, Instruction(0x05, 0, 0, 0xFFFFFFFE), RET),
    "unused fields": (Instruction(0x06, 255, 255, 0),),
}


def core_fault(program: tuple[Instruction, ...]) -> Fault | None:
    index = ffi.new("uint32_t *")
    reason = lib.nm_bpf_check(ffi.new("struct nm_insn[]", program), len(program), index)
    return Fault(index[0], ffi.string(reason).decode()) if reason else None


@pytest.mark.parametrize("name", INVALID)
def test_refused(name: str) -> None:
    program, fault = INVALID[name]
    assert find_fault(program) == fault
    assert core_fault(program) == fault
    with pytest.raises(ProgramError, match=fault.reason) as error:
        check(program)
    assert error.value.index == fault.index
    assert isinstance(error.value, PcapError)


@pytest.mark.parametrize("name", VALID)
def test_accepted(name: str) -> None:
    check(VALID[name])
    assert core_fault(VALID[name]) is None


@pytest.mark.parametrize("insn", [(-1, 0, 0, 0), (0x10006, 0, 0, 0), (6, 256, 0, 0), (6, 0, 0, 1 << 32)])
def test_fields_that_fit_no_instruction(insn: tuple[int, int, int, int]) -> None:
    with pytest.raises(ProgramError, match="16, 8, 8 and 32 bits"):
        check([Instruction(*insn)])


def test_the_error_travels() -> None:
    with pytest.raises(ProgramError) as error:
        check(assemble("ld [0]\nld [1]"))
    copy = pickle.loads(pickle.dumps(error.value))
    assert (str(copy), copy.index) == (str(error.value), 1)


def damaged(rng: random.Random, program: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
    """The program with one field of one instruction changed."""
    index = rng.randrange(len(program))
    field = rng.choice(Instruction._fields)
    limit = {"code": 0x1FF, "jt": 0xFF, "jf": 0xFF, "k": 0xFFFFFFFF}[field]
    changed = program[index]._replace(**{field: boundary(rng) & limit})
    return (*program[:index], changed, *program[index + 1 :])


def test_the_core_refuses_the_same(rng: random.Random) -> None:
    faults = 0
    for _ in range(3000):
        program = damaged(rng, make_program(rng))
        assert core_fault(program) == find_fault(program), show(program)
        faults += find_fault(program) is not None
    assert faults > 300


@needs_libpcap
@pytest.mark.parametrize("name", VALID)
def test_libpcap_accepts_what_is_accepted(name: str) -> None:
    assert libpcap_bpf.validate(VALID[name])


# bpf_validate looks at the class of some instructions only; its machine would abort on the rest.
LAX_LIBPCAP = {"opcode", "opcode at the end", "high bits of an opcode"}


@needs_libpcap
@pytest.mark.parametrize("name", sorted(set(INVALID) - LAX_LIBPCAP))
def test_libpcap_refuses_what_is_refused(name: str) -> None:
    assert not libpcap_bpf.validate(INVALID[name][0])


@needs_libpcap
def test_libpcap_is_never_stricter(rng: random.Random) -> None:
    for _ in range(2000):
        program = damaged(rng, make_program(rng))
        if find_fault(program) is None:
            assert libpcap_bpf.validate(program), show(program)


LINUX_REFUSES = {
    "too long": (*[assemble("ld [0]")[0]] * LINUX_MAX_INSNS, RET),
    "back": VALID["jump back"],
    "shift": assemble("lsh #32\nret #0"),
    "shift right": assemble("rsh #33\nret #0"),
    "unwritten word": assemble("ld M[3]\nret #0"),
    "unwritten word where nobody goes": assemble("ret #0\nld M[0]\nret"),
    "word written on one path": assemble("jeq #1, a, b\na: st M[0]\nb: ld M[0]\nret"),
    "word written after": assemble("ldx M[0]\nst M[0]\nret"),
    "ancillary": assemble("ld [0xfffff040]\nret"),
    "crooked ancillary": assemble("ldh [0xfffff001]\nret"),
}
LINUX_ACCEPTS = {
    "longest": (*[assemble("tax")[0]] * (LINUX_MAX_INSNS - 1), RET),
    "shift": assemble("lsh #31\nrsh #0\nret #0"),
    "word written on both paths": assemble("jeq #1, a, b\na: st M[0]\nja c\nb: stx M[0]\nc: ld M[0]\nret"),
    "word read behind a jump": assemble("ja a\nld M[0]\na: ret"),
    "indexed and header length at ancillary addresses": assemble(
        "ld [x + 0xfffff041]\nldxb 4*([0xfffff041]&0xf)\nret"
    ),
}


@needs_kernel
@pytest.mark.parametrize("name", LINUX_REFUSES)
def test_linux_refuses(name: str) -> None:
    assert find_fault(LINUX_REFUSES[name]) is None
    assert find_linux_fault(LINUX_REFUSES[name]) is not None
    with Kernel() as kernel:
        assert not kernel.attach(LINUX_REFUSES[name])


@needs_kernel
@pytest.mark.parametrize("name", LINUX_ACCEPTS)
def test_linux_accepts(name: str) -> None:
    assert find_linux_fault(LINUX_ACCEPTS[name]) is None
    with Kernel() as kernel:
        assert kernel.attach(LINUX_ACCEPTS[name])


@needs_kernel
def test_linux_knows_the_ancillary_data() -> None:
    with Kernel() as kernel:
        for offset in range(0, 80, 4):
            program = (Instruction(0x20, 0, 0, AD_OFF + offset), RET)
            assert kernel.attach(program) == (offset in ANCILLARY) == (find_linux_fault(program) is None)


@needs_kernel
def test_linux_accepts_what_was_foretold(rng: random.Random) -> None:
    accepted = refused = 0
    with Kernel() as kernel:
        for _ in range(3000):
            program = make_program(rng, backward=rng.random() < 0.1, max_len=rng.choice((5, 60)))
            if rng.random() < 0.3:
                program = damaged(rng, program)
            expected = find_linux_fault(program) is None
            assert kernel.attach(program) == expected, show(program)
            accepted, refused = accepted + expected, refused + (not expected)
    assert min(accepted, refused) > 300
