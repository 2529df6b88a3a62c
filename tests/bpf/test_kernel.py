"""The kernel's half of a filter: all that the other half accepts, and of everyday filters nothing else."""

from __future__ import annotations

import random
import struct

import pytest

import nmpcap
from nmpcap import FilterError
from nmpcap.bpf import Instruction, vm
from nmpcap.bpf.check import Fault, find_linux_fault
from nmpcap.bpf.kernel import kernel_program
from nmpcap.dlt import DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2

from ..filter import expressions, packets
from ..oracles import kernel_bpf
from .assembler import assemble
from .programs import make_packet, make_program, show

EVERYTHING = 262144
RET = 0x06
HEADERS = {DLT_LINUX_SLL: 16, DLT_LINUX_SLL2: 20}


def cooked(rng: random.Random, linktype: int, network: bytes) -> tuple[bytes, dict[str, int]]:
    """A packet with a cooked header, and what of that is metadata in the kernel."""
    proto = rng.choice((0x0800, 0x86DD, 0x0806, 4, 1, 0x8100, 0x88A8, 0x8847, rng.getrandbits(16)))
    known = {"proto": proto, "type": rng.randrange(5), "hatype": rng.choice((1, 772, 65534))}
    known["ifidx"] = rng.choice((1, 2, 70000))
    mac = rng.randbytes(8)
    if linktype == DLT_LINUX_SLL:
        return struct.pack("!HHH8sH", known["type"], known["hatype"], 6, mac, proto) + network, known
    fields = (proto, 0, known["ifidx"], known["hatype"], known["type"], 6, mac)
    return struct.pack("!HHIHBB8s", *fields) + network, known


def in_the_kernel(program: tuple[Instruction, ...], packet: bytes, known: dict[str, int]) -> int:
    # What a tag in the frame makes of the protocol is the prologue's business, and tested below.
    return vm.run(program, packet, ancillary={"vlanp": 0, **known}, rules=vm.LINUX)


@pytest.mark.parametrize("linktype", [DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2])
def test_it_accepts_what_random_programs_accept(rng: random.Random, linktype: int) -> None:
    accepted = faults = 0
    header = HEADERS.get(linktype, 0)
    for _ in range(3000):
        program = make_program(rng, backward=False, max_len=20)
        keep = rng.choice((1, EVERYTHING))
        translated = kernel_program(program, keep=keep, header=header)
        if isinstance(translated, Fault):
            faults += 1
            continue
        assert find_linux_fault(translated) is None
        for _ in range(4):
            packet, known = make_packet(rng, rng.randrange(60)), {}
            if header:
                packet, known = cooked(rng, linktype, packet)
            if vm.run(program, packet, ancillary=known):
                accepted += 1
                kept = in_the_kernel(translated, packet[header:], known)
                assert kept >= keep, show(program, packet)
                cut = packet[: header + kept]
                assert vm.run(program, cut, len(packet), ancillary=known), show(program, cut)
    assert accepted > 50
    assert faults > 50


@pytest.mark.parametrize("linktype", [DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2])
def test_it_accepts_nothing_else_where_the_text_is_everyday(rng: random.Random, linktype: int) -> None:
    compared = 0
    header = HEADERS.get(linktype, 0)
    for _ in range(250):
        text = expressions.make_filter(rng, linktype, rng.randrange(4))
        try:
            program = nmpcap.compile(text, linktype=linktype, live=True).instructions
        except FilterError:
            continue
        translated = kernel_program(program, header=header)
        if isinstance(translated, Fault):
            continue
        for _ in range(8):
            packet, _ = packets.make_packet(rng, linktype)
            if len(packet) < header:
                continue
            known = {"type": 0, "ifidx": 2, "vlan_tci": 5, "vlanp": 0}
            if header:
                packet, known = cooked(rng, linktype, packet[header:])
            expected = vm.run(program, packet, ancillary={"vlanp": 0, **known})
            verdict = in_the_kernel(translated, packet[header:], known)
            if known.get("proto") not in (0x8100, 0x88A8):
                assert bool(verdict) == bool(expected), f"{text!r} on {packet.hex()}"
            elif expected:
                assert verdict, f"{text!r} on {packet.hex()}"
            compared += 1
    assert compared > 500


@pytest.mark.skipif(bool(kernel_bpf.MISSING), reason=kernel_bpf.MISSING or "-")
def test_the_kernel_takes_it(rng: random.Random) -> None:
    with kernel_bpf.Kernel() as kernel:
        for _ in range(300):
            program = make_program(rng, backward=False, max_len=30)
            for header in (0, 16, 20):
                translated = kernel_program(program, header=header, tags=rng.random() < 0.5)
                assert isinstance(translated, Fault) or kernel.attach(translated), show(program)


def test_packets_with_their_tag_beside_them_pass_a_program_that_looks_for_it_in_the_frame() -> None:
    program = nmpcap.compile("vlan 5 and udp").instructions
    translated = kernel_program(program, tags=True)
    assert not isinstance(translated, Fault)
    frame = bytes(12) + b"\x08\x00" + bytes(60)
    assert in_the_kernel(translated, frame, {"vlanp": 1}) == EVERYTHING
    assert in_the_kernel(translated, frame, {"vlanp": 0}) == 0


@pytest.mark.parametrize("type_", [0x8100, 0x88A8])
def test_a_cooked_packet_whose_protocol_linux_puts_otherwise_passes(type_: int) -> None:
    translated = kernel_program(nmpcap.compile("arp", linktype=DLT_LINUX_SLL2).instructions, header=20)
    assert not isinstance(translated, Fault)
    assert in_the_kernel(translated, bytes(28), {"proto": type_}) == EVERYTHING
    assert in_the_kernel(translated, bytes(28), {"proto": 0x0806}) == EVERYTHING
    assert in_the_kernel(translated, bytes(28), {"proto": 0x0800}) == 0


def test_what_is_accepted_is_accepted_whole() -> None:
    assert kernel_program(assemble("ret #96")) == assemble(f"ret #{EVERYTHING}")
    for_length = kernel_program(assemble("ld #pktlen\nret"))
    assert not isinstance(for_length, Fault)
    assert [in_the_kernel(for_length, bytes(size), {}) for size in (0, 3)] == [0, EVERYTHING]


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("ret #5", 16),
        ("ldh [30]\nret", 32),
        ("ldx #40\nldb [x + 10]\nret", 51),
        ("ldxb 4*([14]&0xf)\nldh [x + 14]\nret", 76),
        ("ldxb 4*([99]&0xf)\nret #1", 100),
        ("ldb [0]\ntax\nld [x + 14]\nret", EVERYTHING),
        ("ldx #pktlen\nldb [x + 0]\nret", EVERYTHING),
        ("ld [0xfffff008]\nret", 16),
    ],
)
def test_as_much_is_kept_as_the_program_looks_at(text: str, bytes_: int) -> None:
    for keep in (1, 90, EVERYTHING):
        translated = kernel_program(assemble(text), keep=keep)
        assert not isinstance(translated, Fault)
        assert max(insn.k for insn in translated if insn.code == RET) == max(keep, bytes_)


def test_what_no_packet_has_rejects() -> None:
    # To Linux these would be offsets from the network header.
    for load in ("ldb [0xfff00000]", "ldb [x + 0xfff00000]", "ldxb 4*([0xfff00000]&0xf)"):
        translated = kernel_program(assemble(f"{load}\nret #1"))
        assert not isinstance(translated, Fault)
        assert in_the_kernel(translated, bytes(80), {}) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ldb [11]\nret", "byte 11 of the cooked header is not among what Linux tells filters"),
        ("ld [8]\nret", "bytes 8 to 11 of the cooked header"),
        ("ldb [x + 0]\nret", "it computes places that may be in the cooked header"),
        ("ldxb 4*([4]&0xf)\nret", "it computes places that may be in the cooked header"),
        ("lsh x\nret", "Linux shifts by a register modulo 32"),
        ("ld M[3]\nret", "Linux refuses to read M[3] where it may not have been written"),
        ("back: ldb [20]\nja back\nret", "Linux refuses jumps backwards"),
        ("ld #1\n" * 4096 + "ret", "Linux takes at most 4096 instructions"),
        ("".join(f"st M[{k}]\n" for k in range(16)) + "ldx #pktlen\nret", "no scratch word is left"),
    ],
)
def test_why_there_is_none(text: str, reason: str) -> None:
    fault = kernel_program(assemble(text), header=20)
    assert isinstance(fault, Fault)
    assert fault.reason.startswith(reason)
