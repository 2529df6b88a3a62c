"""Filters on a handle: what libpcap, through pcapy-ng, lets through, and nothing of another link type."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import nmpcap
from nmpcap import FilterError, Packet, PcapError

from .fake_source import fake_capture
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


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def test_packets_of_another_link_type_are_refused_and_counted(tmp_path: Path) -> None:
    mixed = tmp_path / "mixed.pcapng"
    raw = ethernet(17, 53, 100)[14:]
    with mixed.open("wb") as file:
        file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        file.write(block(1, struct.pack("<HHI", 1, 0, 0)) + block(1, struct.pack("<HHI", 101, 0, 0)))
        for i in range(20):
            data = raw if i % 2 else ethernet(17, 53, 100)
            file.write(block(6, struct.pack("<IIIII", i % 2, 0, i, len(data), len(data)) + data))
    with nmpcap.open_offline(mixed) as capture:
        assert [p.linktype for p in capture] == [1, 12] * 10
        assert [i.linktype for i in capture.interfaces] == [1, 12]
    with nmpcap.open_offline(mixed) as capture:
        capture.setfilter("greater 10")
        assert [(p.linktype, p.interface) for p in capture] == [(1, 0)] * 10
        assert capture.stats().filtered == 10


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
