"""The options of DHCP and DHCPv6."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import address, over_udp, over_udp6
from . import Case
from .services import bootp

CASES: dict[str, Case] = {}

COOKIE = b"\x63\x82\x53\x63"


def option(c, v):
    return bytes([c, len(v)]) + v


values = []
for c in range(1, 255):
    for v in (
        b"\1",
        b"\0\1",
        b"abc",
        b"\x41\x42\x43\x44",
        b"abcde",
        b"abcdef",
        b"abcdefgh",
        b"",
        bytes([1]) + bytes(range(6)),
        b"\0name",
        b"\xff\0\0\0\1\0\1abcdefgh",
        b"\x18\xc0\xa8\1\x0a\0\0\1\0\x0a\0\0\2",
        b"\1\3abc\2\2de\5\4abcd\6\1x\x0b\4abcd\x97\2ab\x98\1z",
        b"\3abc\2de",
        b"\5\0\0host",
        b"\1\2\0",
        b"\2",
        b"\3",
        b"\4",
        b"\5",
        b"\6",
        b"\7",
        b"\x08",
        b"\x09",
        b"\0",
    ):
        if (
            c in (46, 52, 53, 55, 60, 61, 77, 81, 82, 121, 249, 12, 1, 3, 7, 21, 19, 99, 125, 43, 97)
            or v[:1] in b"\1a"
        ):
            values.append(option(c, v))
frames = [over_udp(68, 67, bootp(vend=COOKIE + v + b"\xff")) for v in values] + [
    over_udp(68, 67, bootp(vend=COOKIE + v)) for v in values[::50]
]
frames.append(
    over_udp(
        68,
        67,
        bootp(
            vend=COOKIE
            + option(53, b"\1")
            + b"\0\0"
            + option(61, b"\1abcdef")
            + option(12, b"h")
            + option(55, bytes(range(1, 20)))
            + b"\xff"
            + bytes(20)
        ),
    )
)
CASES["dhcp_options"] = Case(
    frames + [c for b in [*frames[::60], frames[-1]] for c in judge.cut(b, 270)], ("-n -v", "-n -vvv")
)


def option(c, v):
    return struct.pack("!HH", c, len(v)) + v


host = address("2001:db8::5")


def message6(t, opts, x=0xABCDEF):
    return struct.pack("!I", t << 24 | x) + opts


values6 = (
    [
        b"",
        b"\1",
        b"\0\1",
        b"\0\0\0\5",
        b"abcdefgh",
        host,
        host + b"\0\0\1\x2c\0\0\1\x90",
        b"\0\1\0\1" + b"\x29\xb9\x27\0" + bytes(range(6)),
        b"\0\0\0\1\0\0\0\2\0\0\0\3",
        b"\3abc\2de\0",
        b"\0\2\0\0\0\x09abcdefghi",
        b"\0\3\0\1" + bytes(range(6)),
        b"\0\0\0\1\0\0\0\2\x40" + host,
    ]
    + [bytes([0, i]) for i in range(13)]
    + [b"\5", b"\x0b"]
)
messages6 = (
    [message6(t, b"") for t in range(256)]
    + [message6(1, option(c, v)) for c in [*list(range(49)), 56, 64, 112, 200] for v in values6]
    + [
        message6(12, b""),
        b"\x0c\1" + host + host + option(9, message6(1, option(1, b"\0\3\0\1abcdef"))) + option(18, b"eth0"),
        b"\x0d\1" + host + host,
        b"",
        b"\1",
        message6(1, b"\0\1"),
        message6(1, b"\0\1\0\x09abc"),
        message6(
            1,
            option(1, b"\0\1\0\1" + bytes(10))
            + option(3, b"\0\0\0\1\0\0\0\2\0\0\0\3" + option(5, host + bytes(8) + option(13, b"\0\0ok")))
            + option(6, b"\0\x17\0\x18")
            + option(14, b""),
        ),
    ]
)
frames6 = [over_udp6(546, 547, x) for x in messages6] + [over_udp(546, 547, messages6[-1])]
CASES["dhcp6"] = Case(
    frames6 + [c for f in frames6[-4:] + frames6[300::60] for c in judge.cut(f, 60)], ("-n", "-n -v", "-n -q")
)
