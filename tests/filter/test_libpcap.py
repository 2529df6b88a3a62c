"""The system's libpcap as an oracle: the same filters compile, and match the same packets.

Random filters on random packets, and the written corpus. Where the two differ on purpose is
in tests/cases/filter/differences.txt, with the reason.
"""

from __future__ import annotations

import os
import random
import re
import time
from functools import lru_cache

import pytest

import nmpcap
from nmpcap import FilterError
from nmpcap.bpf import vm

from ..oracles import libpcap
from . import expressions, packets
from .cases import Case, Difference, Section, read_apply, read_cases, read_differences

NETMASK = 0xFFFFFF00
ENOUGH = 90  # bytes: what is shorter may lack headers that a filter looks for
SECONDS = float(os.environ.get("NMPCAP_FILTER_SECONDS", "20"))

pytestmark = pytest.mark.skipif(
    libpcap.library() is None, reason="no libpcap to compare with; to run it: apt-get install libpcap0.8"
)


@lru_cache(maxsize=1)
def differences() -> list[Difference]:
    return read_differences()


def known(linktype: int, text: str, *where: str) -> bool:
    """Whether libpcap is known to differ there."""
    return any(
        difference.where in where
        and (difference.linktypes is None or linktype in difference.linktypes)
        and difference.pattern.search(text)
        for difference in differences()
    )


def ours(text: str, linktype: int, *, optimize: bool) -> nmpcap.Program | None:
    try:
        return nmpcap.compile(text, linktype=linktype, optimize=optimize, netmask=NETMASK)
    except FilterError:
        return None


def theirs(text: str, linktype: int, *, optimize: bool) -> libpcap.Compiled | None:
    try:
        return libpcap.compile_filter(text, linktype, optimize=optimize, netmask=NETMASK)
    except libpcap.Refused:
        return None


def verdict(program: libpcap.Compiled, packet: bytes, wirelen: int) -> int:
    """libpcap's verdict, by a machine that starts with its scratch words at zero as 1.11's does."""
    if any(insn.code in (0x60, 0x61) for insn in program.instructions):
        return vm.run(program.instructions, packet, wirelen)
    return program.match(packet, wirelen)


RELATION = re.compile(r"[<>=]|\blen\b|less|greater|byte")


def comparable(linktype: int, text: str, cut: bool) -> bool:
    if known(linktype, text, "verdict") or (cut and known(linktype, text, "cut")):
        return False
    return not (known(linktype, text, "scratch") and RELATION.search(text))


@pytest.mark.parametrize("linktype", packets.LINK_TYPES)
def test_random_filters_agree(linktype: int, rng: random.Random) -> None:
    end = time.monotonic() + SECONDS / len(packets.LINK_TYPES)
    tried = 0
    while tried < 30 or time.monotonic() < end:
        text = expressions.make_filter(rng, linktype, rng.randrange(4))
        mine, oracle = (compile_(text, linktype, optimize=False) for compile_ in (ours, theirs))
        tried += 1
        if (mine is None) != (oracle is None):
            assert known(linktype, text, "accept"), f"{linktype}: only one compiles {text!r}"
            continue
        if mine is None or oracle is None:
            continue
        for _ in range(6):
            packet, wirelen = packets.make_packet(rng, linktype)
            if comparable(linktype, text, len(packet) < max(wirelen, ENOUGH)):
                expected = verdict(oracle, packet, wirelen)
                assert mine.match(packet, wirelen) == expected, (
                    f"{linktype}: {text!r} on {packet.hex()} of {wirelen}"
                )


@pytest.mark.parametrize("case", read_cases("reject.txt"), ids=lambda case: f"{case.where} {case.text[:40]}")
def test_libpcap_refuses_too(case: Case) -> None:
    if any(name in case.text for name in ("six", "four", "tftp", "http", "router")):
        pytest.skip("asks for names of the tests' own resolver; to run it: nothing to do, test_cases.py does")
    try:
        libpcap.compile_filter(case.text, case.linktype)
    except libpcap.Refused:
        return
    assert known(case.linktype, case.text, "accept"), case.text


@pytest.mark.parametrize("case", read_cases("accept.txt"), ids=lambda case: f"{case.where} {case.text[:40]}")
def test_libpcap_compiles_too(case: Case) -> None:
    if theirs(case.text, case.linktype, optimize=True) is None:
        assert known(case.linktype, case.text, "accept"), case.text


@pytest.mark.parametrize("section", read_apply(), ids=lambda section: section.filters[0].where)
def test_libpcap_matches_the_same_packets(section: Section) -> None:
    for case in section.filters:
        oracle = theirs(case.text, case.linktype, optimize=False)
        if oracle is None:
            assert known(case.linktype, case.text, "accept"), case.text
            continue
        for name, (data, wirelen) in section.packets.items():
            if comparable(case.linktype, case.text, len(data) < max(wirelen, ENOUGH)):
                matched = bool(verdict(oracle, data, wirelen))
                assert matched == (name in case.wanted.split()), f"{case.where}: {case.text!r} on {name}"


def test_pcapy_agrees_on_ethernet(rng: random.Random) -> None:
    pcapy = pytest.importorskip("pcapy", reason="no pcapy; to run it: pip install pcapy-ng")
    for _ in range(200):
        text = expressions.make_filter(rng, 1, rng.randrange(3))
        mine = ours(text, 1, optimize=True)
        try:
            oracle = pcapy.compile(pcapy.DLT_EN10MB, 262144, text, 0, NETMASK)
        except pcapy.PcapError:
            continue
        if mine is None or "geneve" in text or known(1, text, "verdict"):
            continue
        for _ in range(6):
            packet, wirelen = packets.make_packet(rng, 1)
            if len(packet) == wirelen and packet:
                assert bool(mine.match(packet)) == bool(oracle.filter(packet)), f"{text!r} on {packet.hex()}"
