"""IPv6, its extension headers, ICMPv6 and IGMP."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import A6, B6, address, ether, icmp, ip4, ip6, over_ip4, over_ip6, tcp, udp, with_checksum
from . import Case

CASES: dict[str, Case] = {}


def message(t, c, rest, ck=True):
    m = bytes([t, c, 0, 0]) + rest
    return over_ip6(58, with_checksum(m, 2, 58, A6, B6) if ck else m)


inner = ip6(17, udp(5, 53, b"abcdefgh", source=A6, to=B6), source="2001:db8:7::1", to="2001:db8:9::2")
host = address("2001:db8::77")


def option(k, body):
    body += bytes(-(len(body) + 2) % 8)
    return bytes([k, (len(body) + 2) // 8]) + body


options = [
    option(1, bytes(range(6))),
    option(2, bytes(range(6))),
    option(1, bytes(14)),
    option(3, b"\x40\xc0" + b"\0\0\x15\x18" + b"\xff" * 4 + bytes(4) + address("2001:db8::")),
    option(3, b"\x40\x20" + bytes(12) + address("2001:db8::")),
    option(4, bytes(6) + inner[:48]),
    option(5, b"\0\0\0\0\x05\xdc"),
    option(7, b"\0\0\0\0\0\x64"),
    option(8, b"\0\0\0\1\0\2"),
    option(24, b"\x30\x08\0\0\1\x2c" + bytes(range(8))),
    option(24, b"\x30\x18\0\0\1\x2c"),
    option(24, b"\x30\x18\xff\xff\xff\xff" + bytes(16)),
    option(25, b"\0\0\0\0\2\x58" + host + host),
    option(31, b"\0\0\0\0\2\x58" + b"\7example\3org\0" + b"\1b\0"),
    option(38, bytes(14)),
    option(14, bytes(6)),
    option(13, b"abc"),
]
messages = []
for t in range(256):
    for c in range(0, 8 if t < 5 else 2):
        messages.append(message(t, c, b"\0\5\0\x14" + inner))
        messages.append(message(t, c, b"\0\5\0\0" + inner[:16]))
for q in (tcp(5, 80, source=A6, to=B6), b"12345678"):
    messages.append(message(1, 4, bytes(4) + ip6(6 if len(q) > 8 else 132, q)))
for o in [*options, b"".join(options), b"\x01\x00" + bytes(6), b"\x01\x07" + bytes(6)]:
    messages += [
        message(133, 0, bytes(4) + o),
        message(134, 0, b"\x40\xc8\7\x08" + bytes(8) + o),
        message(135, 0, bytes(4) + host + o),
        message(136, 0, b"\xe0\0\0\0" + host + o),
        message(137, 0, bytes(4) + host + host + o),
    ]
for f in range(0, 256, 8):
    messages.append(message(134, 0, b"\x40" + bytes([f]) + b"\7\x08" + bytes(8)))
    messages.append(message(136, 0, bytes([f, 0, 0, 0]) + host))
messages += [
    message(130, 0, b"\x27\x10\0\0" + bytes(16)),
    message(131, 0, b"\x27\x10\0\0" + host),
    message(132, 0, bytes(4) + host),
]
for code, flag_bits, interval, n, real in (
    (1000, 2, 125, 0, 0),
    (0x9123, 0xF, 0x92, 2, 2),
    (1000, 0, 0, 3, 1),
):
    messages.append(
        message(
            130,
            0,
            struct.pack("!HH", code, 0)
            + host
            + bytes([flag_bits, interval])
            + struct.pack("!H", n)
            + host * real,
        )
    )


def record(k, n, real):
    return bytes([k, 0]) + struct.pack("!H", n) + host + host * real


messages += [
    message(143, 0, struct.pack("!HH", 0, 8) + b"".join(record(k, k % 3, k % 3) for k in range(8))),
    message(143, 0, struct.pack("!HH", 0, 3) + record(1, 0, 0)),
    message(143, 0, struct.pack("!HH", 0, 1) + record(1, 5, 0)),
]
messages.append(message(128, 0, b"\0\1\0\2", ck=False))
messages.append(over_ip4(58, b"abcdefghij"))
datagram = udp(1000, 2000, b"12345678", source=A6, to=B6)
for nh in range(256):
    messages.append(over_ip6(nh, datagram if nh in (17, 6) else b"\x3b\0" + bytes(22)))
extended = []
for option_bytes in (
    b"\5\2\0\0\1\0",
    b"\xc2\4\0\1\0\0",
    b"\1\4\0\0\0\0",
    b"\0\0\0\0\0\0",
    b"\x1e\4abcd",
    b"\5\3\0\0\0\0",
    b"\x3e\x02ab\0\0",
    b"\xc9\x04abcd",
    b"\7\4abcd",
    b"\1\x44\0\0\0\0",
    b"\x1e\x09abcd",
    b"\4\1\3\0\0\0",
    b"\x8a\4abcd",
    b"\xc2\5\0\1\0\0",
    b"\0\0\5\2\0\0",
    b"\xc9\0\0\0\0\0",
    b"\x05\0\0\0\0\0",
):
    for nh in (0, 60):
        extended.append(over_ip6(nh, b"\x11\0" + option_bytes + datagram))
        extended.append(over_ip6(nh, b"\x3c\0" + option_bytes + b"\x11\0" + option_bytes + datagram))
    extended.append(over_ip6(0, b"\x11\1" + option_bytes + bytes(8) + datagram))
for ty in range(6):
    for L in (0, 1, 2, 3, 4, 6):
        extended.append(over_ip6(43, bytes([17, L, ty, 1, 0, 0, 0, 0]) + host * (L // 2) + datagram))
        extended.append(over_ip6(43, bytes([17, L, ty, 1, 1, 2, 0, 3]) + host * (L // 2) + datagram))
for off in (0, 1, 8, 0x100, 0xFFF9):
    extended.append(over_ip6(44, b"\x11\0" + struct.pack("!HI", off, 0xABCD) + datagram))
    extended.append(over_ip6(44, b"\x06\0" + struct.pack("!HI", off, 0xABCD) + tcp(1, 2, b"abc")))
extended += (
    [ether(0x86DD, ip6(17, datagram, length=L)) for L in (0, 4, 8, 20, 100)]
    + [ether(0x86DD, ip6(17, datagram, version=v)) for v in (4, 5)]
    + [
        ether(0x86DD, ip6(17, datagram, traffic_class=c, flow=f, hlim=h))
        for c in (0, 0xB8)
        for f in (0, 0x12345)
        for h in (0, 255)
    ]
)
extended += [
    ether(0x86DD, ip6(17, datagram, source=s, to=t))
    for s, t in (
        ("::ffff:10.0.0.1", "::10.0.0.2"),
        ("::", "::1"),
        ("fe80::1", "1:0:0:2:0:0:0:3"),
        ("::1.2.3.4", "::1234"),
        ("1::", "0:0:1::"),
    )
]
extended += [
    over_ip6(4, ip4(17, udp(1, 2, b"a"))),
    over_ip6(41, inner),
    over_ip4(41, inner),
    over_ip4(4, ip4(17, udp(1, 2, b"a"))),
    ether(0x86DD, ip6(17, datagram) + b"padpad"),
]
ip6_frames = (
    messages[:600:3]
    + messages[512:]
    + extended
    + [c for b in messages[::17] + messages[570:770:5] + extended[::4] for c in judge.cut(b, 14)]
)
CASES["ip6"] = Case(ip6_frames, ("-n -v", "-n -vv", "-n"))
igmp_frames = []
group = address("224.0.0.5")
for t in range(256):
    igmp_frames.append(over_ip4(2, icmp(t, 0, group)))
igmp_frames += [
    over_ip4(2, icmp(0x11, c, g)) for c in (0, 1, 9, 10, 100, 101, 200) for g in (group, bytes(4))
] + [
    over_ip4(2, icmp(0x11, c, g + b"\2\x7d" + struct.pack("!H", n) + group * r))
    for c in (0, 1, 5, 9, 10, 15, 100, 101, 0x85, 0xFF)
    for g in (group, bytes(4))
    for n, r in ((0, 0), (2, 2), (5, 1))
]


def record4(k, n, r):
    return bytes([k, 0]) + struct.pack("!H", n) + group + group * r


igmp_frames += [
    over_ip4(
        2, icmp(0x22, 0, struct.pack("!HH", 0, 8) + b"".join(record4(k, k % 3, k % 3) for k in range(8)))
    ),
    over_ip4(2, icmp(0x22, 0, struct.pack("!HH", 0, 4) + record4(1, 0, 0))),
    over_ip4(2, icmp(0x22, 0, struct.pack("!HH", 0, 1) + record4(1, 9, 0))),
    over_ip4(2, icmp(0x22, 0, bytes(4))),
    over_ip4(2, icmp(0x16, 0, group + group)),
    over_ip4(2, icmp(0x12, 0, group + group)),
    over_ip4(2, b"\x16\0\1\2" + group),
    over_ip4(2, b"\x13\1\1\2" + group * 4),
    over_ip4(2, b"\x14\1\1\2" + group * 4),
]
CASES["igmp"] = Case(
    igmp_frames + [c for g in igmp_frames[256::5] + igmp_frames[18:36] for c in judge.cut(g, 14)],
    ("-n", "-n -v", "-n -vv", "-n -q"),
)
