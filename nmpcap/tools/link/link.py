"""A link between two open ports, in real time: two wires, each carried out by a loop in C in a thread."""

from __future__ import annotations

import enum
import errno
import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nmpcap._arguments import instance, number
from nmpcap._core import ffi, lib
from nmpcap.capture import Capture
from nmpcap.errors import UsageError
from nmpcap.filter import Program
from nmpcap.tools.lateness import Lateness
from nmpcap.tools.link.impairments import Impairments
from nmpcap.tools.link.wire import Counts, Wire, counts_of

__all__ = ["Direction", "Link", "Report", "Step"]

_SLICE_NS = 200_000_000  # between two looks whether the link is to end
_MEMORY = 256 << 20


class Direction(enum.IntEnum):
    """Which way: from the link's first port to its second, or back."""

    THERE = 0
    BACK = 1


@dataclass(frozen=True)
class Report:
    """One direction: what was configured, what the wire did, and what the pump did of it.

    ``received`` came in, ``passed`` of these were not the filter's, ``sent`` went out (copies included)
    in ``sent_bytes``; ``unsent`` the other port refused, for ``no_memory`` there was no room on the way,
    ``waiting`` are on their way. ``cut`` came incomplete, and left so. ``seconds`` is how long the link
    has run.
    """

    impairments: Impairments
    counts: Counts
    received: int
    passed: int
    sent: int
    sent_bytes: int
    unsent: int
    no_memory: int
    waiting: int
    cut: int
    lateness: Lateness
    seconds: float


@dataclass(frozen=True)
class Step:
    """From ``at`` seconds after the start on, other impairments, in these directions."""

    at: float
    impairments: Impairments
    directions: tuple[Direction, ...] = tuple(Direction)


class _Pump:
    """One direction: a wire, the core's pump, and the thread that runs it."""

    def __init__(
        self, source: Capture, sink: Capture, wire: Wire, applies: Program | None, memory: int, trace: int
    ) -> None:
        self.source, self.sink, self.wire = source, sink, wire
        self.error: BaseException | None = None
        self.ended = False
        self._applies = applies
        new = ffi.new("struct nm_pump **")
        program = applies.native.pointer if applies else ffi.NULL
        if lib.nm_pump_new(source._core, sink._core, wire.pointer, program, memory, trace, new):
            raise MemoryError("no memory for a link")
        self._pump: Any = ffi.gc(new[0], lib.nm_pump_free)

    def run(self, stop: threading.Event) -> None:
        """Carry packets until the link is to end; what goes wrong is kept for who waits."""
        try:
            while not stop.is_set() and not self.ended:
                self._run_once()
        except BaseException as error:  # told by the thread that waits
            self.error = error
            stop.set()

    def _run_once(self) -> None:
        status = lib.nm_pump_run(self._pump, _SLICE_NS)
        if status in (0, -errno.EINTR):
            return
        if status == lib.NM_CAPTURE_END:
            self.ended = True
            self.source._ended()
        elif status == -errno.EAGAIN and lib.nm_pump_failed(self._pump) == self.source._core:
            self.source._feed()
        elif status == lib.NM_CAPTURE_STOPPED:
            raise UsageError(f"link: {self.source.name} or {self.sink.name} was closed or broken off")
        else:
            failed = lib.nm_pump_failed(self._pump)
            if failed == ffi.NULL:
                raise OSError(-status, f"link: writing the trace: {os.strerror(-status)}")
            handle = self.source if failed == self.source._core else self.sink
            raise handle._error(-status, ffi.string(lib.nm_capture_msg(failed)).decode(errors="replace"))

    def configure(self, impairments: Impairments) -> None:
        """Change what the wire does, between two packets."""
        with impairments.core() as config:
            if lib.nm_pump_configure(self._pump, config):
                raise MemoryError("no memory for a wire's configuration")
        self.wire._impairments = impairments

    def report(self, seconds: float) -> Report:
        counters = ffi.new("struct nm_pump_counters *")
        lib.nm_pump_count(self._pump, counters)
        wire = ffi.new("struct nm_wire_counters *")
        lib.nm_pump_wire_count(self._pump, wire)
        return Report(
            self.wire.impairments,
            counts_of(wire),
            counters.received,
            counters.passed,
            counters.sent,
            counters.sent_bytes,
            counters.unsent,
            counters.no_memory,
            counters.waiting,
            counters.cut,
            Lateness(tuple(counters.late), counters.latest_ns),
            seconds,
        )


class Link:
    """Two ports joined by a link that is not perfect.

    ``there`` says what happens from ``first`` to ``second``, ``back`` the other way (None: the same, with
    draws of its own). ``filter`` is a pcap-filter expression: what does not match passes at once,
    unharmed. ``seed`` decides all that is drawn. ``memory`` bounds the bytes on their way in each
    direction; ``trace`` are two descriptors that get a line for every decision, or None.

    The captures stay the caller's, and nobody else may read from them meanwhile; frames may be sent through
    them. ``with`` runs it for a block; ``run`` until it ends.
    """

    def __init__(
        self,
        first: Capture,
        second: Capture,
        there: Impairments,
        back: Impairments | None = None,
        *,
        seed: int = 0,
        filter: str | None = None,
        memory: int = _MEMORY,
        trace: Sequence[int] | None = None,
    ) -> None:
        for port in (first, second):
            instance(port, Capture, "link: a port")
        if first is second:
            raise UsageError(f"link: {first.name} is one port, and a link has two ends")
        number(memory, "link: memory", 0, 2**63 - 1)
        ends = {Direction.THERE: (first, second), Direction.BACK: (second, first)}
        chosen = {Direction.THERE: there, Direction.BACK: there if back is None else back}
        self._pumps = {
            way: _Pump(
                source,
                sink,
                Wire(chosen[way], seed=seed, direction=int(way)),
                _program(filter, source),
                memory,
                trace[way] if trace else -1,
            )
            for way, (source, sink) in ends.items()
        }
        self.seed = seed
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._began = 0.0
        self._ran = 0.0

    def start(self) -> None:
        """Begin to carry packets, in two threads. UsageError where it runs already."""
        if self._threads:
            raise UsageError("link: it runs already")
        self._stop.clear()
        self._began = time.monotonic()
        self._threads = [
            threading.Thread(
                target=pump.run, args=(self._stop,), name=f"link-{way.name.lower()}", daemon=True
            )
            for way, pump in self._pumps.items()
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End it, and raise what went wrong. Packets on their way stay there, and are counted as waiting."""
        if not self._threads:
            return
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._ran += time.monotonic() - self._began
        for pump in self._pumps.values():
            if pump.error is not None:
                error, pump.error = pump.error, None
                raise error

    def run(
        self,
        seconds: float | None = None,
        *,
        profile: Iterable[Step] = (),
        every: float | None = None,
        tell: Callable[[Link], object] = lambda link: None,
    ) -> None:
        """Carry packets until time is up, both ports have ended, or an error; so does what a signal raises.

        ``profile``: steps in time, each carried out when it is due. ``tell`` is called with the link
        ``every`` so many seconds.
        """
        self.start()
        try:
            until = None if seconds is None else self._began + seconds
            for moment, step in self._moments(sorted(profile, key=lambda step: step.at), every):
                if until is not None and moment >= until:
                    break
                if not self._wait(moment):
                    return
                if step is None:
                    tell(self)
                else:
                    self.configure(step.impairments, step.directions)
            self._wait(until)
        finally:
            self.stop()

    def _moments(self, steps: list[Step], every: float | None) -> Iterator[tuple[float, Step | None]]:
        """When there is something to do, in order: a step of the profile, or None to tell."""
        due = [(self._began + step.at, i, step) for i, step in enumerate(steps)]
        tells = ((self._began + n * every, -1, None) for n in itertools.count(1)) if every else iter(())
        for moment, _, step in heapq.merge(due, tells):
            yield moment, step

    def configure(self, impairments: Impairments, directions: Iterable[Direction] = tuple(Direction)) -> None:
        """Change what it does, while it runs; any thread."""
        for way in directions:
            self._pumps[way].configure(impairments)

    def report(self, direction: Direction) -> Report:
        """Return what it has done in one direction so far; any thread."""
        running = time.monotonic() - self._began if self._threads else 0.0
        return self._pumps[direction].report(self._ran + running)

    def _wait(self, until: float | None) -> bool:
        """Wait for a time; False where the link has ended before."""
        while not self._stop.is_set() and not all(pump.ended for pump in self._pumps.values()):
            left = 0.2 if until is None else min(0.2, until - time.monotonic())
            if left <= 0:
                return True
            self._stop.wait(left)
        return False

    def __enter__(self) -> Link:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            self.stop()
        except Exception:
            if kind is None:
                raise


def _program(text: str | None, source: Capture) -> Program | None:
    if not text:
        return None
    from nmpcap.filter import compile

    return compile(text, linktype=source.datalink())
