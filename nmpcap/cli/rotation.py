"""-C, -G, -W, --per-file and -z: one stream of packets into a row of savefiles, named as tcpdump names them.

    -G    the name is strftime's, of the local time at which the file's period began
    -C    after the first file a number follows the name: 1, 2, 3 ... with -W n: from 0 on, as wide as n - 1,
          and round again

Deliberate differences from tcpdump.c, dump_packet_and_trunc: a file never gets larger than -C says (there:
by up to a packet); periods follow each other without a gap or drift, and end on time while no packets
come (there: with the first packet after that).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nmpcap.cli.messages import say
from nmpcap.packet import Packet
from nmpcap.savefile import Interface, Writer
from nmpcap.savefile.sink import LimitReached

if TYPE_CHECKING:
    import subprocess

__all__ = ["FileLimit", "RotatedFiles"]

_LOWEST_PRIORITY = 19


class FileLimit(Exception):
    """-G's last file has had its time; ``limit`` is -W."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class RotatedFiles:
    """What packets are written to where -w is more than one file.

    open_file: makes a writer for a path, with -C's limits in it. The first file is there at once. Failures
    of a writer come out of the call that met them; files before are whole.
    """

    def __init__(
        self,
        name: str,
        open_file: Callable[[str], Writer],
        *,
        by_count: bool,
        period: int,
        file_count: int,
        command: str | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._open_file = open_file
        self._by_count = by_count
        self._period = period
        self._file_count = file_count
        self._command = command
        self._clock = clock
        self._children: list[subprocess.Popen[bytes]] = []
        self._sources: dict[int, Callable[[int], Sequence[Interface]]] = {}
        self._taken = 0
        self._number = 0
        self._periods = 0
        self._start = clock()
        self._writer = self._begin()

    # ---- packets ----

    @property
    def packets(self) -> int:
        """Packets taken so far, over all files."""
        return self._taken + (0 if self._writer.closed else self._writer.packets)

    def describe_from(self, interfaces: Callable[[int], Sequence[Interface]], source: int) -> None:
        """Describe a source's interfaces in every pcapng file by what this gives."""
        self._sources[source] = interfaces
        self._writer.describe_from(interfaces, source)

    def poll(self) -> float | None:
        """End the period if its time has come; the seconds until the next time. Raises FileLimit."""
        self._rotate_by_time()
        flush = self._writer.poll()
        waits = [] if flush is None else [flush]
        if self._period:
            waits.append(max(0.0, self._start + self._period - self._clock()))
        return min(waits, default=None)

    def write_views(self, views: Any, count: int, source: int) -> None:
        """Append ``struct nm_view[count]`` of that source, over as many files as that takes."""
        done = 0
        while done < count:
            self._rotate_by_time()
            before = self._writer.packets
            try:
                self._writer.write_views(views + done, count - done, source)
            except LimitReached:
                done += self._writer.packets - before
                self._rotate_by_size()
            else:
                done = count

    def write_many(self, packets: Iterable[Packet]) -> None:
        """Append packets, over as many files as that takes."""
        self._rotate_by_time()
        for packet in packets:
            try:
                self._writer.write(packet)
            except LimitReached:
                self._rotate_by_size()
                self._writer.write(packet)

    # ---- files ----

    def _rotate_by_time(self) -> None:
        if not self._period or self._clock() < self._start + self._period:
            return
        passed = int((self._clock() - self._start) // self._period)
        self._periods += 1
        self._finish()
        if not self._by_count and 0 < self._file_count <= self._periods:
            raise FileLimit(self._file_count)
        self._start += passed * self._period
        self._number = 0
        self._writer = self._begin()

    def _rotate_by_size(self) -> None:
        self._finish()
        self._number += 1
        if self._file_count and self._number >= self._file_count:
            self._number = 0
        self._writer = self._begin()

    def _begin(self) -> Writer:
        writer = self._open_file(self._path())
        for source, interfaces in self._sources.items():
            writer.describe_from(interfaces, source)
        return writer

    def _path(self) -> str:
        path = time.strftime(self._name, time.localtime(self._start)) if self._period else self._name
        width = len(str(self._file_count - 1)) if self._by_count and self._file_count > 1 else 0
        if self._number == 0 and width == 0:
            return path
        return f"{path}{self._number:0{width}d}"

    def _finish(self) -> None:
        path = self._writer.name
        self._taken += self._writer.packets
        self._writer.close()
        self._children = [child for child in self._children if child.poll() is None]
        if self._command is not None:
            self._run(self._command, path)

    def _run(self, command: str, path: str) -> None:
        """Start -z's command, which nobody waits for."""
        import subprocess  # takes longer to import than what most runs do of their own

        try:
            child = subprocess.Popen([command, path])
            os.setpriority(os.PRIO_PROCESS, child.pid, _LOWEST_PRIORITY)
        except ProcessLookupError:  # it has ended already
            pass
        except OSError as error:
            say(f"compress_savefile: execlp({command}, {path}) failed: {error.strerror}")
            return
        self._children.append(child)

    def flush(self) -> None:
        """Hand everything taken so far to the current file."""
        self._writer.flush()

    def close(self) -> None:
        """End the last file; as in tcpdump, -z's command is not run with it."""
        self._writer.close()
