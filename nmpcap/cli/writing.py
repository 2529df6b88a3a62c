"""-w and --count: packets from a source into files, or into a number, without an object for one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from nmpcap.capture import Capture
from nmpcap.cli.command import Command
from nmpcap.cli.ticks import Ticks
from nmpcap.errors import PcapError
from nmpcap.packet import Packet
from nmpcap.savefile import Interface, Writer
from nmpcap.savefile.compression import compression_of_name
from nmpcap.savefile.writer import format_of_name

__all__ = ["Counter", "Files", "Ticking", "open_files"]


class Files(Protocol):
    """What -w writes to: a Writer, or RotatedFiles."""

    @property
    def packets(self) -> int:
        """Packets taken so far."""

    def describe_from(self, interfaces: Callable[[int], Sequence[Interface]], source: int) -> None:
        """Describe a source's interfaces by what this gives."""

    def poll(self) -> float | None:
        """Do what is due by the clock; the seconds until the next time."""

    def write_views(self, views: Any, count: int, source: int) -> None:
        """Append ``struct nm_view[count]`` of that source."""

    def write_many(self, packets: Iterable[Packet]) -> Any:
        """Append packets."""

    def flush(self) -> None:
        """Hand everything taken so far to the file."""

    def close(self) -> None:
        """End the file."""


def open_files(command: Command, capture: Capture) -> Files:
    """Open what -w names, for packets of this capture; the header is in it when this returns."""
    assert command.write is not None
    name = command.write

    def open_file(path: str) -> Writer:
        writer = capture.dump_open(
            path,
            format=format_of_name(name),
            compression=compression_of_name(name),
            flush_after=0 if command.packet_buffered else None,
            max_bytes=command.max_bytes,
            max_packets=command.per_file,
        )
        return _begun(writer)

    if command.rotating:
        from nmpcap.cli.rotation import RotatedFiles

        return RotatedFiles(
            name,
            open_file,
            by_count=bool(command.max_bytes or command.per_file),
            period=command.period,
            file_count=command.file_count,
            command=command.rotate_command,
        )
    return open_file(name)


def _begun(writer: Writer) -> Writer:
    """Have a file's header written, so that whoever follows it sees one; close it where that fails."""
    try:
        writer.flush()
    except PcapError:
        with contextlib.suppress(PcapError):  # what the flush has said
            writer.close()
        raise
    return writer


class Counter:
    """Counts packets, and keeps none."""

    def __init__(self) -> None:
        self.packets = 0

    def describe_from(self, interfaces: Callable[[int], Sequence[Interface]], source: int) -> None:
        """Have no use for that."""

    def poll(self) -> float | None:
        """Nothing is ever due."""
        return None

    def write_views(self, views: Any, count: int, source: int) -> None:
        """Count so many more."""
        self.packets += count


class Ticking:
    """A sink that lets what is due each second happen while packets are awaited."""

    def __init__(self, sink: Any, ticks: Ticks) -> None:
        self._sink = sink
        self._ticks = ticks
        self.describe_from = sink.describe_from
        self.write_views = sink.write_views

    @property
    def packets(self) -> int:
        """Packets taken so far."""
        return int(self._sink.packets)

    def poll(self) -> float | None:
        """Do what is due by the clock; the seconds until the next time."""
        waits = [wait for wait in (self._ticks.poll(), self._sink.poll()) if wait is not None]
        return min(waits, default=None)
