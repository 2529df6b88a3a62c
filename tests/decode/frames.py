"""Builds frames byte by byte, with right lengths and checksums unless told otherwise."""

from __future__ import annotations

import struct
from ipaddress import ip_address

A4, B4 = "10.0.0.1", "10.0.0.2"
A6, B6 = "2001:db8::1", "2001:db8::2"
A_MAC, B_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def checksum(data: bytes) -> int:
    """The Internet checksum, by adding words as RFC 1071 tells."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text: str) -> bytes:
    packed: bytes = ip_address(text).packed
    return packed


def ether(kind: int, payload: bytes, source: bytes = A_MAC, to: bytes = B_MAC) -> bytes:
    return to + source + struct.pack(">H", kind) + payload


def vlan(tag: int, kind: int, payload: bytes) -> bytes:
    return struct.pack(">HH", tag, kind) + payload


def ip4(
    protocol: int,
    payload: bytes,
    *,
    source: str = A4,
    to: str = B4,
    tos: int = 0,
    ttl: int = 64,
    ident: int = 1,
    off: int = 0,
    options: bytes = b"",
    total: int | None = None,
    first: int | None = None,
    cksum: int | None = None,
) -> bytes:
    options += bytes(-len(options) % 4)
    size = 20 + len(options)
    header = struct.pack(
        ">BBHHHBBH4s4s",
        0x40 | size // 4 if first is None else first,
        tos,
        size + len(payload) if total is None else total,
        ident,
        off,
        ttl,
        protocol,
        0,
        address(source),
        address(to),
    )
    header += options
    right = checksum(header) if cksum is None else cksum
    return header[:10] + struct.pack(">H", right) + header[12:] + payload


def ip6(
    next_header: int,
    payload: bytes,
    *,
    source: str = A6,
    to: str = B6,
    traffic_class: int = 0,
    flow: int = 0,
    hlim: int = 64,
    length: int | None = None,
    version: int = 6,
) -> bytes:
    first = version << 28 | traffic_class << 20 | flow
    size = len(payload) if length is None else length
    return struct.pack(">IHBB", first, size, next_header, hlim) + address(source) + address(to) + payload


def with_checksum(message: bytes, at: int, protocol: int, source: str, to: str) -> bytes:
    """A message with the checksum of its pseudo header at an offset."""
    pseudo = address(source) + address(to) + struct.pack(">II", len(message), protocol)
    zeroed = message[:at] + b"\0\0" + message[at + 2 :]
    return message[:at] + struct.pack(">H", checksum(pseudo + zeroed)) + message[at + 2 :]


def udp(
    sport: int,
    dport: int,
    payload: bytes = b"",
    *,
    length: int | None = None,
    cksum: int | None = None,
    source: str = A4,
    to: str = B4,
) -> bytes:
    size = 8 + len(payload) if length is None else length
    message = struct.pack(">HHHH", sport, dport, size, cksum or 0) + payload
    return message if cksum is not None else with_checksum(message, 6, 17, source, to)


def tcp(
    sport: int,
    dport: int,
    payload: bytes = b"",
    *,
    flags: int = 0x10,
    seq: int = 1000,
    ack: int = 500,
    window: int = 512,
    urgent: int = 0,
    options: bytes = b"",
    offset: int | None = None,
    cksum: int | None = None,
    source: str = A4,
    to: str = B4,
) -> bytes:
    options += bytes(-len(options) % 4)
    words = 5 + len(options) // 4 if offset is None else offset
    message = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, words << 4, flags, window, cksum or 0, urgent)
    message += options + payload
    return message if cksum is not None else with_checksum(message, 16, 6, source, to)


def icmp(kind: int, code: int, rest: bytes) -> bytes:
    message = bytes([kind, code, 0, 0]) + rest
    return message[:2] + struct.pack(">H", checksum(message)) + message[4:]


def over_udp(sport: int, dport: int, payload: bytes = b"") -> bytes:
    """A frame of Ethernet, IPv4 and UDP."""
    return ether(0x0800, ip4(17, udp(sport, dport, payload)))


def over_udp6(sport: int, dport: int, payload: bytes = b"") -> bytes:
    """A frame of Ethernet, IPv6 and UDP."""
    return ether(0x86DD, ip6(17, udp(sport, dport, payload, source=A6, to=B6)))


def over_tcp(sport: int, dport: int, payload: bytes = b"") -> bytes:
    """A frame of Ethernet, IPv4 and TCP."""
    return ether(0x0800, ip4(6, tcp(sport, dport, payload, flags=0x18)))


def over_ip4(protocol: int, payload: bytes) -> bytes:
    return ether(0x0800, ip4(protocol, payload))


def over_ip6(protocol: int, payload: bytes) -> bytes:
    return ether(0x86DD, ip6(protocol, payload))
