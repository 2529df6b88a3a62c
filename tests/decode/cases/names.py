"""DNS and multicast DNS."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import over_tcp, over_udp, over_udp6
from . import Case

CASES: dict[str, Case] = {}


def name(s):
    return b"".join(bytes([len(label)]) + label.encode() for label in s.split(".") if label) + b"\0"


def msg(flags, qs=(), an=(), ns=(), ar=(), id=77, counts=None):
    c = counts or (len(qs), len(an), len(ns), len(ar))
    return struct.pack("!HH4H", id, flags, *c) + b"".join(qs) + b"".join(an) + b"".join(ns) + b"".join(ar)


def question(n="a.example", t=1, c=1):
    return name(n) + struct.pack("!HH", t, c)


def record(t, data, n=b"\xc0\x0c", c=1, ttl=3601):
    return n + struct.pack("!HHIH", t, c, ttl, len(data)) + data


messages = [
    msg(0x100, [question()]),
    msg(0, [question(t=65)]),
    msg(0x110, [question(c=3)]),
    msg(0x6F0, [question(c=7)]),
    msg(0x100, [question(), question("b.c", 28)]),
    msg(0x100, []),
]
for f in range(0, 0x10000, 0x101):
    messages.append(msg(f, [question()]))
for f in range(16):
    messages.append(msg(0x8180 | f, [question()]))
    messages.append(
        msg(
            f << 11,
            [question()],
            [record(1, b"\1\2\3\4")],
            [record(2, name("ns.x"))],
            [record(41, b"", b"\0", 1232, 0x8000)],
        )
    )
    messages.append(msg(1 << f, [question()]))
soa = name("m.x") + name("r.y") + struct.pack("!5I", 1, 2, 3, 4, 5)
values = {
    1: b"\1\2\3\4",
    2: name("ns.x"),
    5: name("c.x"),
    6: soa,
    12: name("p.x"),
    15: b"\0\n" + name("mx.x"),
    16: b'\3abc\4d"\xff\n',
    28: bytes(range(16)),
    33: struct.pack("!HHH", 1, 2, 443) + name("srv.x"),
    39: name("d.x"),
    41: b"",
    99: b"\2ab",
    256: b"\0\1\0\2text",
    250: name("hmac-md5") + b"\0\0\0\0\0\1\1\x2c\0\4abcd\0\7\0\0\0\0",
    38: b"\x40" + bytes(8) + name("a6.x"),
    43: b"abcd",
    46: b"x" * 20,
    65: b"\0\1\0",
    13: b"\3cpu\2os",
    7: name("x"),
    8: name("x"),
    9: name("x"),
    3: name("x"),
    4: name("x"),
    10: b"abc",
    17: name("x") + name("y"),
    18: b"\0\1" + name("x"),
    35: b"abc",
    101: b"abcd",
    102: b"abcd",
    103: b"abcd",
    104: b"ab",
    257: b"\0\5issueca.x",
    252: b"",
}
for t in list(range(0, 60)) + list(range(98, 110)) + list(range(248, 262)) + [32768, 32769, 65535]:
    d = values.get(t, b"")
    messages.append(msg(0x8180, [question()], [record(t, d)]))
    messages.append(
        msg(
            0x8580,
            [question(t=t)],
            [record(1, b"\1\2\3\4")],
            [record(2, name("ns.x"))],
            [record(t, d), record(41, b"", b"\0", 1232, 0x8000)],
        )
    )
    messages.append(msg(0x8180, [question()], [record(t, b"")]))
    messages.append(msg(0x8180, [question()], [record(t, d, c=3, ttl=90061)]))
messages += [
    msg(
        0x8180,
        [question()],
        [record(1, b"\1\2\3\4"), record(1, b"\1\2\3\5", ttl=0), record(28, bytes(16), ttl=700000)],
    ),
    msg(0x8180, [question(), question()], [record(1, b"\1\2\3\4")]),
    msg(0x8180, [], [record(1, b"\1\2\3\4", name("xx"))]),
]
for o in range(0, 20):
    for v in (
        b"",
        b"\0",
        b"\0\1",
        b"\0\1\x18\0\1\2\3",
        bytes(range(8)),
        bytes(range(16)),
        b"\0\2\x38\0" + bytes(range(7)),
        b"text",
    ):
        messages.append(
            msg(0x8180, [question()], [], [], [record(41, struct.pack("!HH", o, len(v)) + v, b"\0", 4096, 0)])
        )
messages.append(
    msg(
        0x8180,
        [question()],
        [],
        [],
        [
            record(
                41,
                struct.pack("!HH", 10, 8) + b"abcdefgh" + struct.pack("!HH", 8, 7) + b"\0\1\x18\0\1\2\3",
                b"\0",
                4096,
                0x8000,
            )
        ],
    )
)
for bad in (
    b"\xc0\x0c",
    b"\xc0\xff",
    b"\xc0",
    b"\x40abc",
    b"\x80\1",
    b"\x41" + b"\x20" * 12,
    b"\x01a\xc0\x0c",
    b"\xff\xff",
    b"\3a.b\2\0\xff\0",
    b"\0",
    b"\x3f" + b"z" * 63 + b"\0",
):
    messages.append(msg(0x100, [bad + b"\0\1\0\1"]))
    messages.append(msg(0x8180, [question()], [record(2, bad)]))
    messages.append(msg(0x8180, [question()], [record(1, b"\1\2\3\4", bad)]))
messages.append(msg(0x100, [], counts=(65535, 0, 0, 0)))
messages.append(msg(0x8180, [question()], counts=(1, 9, 9, 9)))
queries = (
    [over_udp(1000, 53, m) for m in messages]
    + [over_udp(5353, 5353, m) for m in messages[:9] + messages[-120::3]]
    + [over_udp6(1000, 53, messages[0])]
    + [over_tcp(1000, 53, struct.pack("!H", len(m)) + m) for m in messages[::40]]
    + [over_tcp(1000, 53, struct.pack("!H", L) + messages[0]) for L in (0, 5, 11, 500, 26, 28)]
    + [
        over_udp(5353, 5353, msg(0, [question(c=0x8001), question(c=1), question(c=0x80FF)])),
        over_udp(5353, 5353, msg(0x8400, [], [record(1, b"\1\2\3\4", name("z"), 0x8001)])),
    ]
)
dns_frames = queries + [c for b in queries[::11] for c in judge.cut(b, 50)]
CASES["dns"] = Case(dns_frames, ("-n", "-n -v", "-n -vv", "-n -vvv"))
