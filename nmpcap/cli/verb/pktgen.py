"""pkt-gen's lines, which scripts read: how it starts, a period, the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from nmpcap.cli.messages import tell

__all__ = ["Periods", "closing", "norm"]

_FRAMING = 24  # bytes that a frame takes on Ethernet beside itself


class _Counts(Protocol):
    @property
    def bytes(self) -> int: ...
    @property
    def events(self) -> int: ...
    @property
    def seconds(self) -> float: ...


def norm(value: float) -> str:
    """Return a number as pkt-gen writes it, the unit's first letter behind it: ``14.881 M``."""
    for letter in ("", "K", "M", "G"):
        if value < 1000:
            return f"{value:.3f} {letter}"
        value /= 1000
    return f"{value:.3f} T"


class Periods:
    """A line a period, to stderr: what has been counted since the last one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._then, self._packets, self._bytes, self._events = clock(), 0, 0, 0

    def tell(self, packets: int, counts: _Counts, space: int) -> None:
        """Print the line."""
        now = self._clock()
        seconds = max(now - self._then, 1e-6)
        n, size, events = packets - self._packets, counts.bytes - self._bytes, counts.events - self._events
        stamp = time.time()
        tell(
            f"{int(stamp) % 1000:03d}.{int(stamp % 1 * 1e6):06d} main_thread [1] {norm(n / seconds)}pps "
            f"({norm(n)}pkts {norm(size * 8 / seconds)}bps in {seconds * 1e6:.0f} usec) "
            f"{n / events if events else 0:.2f} avg_batch {space} min_space"
        )
        self._then, self._packets, self._bytes, self._events = now, packets, counts.bytes, counts.events


def closing(done: str, packets: int, counts: _Counts) -> list[str]:
    """Return the last two lines, or one where there was nothing."""
    if not packets:
        return [f"{done} nothing."]
    seconds = max(counts.seconds, 1e-9)
    bits = counts.bytes * 8
    raw = bits + packets * _FRAMING * 8
    return [
        f"{done} {packets} packets {counts.bytes} bytes {counts.events} events "
        f"{counts.bytes // packets} bytes each in {counts.seconds:.2f} seconds.",
        f"Speed: {norm(packets / seconds)}pps Bandwidth: {norm(bits / seconds)}bps "
        f"(raw {norm(raw / seconds)}bps). Average batch: {packets / max(counts.events, 1):.2f} pkts",
    ]
