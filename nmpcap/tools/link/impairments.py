"""What one direction of a link does to packets, with the units people write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from math import isfinite
from statistics import NormalDist
from typing import Any

from nmpcap._core import ffi, lib
from nmpcap.errors import UsageError
from nmpcap.tools import units
from nmpcap.tools.units import Quantity

__all__ = ["Impairments"]

_QUANTILES = 4096  # samples of a distribution's shape: the 0.012 % at either end is one sample
_NORMAL_END = 4.0  # sigmas at which the normal distribution is cut
_PARETO_SHAPE = 3.0


@dataclass(frozen=True)
class Impairments:
    """What happens to packets: ``drop``, queue and ``rate``, losses, corruption, delay, reordering, copies.

    ``rate``: bits a second of frames and ``overhead`` bytes each (24 is Ethernet on the wire); with
    ``cell``, frames travel in cells of so many bytes and ``cell_overhead`` more. ``queue``: of packets
    that wait for the rate and nothing else, as ``"100p"``, ``"64kB"`` or ``"20ms"``; without one it is
    endless. What finds it full is lost.

    ``loss``: probability of each packet. ``bit_errors``: of each bit; one loses the packet. Bursts are
    Gilbert-Elliott's: ``burst=(p, r)`` goes from good to bad with p and back with r at each packet, ``(p,
    r, bad, good)`` also says the loss in both states, 1 and 0 by default; the share lost is p / (p + r),
    a burst's mean length 1 / r. ``corrupt``: one bit is flipped and the packet delivered, as no frame
    check sequence is there to be wrong.

    ``delay`` and ``jitter`` are times. ``distribution``: "uniform" within plus and minus jitter;
    "normal", of which jitter is sigma, cut at 4; "pareto", with jitter as scale of a tail upwards, or a
    sequence of times that are added to delay. A sum below 0 is 0. Order is kept unless ``keep_order`` is
    False: a packet leaves no earlier than the one before. ``reorder=(p, t)``: a packet is held back for
    t, with probability p, and others pass it.

    ``duplicate``: a copy leaves with the packet. ``drop``: indices of packets to lose, counted from 0
    over all that were offered. ``down``: nothing gets through.

    UsageError names what cannot be.
    """

    rate: Quantity | None = None
    overhead: int = 0
    cell: int = 0
    cell_overhead: int = 0
    queue: str | None = None
    loss: Quantity = 0
    bit_errors: float = 0.0
    burst: Sequence[Quantity] | None = None
    corrupt: Quantity = 0
    delay: Quantity = 0
    jitter: Quantity = 0
    distribution: str | Sequence[Quantity] = "uniform"
    keep_order: bool = True
    reorder: tuple[Quantity, Quantity] | None = None
    duplicate: Quantity = 0
    drop: Iterable[int] = ()
    down: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "drop", tuple(sorted(set(self.drop))))
        with self.core():
            pass

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Impairments:
        """Return those of a mapping, as a profile's step is; UsageError names a key that means nothing."""
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise UsageError(f"impairments: {key!r} is none; there are {', '.join(known)}")
        return cls(**values)

    def but(self, **changes: Any) -> Impairments:
        """Return a copy with some of it changed."""
        return replace(self, **changes)

    @contextmanager
    def core(self) -> Iterator[Any]:
        """Give the core's form, ``struct nm_wire_config *``, for as long as the block lasts."""
        config = ffi.new("struct nm_wire_config *")
        samples = ffi.new("int64_t[]", self._samples())
        drop = ffi.new("uint64_t[]", self._listed())
        config.samples, config.samples_count = samples, len(samples)
        config.drop, config.drop_count = drop, len(drop)
        self._fill_rate(config)
        self._fill_losses(config)
        config.delay_ns = units.duration_ns(self.delay, "delay")
        config.jitter_ns = 0 if len(samples) else units.duration_ns(self.jitter, "jitter")
        config.keep_order, config.down = bool(self.keep_order), bool(self.down)
        if self.reorder is not None:
            share, held = _parts(self.reorder, "reorder", 2, 2, "(probability, time)")
            config.reorder, config.reorder_ns = _chance(share, "reorder"), units.duration_ns(held, "reorder")
        yield config

    def _fill_rate(self, config: Any) -> None:
        config.rate = 0 if self.rate is None else units.rate(self.rate)
        for name in ("overhead", "cell", "cell_overhead"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 0 <= value < 1 << 16:
                raise UsageError(f"{name} of {value!r}: 0 to 65535 bytes")
            setattr(config, name, value)
        if self.queue is None:
            return
        if self.rate is None:
            raise UsageError(f"a queue of {self.queue!r} without a rate: nothing would ever wait in it")
        kind, config.queue_limit = units.queue(self.queue)
        kinds = {
            "packets": lib.NM_WIRE_QUEUE_PACKETS,
            "bytes": lib.NM_WIRE_QUEUE_BYTES,
            "ns": lib.NM_WIRE_QUEUE_NS,
        }
        config.queue = kinds[kind]

    def _fill_losses(self, config: Any) -> None:
        config.loss = _chance(self.loss, "loss")
        config.corrupt = _chance(self.corrupt, "corrupt")
        config.duplicate = _chance(self.duplicate, "duplicate")
        if not isfinite(self.bit_errors) or not 0 <= self.bit_errors < 1:
            raise UsageError(f"bit_errors of {self.bit_errors!r}: a probability below 1")
        config.bit_errors = self.bit_errors
        if self.burst is None:
            return
        begins, ends, *losses = _parts(self.burst, "burst", 2, 4, "(p, r), (p, r, bad) or (p, r, bad, good)")
        bad = losses[0] if losses else 1
        good = losses[1] if len(losses) > 1 else 0
        config.burst_begins, config.burst_ends = _chance(begins, "burst"), _chance(ends, "burst")
        config.burst_loss, config.burst_good_loss = _chance(bad, "burst"), _chance(good, "burst")

    def _listed(self) -> tuple[int, ...]:
        listed: tuple[int, ...] = tuple(self.drop)
        if listed and not 0 <= listed[0] <= listed[-1] < 1 << 64:
            raise UsageError(f"drop: packets are counted from 0; {listed[0]} is none")
        return listed

    def _samples(self) -> tuple[int, ...]:
        if not isinstance(self.distribution, str):
            return tuple(units.duration_ns(sample, "distribution") for sample in self.distribution)
        jitter_ns = units.duration_ns(self.jitter, "jitter")
        if self.distribution == "uniform" or not jitter_ns:
            return ()
        if self.distribution not in _SHAPES:
            known = ", ".join(("uniform", *_SHAPES))
            raise UsageError(f"distribution {self.distribution!r}: there are {known}, or a sequence of times")
        return tuple(round(x * jitter_ns) for x in _SHAPES[self.distribution]())


def _chance(value: Quantity, what: str) -> int:
    return round(units.probability(value, what) * int(lib.NM_WIRE_CERTAIN))


def _parts(value: Sequence[Quantity], what: str, least: int, most: int, like: str) -> list[Quantity]:
    parts = [] if isinstance(value, str) else list(value)
    if not least <= len(parts) <= most:
        raise UsageError(f"{what} of {value!r}: {like} is meant")
    return parts


@lru_cache(maxsize=1)
def _normal() -> tuple[float, ...]:
    unit = NormalDist()
    quantiles = (unit.inv_cdf((i + 0.5) / _QUANTILES) for i in range(_QUANTILES))
    return tuple(max(-_NORMAL_END, min(_NORMAL_END, x)) for x in quantiles)


@lru_cache(maxsize=1)
def _pareto() -> tuple[float, ...]:
    """Lomax's form: from 0 on, most of it near there."""
    return tuple((1 - (i + 0.5) / _QUANTILES) ** (-1 / _PARETO_SHAPE) - 1 for i in range(_QUANTILES))


_SHAPES = {"normal": _normal, "pareto": _pareto}
