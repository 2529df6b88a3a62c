"""Frames to datagrams: VLAN tags taken off, IPv4 and IPv6 put together again, checksums checked.

A reader of captures that owes nothing to the one under test, nor to dpkt, which repairs what it writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

IPV4, ARP, VLAN, IPV6, SERVICE_VLAN = 0x0800, 0x0806, 0x8100, 0x86DD, 0x88A8
FRAGMENT = 44

Tags = tuple[tuple[int, int, int], ...]  # of each: type, priority, number


@dataclass(frozen=True)
class Datagram:
    """What one host said: ``version`` is 4 or 6, or 0 for ARP; ``frames`` is how many it took."""

    tags: Tags
    version: int
    protocol: int
    src: bytes
    dst: bytes
    payload: bytes
    frames: int


def untagged(frame: bytes) -> tuple[Tags, int, bytes]:
    """VLAN tags, type and contents of a frame."""
    tags, at = [], 12
    while (kind := int.from_bytes(frame[at : at + 2], "big")) in (VLAN, SERVICE_VLAN):
        control = int.from_bytes(frame[at + 2 : at + 4], "big")
        tags.append((kind, control >> 13, control & 0xFFF))
        at += 4
    return tuple(tags), kind, frame[at + 2 :]


def datagrams(frames: Iterable[bytes]) -> Iterator[Datagram]:
    """Whole datagrams, as their last frames come. A wrong checksum or a missing part is an AssertionError."""
    parts: dict[tuple[object, ...], list[bytes]] = {}
    for frame in frames:
        tags, kind, packet = untagged(frame)
        if kind == ARP:
            yield Datagram(tags, 0, 0, packet[14:18], packet[24:28], packet, 1)
            continue
        if kind == IPV4:
            header = (packet[0] & 15) * 4
            assert checksum(packet[:header]) == 0, "IPv4 header checksum"
            length, number, place = struct.unpack(">2xHHH", packet[:8])
            protocol, src, dst = packet[9], packet[12:16], packet[16:20]
            offset, more, payload = (place & 0x1FFF) * 8, place & 0x2000, packet[header:length]
        else:
            assert kind == IPV6
            length, protocol, src, dst = *struct.unpack(">4xHB", packet[:7]), packet[8:24], packet[24:40]
            number = offset = more = 0
            payload = packet[40 : 40 + length]
            if protocol == FRAGMENT:
                protocol, place, number = struct.unpack(">BxHI", payload[:8])
                offset, more, payload = place & ~7, place & 1, payload[8:]
        before = parts.setdefault((tags, src, dst, protocol, number), [])
        assert sum(map(len, before)) == offset, "fragments are missing or out of order"
        before.append(payload)
        if not more:
            del parts[tags, src, dst, protocol, number]
            whole = b"".join(before)
            pseudo = b"" if protocol == 1 else src + dst + struct.pack(">II", len(whole), protocol)
            assert checksum(pseudo + whole) == 0, f"checksum of protocol {protocol}"
            yield Datagram(tags, 4 if kind == IPV4 else 6, protocol, src, dst, whole, len(before))
    assert not parts, "fragments without an end"


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071), 0 over data that holds its own."""
    total: int = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(total ^ 0xFFFF)
