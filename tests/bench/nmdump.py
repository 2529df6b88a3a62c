"""nmdump beside tcpdump: whole processes that copy, count and filter a savefile, and that only start.

The file holds DNS, ARP and ICMP as they came in samples/captures/dns.pcap, over and over.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import Case, Missing, Unavailable, benchmark
from savefiles import PACKETS

from nmpcap import open_offline

DNS = Path(__file__).parents[2] / "samples" / "captures" / "dns.pcap"
NMDUMP = str(Path(sys.executable).parent / "nmdump")
TCPDUMP = shutil.which("tcpdump", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


def theirs() -> list[str]:
    """The first words of tcpdump's command line; as root it stays root."""
    if TCPDUMP is None:
        raise Unavailable("tcpdump is missing; to run it: apt-get install tcpdump")
    return [TCPDUMP, "-Z", "root"] if os.geteuid() == 0 else [TCPDUMP]


def process(*words: str) -> Callable[[], object]:
    """Run a command to its end."""
    return lambda: subprocess.run(words, check=True, capture_output=True, cwd="/")


@contextlib.contextmanager
def traffic() -> Iterator[tuple[str, str]]:
    """A pcap file of PACKETS packets in the page cache, and a path to write to."""
    with open_offline(DNS) as capture:
        records = b"".join(
            struct.pack("=IIII", packet.ts_ns // 10**9, 0, packet.caplen, packet.len) + packet.data
            for packet in capture
        )
        count = capture.stats().delivered
    with tempfile.TemporaryDirectory(prefix="nmpcap-bench-") as folder:
        path = Path(folder, "traffic.pcap")
        with path.open("wb") as file:
            file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
            for _ in range(-(-PACKETS // count)):
                file.write(records)
            file.flush()
            os.fsync(file.fileno())
        yield str(path), str(Path(folder, "copy.pcap"))


@benchmark(reach=1.5)
def nmdump_filter_copy() -> Iterator[Case | Missing]:
    """``-r A -w B``, with a filter and without."""
    with traffic() as (path, copy):
        for label, words in (("udp port 53", ["udp port 53"]), ("all", [])):
            command = ["-r", path, "-w", copy, *words]
            yield Case(label, PACKETS, process(NMDUMP, *command), process(*theirs(), *command), "tcpdump")


@benchmark(reach=1.0)
def nmdump_count() -> Iterator[Case | Missing]:
    """``--count -r A``, with a filter and without."""
    with traffic() as (path, _):
        for label, words in (("udp port 53", ["udp port 53"]), ("all", [])):
            command = ["--count", "-r", path, *words]
            yield Case(label, PACKETS, process(NMDUMP, *command), process(*theirs(), *command), "tcpdump")


@benchmark(reach=120, figure="ms")
def nmdump_start() -> Iterator[Case | Missing]:
    """The process that prints its version, and that prints one packet."""
    for label, words in (("--version", ["--version"]), ("-r", ["-nr", str(DNS), "-c", "1"])):
        yield Case(label, 1, process(NMDUMP, *words), process(*theirs(), *words), "tcpdump")
