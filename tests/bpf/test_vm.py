"""What each instruction means, on every machine there is; and where Linux means something else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nmpcap.bpf import vm
from nmpcap.bpf.insn import ANCILLARY
from nmpcap.bpf.native import INTERPRETER, JIT, Native

from ..oracles import libpcap_bpf
from ..oracles.kernel_bpf import MISSING as NO_KERNEL
from ..oracles.kernel_bpf import Kernel
from .assembler import assemble

# 64 bytes: 00 01 02 ... 3f
PACKET = bytes(range(64))


@dataclass(frozen=True)
class Case:
    """A program and its verdict over PACKET; ``linux`` where the kernel's differs or REFUSED."""

    text: str
    verdict: int
    linux: int | str | None = None
    libpcap: str | None = None  # what libpcap does, where it cannot be asked


REFUSED = "refused"

CASES = {
    # loads
    "ld": Case("ld [0]\nrsh #12\nret", 0x10),
    "ldh": Case("ldh [1]\nrsh #4\nret", 0x10),
    "ldb": Case("ldb [63]\nret", 63),
    "ld at the end": Case("ld [60]\nret #1", 1),
    "ld over the end": Case("ld [61]\nret #1", 0),
    "ldh at the end": Case("ldh [62]\nret #1", 1),
    "ldh over the end": Case("ldh [63]\nret #1", 0),
    "ldb over the end": Case("ldb [64]\nret #1", 0),
    "ld far away": Case("ld [0x7ffffffc]\nret #1", 0),
    "ld at 2 GiB": Case("ld [0x80000000]\nret #1", 0),
    "ld just below ancillary": Case("ld [0xffffeffc]\nret #1", 0),
    "ld that would wrap": Case("ld [0xffffffff]\nret #1", 0, REFUSED),
    "ld indexed": Case("ldx #3\nldb [x + 4]\nret", 7),
    "ldh indexed": Case("ldx #3\nldh [x + 4]\nand #0xff\nret", 8),
    "ld indexed at the end": Case("ldx #60\nld [x + 0]\nret #1", 1),
    "ld indexed over the end": Case("ldx #60\nld [x + 1]\nret #1", 0),
    "indexed past 2^32": Case("ldx #0xffffffff\nldb [x + 4]\nret", 0, 3),
    "indexed far past the end": Case("ldx #0x7fffffff\nldb [x + 0x7fffffff]\nret #1", 0),
    "network header": Case("ldb [0xfff00003]\nret", 0, 3),
    "network header over the end": Case("ldb [0xfff00040]\nret #1", 0),
    "link header, which is not there": Case("ldb [0xffe00003]\nret", 0),
    "msh": Case("ldxb 4*([14]&0xf)\ntxa\nret", 56),
    "msh masks": Case("ldxb 4*([33]&0xf)\ntxa\nret", 4),
    "msh over the end": Case("ldxb 4*([64]&0xf)\nret #1", 0),
    "len": Case("ld #pktlen\nret", 64),
    "ldx len": Case("ldx #pktlen\ntxa\nret", 64),
    "constants": Case("ld #40\nldx #2\nadd x\nret", 42),
    # an early check must not reject what the program would not have loaded
    "load on one path only": Case("ldb [0]\njeq #0, a, b\na: ret #1\nb: ld [100]\nret #1", 1),
    "load on all paths": Case("ldb [0]\njeq #0, a, b\na: ld [100]\nret #1\nb: ld [101]\nret #1", 0),
    "x changes between loads": Case("ldx #20\nldb [x + 10]\nldx #1\nldb [x + 50]\nret", 51),
    # scratch
    "scratch": Case("ld #9\nst M[15]\nld #1\nld M[15]\nret", 9),
    "scratch from x": Case("ldx #9\nstx M[0]\nldx #1\nldx M[0]\ntxa\nret", 9),
    "scratch starts as 0": Case("ld M[7]\nadd #5\nret", 5, REFUSED, "anything before 1.10.7"),
    # arithmetic
    "add wraps": Case("ld #0xffffffff\nadd #8\nret", 7),
    "sub wraps": Case("ld #3\nsub #5\nsub #0xfffffff0\nret", 14),
    "sub x": Case("ld #9\nldx #4\nsub x\nret", 5),
    "mul wraps": Case("ld #0x10003\nmul #0x10000\nrsh #16\nret", 3),
    "mul x": Case("ld #6\nldx #7\nmul x\nret", 42),
    "div": Case("ld #0xffffffff\ndiv #0x10000000\nret", 15),
    "div by a power of 2": Case("ld #33\ndiv #8\nret", 4),
    "div by 1": Case("ld #33\ndiv #1\nret", 33),
    "div x": Case("ld #33\nldx #7\ndiv x\nret", 4),
    "div is unsigned": Case("ld #0x80000000\nldx #0x8000000\ndiv x\nret", 16),
    "div by x of 0": Case("ld #1\ndiv x\nret #1", 0),
    "mod": Case("ld #33\nmod #7\nret", 5),
    "mod by a power of 2": Case("ld #0xffffffff\nmod #32\nret", 31),
    "mod x": Case("ld #33\nldx #7\nmod x\nret", 5),
    "mod is unsigned": Case("ld #0xffffffff\nldx #0x80000000\nmod x\nsub #0x7ffffff0\nret", 15),
    "mod by x of 0": Case("ld #1\nmod x\nret #1", 0),
    "division then loads": Case("ldb [33]\nldx #7\ndiv x\nldx #60\nld [x + 0]\nld [60]\nret #4", 4),
    "and": Case("ld #0x3c\nand #0x0f\nret", 12),
    "and x": Case("ld #0x3c\nldx #0x0f\nand x\nret", 12),
    "or": Case("ld #0x30\nor #5\nret", 0x35),
    "or x": Case("ld #0x30\nldx #5\nor x\nret", 0x35),
    "xor": Case("ld #0x3c\nxor #0x0f\nret", 0x33),
    "xor x": Case("ld #0x3c\nldx #0x0f\nxor x\nret", 0x33),
    "neg": Case("ld #0xfffffff6\nneg\nret", 10),
    "neg of 0": Case("neg\nadd #3\nret", 3),
    "lsh": Case("ld #3\nlsh #4\nret", 48),
    "lsh loses bits": Case("ld #0xf0000001\nlsh #4\nret", 16),
    "rsh brings in 0": Case("ld #0xffffffff\nrsh #28\nret", 15),
    "shift by 0": Case("ld #5\nlsh #0\nrsh #0\nret", 5),
    "lsh x": Case("ld #3\nldx #4\nlsh x\nret", 48),
    "rsh x": Case("ld #48\nldx #4\nrsh x\nret", 3),
    "lsh x by 31": Case("ld #3\nldx #31\nlsh x\nrsh #31\nret", 1),
    "lsh x by 32": Case("ld #3\nldx #32\nlsh x\nret", 0, 3),
    "lsh x by 33": Case("ld #1\nldx #33\nlsh x\nret", 0, 2),
    "rsh x by 32": Case("ld #3\nldx #32\nrsh x\nret", 0, 3),
    "rsh x by 2^32 - 1": Case("ld #0xffffffff\nldx #0xffffffff\nrsh x\nret", 0, 1),
    "lsh by 32": Case("ld #3\nlsh #32\nret", 0, REFUSED, "undefined in C"),
    "rsh by 2^31": Case("ld #3\nrsh #0x80000000\nret", 0, REFUSED, "undefined in C"),
    # jumps
    "jeq": Case("ld #5\njeq #5, y, n\ny: ret #1\nn: ret #2", 1),
    "jeq not": Case("ld #5\njeq #6, y, n\ny: ret #1\nn: ret #2", 2),
    "jeq 0": Case("jeq #0, y, n\ny: ret #1\nn: ret #2", 1),
    "jeq x": Case("ld #5\nldx #5\njeq x, y, n\ny: ret #1\nn: ret #2", 1),
    "jgt equal": Case("ld #5\njgt #5, y, n\ny: ret #1\nn: ret #2", 2),
    "jgt is unsigned": Case("ld #0x80000000\njgt #0x7fffffff, y, n\ny: ret #1\nn: ret #2", 1),
    "jgt largest": Case("ld #0xffffffff\njgt #0xffffff80, y, n\ny: ret #1\nn: ret #2", 1),
    "jgt x": Case("ld #0xffffffff\nldx #1\njgt x, y, n\ny: ret #1\nn: ret #2", 1),
    "jge equal": Case("ld #5\njge #5, y, n\ny: ret #1\nn: ret #2", 1),
    "jge x": Case("ld #4\nldx #5\njge x, y, n\ny: ret #1\nn: ret #2", 2),
    "jge 0": Case("jge #0, y, n\ny: ret #1\nn: ret #2", 1),
    "jset": Case("ld #0x80\njset #0x80, y, n\ny: ret #1\nn: ret #2", 1),
    "jset none": Case("ld #0x100\njset #0xff, y, n\ny: ret #1\nn: ret #2", 2),
    "jset all": Case("ld #0x100\njset #0xffffffff, y, n\ny: ret #1\nn: ret #2", 1),
    "jset 0": Case("ld #0x100\njset #0, y, n\ny: ret #1\nn: ret #2", 2),
    "jset x": Case("ld #6\nldx #9\njset x, y, n\ny: ret #1\nn: ret #2", 2),
    "both targets alike": Case("jeq #1, a, a\na: ret #3", 3),
    "ja": Case("ja a\nret #1\na: ret #2", 2),
    "ja over ja": Case("ja a\nb: ret #1\na: ja c\nret #2\nc: ja d\nd: ret #3", 3),
    "a loop": Case(
        "st M[0]\nagain: ld M[0]\nadd #3\nst M[0]\njgt #40, done, on\non: ja again\ndone: ret", 42, REFUSED
    ),
    "a loop without end": Case("again: ldb [0]\nja again\nret #1", 0, REFUSED, "does not return"),
    # returns
    "ret a": Case("ld #20\nret", 20),
    "ret all": Case("ret #0xffffffff", 0xFFFFFFFF),
    "ret none": Case("ret #0", 0),
}
MACHINES = ("python", "interpreter", "jit")


def run(machine: str, text: str, packet: bytes = PACKET, wirelen: int | None = None) -> int:
    program = assemble(text)
    if machine == "python":
        return vm.run(program, packet, wirelen)
    return Native(program, {"interpreter": INTERPRETER, "jit": JIT}[machine]).match(packet, wirelen)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", CASES)
def test_verdict(machine: str, name: str) -> None:
    assert run(machine, CASES[name].text) == CASES[name].verdict


@pytest.mark.skipif(bool(libpcap_bpf.MISSING), reason=libpcap_bpf.MISSING)
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.libpcap])
def test_libpcaps_verdict(name: str) -> None:
    case = CASES[name]
    assert libpcap_bpf.run(assemble(case.text), PACKET) == case.verdict


@pytest.mark.skipif(bool(NO_KERNEL), reason=NO_KERNEL)
@pytest.mark.parametrize("name", CASES)
def test_linuxs_verdict(name: str) -> None:
    case = CASES[name]
    expected = case.verdict if case.linux is None else case.linux
    with Kernel() as kernel:
        if expected == REFUSED:
            assert not kernel.attach(assemble(case.text))
            return
        assert isinstance(expected, int)
        assert kernel.attach(assemble(case.text))
        assert kernel.kept(PACKET) == min(expected, len(PACKET))
    assert vm.run(assemble(case.text), PACKET, rules=vm.LINUX) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_len_is_the_length_on_the_wire(machine: str) -> None:
    assert run(machine, "ld #pktlen\nret", b"abc", 1500) == 1500
    assert run(machine, "ldx #pktlen\ntxa\nret", b"abc", 0xFFFFFFFF) == 0xFFFFFFFF


@pytest.mark.parametrize("machine", MACHINES)
def test_bounds_are_those_of_the_capture(machine: str) -> None:
    assert run(machine, "ldb [3]\nret #1", b"abc", 1500) == 0
    assert run(machine, "ldb [0]\nret", b"", 1500) == 0
    assert run(machine, "ret #7", b"") == 7


@pytest.mark.parametrize("machine", MACHINES)
def test_backward_jumps_are_bounded(machine: str) -> None:
    count_to_len = "again: ld M[0]\nadd #1\nst M[0]\nldx #pktlen\njeq x, done, on\non: ja again\ndone: ret"
    limit = vm.BACKWARD_LIMIT
    assert run(machine, count_to_len, wirelen=limit + 1) == limit + 1
    assert run(machine, count_to_len, wirelen=limit + 2) == 0


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("offset", ANCILLARY)
def test_ancillary_data(machine: str, offset: int) -> None:
    for load in ("ld", "ldh", "ldb"):
        program = assemble(f"{load} [{0xFFFFF000 + offset}]\nret")
        for known, verdict in (({ANCILLARY[offset]: 0xABCDEF}, 0xABCDEF), ({}, 0)):
            others = {name: 7 for name in ANCILLARY.values() if name != ANCILLARY[offset]}
            if machine == "python":
                assert vm.run(program, PACKET, ancillary=known | others) == verdict
                assert vm.run(program, PACKET) == 0
            else:
                native = Native(program, {"interpreter": INTERPRETER, "jit": JIT}[machine])
                assert native.match(PACKET, None, known | others) == verdict
                assert native.match(PACKET) == 0


def test_ancillary_data_nobody_knows() -> None:
    with pytest.raises(ValueError, match="'vlan'"):
        Native(assemble("ret #1")).match(PACKET, None, {"vlan": 1})
