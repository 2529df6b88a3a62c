"""Stand-ins for other libraries beside the originals: the same calls, on the same files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measure import Case, Missing, benchmark
from nmpcap.compat import dpkt_pcap, pcapy
from nmpcap.compat import pcap as pypcap
from peers import peer
from savefiles import PACKETS, savefiles

Work = Callable[[Any, Path], object]
"""What is done with a file, given a module."""


def both(ours: Any, package: str, work: Work, items: int = PACKETS) -> Iterator[Case | Missing]:
    """A case for each file: the same work with the stand-in and with the original; results must agree."""
    original = peer(package)
    if isinstance(original, Missing):
        yield original
        return
    with savefiles() as paths:
        for label, path in paths.items():
            if work(ours, path) != work(original, path):
                raise RuntimeError(f"{package}, {label}: {work(ours, path)}, not {work(original, path)}")
            yield Case(
                label,
                items,
                lambda path=path: work(ours, path),  # type: ignore[misc]
                lambda path=path: work(original, path),  # type: ignore[misc]
                package,
            )


# ---- pcapy


@benchmark(reach=1.5)
def pcapy_loop() -> Iterator[Case | Missing]:
    """``loop`` with a callback that does nothing."""
    yield from both(
        pcapy,
        "pcapy-ng",
        lambda module, path: module.open_offline(str(path)).loop(-1, lambda header, data: None),
    )


@benchmark(reach=1.5)
def pcapy_next() -> Iterator[Case | Missing]:
    """``next`` until there is no more."""

    def work(module: Any, path: Path) -> None:
        reader = module.open_offline(str(path))
        while reader.next()[0] is not None:
            pass

    yield from both(pcapy, "pcapy-ng", work)


@benchmark(reach=3.0)
def pcapy_header() -> Iterator[Case | Missing]:
    """``next``, and all that a header tells."""

    def work(module: Any, path: Path) -> None:
        reader = module.open_offline(str(path))
        while (header := reader.next()[0]) is not None:
            header.getts()
            header.getlen()
            header.getcaplen()

    yield from both(pcapy, "pcapy-ng", work)


@benchmark(reach=2.0)
def pcapy_dump() -> Iterator[Case | Missing]:
    """``loop(-1, dumper.dump)``."""
    with tempfile.TemporaryDirectory(prefix="nmpcap-bench-") as folder:
        target = str(Path(folder, "out.pcap"))

        def work(module: Any, path: Path) -> int:
            reader = module.open_offline(str(path))
            dumper = reader.dump_open(target)
            reader.loop(-1, dumper.dump)
            dumper.close()
            return Path(target).stat().st_size

        yield from both(pcapy, "pcapy-ng", work)


@benchmark(reach=1.5)
def pcapy_next_batch() -> Iterator[Case | Missing]:
    """``next_batch`` of 1024 until there is no more."""

    def work(module: Any, path: Path) -> int:
        reader = module.open_offline(str(path))
        total = 0
        while (records := len(reader.next_batch(1024)[1])) > 0:
            total += records
        return total

    yield from both(pcapy, "pcapy-ng", work)


OPENINGS = 1000


@benchmark(reach=0.5)
def open_first() -> Iterator[Case | Missing]:
    """Opening a file and its first packet: no more than twice the original's time."""

    def work(module: Any, path: Path) -> int:
        name = str(path)
        for _ in range(OPENINGS):
            data = module.open_offline(name).next()[1]
        return len(data)

    yield from both(pcapy, "pcapy-ng", work, OPENINGS)


@benchmark(reach=0.5)
def setfilter() -> Iterator[Case | Missing]:
    """Setting small filters, one after the other: no more than twice the original's time."""
    filters = ["udp port 53", "tcp port 80 or tcp port 443", "host 192.0.2.1", "ether proto 0x88b5", "arp"]

    def work(module: Any, path: Path) -> None:
        reader = module.open_offline(str(path))
        for _ in range(OPENINGS // len(filters)):
            for text in filters:
                reader.setfilter(text)

    yield from both(pcapy, "pcapy-ng", work, OPENINGS)


# ---- the others


@benchmark(reach=1.5)
def pypcap_iter() -> Iterator[Case | Missing]:
    """pypcap: a ``for`` loop over the handle."""

    def work(module: Any, path: Path) -> None:
        for _ts, _data in module.pcap(str(path)):
            pass

    yield from both(pypcap, "pypcap", work)


@benchmark(reach=1.5)
def pylibpcap_iter() -> Iterator[Case | Missing]:
    """The old pylibpcap: ``loop`` of a pcapObject, beside pypcap's, as the original wants Python 2."""

    def ours(path: Path) -> None:
        handle = pypcap.pcapObject()
        handle.open_offline(str(path))
        handle.loop(0, lambda length, data, ts: None)

    def theirs(path: Path) -> None:
        original.pcap(str(path)).loop(0, lambda ts, data: None)

    original: Any = peer("pypcap")
    if isinstance(original, Missing):
        yield original
        return
    with savefiles() as paths:
        for label, path in paths.items():
            yield Case(
                label,
                PACKETS,
                lambda path=path: ours(path),  # type: ignore[misc]
                lambda path=path: theirs(path),  # type: ignore[misc]
                "pypcap",
            )


@benchmark(reach=10.0)
def dpkt_reader() -> Iterator[Case | Missing]:
    """dpkt.pcap: a ``for`` loop over a Reader."""

    def work(module: Any, path: Path) -> None:
        with path.open("rb") as file:
            for _ts, _data in module.Reader(file):
                pass

    yield from both(dpkt_pcap, "dpkt", work)


@benchmark(reach=10.0)
def scapy_rawpcapreader() -> Iterator[Case | Missing]:
    """scapy's RawPcapReader in a ``for`` loop."""

    def work(module: Any, path: Path) -> None:
        reader = module.RawPcapReader(str(path))
        for _data, _metadata in reader:
            pass
        reader.close()

    original = peer("scapy")
    if isinstance(original, Missing):
        yield original
        return
    from nmpcap.compat import scapy

    yield from both(scapy, "scapy", work)
