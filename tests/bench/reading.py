"""Reading savefiles: by callback, one by one, by iteration and in batches, beside every library that does.

Each side opens the file, reads all of it in its own fastest way, and gives up what it has read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measure import Case, Missing, benchmark
from peers import peer
from savefiles import PACKETS, savefiles

import nmpcap

Read = Callable[[Any, Path], object]
"""What a peer does with a file, given its module."""


def compare(
    ours: Callable[[Path], object], peers: dict[str, tuple[Read, float | None]]
) -> Iterator[Case | Missing]:
    """A case for each file and peer; what the sides return must agree."""
    with savefiles() as paths:
        for name, (read, reach) in peers.items():
            module = peer(name)
            if isinstance(module, Missing):
                yield module
                continue
            for label, path in paths.items():
                if ours(path) != read(module, path):
                    raise RuntimeError(f"{name}, {label}: {read(module, path)}, not {ours(path)}")
                yield Case(
                    f"{label}, {name}",
                    PACKETS,
                    lambda path=path: ours(path),  # type: ignore[misc]
                    lambda read=read, module=module, path=path: read(module, path),  # type: ignore[misc]
                    name,
                    reach=reach,
                )


# ---- by callback ---------------------------------------------------------------------


@benchmark(reach=2.0)
def loop_empty() -> Iterator[Case | Missing]:
    """``loop`` with a callback that does nothing."""

    def ours(path: Path) -> None:
        with nmpcap.open_offline(path) as capture:
            capture.loop(-1, lambda packet: None)

    def pcapy(module: Any, path: Path) -> None:
        module.open_offline(str(path)).loop(-1, lambda header, data: None)

    yield from compare(ours, {"pcapy-ng": (pcapy, None)})


@benchmark(reach=4.0)
def loop_header() -> Iterator[Case | Missing]:
    """``loop`` with a callback that asks for the packet's length and time."""

    def ours(path: Path) -> None:
        def callback(packet: nmpcap.Packet) -> None:
            packet.len  # noqa: B018  (asking is what is measured)
            packet.ts_ns  # noqa: B018

        with nmpcap.open_offline(path) as capture:
            capture.loop(-1, callback)

    def pcapy(module: Any, path: Path) -> None:
        def callback(header: Any, data: bytes) -> None:
            header.getlen()
            header.getts()

        module.open_offline(str(path)).loop(-1, callback)

    yield from compare(ours, {"pcapy-ng": (pcapy, None)})


# ---- one by one ----------------------------------------------------------------------


@benchmark(reach=2.0)
def next() -> Iterator[Case | Missing]:
    """``next`` until there is no more."""

    def ours(path: Path) -> None:
        with nmpcap.open_offline(path) as capture:
            while capture.next() is not None:
                pass

    def pcapy(module: Any, path: Path) -> None:
        reader = module.open_offline(str(path))
        while reader.next()[0] is not None:
            pass

    yield from compare(ours, {"pcapy-ng": (pcapy, None)})


def iterate_nmpcap(path: Path) -> None:
    with nmpcap.open_offline(path) as capture:
        for _ in capture:
            pass


def iterate_cypcap(module: Any, path: Path) -> None:
    with module.open_offline(path) as reader:
        for _header, _data in reader:
            pass


def iterate_pypcap(module: Any, path: Path) -> None:
    for _ts, _data in module.pcap(str(path)):
        pass


def iterate_dpkt(module: Any, path: Path) -> None:
    with path.open("rb") as file:
        for _ts, _data in module.Reader(file):
            pass


def iterate_scapy(module: Any, path: Path) -> None:
    with module.RawPcapReader(str(path)) as reader:
        for _data, _metadata in reader:
            pass


@benchmark(reach=2.0)
def iterate() -> Iterator[Case | Missing]:
    """A ``for`` loop over the handle."""
    yield from compare(
        iterate_nmpcap,
        {
            "cypcap": (iterate_cypcap, None),
            "pypcap": (iterate_pypcap, None),
            "dpkt": (iterate_dpkt, 10.0),
            "scapy": (iterate_scapy, 10.0),
        },
    )


# ---- many at a time ------------------------------------------------------------------

BATCH = 1024


@benchmark(reach=2.0)
def batches_numpy() -> Iterator[Case | Missing]:
    """The sum of all lengths, by NumPy over batches; peers that have none sum them one by one."""
    numpy: Any = peer("numpy")
    if isinstance(numpy, Missing):
        yield numpy
        return

    def ours(path: Path) -> int:
        with nmpcap.open_offline(path) as capture:
            return sum(int(numpy.asarray(batch.lens).sum()) for batch in capture.batches(BATCH))

    def pcapy_batches(module: Any, path: Path) -> int:
        reader = module.open_offline(str(path))
        total = 0
        while True:
            _data, meta = reader.next_batch(BATCH)
            if not meta:
                return total
            # Seconds, microseconds, offset, captured length: it has no length on the wire.
            total += int(numpy.frombuffer(meta, numpy.uint32).reshape(-1, 4)[:, 3].sum())

    def pcapy_loop(module: Any, path: Path) -> int:
        total = 0

        def callback(header: Any, data: bytes) -> None:
            nonlocal total
            total += len(data)

        module.open_offline(str(path)).loop(-1, callback)
        return total

    def cypcap(module: Any, path: Path) -> int:
        with module.open_offline(path) as reader:
            return sum(len(data) for _header, data in reader)

    def pypcap(module: Any, path: Path) -> int:
        return sum(len(data) for _ts, data in module.pcap(str(path)))

    yield from compare(ours, {"pcapy-ng": (pcapy_batches, None)})
    per_packet = {"pcapy-ng": (pcapy_loop, 5.0), "cypcap": (cypcap, 5.0), "pypcap": (pypcap, 5.0)}
    yield from compare(ours, per_packet)
