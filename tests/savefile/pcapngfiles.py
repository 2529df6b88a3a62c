"""pcapng files, built block by block, sound and damaged."""

from __future__ import annotations

import struct
from dataclasses import dataclass

SHB, IDB, PB, SPB, NRB, ISB, EPB, DSB, CB = 0x0A0D0D0A, 1, 2, 3, 4, 5, 6, 0xA, 0xBAD


@dataclass(frozen=True)
class Maker:
    """Blocks in one byte order. ``total`` and ``trailer`` replace the lengths that would be right."""

    order: str = "<"

    def block(self, kind: int, body: bytes, total: int | None = None, trailer: int | None = None) -> bytes:
        body += bytes(-len(body) % 4)
        total = 12 + len(body) if total is None else total
        trailer = total if trailer is None else trailer
        return struct.pack(f"{self.order}II", kind, total) + body + struct.pack(f"{self.order}I", trailer)

    def option(self, code: int, value: bytes = b"", length: int | None = None) -> bytes:
        head = struct.pack(f"{self.order}HH", code, len(value) if length is None else length)
        return head + value + bytes(-len(value) % 4)

    def section(
        self, options: bytes = b"", major: int = 1, minor: int = 0, magic: int = 0x1A2B3C4D, **frame: int
    ) -> bytes:
        body = struct.pack(f"{self.order}IHHq", magic, major, minor, -1)
        return self.block(SHB, body + options, **frame)

    def interface(self, linktype: int = 1, snaplen: int = 65535, options: bytes = b"", **frame: int) -> bytes:
        return self.block(IDB, struct.pack(f"{self.order}HHI", linktype, 0, snaplen) + options, **frame)

    def packet(
        self,
        data: bytes = b"hello",
        ts: int = 1_000_001,
        *,
        interface: int = 0,
        length: int | None = None,
        options: bytes = b"",
        caplen: int | None = None,
        kind: int = EPB,
        **frame: int,
    ) -> bytes:
        caplen = len(data) if caplen is None else caplen
        length = len(data) if length is None else length
        head = [interface] if kind == EPB else [interface, 0]
        fields = (*head, ts >> 32, ts & 0xFFFFFFFF, caplen, length)
        body = struct.pack(self.order + ("IIIII" if kind == EPB else "HHIIII"), *fields)
        return self.block(kind, body + data + bytes(-len(data) % 4) + options, **frame)

    def simple(self, data: bytes, length: int | None = None, **frame: int) -> bytes:
        return self.block(
            SPB, struct.pack(f"{self.order}I", len(data) if length is None else length) + data, **frame
        )


LITTLE, BIG = Maker("<"), Maker(">")


def rich_file(maker: Maker) -> bytes:
    """A section with something of everything, much of it unknown to any reader."""
    option = maker.option
    comment, end = option(1, "ein Kommentar, zwölf".encode()), option(0)
    time = option(9, b"\x09") + option(14, struct.pack(f"{maker.order}q", 1_600_000_000))
    return b"".join(
        [
            maker.section(
                option(2, b"hardware") + option(4, b"application") + comment + option(0x8001, b"?") + end
            ),
            maker.interface(
                1, 65535, option(2, b"eth0") + option(3, b"the first") + option(11, b"\0tcp") + end
            ),
            maker.block(0x1234, b"nobody knows this block"),
            maker.interface(101, 0, option(2, b"tun0") + time + comment + comment + end),
            maker.packet(b"first", options=option(2, struct.pack(f"{maker.order}I", 2)) + comment + end),
            maker.block(
                NRB, option(1, bytes([192, 0, 2, 1]) + b"host.example\0alias\0") + option(0) + comment + end
            ),
            maker.packet(b"\x45second", ts=123_456_789_012, interface=1, length=1500),
            maker.simple(b"third"),
            maker.packet(b"fourth", kind=PB),
            maker.block(DSB, struct.pack(f"{maker.order}II", 0x544C534B, 7) + b"secrets\0" + comment + end),
            maker.block(CB, struct.pack(f"{maker.order}I", 32473) + b"their own"),
            maker.block(ISB, struct.pack(f"{maker.order}III", 0, 1, 2) + option(4, bytes(8)) + end),
        ]
    )
