"""Rotation: one stream of packets into a row of savefiles, by size, by count and by the wall clock.

Each file is written under a hidden name beside its place and gets its own name, whole, when it
is closed; no file is overwritten, and no link followed. Periods begin at round times of the local day
(every hour on the hour), and end on time even while no packets come.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from nmpcap._arguments import number, text
from nmpcap._printable import printable
from nmpcap.dlt import DLT_EN10MB
from nmpcap.errors import DeviceError, UsageError
from nmpcap.savefile.compression import compression_of_name
from nmpcap.savefile.pcapng import Option
from nmpcap.savefile.periods import NAMED, Period, period_at
from nmpcap.savefile.reader import Interface
from nmpcap.savefile.sink import LimitReached
from nmpcap.savefile.writer import SavedPacket, Writer, format_of_name

__all__ = ["RotatingWriter"]

_LIMIT_MAX = 2**63 - 1
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP}  # what file systems without links say

_Name = str | Callable[[int, float], str | os.PathLike[str]]


class RotatingWriter:
    """A writer over a row of files.

    Any thread may call it: calls wait for each other. What goes wrong in the background is raised by
    the next call.
    """

    def __init__(
        self,
        name: _Name,
        *,
        max_bytes: int = 0,
        max_seconds: int = 0,
        every: str | None = None,
        max_packets: int = 0,
        max_files: int = 0,
        linktype: int = DLT_EN10MB,
        snaplen: int = 0,
        nano: bool = True,
        format: str = "auto",
        compression: str | None = "auto",
        options: Iterable[Option] = (),
        flush_after: float | None = None,
        on_file: Callable[[Path], object] | None = None,
        background: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Write files until one of the limits, and then the next; the first begins with the first packet.

        name: strftime's conversions in it stand for the local time of the period's beginning (or of
        the file's, without periods), ``{number}`` for the file's number from 0 (``{number:04}``); or a
        function of the number and that time in seconds since the epoch. A name that exists gets
        ``-1``, ``-2`` ... before its suffixes.

        max_bytes: before compression, headers included (one packet always fits); max_seconds: length of
        a period, of which no file holds two; every: ``hour``, ``day``, ``week`` (from Monday) or ``month``
        instead, as the local clock has them; max_packets; max_files: of those written here only so many of
        the newest are kept. on_file: called with each file's path when it is whole. background: a thread
        ends periods on time, and flushes; otherwise ``poll`` does, and every call that writes. The rest is
        as for Writer. In the child of a fork the open file is the parent's, until the child writes.
        """
        if not callable(name):
            text(name, "RotatingWriter: the name of its files")
        self._name = name
        self._period: Period = _period(max_seconds, every)
        self._max_files = number(max_files, "max_files", 0, _LIMIT_MAX)
        self._on_file = on_file
        self._clock = clock
        self._arguments: dict[str, Any] = {
            "max_bytes": number(max_bytes, "max_bytes", 0, _LIMIT_MAX),
            "max_packets": number(max_packets, "max_packets", 0, _LIMIT_MAX),
            "linktype": number(linktype, "linktype", 0, 0xFFFF),
            "snaplen": number(snaplen, "snaplen", 0, _LIMIT_MAX),
            "nano": nano,
            "compression": compression,
            "options": tuple(options),
            "flush_after": flush_after,
        }
        self._format = format
        self._interfaces: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self._sources: dict[int | None, Callable[[int], Sequence[Interface]]] = {}
        self._renew_lock()
        self._writer: Writer | None = None
        self._final: Path | None = None
        self._due = float("inf")
        self._number = 0
        self._packets = 0
        self._failure: Exception | None = None
        self._closed = False
        self._files: deque[Path] = deque()
        self._thread: threading.Thread | None = None
        self._background = background and bool(self._period)
        self._inherited = False
        self._start_thread()
        _open.add(self)

    # ---- writing ----

    def write(
        self,
        packet: SavedPacket | bytes,
        *,
        ts_ns: int | None = None,
        len: int | None = None,
        comment: str | None = None,
    ) -> None:
        """Append one packet, to the next file where this one is at its end; as ``Writer.write``."""
        given = {"ts_ns": ts_ns, "len": len, "comment": comment}
        # A Packet by itself takes a shorter way.
        keywords: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        with self._lock:
            try:
                self._current().write(packet, **keywords)
            except LimitReached:
                self._rotate()
                self._current().write(packet, **keywords)

    def write_many(self, packets: Iterable[SavedPacket]) -> int:
        """Append packets in their order, and return how many."""
        count = 0
        for packet in packets:
            self.write(packet)
            count += 1
        return count

    def write_views(self, views: Any, count: int, source: int = 0) -> None:
        """Append ``struct nm_view[count]``, for the capture layer: as ``Writer.write_views``."""
        with self._lock:
            done = 0
            while done < count:
                writer = self._current()
                before = writer.packets
                try:
                    writer.write_views(views + done, count - done, source)
                except LimitReached:
                    done += writer.packets - before
                    self._rotate()
                else:
                    done = count

    def describe_interface(self, *arguments: Any, **keywords: Any) -> None:
        """Describe an interface in this and each following pcapng file; as ``Writer.describe_interface``."""
        with self._lock:
            self._interfaces.append((arguments, keywords))
            if self._writer is not None:
                self._writer.describe_interface(*arguments, **keywords)

    def describe_from(
        self, interfaces: Callable[[int], Sequence[Interface]], source: int | None = None
    ) -> None:
        """Describe interfaces as they are met, in each pcapng file; as ``Writer.describe_from``."""
        with self._lock:
            self._sources[source] = interfaces
            if self._writer is not None:
                self._writer.describe_from(interfaces, source)

    def flush(self) -> None:
        """Hand everything taken so far to the current file."""
        with self._lock:
            self._raise_failure()
            if self._writer is not None:
                self._writer.flush()

    def poll(self) -> float | None:
        """End the period if it is over, flush if that is due.

        Returns the seconds until the next of these will be due, None where there is none.
        """
        with self._lock:
            self._raise_failure()
            return self._tend()

    def rotate(self) -> None:
        """End the current file, if there is one; the next packet begins another."""
        with self._lock:
            self._raise_failure()
            self._rotate()

    # ---- across a fork ----

    def _inherit(self) -> None:
        """In a child: what is open is the parent's; its threads are not there to unlock anything."""
        self._inherited = True
        self._thread = None
        self._renew_lock()

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def _start_thread(self) -> None:
        if self._background and self._thread is None:
            self._thread = threading.Thread(target=self._end_periods, name="nmpcap rotation", daemon=True)
            self._thread.start()

    def _let_go(self) -> None:
        """Leave a parent's file to the parent."""
        writer, self._writer = self._writer, None
        if writer is not None:
            self._packets += writer.packets
            writer.close()

    # ---- files ----

    def _current(self) -> Writer:
        self._raise_failure()
        if self._closed:
            raise UsageError(f"{self._name}: the writer is closed")
        if self._inherited:  # a process that goes on writing has taken the file over
            self._inherited = False
            self._start_thread()
        self._rotate_if_due()
        if self._writer is None:
            self._begin()
        assert self._writer is not None
        return self._writer

    def _rotate_if_due(self) -> None:
        if self._clock() >= self._due:
            self._rotate()

    def _begin(self) -> None:
        now = self._clock()
        start, self._due = period_at(now, self._period) if self._period else (now, float("inf"))
        self._final = Path(self._named(start))
        form = format_of_name(str(self._final)) if self._format == "auto" else self._format
        arguments = self._arguments
        if arguments["compression"] == "auto":
            arguments = arguments | {"compression": compression_of_name(str(self._final))}
        self._writer = _new_part(self._final, format=form, **arguments)
        for given, keywords in self._interfaces:
            self._writer.describe_interface(*given, **keywords)
        for source, interfaces in self._sources.items():
            self._writer.describe_from(interfaces, source)
        self._number += 1
        self._changed.notify_all()

    def _named(self, start: float) -> str | os.PathLike[str]:
        if callable(self._name):
            return self._name(self._number, start)
        return time.strftime(self._name, time.localtime(start)).format(number=self._number)

    def _rotate(self) -> None:
        writer, self._writer = self._writer, None
        self._due = float("inf")
        if writer is None:
            return
        self._packets += writer.packets
        working = Path(writer.name)
        assert self._final is not None
        try:
            writer.close()
        finally:
            try:
                path = _give_name(working, self._final)
            except OSError as error:
                text = f"{self._final}: what was written is in {working}: {error.strerror}"
                raise DeviceError(error.errno or 0, text, str(self._final)) from error
            self._files.append(path)
        if self._on_file is not None:
            self._on_file(path)
        while self._max_files and len(self._files) > self._max_files:
            with contextlib.suppress(FileNotFoundError):  # somebody has moved it away
                self._files.popleft().unlink()

    # ---- in the background ----

    def _end_periods(self) -> None:
        with self._lock:
            while not self._closed:
                left = None
                try:
                    left = self._tend()
                except Exception as error:  # on_file may raise anything
                    self._failure = error
                # The wall clock may be set meanwhile: look at it once a second.
                self._changed.wait(1.0 if left is None else min(left, 1.0))

    def _tend(self) -> float | None:
        self._rotate_if_due()
        if self._writer is None:
            return None
        flush = self._writer.poll()
        left = [max(0.0, self._due - self._clock())] if self._due != float("inf") else []
        return min([*left, *([] if flush is None else [flush])], default=None)

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    # ---- end ----

    def close(self) -> None:
        """End the last file and the background thread; may be repeated. Errors as for ``Writer.close``."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()
            try:
                if self._inherited:
                    self._let_go()
                else:
                    self._rotate()
            finally:
                thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():  # on_file may close
            thread.join()
        with self._lock:
            self._raise_failure()

    @property
    def files(self) -> list[Path]:
        """The files that are whole and have been kept, oldest first."""
        with self._lock:
            return list(self._files)

    @property
    def packets(self) -> int:
        """Packets taken since the beginning, over all files."""
        with self._lock:
            return self._packets + (self._writer.packets if self._writer is not None else 0)

    def __repr__(self) -> str:
        with self._lock:
            writing = f"writing {printable(str(self._final))}" if self._writer else "no file open"
            state = "closed" if self._closed else writing
            return f"<RotatingWriter {self._name!r}, {len(self._files)} files whole, {state}>"

    def __enter__(self) -> RotatingWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _period(max_seconds: int, every: str | None) -> Period:
    if every is None:
        return number(max_seconds, "max_seconds", 0, _LIMIT_MAX)
    if max_seconds or every not in NAMED:
        raise UsageError(f"every {every!r}: one of {', '.join(NAMED)}, and without max_seconds")
    return every


def _new_part(final: Path, **arguments: Any) -> Writer:
    """A writer for a hidden file that was not there before, not even as a link."""
    for attempt in itertools.count():
        number = f".{attempt}" if attempt else ""
        try:
            return Writer(
                final.with_name(f".{final.name}.{os.getpid()}{number}.part"), exclusive=True, **arguments
            )
        except FileExistsError:
            continue
    raise AssertionError("counting has no end")


def _give_name(working: Path, final: Path) -> Path:
    """Move a file to its name, or the first free one like it; whoever looks sees it whole or not at all."""
    stem, suffixes = _split(final.name)
    for attempt in itertools.count():
        path = final if attempt == 0 else final.with_name(f"{stem}-{attempt}{suffixes}")
        try:
            os.link(working, path, follow_symlinks=False)  # unlike rename, this does not overwrite
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                continue
            os.rename(working, path)
        else:
            os.unlink(working)
        return path
    raise AssertionError("counting has no end")


def _split(name: str) -> tuple[str, str]:
    """A name without its suffixes, and those: of a compression, and one of letters before it."""
    stem, suffix = os.path.splitext(name)
    compressed = ""
    if compression_of_name(name):
        compressed = suffix
        stem, suffix = os.path.splitext(stem)
    return (stem, suffix + compressed) if suffix[1:].isalpha() else (stem + suffix, compressed)


_open: weakref.WeakSet[RotatingWriter] = weakref.WeakSet()


def _inherit_all() -> None:
    for writer in list(_open):
        writer._inherit()


os.register_at_fork(after_in_child=_inherit_all)
