"""Generator: frames out of a port, as fast as it takes them or at an exact rate; pkt-gen's tx and txseq."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nmpcap._arguments import number
from nmpcap._core import ffi, lib
from nmpcap.errors import UsageError
from nmpcap.tools import units
from nmpcap.tools.ends import SLICE_NS, TrafficPort, core_of, drain, failed
from nmpcap.tools.frames import Frames, Stream
from nmpcap.tools.units import Quantity

__all__ = ["Generated", "Generator", "gen"]


@dataclass(frozen=True)
class Generated:
    """What a generator has sent.

    ``events``: syncs that handed frames over. ``filled``: buffers that got a whole frame; the others had one
    already. ``waited``: how often the port had no room. ``seconds`` from before the first frame to after
    the last. ``latest_ns``: the greatest lateness against the rate; 0 without one.
    """

    sent: int
    bytes: int
    events: int
    filled: int
    waited: int
    seconds: float
    latest_ns: int


class Generator:
    """Sends frames through a port: ``run`` as often as one likes, ``report`` from any thread."""

    def __init__(
        self,
        port: TrafficPort,
        frames: Frames | None = None,
        *,
        count: int = 0,
        burst: int = 512,
        pps: Quantity | None = None,
        fragment: int = 0,
    ) -> None:
        """Make one.

        ``count`` frames, 0 is for ever; up to ``burst`` between two syncs; ``pps`` frames a second, None as
        fast as it goes. ``fragment``: bytes of a slot, of frames that take several; 0 what its buffer has.
        """
        self._port, self._stream = port, Stream(frames or Frames())
        rate = None if pps is None else units.factor(pps, "a pps")
        config = {
            "count": number(count, "gen: count", 0, 2**63 - 1),
            "burst": number(burst, "gen: burst", 1, lib.NM_GENERATOR_BURST),
            "fragment": number(fragment, "gen: fragment", 0, 65535),
            "rate": rate.numerator if rate else 0,
            "divisor": rate.denominator if rate else 1,
        }
        new = ffi.new("struct nm_generator **")
        desc, capture = core_of(port, "gen")
        error = lib.nm_generator_new(
            desc, capture, self._stream._core, ffi.new("struct nm_generator_config *", config), new
        )
        if error == -errno.EMSGSIZE:
            raise UsageError("gen: a frame takes more slots than a ring of the port has")
        if error == -errno.EBADF:
            raise UsageError("gen: the port was opened without tx rings")
        if error:
            raise failed(port, error, "gen")
        self._core: Any = ffi.gc(new[0], lib.nm_generator_free)

    def run(self, seconds: float | None = None) -> bool:
        """Send for so long, None until all are sent; return whether they are.

        Exceptions of signals end it between two bursts. Raises the port's DeviceError, and UsageError where
        the port is closed, or another thread uses it.
        """
        until = None if seconds is None else time.monotonic_ns() + int(seconds * 1e9)
        while True:
            core_of(self._port, "gen")
            left = SLICE_NS if until is None else min(SLICE_NS, max(until - time.monotonic_ns(), 0))
            status = lib.nm_generator_run(self._core, left)
            if status == lib.NM_CAPTURE_END:
                return True
            if status not in (0, -errno.EINTR):
                raise failed(self._port, status, "gen")
            if until is not None and time.monotonic_ns() >= until:
                return False

    def report(self) -> Generated:
        """Return what has been sent so far."""
        counters = ffi.new("struct nm_generator_counters *")
        lib.nm_generator_count(self._core, counters)
        return Generated(
            counters.sent,
            counters.bytes,
            counters.events,
            counters.filled,
            counters.waited,
            max(counters.ended_ns - counters.began_ns, 0) / 1e9,
            counters.latest_ns,
        )


def gen(
    port: TrafficPort,
    frames: Frames | None = None,
    *,
    count: int = 0,
    burst: int = 512,
    pps: Quantity | None = None,
    fragment: int = 0,
    period: float = 1.0,
    tell: Callable[[Generated], object] | None = None,
) -> Generated:
    """Send frames until all are sent, telling every ``period`` seconds; return what was sent.

    The arguments are Generator's. A KeyboardInterrupt ends it as well, and it returns. The port has
    up to a second to let go of the last frames.
    """
    generator = Generator(port, frames, count=count, burst=burst, pps=pps, fragment=fragment)
    try:
        while not generator.run(period):
            if tell:
                tell(generator.report())
        drain(port)
    except KeyboardInterrupt:
        pass
    return generator.report()
