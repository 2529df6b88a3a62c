"""ICMP: every type and code, errors that quote every transport, and the extensions behind a quotation."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import checksum, ether, icmp, ip4, ip6, over_ip4, tcp, udp
from . import Case, and_cut

CASES: dict[str, Case] = {}

_ERRORS = (3, 4, 5, 11, 12)
_REST = b"\0\5\0\x14"
_TO = "192.0.2.77"
# The least a quotation has where extensions follow it (RFC 4884, 4).
_QUOTED = 128


def error(kind: int, code: int, quoted: bytes, rest: bytes = _REST) -> bytes:
    return over_ip4(1, icmp(kind, code, rest + quoted))


TRANSPORTS = {
    "icmp": ip4(1, icmp(8, 0, b"\0\1\0\2abcdefgh"), to=_TO),
    "igmp": ip4(2, icmp(0x16, 0, b"\xe0\0\0\5"), to=_TO),
    "ipip": ip4(4, ip4(17, udp(1, 2, b"ab")), to=_TO),
    "tcp": ip4(6, tcp(1000, 80, b"GET / HTTP/1.0\r\n", flags=0x18), to=_TO),
    "udp": ip4(17, udp(1000, 53, b"abcdefgh"), to=_TO),
    "ip6": ip4(41, ip6(17, udp(1, 2, b"ab")), to=_TO),
    "gre": ip4(47, b"\0\0\x08\0" + ip4(17, udp(1, 2, b"ab")), to=_TO),
    "esp": ip4(50, struct.pack("!II", 0x1000, 7) + bytes(24), to=_TO),
    "vrrp": ip4(112, b"\x21\1\x64\1\0\1\0\0" + bytes(12), to=_TO),
    "sctp": ip4(132, struct.pack("!HHII", 5, 38412, 1, 0) + b"\x0a\0\0\x08abcd", to=_TO),
    "unknown": ip4(253, b"abcdefghijkl", to=_TO),
    "options": ip4(17, udp(1000, 123, b"abcd"), to=_TO, options=b"\x94\4\0\0"),
    "fragment": ip4(17, b"abcdefghijkl", to=_TO, off=0x2003),
    "not IPv4": ip6(17, udp(1, 2, b"ab")),
    "bad sum": ip4(17, udp(1000, 2000, b"abcd", cksum=1), to=_TO, cksum=2),
}

types = [
    error(kind, code, quoted, rest)
    for kind in range(44)
    for code in range(18 if kind in _ERRORS else 2)
    for quoted, rest in ((TRANSPORTS["udp"], _REST), (b"\0\0\0\1" * 5, bytes(4)))
] + [error(kind, 0, b"") for kind in range(256)]
types += [
    over_ip4(1, icmp(9, 0, bytes([count, size]) + struct.pack("!H", lifetime) + b"\x0a\0\0\1\0\0\0\5" * 2))
    for count in (0, 1, 2, 3)
    for size in (1, 2)
    for lifetime in (5, 1800, 65535)
]
CASES["icmp types"] = Case(types)

quoting = [error(kind, code, q) for q in TRANSPORTS.values() for kind, code in ((3, 3), (3, 2), (11, 0))]
quoting += [error(3, 3, quoted[:28]) for quoted in TRANSPORTS.values()]
quoting += [over_ip4(1, b"\3\1\0\1" + _REST + TRANSPORTS["tcp"])]
CASES["icmp quoting"] = Case(and_cut(quoting, quoting[::3], 30), ("-n", "-n -v", "-n -vv", "-n -e -v"))


def item(group: int, kind: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack("!HBB", 4 + len(body) if length is None else length, group, kind) + body


def extended(items: bytes, *, first: int = 0x20, cksum: int | None = None) -> bytes:
    """Extension objects behind their header (RFC 4884, 7)."""
    plain = bytes([first, 0, 0, 0]) + items
    right = checksum(plain) if cksum is None else cksum
    return plain[:2] + struct.pack("!H", right) + plain[4:]


LABEL = struct.pack("!I", 30 << 12 | 1 << 8 | 64)
LABELS = struct.pack("!II", 30 << 12 | 5 << 9 | 64, 31 << 12 | 1 << 8 | 1)
NAME = b"\x0ceth0" + bytes(7)
INTERFACE = b"\0\0\0\7"
ADDRESS4, ADDRESS6 = b"\0\1\0\0\x0a\0\0\1", b"\0\2\0\0" + bytes(range(16))
objects = [
    item(1, 1, LABEL),
    item(1, 1, LABELS),
    item(1, 2, LABEL),
    item(1, 1, LABEL) + item(77, 1, b"abcdefgh"),
    *(
        item(2, role << 6 | bits, body)
        for role in range(4)
        for bits, body in (
            (0x08, INTERFACE),
            (0x04, ADDRESS4),
            (0x04, ADDRESS6),
            (0x02, NAME),
            (0x01, b"\0\0\5\xdc"),
            (0x0F, INTERFACE + ADDRESS4 + NAME + b"\0\0\5\xdc"),
            (0x0F, INTERFACE + ADDRESS6),
            (0x00, b""),
            (0x00, b"abcd"),
        )
    ),
    item(3, 1, b"abcd"),
    item(1, 1, LABEL, 3),
    item(1, 1, LABEL, 100),
    item(1, 1, b""),
    b"",
]
padded = TRANSPORTS["udp"] + bytes(_QUOTED - len(TRANSPORTS["udp"]))
in_words = bytes([0, _QUOTED // 4, 0, 0])
extensions = [
    error(kind, 0 if kind != 3 else 1, padded + extended(items), rest)
    for items in objects
    for kind in (3, 11, 12)
    for rest in (in_words, bytes(4))
]
extensions += [
    error(11, 0, padded + extended(item(1, 1, LABEL), first=first), in_words) for first in (0, 0x10, 0x30)
]
extensions += [
    error(11, 0, padded + extended(item(1, 1, LABEL), cksum=cksum), in_words) for cksum in (0, 0x1234)
]
extensions += [
    error(11, 0, padded[:size] + extended(item(1, 1, LABEL)), bytes([0, words, 0, 0]))
    for size in (60, 100, 128)
    for words in (0, 15, 25, 32, 200)
]
long_quoted = ip4(17, udp(1000, 2000, bytes(120)), to=_TO)
extensions += [error(11, 0, long_quoted + extended(item(1, 1, LABEL)), rest) for rest in (in_words, bytes(4))]
extensions += [ether(0x0800, ip4(1, icmp(4, 0, _REST + padded + extended(item(1, 1, LABELS)))))]
CASES["icmp extensions"] = Case(
    [*extensions, *(cut for frame in extensions[::7] for cut in judge.cut(frame, 165))],
    ("-n", "-n -v", "-n -vv", "-n -vvv", "-n -e -v", "-n -q -v"),
)
