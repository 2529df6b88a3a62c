"""Classic pcap files, built byte by byte: every variant that readers have to know."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, replace
from typing import NamedTuple

MICRO, NANO, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34


class Given(NamedTuple):
    """A packet as it is put into a file."""

    seconds: int
    fraction: int
    data: bytes
    len: int


@dataclass(frozen=True)
class Layout:
    """The file header's fields, and with them the shape of everything behind it."""

    order: str = "<"
    magic: int = MICRO
    major: int = 2
    minor: int = 4
    snaplen: int = 65535
    linktype: int = 1
    exchanged: bool = False

    def header(self) -> bytes:
        return struct.pack(
            f"{self.order}IHHiIII", self.magic, self.major, self.minor, 0, 0, self.snaplen, self.linktype
        )

    def record(self, packet: Given, caplen: int | None = None) -> bytes:
        lengths = (len(packet.data) if caplen is None else caplen, packet.len)
        if self.exchanged:
            lengths = lengths[::-1]
        more = struct.pack(f"{self.order}IHBB", 3, 0x0800, 0, 0) if self.magic == MODIFIED else b""
        return (
            struct.pack(f"{self.order}IIII", packet.seconds, packet.fraction, *lengths) + more + packet.data
        )

    def file(self, packets: list[Given]) -> bytes:
        return self.header() + b"".join(map(self.record, packets))

    def ts_ns(self, packet: Given) -> int:
        return packet.seconds * 10**9 + packet.fraction * (1 if self.magic == NANO else 1000)


_PLAIN = Layout()
LAYOUTS = {
    f"{name}-{'little' if order == '<' else 'big'}": replace(layout, order=order)
    for name, layout in {
        "micro": _PLAIN,
        "nano": replace(_PLAIN, magic=NANO),
        "modified": replace(_PLAIN, magic=MODIFIED),
        "version-2.0": replace(_PLAIN, minor=0, exchanged=True),
        "version-2.1": replace(_PLAIN, minor=1, exchanged=True),
        "version-2.2": replace(_PLAIN, minor=2, exchanged=True),
        "version-2.3": replace(_PLAIN, minor=3),
        "version-2.3-exchanged": replace(_PLAIN, minor=3, exchanged=True),
        "version-543.0": replace(_PLAIN, major=543, minor=0, exchanged=True),
        "raw-ip": replace(_PLAIN, linktype=101),
        "fcs": replace(_PLAIN, linktype=0x24000001),
    }.items()
    for order in "<>"
}


def some_packets(rng: random.Random, count: int, nano: bool = False, cut: bool = True) -> list[Given]:
    """Packets of random sizes and contents, some cut by a snaplen, in the order of time."""
    seconds, packets = 1_700_000_000, []
    for _ in range(count):
        seconds += rng.randrange(3)
        size = rng.choice([0, 1, 14, 60, 64, 1500, rng.randrange(2000)])
        length = size + rng.randrange(100) * rng.randrange(2) * cut
        fraction = rng.randrange(10**9 if nano else 10**6)
        packets.append(Given(seconds, fraction, rng.randbytes(size), length))
    return packets
