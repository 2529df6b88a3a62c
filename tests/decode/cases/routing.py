"""Routing protocols and others of which one line is printed, without -v."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import over_ip4, over_tcp, over_udp
from . import Case

CASES: dict[str, Case] = {}

ROUTE = struct.pack("!HHIIII", 2, 0, 0x0A000000, 0xFF000000, 0, 1)
BFD_TIMES = struct.pack("!5I", 1, 2, 3, 4, 5)
frames = [
    *(
        over_udp(520, 520, bytes([kind, version, 0, 0]) + ROUTE * 2)
        for version in range(4)
        for kind in range(13)
    ),
    *(
        over_ip4(89, bytes([version, kind, 0, 44]) + b"\1\1\1\1" + bytes(36))
        for version in (2, 3, 4)
        for kind in range(8)
    ),
    *(over_ip4(88, bytes([version, kind]) + bytes(18)) for version in (2, 3) for kind in range(10)),
    *(
        over_udp(1985, 1985, bytes([0, kind, state, 3, 10, 100, 1, 0]) + b"cisco\0\0\0\x0a\0\0\1")
        for kind in range(3)
        for state in (0, 1, 2, 3, 4, 8, 16)
    ),
    *(over_ip4(103, bytes([first, 0, 0, 0]) + bytes(30)) for first in range(0x10, 0x40)),
    *(over_udp(1000, 3784, bytes([0x20, flags, 3, 24]) + BFD_TIMES) for flags in range(256)),
    over_udp(1000, 3785, bytes(24)),
    *(over_udp(1000, 1812, bytes([kind, 5, 0, 20]) + bytes(16)) for kind in range(60)),
    over_udp(646, 646, struct.pack("!HHIHHHI", 1, 30, 0x01010101, 0, 0x100, 20, 1) + bytes(16)),
    *(over_tcp(1000, 179, b"\xff" * 16 + struct.pack("!HB", 19, kind)) for kind in range(7)),
    *(
        over_udp(500, 500, b"I" * 8 + peer + bytes([0, version, kind, flags]) + ident + b"\0\0\0\x1c")
        for peer in (b"R" * 8, bytes(8))
        for version in (0x10, 0x20)
        for kind in (2, 4, 5, 32, 34, 35, 36, 37)
        for flags in (0, 8, 32)
        for ident in (b"\0\0\0\0", b"\0\0\0\1")
    ),
]
CASES["routing"] = Case(frames, ("-n", "-n -e", "-n -q"))
CASES["routing cut"] = Case([cut for frame in frames[::40] for cut in judge.cut(frame, 40)], ("-n",))
