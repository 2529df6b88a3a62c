"""Reading a savefile through a filter that one packet in ten passes, to an empty Python callback."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Case, Unavailable, benchmark

import nmpcap

PACKETS = 200_000
FILTERS = ("udp port 53", "net 192.0.2.0/24", "udp and dst portrange 53-60")
SIZES = {"64 bytes": (64,), "mixed": (64, 64, 300, 590, 1500)}


def udp_frame(port: int, network: int, size: int) -> bytes:
    """An Ethernet frame of IPv4 and UDP; filters look no further than its headers."""
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, size - 14, 1, 0, 64, 17, 0, bytes((192, 0, network, 1)), b"\x08" * 4
    )
    udp = struct.pack("!HHHH", 1024, port, size - 34, 0)
    return (bytes(12) + b"\x08\x00" + ip + udp).ljust(size, b"\0")


def make_savefile(path: Path, sizes: tuple[int, ...]) -> None:
    """One packet in ten from 192.0.2.1 to port 53, the rest from elsewhere to another."""
    with nmpcap.open_writer(path, linktype=1, snaplen=65535) as writer:
        for i in range(PACKETS):
            passes = i % 10 == 0
            frame = udp_frame(53 if passes else 9000, 2 if passes else 9, sizes[i % len(sizes)])
            writer.write(frame, ts_ns=i * 1000)


@benchmark(reach=2.0)
def filtered_read() -> Iterator[Case]:
    """``loop`` with a filter, beside pcapy-ng with the same one."""
    try:
        import pcapy
    except ImportError:
        raise Unavailable("no pcapy-ng; to run it: pip install pcapy-ng") from None
    with tempfile.TemporaryDirectory() as folder:
        for label, sizes in SIZES.items():
            path = Path(folder, f"{label[:2]}.pcap")
            make_savefile(path, sizes)
            for text in FILTERS:

                def ours(path: Path = path, text: str = text) -> int:
                    with nmpcap.open_offline(path) as capture:
                        capture.setfilter(text)
                        return int(capture.loop(-1, lambda packet: None))

                def peer(path: Path = path, text: str = text) -> None:
                    reader = pcapy.open_offline(str(path))
                    reader.setfilter(text)
                    reader.loop(-1, lambda header, data: None)

                if ours() != PACKETS // 10:
                    raise RuntimeError(f"{text!r} passes {ours()} of {PACKETS} packets, not a tenth")
                yield Case(f"{text}, {label}", PACKETS, ours, peer, "pcapy-ng")
