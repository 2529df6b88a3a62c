"""Filters on interfaces: what libpcap lets through, refused in the kernel, changed under traffic."""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import nmpcap
from nmpcap import Capture, FilterError, PcapError, Program, UsageError
from nmpcap.dlt import DLT_DOCSIS, DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2

from .bpf.assembler import assemble
from .filter import expressions
from .oracles import libpcap
from .oracles.libpcap_live import Live, Seen
from .wire import FAR, NEAR, OUTGOING, Wire, make_frame, wire

needs_libpcap = pytest.mark.skipif(
    libpcap.library() is None, reason=f"nothing to compare with; to run it: {libpcap.INSTALL}"
)

HEAD = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
EVERYDAY = [
    "ip", "ip6", "arp", "not ip", "tcp", "udp", "icmp or icmp6", "port 53", "tcp port 80 or 443", "host 10.0.0.1",
    "net 192.168.0.0/16", "src portrange 1-1024", "tcp[tcpflags] & tcp-syn != 0", "ether broadcast", "multicast",
    "ip multicast", "greater 100", "len <= 60", "vlan", "vlan 5", "vlan and ip", "not vlan", "vlan 5 and udp port 53",
    "ip or vlan", "vlan and vlan", "ether proto 0x88a8", "ip[8] < 64 and not udp", "ip[2:2] > 100", "mpls", "pppoes",
    "vxlan", "geneve", "ip protochain 6", "stp", "ether host 00:11:22:33:44:55", "ether[0] & 1 = 0",
    "inbound", "outbound", "inbound and udp", "outbound and vlan",
]  # fmt: skip


@pytest.fixture
def there() -> Iterator[Wire]:
    with wire() as made:
        yield made


def datagram(number: int, port: int = 53, size: int = 60) -> bytes:
    payload = struct.pack("!HHHHQ", 40000, port, size - 34, 0, number)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size - 14, 1, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return (HEAD + b"\x08\x00" + ip + payload).ljust(size, b"\0")


def number_of(frame: bytes) -> int:
    return int.from_bytes(frame[42:50], "big")


def read(capture: Capture) -> list[nmpcap.Packet]:
    """What has come, once the last block's time is up."""
    return list(iter(lambda: capture.next(0.05), None))


def seen(capture: Capture) -> list[Seen]:
    return [Seen(packet.data, packet.len) for packet in iter(lambda: capture.next(0), None)]


def agree(theirs: list[Seen], ours: list[Seen], text: str) -> bool:
    """Whether both saw the same.

    libpcap judges the first packet after a change above the kernel, too, where it knows no metadata but
    the tag: it then refuses that packet.
    """
    asks = any(word in text for word in ("inbound", "outbound", "ifindex"))
    return theirs == ours or (asks and theirs == ours[1:])


def texts(rng: random.Random, linktype: int) -> Iterator[str]:
    yield from EVERYDAY
    for _ in range(120):
        yield expressions.make_filter(rng, linktype, rng.randrange(3))


def same_language(text: str, linktype: int, frames: list[bytes]) -> bool:
    """Whether libpcap, which may be an older one, has the same program in mind, apart from the kernel."""
    if "inbound" in text or "outbound" in text or "ifindex" in text:
        return True
    try:
        theirs, ours = libpcap.compile_filter(text, linktype), nmpcap.compile(text, linktype=linktype)
    except (libpcap.Refused, FilterError):
        return False
    samples = frames
    if linktype == DLT_LINUX_SLL:
        samples = [bytes(14) + frame[12:] for frame in frames]
    elif linktype == DLT_LINUX_SLL2:
        samples = [frame[12:14] + bytes(18) + frame[14:] for frame in frames]
    return all(bool(theirs.match(each)) == bool(ours.match(each)) for each in samples)


# ---- the same packets as libpcap ---------------------------------------------------------


@needs_libpcap
def test_the_same_packets_as_libpcap(there: Wire, rng: random.Random) -> None:
    both = in_kernel = 0
    with nmpcap.open(NEAR, immediate=True) as ours:
        for text in texts(rng, DLT_EN10MB):
            frames = [make_frame(rng) for _ in range(24)]
            if not same_language(text, DLT_EN10MB, frames):
                continue
            # One handle a filter: libpcap forgets to filter above the kernel where it did so in it before.
            with Live(NEAR) as theirs:
                if not theirs.setfilter(text):
                    continue
                ours.setfilter(text)
                there.send(frames, outgoing=[rng.random() < 0.3 for _ in frames])
                expected, got = theirs.read(), seen(ours)
            assert agree(expected, got, text), shown(ours, text, frames)
            both += len(got)
            in_kernel += ours.explain().filter.startswith("in the kernel")
        assert ours.stats().dropped == 0
    assert both > 200
    assert in_kernel > 60


# libpcap loses the header in these: the length is without it, and of a byte of it a whole field is loaded.
LOSES_THE_HEADER = re.compile(r"len|less|greater|byte|\b(link|ether|ppp|slip|fddi|tr|wlan)\[")


@needs_libpcap
@pytest.mark.parametrize("linktype", [DLT_LINUX_SLL, DLT_LINUX_SLL2])
def test_the_same_packets_as_libpcap_on_all_interfaces(there: Wire, rng: random.Random, linktype: int) -> None:
    both = in_kernel = 0
    with nmpcap.open("any", immediate=True) as ours:
        ours.set_datalink(linktype)
        for text in texts(rng, linktype):
            # libpcap leaves tags out of LINUX_SLL2; Linux tells its filters and its readers different things
            # about a second tag, and about one that is in the frame.
            tags = rng.randrange(2) if linktype == DLT_LINUX_SLL else 0
            frames = [make_frame(rng, tags) for _ in range(16)]
            if LOSES_THE_HEADER.search(text) or not same_language(text, linktype, frames):
                continue
            with Live("any", linktype=linktype) as theirs:
                if not theirs.setfilter(text):
                    continue
                ours.setfilter(text)
                there.send(frames)
                expected, got = theirs.read(), seen(ours)
            if tags:
                expected, got = ([each for each in all if each.data[1] != OUTGOING] for all in (expected, got))
            assert agree(expected, got, text), shown(ours, text, frames)
            both += len(got)
            in_kernel += ours.explain().filter.startswith("in the kernel")
    assert both > 200
    assert in_kernel > 60


def shown(ours: Capture, text: str, frames: list[bytes]) -> str:
    return f"{text!r} ({ours.explain().filter}) of {[frame.hex() for frame in frames]}"
