"""How far the reading of long files has come, on a terminal's last line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from nmpcap.capture import Capture
from nmpcap.cli.command import Command
from nmpcap.cli.messages import tell

__all__ = ["Progress", "wanted"]

_MEGABYTE = 1e6
_CLEAR = "\r\x1b[K"


def wanted(command: Command) -> bool:
    """Whether to show it: files are read, and somebody watches who does not see packets go by."""
    if command.progress:
        return True
    return not command.live and os.isatty(2) and not (command.printing and os.isatty(1))


class Progress:
    """A line that is written over once a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._shown = False

    def show(self, packets: int, captures: list[Capture]) -> None:
        """Say how far it is."""
        done = sum(capture.position or 0 for capture in captures)
        sizes = [capture.size for capture in captures]
        size = sum(sizes) if None not in sizes else None  # type: ignore[arg-type]
        tell(_CLEAR + line(packets, done, size, self._clock() - self._began), end="")
        self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            tell(_CLEAR, end="")


def line(packets: int, done: int, size: int | None, seconds: float) -> str:
    """Return the line: ``1200 packets, 40 of 100 MB, 20 MB/s, 3 s left``; size None: of an unknown end."""
    rate = done / seconds if seconds > 0 else 0.0
    parts = [f"{packets} packet{'' if packets == 1 else 's'}"]
    whole = "" if size is None else f" of {size / _MEGABYTE:.0f}"
    parts.append(f"{done / _MEGABYTE:.0f}{whole} MB")
    parts.append(f"{rate / _MEGABYTE:.0f} MB/s")
    if size is not None and rate:
        parts.append(f"{max(0.0, (size - done) / rate):.0f} s left")
    return ", ".join(parts)
