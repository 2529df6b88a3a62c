"""Replay: a savefile's packets out of a port, each at its time."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Any

from nmpcap._arguments import instance, number
from nmpcap._core import ffi, lib
from nmpcap.capture import Capture, open_offline
from nmpcap.errors import UsageError
from nmpcap.tools import units
from nmpcap.tools.lateness import Lateness
from nmpcap.tools.units import Quantity

__all__ = ["Replayed", "Timing", "replay"]

_SLICE_NS = 200_000_000  # between two looks at signals
_DRAIN = 5.0  # seconds for an interface to let go of the last frames


@dataclass(frozen=True)
class Timing:
    """When packets leave. At most one of the three; none: at once, as fast as the port takes them.

    ``speed``: their own times, so many times as fast (``1`` is real time). ``pps``: packets a second.
    ``rate``: bits a second of frames and ``overhead`` bytes each (24 is Ethernet on the wire).
    """

    speed: Quantity | None = None
    pps: Quantity | None = None
    rate: Quantity | None = None
    overhead: int = 0

    def __post_init__(self) -> None:
        given = [name for name in ("speed", "pps", "rate") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"replay: {' and '.join(given)} exclude each other")
        number(self.overhead, "replay: overhead", 0, 65535)
        self.core()

    def core(self) -> dict[str, int]:
        """Return the core's form of it."""
        config = {"timing": lib.NM_REPLAY_AT_ONCE, "value": 1, "divisor": 1, "overhead": self.overhead}
        if self.rate is not None:
            return {**config, "timing": lib.NM_REPLAY_BITS, "value": units.rate(self.rate)}
        for what, value, timing in (
            ("speed", self.speed, lib.NM_REPLAY_SPEED),
            ("pps", self.pps, lib.NM_REPLAY_PACKETS),
        ):
            if value is not None:
                exact = units.factor(value, f"a {what}")
                return {**config, "timing": timing, "value": exact.numerator, "divisor": exact.denominator}
        return config


@dataclass(frozen=True)
class Replayed:
    """What became of a replay.

    ``sent`` packets of ``bytes``; ``failed`` the port refused for what they are; ``cut`` were sent as
    incomplete as the file has them. ``waited``: how often the port had no room. ``seconds`` from the
    first packet to the last. ``lateness`` is against the times asked for, and empty where packets go at
    once.
    """

    sent: int
    bytes: int
    failed: int
    cut: int
    waited: int
    rounds: int
    seconds: float
    lateness: Lateness

    @property
    def pps(self) -> float:
        """Packets a second; of a single one 0."""
        return (self.sent - 1) / self.seconds if self.sent > 1 and self.seconds else 0.0


def replay(
    source: str | os.PathLike[str],
    port: Capture,
    timing: Timing | None = None,
    *,
    filter: str | None = None,
    loops: int = 1,
    pause: Quantity = 0,
    limit: int = 0,
) -> Replayed:
    """Send a savefile's packets through a port, in their order; return what became of them.

    ``timing``: None is real time. ``filter``: only packets that it matches, at the times they have.
    ``loops`` times over, 0 is for ever, with ``pause`` in between; every round keeps the times. ``limit``
    packets at most, 0 is no limit. Nothing is dropped: where the port has no room it all becomes later,
    and that is counted.

    Exceptions of signals end it between two packets. Raises what open_offline raises, SavefileError at a
    damage behind the packets before it, and the port's DeviceError.
    """
    instance(port, Capture, "replay: the port")
    number(loops, "replay: loops", 0, 2**63 - 1)
    number(limit, "replay: limit", 0, 2**63 - 1)
    config = (timing or Timing(speed=1)).core() | {"limit": limit}
    new = ffi.new("struct nm_replay **")
    if lib.nm_replay_new(port._core, ffi.new("struct nm_replay_config *", config), new):
        raise MemoryError("no memory for a replay")
    run: Any = ffi.gc(new[0], lib.nm_replay_free)
    pause_ns, rounds = units.duration_ns(pause, "pause"), 0
    while not loops or rounds < loops:
        if rounds:
            lib.nm_replay_next_round(run, pause_ns)
        before = _report(run, rounds).sent
        with open_offline(source) as packets:
            packets.setfilter(filter)
            _round(run, packets, port)
        rounds += 1
        report = _report(run, rounds)
        if (limit and report.sent + report.failed >= limit) or report.sent == before:
            break
    if port._port.live:  # a pipe's far end may keep frames for as long as it likes
        port.drain(timeout=_DRAIN)
    return _report(run, rounds)


def _round(run: Any, packets: Capture, port: Capture) -> None:
    while True:
        status = lib.nm_replay_run(run, packets._core, _SLICE_NS)
        if status in (0, -errno.EINTR):
            continue
        if status == lib.NM_CAPTURE_END:
            return packets._ended()
        if status == -errno.EAGAIN:
            packets._feed()
            continue
        if status == lib.NM_CAPTURE_STOPPED:
            raise UsageError(f"replay: {port.name} was closed or broken off")
        failed = port if lib.nm_replay_failed(run) == port._core else packets
        raise failed._error(-status, ffi.string(lib.nm_capture_msg(failed._core)).decode(errors="replace"))


def _report(run: Any, rounds: int) -> Replayed:
    counters = ffi.new("struct nm_replay_counters *")
    lib.nm_replay_count(run, counters)
    return Replayed(
        counters.sent,
        counters.bytes,
        counters.failed,
        counters.cut,
        counters.waited,
        rounds,
        (counters.ended_ns - counters.began_ns) / 1e9,
        Lateness(tuple(counters.late), counters.latest_ns),
    )
