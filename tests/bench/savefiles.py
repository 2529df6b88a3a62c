"""The savefiles that benchmarks read: packets of one size, and of sizes as they are met in networks."""

from __future__ import annotations

import contextlib
import os
import random
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PACKETS", "savefiles"]

PACKETS = int(os.environ.get("NMPCAP_BENCH_PACKETS", "200000"))
SEED = 20240229
SIZES = {
    "64 bytes": (64,),
    "mixed": (64,) * 7 + (512,) * 4 + (1518,),  # 334.5 bytes on average
    "1500 bytes": (1500,),
}


def _make(path: Path, sizes: tuple[int, ...]) -> None:
    choice = random.Random(SEED)
    noise = choice.randbytes(1 << 16)
    with path.open("wb", buffering=1 << 20) as file:
        file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(PACKETS):
            size = choice.choice(sizes)
            start = choice.randrange(len(noise) - size)
            file.write(struct.pack("=IIII", 1_700_000_000 + i // 100_000, i % 100_000 * 10, size, size))
            file.write(noise[start : start + size])
        file.flush()
        os.fsync(file.fileno())  # else the disk would be written to while the benchmark runs


@contextlib.contextmanager
def savefiles() -> Iterator[dict[str, Path]]:
    """A classic pcap file of each kind of ``SIZES``, by its label, in the page cache."""
    with tempfile.TemporaryDirectory(prefix="nmpcap-bench-") as folder:
        paths = {}
        for number, (label, sizes) in enumerate(SIZES.items()):
            paths[label] = Path(folder, f"{number}.pcap")
            _make(paths[label], sizes)
        yield paths
