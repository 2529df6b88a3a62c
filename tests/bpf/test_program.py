from __future__ import annotations

import pickle
from dataclasses import dataclass

import pytest

from nmpcap import compile
from nmpcap.bpf import Instruction
from nmpcap.bpf.program import Program
from nmpcap.errors import PcapError, ProgramError

from .assembler import assemble

IP = [(40, 0, 0, 12), (21, 0, 1, 2048), (6, 0, 0, 262144), (6, 0, 0, 0)]
IP_PACKET = bytes(12) + b"\x08\x00" + bytes(20)


@dataclass
class Origin:
    text: str
    live: bool = False

    def explain(self) -> str:
        return f"{self.text}: what it tests"


def test_from_instructions() -> None:
    program = Program.from_instructions(IP)
    assert program.instructions == tuple(Instruction(*insn) for insn in IP)
    assert program.match(IP_PACKET) == 262144
    assert program.match(bytes(40)) == 0
    assert (program.linktype, program.snaplen) == (1, 262144)


def test_from_the_text_of_tcpdump() -> None:
    program = Program.from_ddd("4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n", linktype=113, snaplen=96)
    assert program == Program.from_instructions(IP, linktype=113, snaplen=96)
    assert (program.linktype, program.snaplen) == (113, 96)


def test_wirelen_and_ancillary() -> None:
    length = Program.from_instructions([(0x80, 0, 0, 0), (0x16, 0, 0, 0)])
    assert (length.match(b"abc"), length.match(b"abc", 1500)) == (3, 1500)
    tag = Program.from_instructions([(0x20, 0, 0, 0xFFFFF02C), (0x16, 0, 0, 0)])
    assert (tag.match(b"abc"), tag.match(b"abc", ancillary={"vlan_tci": 5})) == (0, 5)


def test_a_program_is_checked_when_made() -> None:
    with pytest.raises(ProgramError, match="instruction 1: jump out"):
        Program.from_instructions([(40, 0, 0, 12), (21, 0, 9, 0), (6, 0, 0, 0)])
    with pytest.raises(ProgramError, match="instruction 0: the last"):
        Program.from_ddd("1\n40 0 0 12")
    with pytest.raises(PcapError, match="line 2"):
        Program.from_ddd("1\nldh [12]")


def test_images() -> None:
    program = Program.from_instructions(IP)
    assert program.image().splitlines()[1] == "(001) jeq      #0x800           jt 2\tjf 3"
    assert program.image("d") == program.image()
    assert program.image("dd").splitlines()[0] == "{ 0x28, 0, 0, 0x0000000c },"
    assert Program.from_ddd(program.image("ddd")) == program


def test_explain_comes_from_the_compiler() -> None:
    program = Program(IP, origin=Origin("ip"))
    assert program.explain() == "ip: what it tests"
    with pytest.raises(PcapError, match="not from an expression"):
        Program(IP).explain()


def test_it_never_changes() -> None:
    program = compile("tcp")
    for name in ("snaplen", "linktype", "instructions", "origin", "color"):
        with pytest.raises(AttributeError, match=f"never changes: {name}"):
            setattr(program, name, 1)
    with pytest.raises(AttributeError, match="never changes"):
        del program.snaplen


def test_equality_and_hash() -> None:
    program = Program(IP)
    assert program == Program.from_instructions(IP)
    assert hash(program) == hash(Program(IP, origin=Origin("ip")))
    assert program != Program(IP, snaplen=96)
    assert program != Program(IP, linktype=113)
    assert program != Program(IP[:2] + IP[2:][::-1])
    assert program != IP


def test_pickled_and_run_again() -> None:
    program = Program(IP, linktype=113, snaplen=96, origin=Origin("ip"))
    assert program.match(IP_PACKET)
    copy = pickle.loads(pickle.dumps(program))
    assert copy == program
    assert copy.explain() == program.explain()
    assert copy.match(IP_PACKET) == 262144


def test_repr_says_what_it_is() -> None:
    assert repr(Program(IP)) == "<Program from instructions: 4 instructions, linktype 1>"
    assert repr(Program(IP, origin=Origin("ip"))) == "<Program 'ip': 4 instructions, linktype 1>"
    long = repr(Program(IP, origin=Origin(" or ".join(["port 53"] * 5000))))
    assert long.startswith("<Program 'port 53 or port 53 or ")
    assert long.endswith("...': 4 instructions, linktype 1>")
    assert len(long) < 140


def test_whether_it_is_for_a_packet_socket() -> None:
    assert not Program(IP).live
    assert not compile("vlan and ip").live
    assert compile("ip", live=True).live
    assert pickle.loads(pickle.dumps(compile("ip", live=True))).live
    metadata = assemble("ldb [0xfffff030]\nld [0xfffff008]\nret")
    assert Program(metadata).live
    assert Program(metadata).native.metadata == {"vlanp", "ifidx"}
    unreachable = assemble("ja end\nldb [0xfffff030]\nend: ret #1")
    assert not Program(unreachable).native.metadata
