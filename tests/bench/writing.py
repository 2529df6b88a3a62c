"""Writing savefiles: what is read from one goes into another, as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measure import Case, Missing, benchmark
from peers import peer
from savefiles import PACKETS, savefiles

import nmpcap

Copy = Callable[[Path, Path], object]


def copy_pcapy(module: Any, source: Path, target: Path) -> None:
    """pcapy-ng's fastest way: its dumper is the callback, without Python in between."""
    reader = module.open_offline(str(source))
    dumper = reader.dump_open(str(target))
    reader.loop(-1, dumper.dump)
    dumper.close()


def compare(ours: Copy) -> Iterator[Case | Missing]:
    """A case for each file. Both sides make a new file, and removing it is not on the clock."""
    module = peer("pcapy-ng")
    if isinstance(module, Missing):
        yield module
        return
    with savefiles() as paths:
        for label, source in paths.items():
            target = source.with_suffix(".copy")
            for copy in (ours, lambda source, target: copy_pcapy(module, source, target)):
                copy(source, target)
                if target.read_bytes()[24:] != source.read_bytes()[24:]:
                    raise RuntimeError(f"{label}: the copy differs from what was read")
                target.unlink()
            yield Case(
                label,
                PACKETS,
                lambda source=source, target=target: ours(source, target),  # type: ignore[misc]
                lambda source=source, target=target: copy_pcapy(module, source, target),  # type: ignore[misc]
                "pcapy-ng",
                after=target.unlink,
            )


@benchmark(reach=3.0)
def write() -> Iterator[Case | Missing]:
    """``dump`` to a writer, beside pcapy-ng's loop with its dumper for a callback."""

    def ours(source: Path, target: Path) -> None:
        with nmpcap.open_offline(source) as capture, capture.dump_open(target, nano=False) as writer:
            capture.dump(writer)

    yield from compare(ours)


@benchmark(reach=2.0)
def write_callback() -> Iterator[Case | Missing]:
    """The same with the writer's ``write`` for a callback, packet by packet."""

    def ours(source: Path, target: Path) -> None:
        with nmpcap.open_offline(source) as capture, capture.dump_open(target, nano=False) as writer:
            capture.loop(-1, writer.write)

    yield from compare(ours)
