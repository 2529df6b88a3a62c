"""Optimized programs give the verdicts of unoptimized ones, on every packet, and are short."""

from __future__ import annotations

import random

import pytest

import nmpcap
from nmpcap import FilterError
from nmpcap.bpf.check import check

from ...oracles import libpcap
from .. import expressions, packets
from ..cases import FOLDER

NETMASK = 0xFFFFFF00
EVERYDAY = [line for line in (FOLDER / "everyday.txt").read_text().splitlines() if line and line[0] != "#"]


BARE = (114, 139, 140, 165, 197, 220)  # where most of what the generator writes is refused


def both(text: str, linktype: int, **switches: bool) -> tuple[nmpcap.Program, nmpcap.Program] | None:
    """The unoptimized and the optimized program; None if the filter does not compile."""
    try:
        plain = nmpcap.compile(text, linktype=linktype, optimize=False, netmask=NETMASK, **switches)
        return plain, nmpcap.compile(text, linktype=linktype, netmask=NETMASK, **switches)
    except FilterError:
        return None


@pytest.mark.parametrize("linktype", packets.LINK_TYPES)
def test_optimization_keeps_verdicts(linktype: int, rng: random.Random) -> None:
    compared = 0
    for _ in range(80):
        text = expressions.make_filter(rng, linktype, rng.randrange(5))
        programs = both(text, linktype)
        if programs is None:
            continue
        plain, optimized = programs
        check(plain.instructions)
        check(optimized.instructions)
        for _ in range(8):
            packet, wirelen = packets.make_packet(rng, linktype)
            assert plain.match(packet, wirelen) == optimized.match(packet, wirelen), (
                f"{text!r} on {packet.hex()}"
            )
            compared += 1
    assert compared > 100 or linktype in BARE, "too few filters of the generator compile"


@pytest.mark.parametrize("switch", ["live", "savefile", "scoped", "extension_headers"])
def test_optimization_keeps_verdicts_in_every_dialect(switch: str, rng: random.Random) -> None:
    metadata = (
        {"vlanp": 1, "vlan_tci": 100, "type": 4, "ifidx": 1},
        {"vlanp": 0, "vlan_tci": 0, "type": 0, "ifidx": 2},
    )
    for _ in range(300):
        linktype = rng.choice((1, 1, 0, 12, 117))
        text = expressions.make_filter(rng, linktype, rng.randrange(4))
        programs = both(text, linktype, **{switch: True})
        if programs is None:
            continue
        plain, optimized = programs
        for _ in range(8):
            packet, wirelen = packets.make_packet(rng, linktype)
            beside = rng.choice(metadata)
            expected = plain.match(packet, wirelen, ancillary=beside)
            assert optimized.match(packet, wirelen, ancillary=beside) == expected, (
                f"{text!r} on {packet.hex()}"
            )


@pytest.mark.parametrize("text", EVERYDAY)
def test_every_cut_of_every_packet(text: str, rng: random.Random) -> None:
    programs = both(text, 1)
    assert programs is not None
    plain, optimized = programs
    for _ in range(6):
        packet = packets.ethernet(rng)
        for size in range(len(packet) + 1):
            cut = packet[:size]
            assert plain.match(cut, len(packet)) == optimized.match(cut, len(packet)), (
                f"{text!r} on {cut.hex()}"
            )


@pytest.mark.skipif(libpcap.library() is None, reason="no libpcap; to run it: apt-get install libpcap0.8")
@pytest.mark.parametrize("text", EVERYDAY)
def test_no_longer_than_libpcaps_code(text: str) -> None:
    ours = nmpcap.compile(text, netmask=NETMASK)
    theirs = libpcap.compile_filter(text, netmask=NETMASK).instructions
    assert len(ours.instructions) <= len(theirs)


LISTS = {
    "hosts": lambda number: f"host 10.{number >> 8 & 255}.{number & 255}.{number % 7}",
    "nets": lambda number: f"src net 10.{number >> 8 & 255}.{number & 255}.0/24",
    "ports": lambda number: f"tcp port {number * 5 % 65536}",
    "ranges": lambda number: f"portrange {number * 40}-{number * 40 + number % 30}",
    "hosts6": lambda number: f"host 2001:db8:{number >> 4:x}::{number % 16:x}",
    "macs": lambda number: (
        f"ether host 02:00:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    ),
    "mixed": lambda number: f"dst host 10.0.{number & 255}.9 or udp src port {number}",
    "pairs": lambda number: f"(src host 10.0.0.{number % 256} and tcp dst port {number})",
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("count", [2, 7, 40, 300])
def test_lists_find_their_members_and_nothing_else(kind: str, count: int, rng: random.Random) -> None:
    members = [LISTS[kind](number) for number in rng.sample(range(1, 1500), count)]
    together = nmpcap.compile(" or ".join(members))
    alone = [nmpcap.compile(member) for member in members[:40]]
    stranger = nmpcap.compile(" or ".join(LISTS[kind](number) for number in range(1, 1500)))
    assert len(together.instructions) < 60 * count + 60
    for _ in range(300):
        packet = listed_packet(rng)
        if any(program.match(packet) for program in alone):
            assert together.match(packet)
        if together.match(packet):
            assert stranger.match(packet)
        if count <= 40:
            assert bool(together.match(packet)) == any(program.match(packet) for program in alone), (
                packet.hex()
            )


def listed_packet(rng: random.Random) -> bytes:
    """A packet with addresses and ports that the lists are made of."""
    number = rng.randrange(1500)
    packet = bytearray(packets.ethernet(rng).ljust(80, b"\0"))
    packet[0:6] = bytes((2, 0, 0, 0, number >> 8, number & 255))
    kind = rng.randrange(4)
    if kind == 3:
        packet[12:14] = b"\x86\xdd"
        packet[20] = rng.choice((6, 17))
        packet[38:54] = bytes.fromhex(f"20010db8{number >> 4:04x}") + bytes(9) + bytes((number % 16,))
        packet[56:58] = (number * 5 % 65536).to_bytes(2, "big")
    else:
        packet[12:14] = b"\x08\x00"
        packet[14], packet[20:22], packet[23] = 0x45, b"\0\0", rng.choice((6, 17))
        packet[26:30] = bytes((10, number >> 8, number & 255, number % 7))
        packet[30:34] = bytes((10, 0, number & 255, 9))
        packet[34:36] = number.to_bytes(2, "big")
        packet[36:38] = (number * rng.choice((1, 5, 40)) % 65536).to_bytes(2, "big")
    return bytes(packet)


def test_far_jumps_reach_their_targets(rng: random.Random) -> None:
    terms = [
        f"(ip[{rng.randrange(60)}] = {rng.randrange(256)} and len > {rng.randrange(2000)})"
        for _ in range(900)
    ]
    plain, optimized = both(" or ".join(terms), 1) or (None, None)
    assert plain is not None
    assert optimized is not None
    assert len(optimized.instructions) > 1500
    for _ in range(200):
        packet, wirelen = packets.make_packet(rng, 1)
        assert plain.match(packet, wirelen) == optimized.match(packet, wirelen)


def test_every_distance_of_jumps_can_be_written() -> None:
    # Around 255 instructions a jump needs help, which makes other jumps longer in turn.
    for count in range(20, 90):
        terms = [f"(ip[{at % 50}] = {at} and len > {at})" for at in range(count)]
        for text in (
            " or ".join(terms),
            "not (" + " and not ".join(terms) + ")",
            "arp or " + " or ".join(terms),
        ):
            for optimize in (False, True):
                nmpcap.compile(
                    text, optimize=optimize
                )  # raises ProgramError for a distance that does not fit


def test_impossible_filters_are_told_only_where_libpcap_tells_them() -> None:
    for text in (
        *("ip and ip6", "1 = 2", "5 = 2+2", "0x10 = icmp-echo + 4", "tcp and udp", "len > 5 and not len > 5"),
        *("tcp port 1 and 2 and 3", "host 1.1.1.1 and 2.2.2.2 and 3.3.3.3", "icmp and port 1", "5 & 2 = 1"),
    ):
        with pytest.raises(FilterError, match="expression rejects all packets"):
            nmpcap.compile(text)
        assert nmpcap.compile(text, optimize=False).match(bytes(100)) == 0
    for text in (
        *("ip[0] = 300", "len > 5 and len < 3", "ip[0] & 240 = 5", "len = 2+3 and len = 3"),
        "port 22429 and 88 and 37059",
    ):
        assert nmpcap.compile(text).image() == "(000) ret      #0"


def test_an_old_bug_of_optimizers(rng: random.Random) -> None:
    """libpcap issue 945: let through what must be rejected."""
    a, b, c = "host 10.0.0.1", "host 10.0.0.2", "host 10.0.0.3"
    text = f"{a} and not (({b} or {c}) and icmp) and not ({c} or {a})"
    programs = both(text, 1)
    assert programs is not None
    for _ in range(500):
        packet = packets.ethernet(rng)
        assert [program.match(packet) for program in programs] == [0, 0]
