"""Captures that stand-ins and originals read alike: built here, a packet at a time."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

from ..network import Network, frame
from ..savefile.pcapfiles import NANO, Given, Layout

SECONDS = 1_700_000_003


def datagram(sport: int, dport: int, payload: bytes = b"", *, source: str = "192.0.2.1") -> bytes:
    """An Ethernet frame with a UDP datagram."""
    return _ethernet(_ipv4(source, 17, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload))


def segment(sport: int, dport: int, flags: int, payload: bytes = b"", *, source: str = "192.0.2.1") -> bytes:
    """An Ethernet frame with a TCP segment."""
    return _ethernet(
        _ipv4(source, 6, struct.pack("!HHIIBBHHH", sport, dport, 1, 1, 0x50, flags, 8192, 0, 0) + payload)
    )


def _ipv4(source: str, protocol: int, body: bytes) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton("198.51.100.7")
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + addresses + body


def _ethernet(body: bytes) -> bytes:
    return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + body


FRAMES = [
    datagram(40000, 53, b"question"),
    segment(40001, 80, 0x18, b"GET / HTTP/1.1\r\n\r\n"),
    datagram(53, 40000, b"answer, a longer one", source="203.0.113.9"),
    segment(40002, 443, 0x02),
    b"\xff" * 6 + b"\x02\0\0\0\0\x01\x08\x06" + bytes(28),
    segment(40002, 443, 0x18, b"hello", source="203.0.113.9"),
    b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x81\0\0\x05\x08\0" + datagram(7, 9, b"tagged")[14:],
    segment(40002, 443, 0x10),
]
PACKETS = [Given(SECONDS + i, 2991 * (i + 1), frame, len(frame)) for i, frame in enumerate(FRAMES)]
PLAIN = Layout().file(PACKETS)
SWAPPED = Layout(order=">").file(PACKETS)
NANOSECONDS = Layout(magic=NANO).file([Given(p.seconds, 2_991_123, p.data, p.len) for p in PACKETS])
SHORT = Layout(snaplen=20).file([Given(p.seconds, p.fraction, p.data[:20], p.len) for p in PACKETS])
RAW = Layout(linktype=101).file([Given(p.seconds, p.fraction, p.data[14:], p.len - 14) for p in PACKETS[:4]])
EMPTY = Layout().header()
FILES = {
    "plain": PLAIN,
    "swapped": SWAPPED,
    "nanoseconds": NANOSECONDS,
    "short": SHORT,
    "raw": RAW,
    "empty": EMPTY,
    "in the record's header": PLAIN[:29],
    "in the packet": PLAIN[:-3],
}


def outcome(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """What a call came to: its result, or its exception's type and arguments."""
    try:
        return function(*arguments, **keywords)
    except Exception as error:
        return type(error).__name__, error.args


def burst(network: Network, name: str, count: int, first: int = 0) -> None:
    """Send numbered frames out of an interface."""
    with network.raw(name) as sender:
        for number in range(first, first + count):
            sender.send(frame(number))
