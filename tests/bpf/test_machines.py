"""Random programs over random packets: every machine gives the same verdict."""

from __future__ import annotations

import random

import pytest

from nmpcap.bpf import Instruction, vm
from nmpcap.bpf import insn as op
from nmpcap.bpf.check import check, find_linux_fault
from nmpcap.bpf.insn import ANCILLARY
from nmpcap.bpf.native import INTERPRETER, JIT, Native

from ..oracles import libpcap_bpf
from ..oracles.kernel_bpf import MISSING as NO_KERNEL
from ..oracles.kernel_bpf import Kernel
from .programs import PACKET, boundary, make_packet, make_program, show

PROGRAMS = 1000
PACKETS = 6


def test_python_interpreter_and_machine_code_agree(rng: random.Random) -> None:
    passed = 0
    for _ in range(PROGRAMS):
        program = make_program(rng)
        check(program)
        machines = [Native(program, INTERPRETER), Native(program, JIT)]
        for _ in range(PACKETS):
            packet = make_packet(rng)
            wirelen = rng.choice((len(packet), boundary(rng)))
            known = {name: boundary(rng) for name in ANCILLARY.values() if rng.random() < 0.7}
            expected = vm.run(program, packet, wirelen, ancillary=known)
            verdicts = [machine.match(packet, wirelen, known) for machine in machines]
            assert verdicts == [expected, expected], show(program, packet)
            passed += expected > 0
    assert passed > PROGRAMS * PACKETS // 25


@pytest.mark.skipif(bool(libpcap_bpf.MISSING), reason=libpcap_bpf.MISSING)
def test_libpcap_agrees(rng: random.Random) -> None:
    # Before 1.10.7 scratch words held anything at the start.
    clear = tuple(Instruction(op.ST, 0, 0, word) for word in range(op.MEMWORDS))
    passed = 0
    for _ in range(PROGRAMS):
        program = clear + make_program(rng, backward=False)
        if any(insn.code in (0x64, 0x74) and insn.k >= 32 for insn in program):
            continue  # undefined in C
        native = Native(program)
        for _ in range(PACKETS):
            packet = make_packet(rng)
            wirelen = rng.choice((len(packet), boundary(rng)))
            expected = libpcap_bpf.run(program, packet, wirelen)
            assert native.match(packet, wirelen) == expected, show(program, packet)
            passed += expected > 0
    assert passed > PROGRAMS * PACKETS // 25


def linux_program(rng: random.Random) -> tuple[Instruction, ...]:
    """One that Linux takes, and that asks for no ancillary data."""
    while True:
        program = make_program(rng, backward=False)
        ancillary = any(insn.code & 0xE7 == 0x20 and insn.k >= 0xFFFFF000 for insn in program)
        if not ancillary and find_linux_fault(program) is None:
            return program


@pytest.mark.skipif(bool(NO_KERNEL), reason=NO_KERNEL)
def test_the_kernel_agrees(rng: random.Random) -> None:
    """With vm.LINUX always; with the other machines wherever the two sets of rules say the same."""
    passed = alike = 0
    with Kernel() as kernel:
        for _ in range(PROGRAMS):
            program = linux_program(rng)
            native = Native(program)
            assert kernel.attach(program), show(program)
            for _ in range(PACKETS):
                packet = make_packet(rng, rng.randrange(1, PACKET))
                kept = kernel.kept(packet)
                expected = vm.run(program, packet, rules=vm.LINUX)
                assert kept == min(expected, len(packet)), show(program, packet)
                if expected == vm.run(program, packet):
                    assert min(native.match(packet), len(packet)) == kept, show(program, packet)
                    alike += 1
                passed += expected > 0
    assert passed > PROGRAMS * PACKETS // 25
    assert alike > PROGRAMS * PACKETS * 9 // 10
