"""Makes the seeds anew: ``python tests/fuzz/make.py``. All of it is this project's own work.

seeds/savefile       a byte that chooses how to read, then a pcap or pcapng file
seeds/program        a program and a packet, as program.c has them
seeds/decompression  compressed savefiles
seeds/expression     a byte that chooses the link type, then a filter
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import struct
from pathlib import Path

import nmpcap
from nmpcap import filter as pcap_filter
from nmpcap.savefile import open_writer

PACKET = bytes.fromhex("ffffffffffff02000000000108004500001c000040004011b6ab0a0000010a000002003500350008ffff")
TIME_NS = 1_700_000_000_123_456_789
SEEDS = Path(__file__).parent / "seeds"
FILTERS = {
    "ports": "udp port 53 or tcp portrange 1000-2000",
    "hosts": "host 10.0.0.1 or net 10.1.0.0/16 and not src 10.1.2.3",
    "arithmetic": "ip[0] & 0xf != 5 and len > 4 * ip[2:2] / 3",
    "vlan": "vlan 5 and mpls 3 and ip6 proto 17",
    "wlan": "type mgt subtype beacon or wlan addr2 2:0:0:0:0:1",
    "chain": "ip6 protochain 6",
    "ether": "ether src 02:00:00:00:00:01 and (ether broadcast or not arp)",
}


def pcap(order: str, magic: int, more: bytes = b"") -> bytes:
    """Two packets, the second one cut, in a classic file."""
    file = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, 1)
    for data, length in ((PACKET, len(PACKET)), (PACKET[:20], 1500)):
        file += struct.pack(f"{order}IIII", 1_700_000_000, 999, len(data), length) + more + data
    return file


def pcapng() -> bytes:
    """A section with an interface, packets and a comment."""
    into = io.BytesIO()
    with open_writer(into, linktype=nmpcap.DLT_EN10MB, format="pcapng") as writer:
        writer.write(PACKET, ts_ns=TIME_NS, comment="a comment")
        writer.write(PACKET[:20], ts_ns=TIME_NS + 1, len=1500)
    return into.getvalue()


def swapped_pcapng() -> bytes:
    """A section in the other byte order: its header, an interface, a packet of each kind."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack(">I", 12 + len(body))
        return struct.pack(">I", kind) + size + body + size

    return (
        block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
        + block(1, struct.pack(">HHI", 1, 0, 0) + struct.pack(">HHB3xHH", 9, 1, 9, 0, 0))
        + block(3, struct.pack(">I", len(PACKET)) + PACKET)
        + block(6, struct.pack(">IIIII", 0, 391_000, 7, len(PACKET), len(PACKET)) + PACKET)
        + block(5, struct.pack(">III", 0, 391_000, 7))
    )


def savefiles() -> dict[str, bytes]:
    """Small files of every kind."""
    return {
        "pcap-little": pcap("<", 0xA1B2C3D4),
        "pcap-big": pcap(">", 0xA1B2C3D4),
        "pcap-nano": pcap("<", 0xA1B23C4D),
        "pcap-modified": pcap("<", 0xA1B2CD34, bytes(8)),
        "pcapng": pcapng(),
        "pcapng-big": swapped_pcapng(),
    }


def programs() -> dict[str, bytes]:
    """What filters compile to, before a packet."""
    seeds = {}
    for name, text in FILTERS.items():
        insns = pcap_filter.compile(text, linktype=127 if name == "wlan" else 1).instructions
        words = b"".join(struct.pack("=HBBI", i.code, i.jt, i.jf, i.k) for i in insns)
        seeds[name] = struct.pack("<HBB", len(insns), 4, 0xFF) + words + PACKET
    return seeds


def compressed() -> dict[str, bytes]:
    """One file by each compression, one of two members, and one behind a skippable frame."""
    contents = pcap("<", 0xA1B2C3D4)
    gz, xz = gzip.compress(contents, mtime=0), lzma.compress(contents)
    zstd = importlib.import_module("zstandard").ZstdCompressor(write_checksum=True).compress(contents)
    lz4 = importlib.import_module("lz4.frame").compress(contents, content_checksum=True)
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip"
    half = len(contents) // 2
    return {
        "gzip": gz,
        "gzip-two": gzip.compress(contents[:half], mtime=0) + gzip.compress(contents[half:], mtime=0),
        "xz": xz,
        "bzip2": bz2.compress(contents),
        "zstd": zstd,
        "zstd-skippable": skippable + zstd,
        "lz4": lz4,
    }


def make(into: Path) -> None:
    """Write all seeds into a folder."""
    seeds = {
        "savefile": {
            name: bytes([4 * i + i % 4]) + file for i, (name, file) in enumerate(savefiles().items())
        },
        "program": programs(),
        "decompression": compressed(),
        "expression": {name: b"\0" + text.encode() for name, text in FILTERS.items()},
    }
    for target, files in seeds.items():
        (into / target).mkdir(parents=True, exist_ok=True)
        for name, contents in files.items():
            (into / target / name).write_bytes(contents)


if __name__ == "__main__":
    make(SEEDS)
