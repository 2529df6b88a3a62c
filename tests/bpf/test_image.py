from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from nmpcap.bpf import Instruction, image, parse_ddd
from nmpcap.bpf.image import instruction_image
from nmpcap.errors import PcapError

from ..oracles import libpcap_bpf
from .assembler import assemble
from .programs import BOUNDARIES, make_program

PROGRAM = assemble("""
            ldh [12]
            jeq #0x86dd, no, next
    next:   jeq #0x800, ip, no
    ip:     ldxb 4*([14]&0xf)
            ldh [x + 16]
            add #-1
            and #0x3ff
            jgt x, no
            ld M[3]
            ja yes
    yes:    ret #262144
    no:     ret #0
""")

D = """\
(000) ldh      [12]
(001) jeq      #0x86dd          jt 11	jf 2
(002) jeq      #0x800           jt 3	jf 11
(003) ldxb     4*([14]&0xf)
(004) ldh      [x + 16]
(005) add      #-1
(006) and      #0x3ff
(007) jgt      x                jt 11	jf 8
(008) ld       M[3]
(009) ja       10
(010) ret      #262144
(011) ret      #0"""

DD = """\
{ 0x28, 0, 0, 0x0000000c },
{ 0x15, 9, 0, 0x000086dd },
{ 0x15, 0, 8, 0x00000800 },
{ 0xb1, 0, 0, 0x0000000e },
{ 0x48, 0, 0, 0x00000010 },
{ 0x4, 0, 0, 0xffffffff },
{ 0x54, 0, 0, 0x000003ff },
{ 0x2d, 3, 0, 0x00000000 },
{ 0x60, 0, 0, 0x00000003 },
{ 0x5, 0, 0, 0x00000000 },
{ 0x6, 0, 0, 0x00040000 },
{ 0x6, 0, 0, 0x00000000 },"""

DDD = """\
12
40 0 0 12
21 9 0 34525
21 0 8 2048
177 0 0 14
72 0 0 16
4 0 0 4294967295
84 0 0 1023
45 3 0 0
96 0 0 3
5 0 0 0
6 0 0 262144
6 0 0 0"""


@pytest.mark.parametrize(("form", "text"), [("d", D), ("dd", DD), ("ddd", DDD)])
def test_the_three_forms(form: str, text: str) -> None:
    assert image(PROGRAM, form) == text


def test_there_is_no_fourth_form() -> None:
    with pytest.raises(ValueError, match="'dddd'"):
        image(PROGRAM, "dddd")


# libpcap 1.10 leaves out one opcode that its machine knows.
UNKNOWN_TO_LIBPCAP_1_10 = {0x81: "ldx #pktlen"}


@pytest.mark.skipif(bool(libpcap_bpf.MISSING), reason=libpcap_bpf.MISSING)
def test_every_line_is_libpcaps() -> None:
    for code in {*range(0x200), 0xFFFF} - set(UNKNOWN_TO_LIBPCAP_1_10):
        for k in (*BOUNDARIES, *range(0xFFFFF000, 0xFFFFF048)):
            for pos in (0, 7, 1000):
                insn = Instruction(code, 255, 3, k)
                assert instruction_image(insn, pos) == libpcap_bpf.line(insn, pos), insn


@pytest.mark.skipif(not shutil.which("tcpdump"), reason="no tcpdump; to run it: apt-get install tcpdump")
@pytest.mark.parametrize("expression", ["udp port 53", "host 10.1.2.3 or net 10.0.0.0/8", "ip[8] + len > 7"])
def test_a_listing_is_tcpdumps(expression: str) -> None:
    def tcpdump(option: str) -> str:
        command = ["tcpdump", option, expression]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return "\n".join(line.rstrip() for line in text.splitlines())

    program = parse_ddd(tcpdump("-ddd"))
    assert image(program, "d") == tcpdump("-d")
    assert image(program, "dd") == tcpdump("-dd")
    assert image(program, "ddd") == tcpdump("-ddd")


def test_ddd_read_back(rng: random.Random) -> None:
    for _ in range(50):
        program = make_program(rng)
        assert parse_ddd(image(program, "ddd")) == program


def test_ddd_may_come_in_one_line() -> None:
    assert parse_ddd("2,48 0 0 9,6 0 0 0") == ((48, 0, 0, 9), (6, 0, 0, 0))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("x\n6 0 0 0", "line 1"),
        ("1 2\n6 0 0 0", "line 1"),
        ("-1\n6 0 0 0", "line 1"),
        ("2\n6 0 0 0", "announces 2 instructions, 1 follow"),
        ("1\n6 0 0 0\n6 0 0 0", "announces 1 instructions, 2 follow"),
        ("1\n6 0 0", "line 2"),
        ("1\n6 0 0 0 0", "line 2"),
        ("1\n6 0 0 0x1", "line 2"),
        ("1\n6 0 0 -1", "line 2"),
        ("1\n6 0 0 1_0", "line 2"),
        ("1\n6 0 0 \u0661", "line 2"),
        ("1\n6 0 0 4294967296", "line 2"),
        ("1\n6 256 0 0", "line 2"),
        ("1\n65536 0 0 0", "line 2"),
        ("1\n6 0 0 " + "9" * 5000, "line 2"),
    ],
)
def test_ddd_that_is_not(text: str, complaint: str) -> None:
    with pytest.raises(PcapError, match=complaint):
        parse_ddd(text)
