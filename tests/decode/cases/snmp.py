"""SNMP of all versions."""

from __future__ import annotations

from .. import judge
from ..frames import over_udp
from . import Case

CASES: dict[str, Case] = {}


def tlv(t, v):
    n = len(v)
    return (
        bytes([t])
        + (bytes([n]) if n < 128 else b"\x81" + bytes([n]) if n < 256 else b"\x82" + n.to_bytes(2, "big"))
        + v
    )


def number(n, t=2):
    b = n.to_bytes(max(1, (n.bit_length() + 8) // 8), "big", signed=True)
    return tlv(t, b)


def oid(s):
    p = [int(x) for x in s.split(".")]
    out = bytes([p[0] * 40 + p[1]])
    for part in p[2:]:
        x = part
        e = [x & 127]
        x >>= 7
        while x:
            e.append(x & 127 | 128)
            x >>= 7
        out += bytes(reversed(e))
    return tlv(6, out)


def bindings(*pairs):
    return tlv(0x30, b"".join(tlv(0x30, oid(o) + v) for o, v in pairs))


def pdu(t, rid, es, ei, v):
    return tlv(t, number(rid) + number(es) + number(ei) + v)


def msg(ver, com, p):
    return tlv(0x30, number(ver) + tlv(4, com) + p)


SYSTEM = "1.3.6.1.2.1.1.1.0"
NULL = tlv(5, b"")
values = [
    number(5),
    number(-7),
    tlv(4, b"hello"),
    tlv(4, b"\0\1\xff"),
    tlv(4, b""),
    NULL,
    oid("1.3.6.1.4.1.9.1"),
    tlv(0x40, b"\1\2\3\4"),
    number(100, 0x41),
    number(100, 0x42),
    number(12345, 0x43),
    tlv(0x44, b"op\1"),
    number(1 << 40, 0x46),
    tlv(0x80, b""),
    tlv(0x81, b""),
    tlv(0x82, b""),
    tlv(3, b"\0\1"),
    tlv(0x45, b"\1\2\3\4\5"),
    number(7, 0x47),
    tlv(0x1F, b"a"),
    tlv(0x30, b"\2\1\5"),
    tlv(0x41, b"\xff\xff\xff\xff"),
    tlv(2, b""),
    tlv(2, b"\1\2\3\4\5\6"),
    tlv(9, b"abc"),
    tlv(0x48, b"x"),
]
messages = [
    msg(v, c, pdu(t, 25, 0, 0, bindings((SYSTEM, NULL))))
    for v in (0, 1, 2)
    for c in (b"public", b"private")
    for t in range(0xA0, 0xAA)
]
messages += [msg(1, b"public", pdu(0xA2, 25, 0, 0, bindings((SYSTEM, v)))) for v in values] + [
    msg(1, b"public", pdu(t, 25, e, i, bindings((SYSTEM, NULL), ("1.3.6.1.2.1.1.3.0", number(3)))))
    for t in (0xA2, 0xA0, 0xA5)
    for e in (1, 2, 5, 18, 19, 30)
    for i in (0, 1, 2)
]


def trap(g, s):
    return msg(
        0,
        b"public",
        tlv(
            0xA4,
            oid("1.3.6.1.4.1.9")
            + tlv(0x40, b"\1\2\3\4")
            + number(g)
            + number(s)
            + number(12345, 0x43)
            + bindings((SYSTEM, number(1))),
        ),
    )


messages += [trap(g, 17) for g in range(9)]


def version3(fl, sm, user_based, sc):
    return tlv(
        0x30,
        number(3)
        + tlv(0x30, number(77) + number(65507) + tlv(4, bytes([fl])) + number(sm))
        + tlv(4, user_based)
        + sc,
    )


user_based = tlv(
    0x30, tlv(4, b"\x80\0\1") + number(3) + number(99) + tlv(4, b"user") + tlv(4, b"") + tlv(4, b"")
)
messages += [
    version3(
        f,
        3,
        user_based,
        tlv(0x30, tlv(4, b"\x80\0") + tlv(4, b"ctx") + pdu(0xA0, 25, 0, 0, bindings((SYSTEM, NULL)))),
    )
    for f in range(8)
] + [version3(0, 1, user_based, b""), version3(3, 3, user_based, tlv(4, b"encrypted"))]
messages += [
    b"\x30\x05ab",
    b"\x31\0",
    b"\x30\x80",
    b"\x30\x03\2\1\1",
    b"",
    b"\x30\x84\xff\xff\xff\xff\2",
    msg(1, b"p\x01", pdu(0xA0, 25, 0, 0, bindings((SYSTEM, NULL)))) + b"x",
    msg(9, b"public", b""),
    msg(0, b"public", number(4)),
    msg(0, b"public", pdu(0xA0, 25, 0, 0, bindings())),
]

frames = [over_udp(1000, 161, m) for m in messages] + [over_udp(1000, 162, messages[-20])]
CASES["snmp"] = Case(frames + [c for f in frames[::17] for c in judge.cut(f, 40)], ("-n", "-n -v"))
