"""802.3, LLC, spanning trees, VLAN tags, cooked and raw captures."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import ether, ip4, ip6, udp, vlan
from . import Case

CASES: dict[str, Case] = {}


def frame3(p, pad=b""):
    return ether(len(p), p + pad)


BRIDGE = bytes.fromhex("8001020000000001")


def bpdu(tagged, t, fl, extra=b""):
    return (
        b"\x42\x42\x03"
        + struct.pack("!HBBB", 0, tagged, t, fl)
        + BRIDGE
        + struct.pack("!I", 4)
        + BRIDGE
        + struct.pack("!HHHHH", 0x8002, 256, 5120, 512, 3840)
        + extra
    )


def multiple(fl, n):
    return bpdu(
        3,
        2,
        fl,
        b"\0"
        + struct.pack("!H", 64 + 16 * n)
        + b"\0"
        + b"Name".ljust(32, b"\0")
        + b"\0\1"
        + bytes(range(16))
        + struct.pack("!I", 7)
        + BRIDGE
        + b"\x14"
        + b"".join(bytes([0x7C]) + BRIDGE + struct.pack("!I", 9) + b"\x80\x80\x13" for _ in range(n)),
    )


bpdus = (
    [bpdu(0, 0, f) for f in range(256)]
    + [bpdu(2, 2, f, b"\0") for f in range(256)]
    + [multiple(f, f % 3) for f in range(0, 256, 9)]
    + [
        b"\x42\x42\x03" + b"\0\0\0\x80",
        b"\x42\x42\x03\0\1\0\0",
        bpdu(1, 0, 0),
        bpdu(5, 2, 1),
        bpdu(0, 7, 0),
        bpdu(4, 2, 0x7C, b"\0" * 80),
        bpdu(3, 2, 0x3C, b"\0"),
        bpdu(2, 0, 0),
        bpdu(0, 2, 0),
    ]
)
frames = [frame3(s, b"\0" * 8) for s in bpdus]
CASES["stp"] = Case(
    frames[::3]
    + frames[-45:]
    + [c for b in [frames[0], frames[256 + 8], frames[520], frames[530], frames[-5]] for c in judge.cut(b)]
)
sap_frames = [
    bytes([a, b]) + c + b"payload data 1234567890"
    for a in (0xAA, 0xF0, 0x12, 0xF1, 0xE0, 0xFF, 0x06, 0xFE, 0, 4, 8, 0x7E)
    for b in (0xF0, 0xF1, 0x34)
    for c in (
        b"\3",
        b"\x13",
        b"\xaf",
        b"\xbf",
        b"\xe3",
        b"\x0f",
        b"\x7f",
        b"\x01\x02",
        b"\x05\x03",
        b"\x09\x10",
        b"\x0d\0",
        b"\0\0",
        b"\x12\x25",
    )
]
sap_frames += [
    b"\xaa\xaa\3" + o + t + b"payload here"
    for o in (b"\0\0\0", b"\0\0\x0c", b"\xaa\xbb\xcc", b"\0\0\xf8", b"\0\x80\xc2", b"\x08\0\7")
    for t in (b"\x08\0", b"\x12\x34", b"\x20\0", b"\x20\4", b"\1\x0b", b"\x01\x11")
]
sap_frames += [
    b"\xaa\xaa\3\0\0\0\x08\0" + ip4(17, udp(1, 2, b"abc")),
    b"\xf0\xf0\xaf\x01\x02\x03",
    b"\xf0\xf0",
    b"\xf0\xf0\3",
    b"\xf0",
    b"",
    b"\xe0\xe0\3" + bytes(30),
    b"\6\6\3" + ip4(17, udp(1, 2, b"abc")),
]
frames = (
    [frame3(s) for s in sap_frames]
    + [frame3(s, b"padpad") for s in sap_frames[::9]]
    + [ether(500, sap_frames[0]), ether(3, sap_frames[0])]
)
frames = [b for b in frames if b"\xfe\xfe" not in b]
CASES["llc"] = Case(
    frames + [c for b in frames[::25] for c in judge.cut(b)], ("-n", "-n -e", "-n -q", "-n -v", "-n -q -e")
)
packet = ip4(17, udp(1, 2, b"ab"))
arp = bytes.fromhex("0001080006040001020000000001 0a000001 000000000000 0a000002".replace(" ", ""))
cooked = [
    struct.pack("!HHH", t, 1, n) + b"\2\0\0\0\0\1\0\0" + struct.pack("!H", pr) + pl
    for t in (0, 1, 2, 3, 4, 5)
    for n in (6, 0, 8, 4)
    for pr, pl in (
        (0x800, packet),
        (0x806, arp),
        (0x88B5, b"abcdef"),
        (4, b"\x42\x42\3" + b"abc"),
        (1, b"\xff\xffabc"),
        (12, b"abc"),
        (0x8100, b"\0\5\x08\0" + packet),
        (0x8100, b"\x30\5\x88\xb5" + packet),
        (0x88A8, b"\0\5\x81\0\0\6\x08\0" + packet),
    )
]
cooked = [s for s in cooked if True]
CASES["sll"] = Case(
    cooked + [c for s in cooked[::29] for c in judge.cut(s)],
    ("-n", "-n -e", "-n -q", "-n -v", "-n -q -e"),
    linktype=113,
)
cooked2 = [
    struct.pack("!HHIHBB", pr, 0, ix, 1, t, n) + b"\2\0\0\0\0\1\0\0" + pl
    for ix in (1, 9999)
    for t in (0, 1, 2, 3, 4, 5)
    for n in (6, 0)
    for pr, pl in (
        (0x800, packet),
        (0x806, arp),
        (0x88B5, b"abcdef"),
        (4, b"\x42\x42\3" + b"abc"),
        (1, b"\xff\xffabc"),
        (0x8100, b"\0\5\x08\0" + packet),
    )
]
CASES["sll2"] = Case(
    cooked2 + [c for s in cooked2[::29] for c in judge.cut(s)],
    ("-n", "-n -e", "-n -q", "-n -v", "-n -q -e"),
    linktype=276,
)
for lt, packets in (
    (12, [packet, b"\x50" + packet, ip6(17, udp(1, 2)), b"\x10"]),
    (
        0,
        [bytes([a]) + b"\0\0\0" + packet for a in (2, 99, 7, 23, 10)]
        + [bytes([a]) + b"\0\0\0" + ip6(17, udp(1, 2)) for a in (24, 28, 30)]
        + [b"\0\0\0" + bytes([a]) + packet for a in (2, 99)],
    ),
    (108, [b"\0\0\0" + bytes([a]) + packet for a in (2, 24, 99)]),
):
    CASES[f"linktype {lt}"] = Case([c for f in packets for c in judge.cut(f)], linktype=lt)
CASES["unknown"] = Case(
    [
        c
        for t in (0x88B5, 1501, 1536, 0x8035, 0x8100, 0x88A8, 0x9100, 0x9200)
        for c in judge.cut(ether(t, b"hello world, hello world, hello"))
    ]
)
tagged = vlan(0x5005, 0x8100, vlan(0x7, 0x800, ip4(17, udp(1, 2, b"ab"))))
CASES["tags"] = Case(
    [c for k in (0x8100, 0x88A8, 0x9100, 0x9200) for c in judge.cut(ether(k, tagged))]
    + judge.cut(ether(0x8100, vlan(7, 0x1234, b"asdasd")))
    + judge.cut(ether(0x8100, vlan(7, 38, bpdus[0])))
)
