"""One run of nmdump that captures or reads: what is opened, in which order, what is said, and the status.

Order and lines are those of tcpdump's main(): the source, the filter, the file of -w, privileges, then
packets; at the end of a live capture the counters.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from nmpcap.capture import Capture
from nmpcap.cli.command import Command
from nmpcap.cli.filters import filter_text, netmask_of
from nmpcap.cli.messages import FAILURE, fail, say, tell
from nmpcap.cli.opening import announce_live, listed_files, open_file, open_interfaces
from nmpcap.cli.output import Output
from nmpcap.cli.progress import Progress, wanted
from nmpcap.cli.rotation import FileLimit
from nmpcap.cli.signals import Signals
from nmpcap.cli.summary import counted, summary
from nmpcap.cli.ticks import Ticks
from nmpcap.cli.writing import Counter, Files, Ticking, open_files
from nmpcap.errors import PcapError

__all__ = ["run"]

_BATCH = 256
_SLICE = 0.1  # seconds after which a thread that reads looks around


def run(command: Command) -> int:
    """Capture or read as asked; return the status."""
    with ExitStack() as stack:
        return _Session(command, stack).run()


class _Session:
    def __init__(self, command: Command, stack: ExitStack) -> None:
        self._command = command
        self._stack = stack
        self._captures: list[Capture] = []
        self._merger: Any = None
        self._files: Files | None = None
        self._counter = Counter()
        self._lines: Any = None
        self._printed = 0
        self._output = Output(eager=command.live or command.line_buffered or os.isatty(1))
        self._signals: Signals | None = None
        self._progress = Progress()

    def run(self) -> int:
        """Do all of it."""
        command = self._command
        if command.printing:
            self._lines = _make_lines(command)
        names = self._open()
        self._set_filters()
        self._drop_privileges()
        if self._lines is not None:
            for capture in self._captures:
                self._lines.check(capture.datalink())
        self._open_files()
        # Before anybody is told that it listens, and may send one.
        self._signals = Signals(self._stop, self._report, self._flush)
        if command.live:
            announce_live(command, self._captures)
        status = self._move(names)
        return self._end(status)

    # ---- opening ----

    def _open(self) -> Iterator[str]:
        """Open the interfaces, or the files that are read at once; return the names of -V's others."""
        command = self._command
        names: Iterator[str] = iter(())
        if command.live:
            self._captures = open_interfaces(command)
        elif command.list_file is not None:
            names = listed_files(command.list_file)
            first = next(names, None)
            if first is None:
                raise fail(f"Nothing in {command.list_file}")
            self._captures = [open_file(command, first)]
        else:
            for path in command.read:
                self._captures.append(open_file(command, path))
        for capture in self._captures:
            self._stack.callback(capture.close)
        if len(self._captures) > 1:
            from nmpcap.cli.merging import Merger

            self._merger = Merger(self._captures)
        return names

    def _set_filters(self) -> None:
        text = filter_text(self._command)
        for capture in self._captures:
            self._set_filter(capture, text)

    def _set_filter(self, capture: Capture, text: str) -> None:
        if text.strip():
            netmask = netmask_of(capture.name) if self._command.live else None
            capture.setfilter(text, optimize=self._command.optimize, netmask=netmask)

    def _open_files(self) -> None:
        if self._command.write is None:
            return
        if self._merger is not None:
            self._files = self._merger.open_files(self._command)
        else:
            self._files = open_files(self._command, self._captures[0])
        self._stack.callback(self._files.close)

    def _drop_privileges(self) -> None:
        """Before the file of -w is opened, which is then the new user's."""
        if self._command.user is not None:
            from nmpcap.cli.privileges import become

            become(self._command.user)

    # ---- signals ----

    def _stop(self) -> None:
        for capture in self._captures:
            capture.breakloop()

    def _report(self) -> None:
        if self._command.live or self._command.stats:
            say(", ".join(summary(self._captured, self._captures)))

    def _flush(self) -> None:
        if self._files is not None:
            self._files.flush()

    @property
    def _stopped(self) -> bool:
        return self._signals is not None and self._signals.stopped

    # ---- packets ----

    @property
    def _captured(self) -> int:
        if self._lines is not None:
            return self._printed
        return self._files.packets if self._files is not None else self._counter.packets

    def _left(self) -> int:
        """How many packets may still come; 0 where there is no limit."""
        return self._command.count - self._captured if self._command.count else 0

    def _move(self, names: Iterator[str]) -> int:
        """Move packets until the end, a signal, -c, or what went wrong; return the status."""
        command = self._command
        ticks = self._ticks()
        try:
            with self._telling():
                if command.live and self._lines is not None and not command.numeric:
                    self._print_behind(ticks)
                elif self._merger is not None:
                    self._take(self._merger.packets(command.live, self._ticking(ticks)))
                else:
                    self._read_all(names, ticks)
        except FileLimit as reached:
            tell(f"Maximum file limit reached: {reached.limit}")
        except _Failed:
            return FAILURE
        return 0

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say what goes wrong, after what has been printed of the packets before."""
        try:
            yield
        except (PcapError, OSError) as error:
            self._output.flush()
            reading = any(str(error).startswith(capture.name) for capture in self._captures)
            say(f"{'pcap_loop: ' if reading else ''}{error}")
            raise _Failed from error

    def _read_all(self, names: Iterator[str], ticks: Ticks) -> None:
        (capture,) = self._captures
        linktype = capture.datalink()
        while True:
            self._read(capture, ticks)
            if self._stopped or (self._command.count and self._left() <= 0):
                return
            path = next(names, None)
            if path is None:
                return
            capture = open_file(self._command, path, linktype if self._files is not None else None)
            self._stack.callback(capture.close)
            self._captures = [capture]
            self._set_filter(capture, filter_text(self._command))

    def _read(self, capture: Capture, ticks: Ticks) -> None:
        if self._lines is None:
            capture.dump(self._ticking(ticks), self._left())
            return
        while not self._stopped:
            most = min(_BATCH, self._left()) if self._command.count else _BATCH
            if most <= 0:
                return
            batch = capture.next_batch(most, _sooner(ticks.poll(), self._files))
            if batch is None:
                if not self._command.live or capture.closed or self._stopped:
                    return
                continue
            if self._files is not None:
                self._files.write_many(batch)
            self._print(batch, capture)

    def _print(self, packets: Any, capture: Capture) -> None:
        for text in self._lines.of(packets, capture.name):
            self._output.put(text)
            self._printed += 1

    def _ticking(self, ticks: Ticks) -> Ticking:
        return Ticking(self._files if self._files is not None else self._counter, ticks)

    def _print_behind(self, ticks: Ticks) -> None:
        """Print lines with names, which may take seconds each, while packets go on being read."""
        from nmpcap.cli.ahead import Ahead

        nothing = Ticking(Counter(), Ticks())  # what is due is looked after here, not where packets are read
        arriving = self._merger.packets(True, nothing) if self._merger is not None else self._arriving()
        with Ahead(arriving) as ahead:
            self._take(ahead.packets(self._ticking(ticks).poll))

    def _arriving(self) -> Iterator[tuple[int, Any]]:
        """Give the packets of the one port, at most as many as -c says; now and then none."""
        (capture,) = self._captures
        left = self._command.count
        while not self._stopped:
            batch = capture.next_batch(min(_BATCH, left) if self._command.count else _BATCH, _SLICE)
            if batch is None and capture.closed:
                return
            yield 0, () if batch is None else batch
            left -= 0 if batch is None else len(batch)
            if self._command.count and left <= 0:
                return

    def _take(self, packets_of: Iterator[tuple[int, Any]]) -> None:
        for which, arrived in packets_of:
            packets = arrived[: self._left()] if self._command.count else arrived
            if self._files is not None:
                self._files.write_many(packets)
            else:
                self._counter.packets += len(packets)
            if self._lines is not None:
                self._print(packets, self._captures[which])
            if self._stopped or (self._command.count and self._left() <= 0):
                return

    def _ticks(self) -> Ticks:
        functions = []
        if self._command.stats:
            functions.append(self._report)
        if self._command.live and self._files is not None and self._command.verbose and self._lines is None:
            functions.append(lambda: tell(f"Got {self._captured}", end="\r"))
        if wanted(self._command):
            functions.append(lambda: self._progress.show(self._captured, self._captures))
        return Ticks(*functions)

    # ---- the end ----

    def _end(self, status: int) -> int:
        command, captured = self._command, self._captured
        self._progress.clear()
        if self._lines is not None:
            if self._stopped:
                self._output.put("\n")
            self._output.flush()
        if self._files is not None:
            try:
                self._files.close()
            except (PcapError, OSError) as error:
                if status == 0:
                    say(str(error))
                status = FAILURE
        if command.live:
            for line in summary(captured, self._captures):
                tell(line)
        elif command.count_only and status == 0:
            self._output.put(f"{counted(captured)}\n")
            self._output.flush()
        return status


class _Failed(Exception):
    """Something went wrong in the midst of packets, and has been said."""


def _make_lines(command: Command) -> Any:
    if command.json:
        from nmpcap.cli.records import Records

        return Records(command)
    from nmpcap.cli.printing import Lines

    return Lines(command)


def _sooner(wait: float | None, files: Files | None) -> float | None:
    due = files.poll() if files is not None else None
    return min((seconds for seconds in (wait, due) if seconds is not None), default=None)
