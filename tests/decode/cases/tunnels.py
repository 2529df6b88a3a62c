"""GRE, VXLAN, Geneve, MPLS, ESP, AH and VRRP."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import (
    A4,
    A6,
    B4,
    B6,
    address,
    checksum,
    ether,
    ip4,
    ip6,
    over_ip4,
    over_ip6,
    over_udp,
    tcp,
    udp,
    with_checksum,
)
from . import Case

CASES: dict[str, Case] = {}

packet = ip4(17, udp(1, 2, b"ab"))
packet6 = ip6(17, udp(1, 2, b"ab", source=A6, to=B6))
frame = ether(0x800, packet)
gre = []
for fl in (0, 0x8000, 0x2000, 0x1000, 0xB000, 0x3000, 0x4000, 0x0800, 7, 2, 0xF800):
    h = b""
    if fl & 0xC000:
        h += b"\x12\x34\0\0"
    if fl & 0x2000:
        h += struct.pack("!I", 5)
    if fl & 0x1000:
        h += struct.pack("!I", 7)
    if fl & 0x4000:
        h += b"\x08\0\0\x08\1\2\3\4\5\6\7\x08\0\0\0\0"
    for pr, pl in (
        (0x800, packet),
        (0x86DD, packet6),
        (0x6558, frame),
        (0x88BE, b"abcd"),
        (0x8847, b"\0\1\x01\x40" + packet),
    ):
        gre.append(over_ip4(47, struct.pack("!HH", fl, pr) + h + pl))
for fl in (1, 0x2001, 0x3001, 0x3081, 0x2081):
    h = b""
    if fl & 0x2000:
        h += b"\0\x1e\xab\xcd"
    if fl & 0x1000:
        h += struct.pack("!I", 1)
    if fl & 0x80:
        h += struct.pack("!I", 2)
    gre.append(over_ip4(47, struct.pack("!HH", fl, 0x1234) + h + b"\xff\x03\xc0\x21\x01\1\0\4"))
gre.append(over_ip6(47, struct.pack("!HH", 0, 0x800) + packet))
CASES["gre"] = Case(gre + [c for g in gre[::4] for c in judge.cut(g, 30)])
vxlan = (
    [over_udp(1000, 4789, bytes([f, 0, 0, 0, 0, 0, 100, 0]) + frame) for f in (8, 0, 0xFF)]
    + [over_udp(1000, 8472, bytes([f, 0, 0, 0, 0, 0, 100, 0]) + frame) for f in (8, 0, 0xFF)]
    + [
        over_udp(1000, 4790, bytes([f, 0, 0, n, 0, 0, 100, 0]) + pl)
        for f in (8, 12, 0x1C, 13, 0, 4)
        for n, pl in ((1, packet), (2, packet6), (3, frame), (9, packet))
    ]
    + [over_udp(1000, p, b"\x08\0\0") for p in (4789, 4790, 8472)]
)
CASES["vxlan"] = Case(vxlan + [c for g in vxlan[::3] for c in judge.cut(g, 40)])
geneve = [
    over_udp(1000, 6081, bytes([len(o) // 4 | v << 6, f]) + struct.pack("!H", pr) + b"\0\0\x64" + r + o + pl)
    for v in (0, 1)
    for f in (0, 0x80, 0x40, 0xC0, 0x3F)
    for pr, pl in ((0x6558, frame), (0x800, packet), (0x1234, b"ab"))
    for o in (b"", b"\1\2\x80\1abcd", b"\0\7\1\0\xff\xff\2\2abcdefgh", b"\1\2\x80\7abcd")
    for r in (b"\0", b"\1")
] + [over_udp(1000, 6081, b"\0\0\x65"), over_udp(1000, 6081, b"\x0f\0\x65\x58\0\0\1\0abc")]
CASES["geneve"] = Case(geneve + [c for g in geneve[::19] for c in judge.cut(g, 40)])


def label(number, s, t=64, tc=5):
    return struct.pack("!I", number << 12 | tc << 9 | s << 8 | t)


mpls = [
    ether(k, st + pl)
    for k in (0x8847, 0x8848)
    for st in (
        label(100, 1),
        label(100, 0) + label(200, 1),
        *(label(i, 1) for i in range(17)),
        label(3, 0) + label(0, 1),
        label(100, 0),
    )
    for pl in (packet, packet6, b"abcd", b"", b"\x83abcdef", b"\x44abc", b"\xcc\xcc\x81abc")
]
mpls.append(over_udp(1000, 6635, label(100, 1) + packet))
CASES["mpls"] = Case(mpls + [c for g in mpls[::19] for c in judge.cut(g, 10)])
ipsec = (
    [
        over_ip4(50, struct.pack("!II", 0x1000, 1) + bytes(16)),
        over_ip6(50, struct.pack("!II", 0x1000, 1) + bytes(16)),
        over_udp(4500, 4500, struct.pack("!II", 0x1000, 1) + bytes(16)),
        over_udp(4500, 4500, b"\xff"),
        over_udp(4500, 4500, b"ab"),
        over_ip4(108, b"\x11\0\0\2abcdef"),
    ]
    + [
        over_ip4(51, bytes([n, 4, 0, r]) + struct.pack("!II", 0x2000, 10) + bytes(range(12)) + pl)
        for r in (0, 1)
        for n, pl in (
            (17, udp(1, 2, b"a")),
            (6, tcp(1, 2)),
            (4, packet),
            (50, struct.pack("!II", 1, 2)),
            (253, b"abc"),
        )
    ]
    + [over_ip4(51, bytes([17, L, 0, 0]) + bytes(20)) for L in (0, 1, 2, 9)]
    + [
        over_ip6(
            51,
            bytes([17, 4, 0, 0])
            + struct.pack("!II", 0x2000, 10)
            + bytes(range(12))
            + udp(1, 2, b"a", source=A6, to=B6),
        )
    ]
)
CASES["esp"] = Case([c for g in ipsec for c in judge.cut(g, 30)])


def advertisement(
    first=0x21, vr=1, pr=100, n=1, au=0, iv=1, addrs=b"\x0a\0\0\x63", auth=b"secret\0\0", ck=True
):
    m = bytes([first, vr, pr, n, au, iv, 0, 0]) + addrs + auth
    c = checksum(m) if ck else 0
    return m[:6] + struct.pack("!H", c) + m[8:]


vrrp = [
    ether(0x800, ip4(112, x, ttl=t))
    for t in (255, 64)
    for x in (
        advertisement(),
        advertisement(au=1),
        advertisement(au=2),
        advertisement(au=9),
        advertisement(n=2, addrs=bytes(8)),
        advertisement(first=0x22),
        advertisement(first=0x31),
        advertisement(first=0x41),
        advertisement(ck=False),
        advertisement(n=9),
    )
] + [
    ether(0x86DD, ip6(112, with_checksum(b"\x31\1\x64\1\0\x64\0\0" + address(A6), 6, 112, A6, B6), hlim=255)),
    ether(0x800, ip4(112, with_checksum(b"\x31\1\x64\1\0\x64\0\0" + address(A4), 6, 112, A4, B4), ttl=255)),
]
CASES["vrrp"] = Case([c for g in vrrp for c in judge.cut(g, 30)])
