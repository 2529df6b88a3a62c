"""Filters on a handle: what libpcap lets through, of each link type."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import nmpcap
from nmpcap import FilterError, Packet, PcapError, Program

from .fake_source import fake_capture
from .oracles.libpcap import compile_filter
from .readers import READERS

pcapy = pytest.importorskip("pcapy", reason="no libpcap to compare with; to run it: pip install pcapy-ng")

HEAD = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"


def ethernet(proto: int, port: int, size: int) -> bytes:
    payload = struct.pack("!HHHH", 40000, port, size - 34, 0) + bytes(size - 42)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size - 14, 1, 0, 64, proto, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return HEAD + b"\x08\x00" + ip + payload


@pytest.fixture
def savefile(tmp_path: Path) -> Path:
    """2000 packets of UDP and TCP to few ports, ARP among them."""
    path = tmp_path / "some.pcap"
    with nmpcap.open_writer(path) as writer:
        for i in range(2000):
            data = (
                HEAD + b"\x08\x06" + bytes(46)
                if i % 7 == 0
                else ethernet(17 if i % 2 else 6, i % 60, 60 + i % 900)
            )
            writer.write(Packet(data, 10**9 * i + 1000))
    return path


EXPRESSIONS = ["udp port 53", "tcp", "arp or udp port 7", "not ip", "greater 500", "host 10.0.0.9", ""]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("reader", READERS)
def test_the_same_packets_as_libpcap_lets_through(reader: str, expression: str, savefile: Path) -> None:
    theirs: list[bytes] = []
    other = pcapy.open_offline(str(savefile))
    other.setfilter(expression)
    other.loop(-1, lambda header, data: theirs.append(data))
    with nmpcap.open_offline(savefile) as capture:
        capture.setfilter(expression)
        assert [p.data for p in READERS[reader](capture)] == theirs
        stats = capture.stats()
        assert (stats.received, stats.delivered) == (2000, len(theirs))
        assert stats.filtered == 2000 - len(theirs)


def test_a_program_serves_many_handles(savefile: Path) -> None:
    program = nmpcap.compile("udp")
    counts = []
    for _ in range(3):
        with nmpcap.open_offline(savefile) as capture:
            capture.setfilter(program)
            counts.append(len(list(capture)))
    assert counts[0] == counts[1] == counts[2] > 0


def test_a_bad_expression_is_pointed_at_and_the_filter_before_it_stays(savefile: Path) -> None:
    with nmpcap.open_offline(savefile) as capture:
        capture.setfilter("arp")
        with pytest.raises(FilterError) as caught:
            capture.setfilter("udp port and")
        assert caught.value.position >= 9
        assert all(p[12:14] == b"\x08\x06" for p in capture)


def test_a_filter_for_another_link_type_is_refused(savefile: Path) -> None:
    with nmpcap.open_offline(savefile) as capture:
        with pytest.raises(PcapError, match="the filter is for link type RAW, the packets are EN10MB"):
            capture.setfilter(nmpcap.compile("udp", linktype=12))
        assert capture.explain().filter == "none"


# ---- several link types in one file ----------------------------------------------------

ETHERNET, RAW, COOKED = 1, 12, 113


def mixed_packet(linktype: int, i: int) -> Packet:
    frame = ethernet(17 if i % 3 else 6, 50 + i % 7, 60 + i)
    start = {ETHERNET: HEAD + b"\x08\x00", RAW: b"", COOKED: bytes(14) + b"\x08\x00"}[linktype]
    return Packet(start + frame[14:], 1000 * i, linktype=linktype)


@pytest.fixture
def mixed(tmp_path: Path, rng: random.Random) -> tuple[Path, list[Packet]]:
    """Two sections; packets of two link types in runs of all lengths, and of a third in the second one."""
    path, packets = tmp_path / "mixed.pcapng", []
    for linktypes in ((ETHERNET, RAW), (COOKED, ETHERNET, RAW)):
        with nmpcap.open_writer(path, append=True, nano=True) as writer:
            writer.describe_interface(0, ETHERNET)
            for _ in range(150):
                linktype = rng.choice(linktypes)
                for _ in range(rng.choice([1, 1, 2, 20])):
                    packets.append(mixed_packet(linktype, len(packets)))
                    writer.write(packets[-1])
    return path, packets


def by_libpcap(expression: str, packets: list[Packet]) -> list[bytes]:
    """Those that libpcap's program for the link type of each lets through."""
    programs = {linktype: compile_filter(expression, linktype) for linktype in (ETHERNET, RAW, COOKED)}
    return [p.data for p in packets if programs[p.linktype].match(p.data, p.len)]


@pytest.mark.parametrize("expression", ["udp port 53", "not udp port 53", "tcp", "greater 500", "ip[8] = 64"])
@pytest.mark.parametrize("reader", READERS)
def test_an_expression_is_for_every_link_type(
    reader: str, expression: str, mixed: tuple[Path, list[Packet]]
) -> None:
    path, packets = mixed
    with nmpcap.open_offline(path) as capture:
        capture.setfilter(expression)
        expected = by_libpcap(expression, packets)
        assert [p.data for p in READERS[reader](capture)] == expected
        stats = capture.stats()
        assert (stats.received, stats.delivered) == (len(packets), len(expected))
        assert stats.received == stats.delivered + stats.filtered


def test_packets_that_wait_are_judged_by_link_type_too(mixed: tuple[Path, list[Packet]]) -> None:
    path, packets = mixed
    with nmpcap.open_offline(path) as capture:
        first = [capture.next().data for _ in range(10)]
        capture.setfilter("udp port 53")
        rest = [packet.data for packet in capture]
    assert first == [packet.data for packet in packets[:10]]
    assert rest == by_libpcap("udp port 53", packets[10:])


def test_a_filter_may_change_anywhere(mixed: tuple[Path, list[Packet]], rng: random.Random) -> None:
    path, packets = mixed
    number = {packet.data: i for i, packet in enumerate(packets)}
    expression, got = "", []
    with nmpcap.open_offline(path) as capture:
        while packet := capture.next():
            assert by_libpcap(expression, [packet]), expression
            got.append(number[packet.data])
            expression = rng.choice(["udp", "tcp", "", "udp port 53", "less 900"])
            capture.setfilter(expression)
        stats = capture.stats()
    assert got == sorted(got)
    assert stats.received == stats.delivered + stats.filtered == len(packets)
    assert stats.delivered == len(got)


def test_of_a_link_type_that_it_means_nothing_for_nothing_passes(mixed: tuple[Path, list[Packet]]) -> None:
    path, packets = mixed
    with nmpcap.open_offline(path) as capture:
        capture.setfilter("ether dst 02:00:00:00:00:01")
        assert [p.data for p in capture] == [p.data for p in packets if p.linktype == ETHERNET]
        assert "nothing of link type RAW passes: " in capture.explain().filter
        capture.setfilter("")
        assert capture.explain().filter == "none"


def test_a_program_is_for_its_link_type_alone(mixed: tuple[Path, list[Packet]]) -> None:
    path, packets = mixed
    ours = [p.data for p in packets if p.linktype == ETHERNET]
    with nmpcap.open_offline(path) as capture:
        capture.setfilter(nmpcap.compile("greater 10", linktype=capture.datalink()))
        assert [p.data for p in capture] == ours
        assert capture.stats().filtered == len(packets) - len(ours)


def test_a_recording_of_several_link_types_plays_back_through_a_filter(
    mixed: tuple[Path, list[Packet]],
) -> None:
    path, packets = mixed
    with nmpcap.open(f"file:{path}", speed=1000) as capture:
        capture.setfilter("udp port 53")
        assert [p.data for p in capture] == by_libpcap("udp port 53", packets)


def test_filtering_on_a_port(port_name: Callable[[str], str], netmap: str) -> None:
    with nmpcap.open(port_name("a")) as sender, nmpcap.open(port_name("b"), timeout=0.2) as receiver:
        receiver.setfilter("udp port 53")
        frames = [ethernet(17, i % 60, 100) for i in range(240)]
        sender.inject_many(frames)
        assert [p.data for p in iter(receiver.next, None)] == [
            f for i, f in enumerate(frames) if i % 60 == 53
        ]
        assert receiver.stats().filtered == 236
        assert receiver.explain().filter.startswith("in user space, ")


def test_breakloop_ends_a_call_whose_packets_are_all_refused() -> None:
    capture, _ = fake_capture(available=2**60, per_fill=100)
    capture.setfilter("len > 10000")
    from .later import Later

    later = Later(0.1, capture.breakloop)
    assert capture.next() is None
    later.join()


# ---- a new filter loses nothing ------------------------------------------------------------


def by_turns(count: int) -> list[Packet]:
    """tcp, udp, tcp, udp ... to port 1000 + number."""
    ip = bytes.fromhex("4500002800000000400600000a0000010a000002")
    return [
        Packet(
            bytes(12) + b"\x08\x00" + ip[:9] + (b"\x11" if i % 2 else b"\x06") + ip[10:] + bytes(2)
            + (1000 + i).to_bytes(2, "big") + bytes(16),
            ts_ns=i,
        )
        for i in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("old", ["tcp", "udp", "less 1", "", "port 1001"])
@pytest.mark.parametrize("read", [0, 1, 2, 5])
def test_a_new_filter_judges_what_the_old_one_had_refused(old: str, read: int, tmp_path: Path) -> None:
    """libpcap reads packet by packet: what it has not read yet is judged by the filter there is then."""
    path = tmp_path / "turns.pcap"
    sent = by_turns(700)
    with nmpcap.open_writer(path, nano=True) as writer:
        writer.write_many(sent)
    with nmpcap.open_offline(path) as capture:
        capture.setfilter(old)
        had = [packet for packet in (capture.next() for _ in range(read)) if packet is not None]
        capture.setfilter("udp")
        last = had[-1].ts_ns if had else -1
        if len(had) < read:
            last = 700  # it has looked at all of them
        assert [p.ts_ns for p in capture] == [p.ts_ns for p in sent if p.ts_ns > last and p.ts_ns % 2]
        stats = capture.stats()
        assert stats.received == stats.filtered + stats.delivered == 700


def test_what_an_old_filter_and_verdict_left_of_a_packet_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "turns.pcap"
    with nmpcap.open_writer(path, nano=True) as writer:
        writer.write_many(by_turns(20))
    with nmpcap.open_offline(path) as capture:
        capture.setfilter(Program.from_instructions([(0x06, 0, 0, 20)]))  # everything, cut to 20 bytes
        first = capture.next()
        assert first is not None
        assert first.caplen == 20
        capture.setfilter("dst port 1005")  # behind what the old one had left
        assert [(p.ts_ns, p.caplen) for p in capture] == [(5, 54)]


def test_changing_the_filter_many_times_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "turns.pcap"
    sent = by_turns(300)
    with nmpcap.open_writer(path, nano=True) as writer:
        writer.write_many(sent)
    with nmpcap.open_offline(path) as capture:
        seen = []
        for _ in range(150):  # always refuses the next one, then asks for it
            capture.setfilter("tcp")
            packet = capture.next()
            capture.setfilter("udp")
            other = capture.next()
            assert packet is not None
            assert other is not None
            seen += [packet.ts_ns, other.ts_ns]
        assert seen == [p.ts_ns for p in sent]


def test_what_waits_in_a_pipe_is_judged_anew() -> None:
    with nmpcap.open("netmap:f{1") as a, nmpcap.open("netmap:f}1") as b:
        b.setfilter("tcp")
        assert a.inject_many([bytes(p.data) for p in by_turns(40)]) == 40
        first = b.next(timeout=2)
        assert first is not None
        b.setfilter("udp")
        got = [b.next(timeout=2) for _ in range(20)]
        assert [int.from_bytes(p.data[36:38], "big") - 1000 for p in got if p] == list(range(1, 40, 2))
