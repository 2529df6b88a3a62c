"""SCTP, PPPoE and PPP, LLDP, EAPOL, LACP, loopback."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import A6, B6, address, ether, ip4, ip6, over_ip4, over_ip6, udp
from . import Case

CASES: dict[str, Case] = {}

packet = ip4(17, udp(1, 2, b"ab"))
packet6 = ip6(17, udp(1, 2, b"ab", source=A6, to=B6))


def chunk(t, f, b):
    b = struct.pack("!BBH", t, f, len(b) + 4) + b
    return b + bytes(-len(b) % 4)


def sctp(*chunks, sp=1000, dp=2000):
    return over_ip4(132, struct.pack("!HHII", sp, dp, 7, 0) + b"".join(chunks))


def data(p):
    return struct.pack("!IHHI", 100, 1, 2, p)


INIT = struct.pack("!IIHHI", 5, 65535, 10, 5, 100)
sctp_frames = (
    [sctp(chunk(0, f, data(f) + b"abcd")) for f in range(32)]
    + [
        sctp(chunk(0, 7, data(18) + b"abcde"), chunk(3, 0, struct.pack("!IIHHHHI", 9, 1, 1, 1, 2, 3, 77))),
        sctp(chunk(1, 0, INIT + b"\0\5\0\x08abcd")),
        sctp(chunk(2, 0, INIT)),
    ]
    + [sctp(chunk(t, 1, b"abcdefgh")) for t in range(256)]
    + [
        sctp(b"\0\0\0\2"),
        sctp(b""),
        sctp(b"\3\0"),
        sctp(chunk(10, 0, b"ck")),
        sctp(chunk(77, 0, b"abc"), chunk(10, 0, b"ck")),
        sctp(b"\0\0\0\x50abcd"),
        over_ip6(132, struct.pack("!HHII", 1, 2, 7, 0) + chunk(4, 0, b"abcd")),
        over_ip4(132, b"abcd"),
        sctp(chunk(0, 3, b"ab")),
    ]
)
CASES["sctp"] = Case(
    sctp_frames + [c for s in sctp_frames[::40] + sctp_frames[32:35] for c in judge.cut(s, 30)],
    ("-n", "-n -v", "-n -vv", "-n -e", "-n -q"),
)


def tag(t, v):
    return struct.pack("!HH", t, len(v)) + v


def pppoe(code, ses, pl, k=0x8863, first=0x11, n=None):
    return ether(k, struct.pack("!BBHH", first, code, ses, len(pl) if n is None else n) + pl)


ppp_frames = (
    [
        pppoe(
            c, 0, tag(0x101, b"") + tag(0x103, b"\1\2\xab\4") + tag(0x102, b"name x") + tag(0x120, b"\5\xd4")
        )
        for c in (9, 7, 0x19, 0x65, 0xA7, 0x77)
    ]
    + [pppoe(9, 5, tag(t, b"v")) for t in (0, 0x104, 0x105, 0x110, 0x201, 0x202, 0x203, 0x999)]
    + [
        pppoe(9, 0, tag(0x101, b"x" * 100)),
        pppoe(9, 0, tag(0x101, b"\1" * 100)),
        pppoe(9, 0, b"\1\1\0\x09ab"),
        pppoe(9, 0, b"", first=0x21),
        pppoe(9, 0, b"", first=0x12),
        pppoe(9, 0, b"pad", n=0),
        pppoe(0, 0x11, b"\0\x21" + packet, 0x8864),
        pppoe(0, 0x11, b"\0\x57" + packet6, 0x8864),
        pppoe(0, 0x11, b"\x21" + packet, 0x8864),
        pppoe(0, 0x11, b"\0\x21" + packet, 0x8864, n=200),
        pppoe(0, 0x11, b"\x12\x34abcdef", 0x8864),
    ]
)


def control(c, opts, i=1):
    return struct.pack("!BBH", c, i, 4 + len(opts)) + opts


def option(t, v):
    return bytes([t, len(v) + 2]) + v


LCP_OPTIONS = (
    option(1, b"\5\xd4")
    + option(5, b"\1\2\3\4")
    + option(3, b"\xc0\x23")
    + option(3, b"\xc2\x23\x05")
    + option(7, b"")
    + option(2, bytes(4))
)
for pr in (0xC021, 0x8021, 0x8057, 0x80FD, 0x8281):
    ppp_frames += [pppoe(0, 1, struct.pack("!H", pr) + control(c, LCP_OPTIONS), 0x8864) for c in range(18)]
ppp_frames += [
    pppoe(
        0,
        1,
        b"\x80\x21"
        + control(
            1,
            option(3, b"\1\2\3\4")
            + option(129, b"\1\1\1\1")
            + option(131, b"\2\2\2\2")
            + option(2, b"\0\x2d\x0f\1"),
        ),
        0x8864,
    ),
    pppoe(0, 1, b"\x80\x57" + control(1, option(1, b"abcdefgh")), 0x8864),
    pppoe(0, 1, b"\xc0\x21" + control(9, b"\1\2\3\4"), 0x8864),
    pppoe(0, 1, b"\xc0\x21" + control(1, b"\1\0"), 0x8864),
]
ppp_frames += (
    [pppoe(0, 1, b"\xc2\x23" + control(c, b"\4abcdname"), 0x8864) for c in range(6)]
    + [pppoe(0, 1, b"\xc0\x23" + control(c, b"\4user\4pass"), 0x8864) for c in range(5)]
    + [
        pppoe(0, 1, struct.pack("!H", pr) + b"abcdef", 0x8864)
        for pr in (0x2B, 0x29, 0x3D, 0xFD, 0xC025, 0xC02D, 0x8053, 0x53, 0x281, 0x8023)
    ]
)
CASES["pppoe"] = Case(
    ppp_frames + [c for s in ppp_frames[::9] for c in judge.cut(s, 14)],
    ("-n", "-n -v", "-n -vv", "-n -e", "-n -q"),
)
loopback = [
    ether(0x9000, struct.pack("<H", s) + bytes(s if s < 20 else 0) + b"\1\0" + b"\5\0abcdef")
    for s in (0, 1, 8, 99)
] + [
    ether(0x9000, b"\0\0\2\0" + bytes(range(6)) + b"abc"),
    ether(0x9000, b"\0\0\7\0abc"),
    ether(0x9000, b"\0"),
    ether(0x9000, b"\0\0\1"),
]
CASES["loop"] = Case([c for s in loopback for c in judge.cut(s, 14)], ("-n", "-n -v", "-n -e"))
eapol = [
    ether(0x888E, bytes([v, k]) + struct.pack("!H", len(b)) + b)
    for v in (1, 2)
    for k in range(6)
    for b in (
        b"",
        b"\1\5\0\x0a\1ident",
        b"\2\5\0\x06\3\4",
        b"\3\5\0\4",
        b"\4\5\0\4",
        b"\1\5\0\x0a\4abcde",
        b"\2\5\0\x09\2note",
        b"\1\1\0\x0a\x0d\xc0\0\0\0\5",
        b"\1\1\0\x0a\x15\x21\0\0\0\5",
        b"\1\1\0\x0a\x12abcde",
        b"\1\1\0\x0c\x17\1\0\0abc",
        b"\1\1\0\x0a\x2babcde",
        b"\1\1\0\x06\xfea",
        b"\7\1\0\4",
    )
]
CASES["eap"] = Case(eapol + [c for s in eapol[::3] for c in judge.cut(s, 14)], ("-n", "-n -v", "-n -e"))


def information(k, st):
    return (
        bytes([k, 20])
        + b"\x80\0"
        + bytes.fromhex("020000000009")
        + b"\0\1\0\xff\0\2"
        + bytes([st])
        + bytes(3)
    )


slow = [
    ether(
        0x8809,
        b"\1\1"
        + information(1, st)
        + information(2, 255 - st)
        + b"\3\x10\0\5"
        + bytes(12)
        + b"\0\0"
        + bytes(50),
    )
    for st in (0, 1, 0x3D, 0xFF)
] + [
    ether(0x8809, b"\2\1" + b"\1\x10\0\1" + bytes(range(6)) + b"\0\0\0\5\0\0" + b"\0\0" + bytes(20)),
    ether(0x8809, b"\1\2abc"),
    ether(0x8809, b"\2\2abc"),
    ether(0x8809, b"\x0aabc"),
    ether(0x8809, b"\1"),
    ether(0x8809, b"\1\1\1\x05abc\7\5abc"),
    ether(0x8809, b"\1\1\1\0"),
    ether(0x8809, b"\1\1\3\4ab"),
]
CASES["slow"] = Case(
    slow + [c for s in slow[::2] for c in judge.cut(s, 14)], ("-n", "-n -v", "-n -vv", "-n -e")
)


def t(k, v):
    return struct.pack("!H", k << 9 | len(v)) + v


identities = [
    t(1, bytes([s]) + v)
    for s in range(9)
    for v in (bytes(range(6)), b"\1\1\2\3\4", b"name", b"\2" + address(A6))
] + [t(2, bytes([s]) + v) for s in range(9) for v in (bytes(range(6)), b"\1\1\2\3\4", b"name")]
lldp = [ether(0x88CC, c + t(3, b"\0\x78") + t(0, b"")) for c in identities] + [
    ether(
        0x88CC,
        t(1, b"\4abcdef")
        + t(2, b"\5eth0")
        + t(3, b"\0\x78")
        + t(4, b"port")
        + t(5, b"sys")
        + t(6, b"desc")
        + t(7, b"\0\x14\0\x10")
        + t(8, b"\5\1\1\2\3\4\2\0\0\0\5\0")
        + t(0, b""),
    ),
    ether(
        0x88CC,
        t(7, b"\xff\xff\0\0")
        + t(8, b"\x11\2" + address(A6) + b"\3\0\0\0\5\2ab")
        + t(9, b"abc")
        + t(127, b"\xaa\xbb\xcc\1abc"),
    ),
    ether(0x88CC, t(5, b"sys")[:-1]),
    ether(0x88CC, t(3, b"\0") + t(7, b"a") + t(8, b"a") + t(127, b"a")),
]
CASES["lldp"] = Case(
    lldp + [c for s in lldp[-4:] for c in judge.cut(s, 14)], ("-n", "-n -v", "-n -vv", "-n -e")
)
