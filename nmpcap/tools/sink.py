"""Sink: counts what a port receives and, by sequence numbers, what is missing; pkt-gen's rx and rxseq."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nmpcap._arguments import number
from nmpcap._core import ffi, lib
from nmpcap.errors import UsageError
from nmpcap.tools.ends import SLICE_NS, TrafficPort, core_of, failed

__all__ = ["Gap", "Received", "Sink", "sink"]


@dataclass(frozen=True)
class Gap:
    """``count`` numbers from ``first`` on that were left out; some of them may have come later."""

    first: int
    count: int


@dataclass(frozen=True)
class Received:
    """What a sink has received.

    ``events``: syncs that brought packets. ``damaged`` slots named no buffer, or were longer than it.
    ``seconds`` from the first packets to the last. With sequence numbers: ``gaps``, how often numbers were
    left out; ``missing`` are those that have not come since, ``reordered`` those that have, ``duplicates``
    came twice, ``stale`` from too far back to tell (65,536); ``not_numbered`` packets had no number.
    """

    received: int
    bytes: int
    events: int
    damaged: int
    seconds: float
    gaps: int
    missing: int
    reordered: int
    duplicates: int
    stale: int
    not_numbered: int


class Sink:
    """Takes packets from a port: ``run`` as often as one likes, ``report`` from any thread."""

    def __init__(
        self, port: TrafficPort, *, count: int = 0, burst: int = 0, sequence: bool = False, header: int = 0
    ) -> None:
        """Make one.

        ``count`` packets, 0 is for ever; up to ``burst`` between two syncs, 0 all that are there.
        ``sequence``: they have numbers, as Frames(sequence=True); ``header`` bytes stand before
        their Ethernet header.
        """
        self._port = port
        self._gaps = 0
        config = {
            "count": number(count, "sink: count", 0, 2**63 - 1),
            "burst": number(burst, "sink: burst", 0, 2**31),
            "sequence": sequence,
            "header": number(header, "sink: header", 0, 64),
        }
        new = ffi.new("struct nm_sink **")
        error = lib.nm_sink_new(*core_of(port, "sink"), ffi.new("struct nm_sink_config *", config), new)
        if error == -errno.EBADF:
            raise UsageError("sink: the port was opened without rx rings")
        if error:
            raise failed(port, error, "sink")
        self._core: Any = ffi.gc(new[0], lib.nm_sink_free)

    def run(self, seconds: float | None = None) -> bool:
        """Take packets for so long, None until there are enough; return whether there are.

        Exceptions of signals end it between two looks. Raises the port's DeviceError, and UsageError where
        the port is closed, or another thread uses it.
        """
        until = None if seconds is None else time.monotonic_ns() + int(seconds * 1e9)
        while True:
            core_of(self._port, "sink")
            left = SLICE_NS if until is None else min(SLICE_NS, max(until - time.monotonic_ns(), 0))
            status = lib.nm_sink_run(self._core, left)
            if status == lib.NM_CAPTURE_END:
                return True
            if status not in (0, -errno.EINTR):
                raise failed(self._port, status, "sink")
            if until is not None and time.monotonic_ns() >= until:
                return False

    def report(self) -> Received:
        """Return what has been received so far."""
        counters, order = ffi.new("struct nm_sink_counters *"), ffi.new("struct nm_sequence_counters *")
        lib.nm_sink_count(self._core, counters)
        lib.nm_sink_count_sequence(self._core, order)
        return Received(
            counters.received,
            counters.bytes,
            counters.events,
            counters.damaged,
            (counters.ended_ns - counters.began_ns) / 1e9,
            order.gaps,
            order.missing,
            order.reordered,
            order.duplicates,
            order.stale,
            counters.not_numbered,
        )

    def gaps(self) -> list[Gap]:
        """Return the gaps since the last call, 256 of them at most: the latest."""
        order, gap = ffi.new("struct nm_sequence_counters *"), ffi.new("struct nm_gap *")
        lib.nm_sink_count_sequence(self._core, order)
        new = range(max(self._gaps, order.gaps - lib.NM_SEQUENCE_GAPS), order.gaps)
        self._gaps = order.gaps
        return [Gap(gap.first, gap.count) for n in new if lib.nm_sink_gap(self._core, n, gap)]

    def least_space(self) -> int:
        """Return the fewest free slots a ring had at a look since the last call; 99999: there was none."""
        return int(lib.nm_sink_least_space(self._core))


def sink(
    port: TrafficPort,
    *,
    count: int = 0,
    burst: int = 0,
    sequence: bool = False,
    header: int = 0,
    period: float = 1.0,
    tell: Callable[[Sink], object] | None = None,
) -> Received:
    """Take packets until there are enough, telling every ``period`` seconds; return what was received.

    The arguments are Sink's. A KeyboardInterrupt ends it as well, and it returns.
    """
    taker = Sink(port, count=count, burst=burst, sequence=sequence, header=header)
    try:
        while not taker.run(period):
            if tell:
                tell(taker)
    except KeyboardInterrupt:
        pass
    return taker.report()
