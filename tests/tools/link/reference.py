"""The link once more, by fractions and Python's own arithmetic: slow, and easy to see through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import NormalDist

MASK = (1 << 64) - 1


def mix(x: int) -> int:
    """SplitMix64's finalizer."""
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return x ^ x >> 31


STREAMS = ("loss", "burst loss", "burst state", "corrupt", "corrupt bit", "jitter", "reorder", "duplicate")


@dataclass
class Draws:
    """What chance says of a packet, by its index."""

    seed: int
    direction: int

    def number(self, what: str, index: int) -> int:
        start = mix(mix(self.seed) ^ (self.direction << 32 | STREAMS.index(what)))
        return mix((start + (index + 1) * 0x9E3779B97F4A7C15) & MASK)

    def happens(self, what: str, index: int, probability: Fraction) -> bool:
        return Fraction(self.number(what, index) >> 11, 1 << 53) < Fraction(
            round(probability * (1 << 53)), 1 << 53
        )

    def below(self, what: str, index: int, n: int) -> int:
        return self.number(what, index) * n >> 64


@dataclass
class Setting:
    """What the link does, in plain numbers: bits a second, nanoseconds, bytes, fractions."""

    rate: int = 0
    overhead: int = 0
    cell: int = 0
    cell_overhead: int = 0
    queue: tuple[str, int] | None = None
    loss: Fraction = Fraction(0)
    burst: tuple[Fraction, Fraction, Fraction, Fraction] | None = None
    corrupt: Fraction = Fraction(0)
    delay: int = 0
    jitter: int = 0
    normal: bool = False
    keep_order: bool = True
    reorder: tuple[Fraction, int] | None = None
    duplicate: Fraction = Fraction(0)
    drop: Sequence[int] = ()


@dataclass
class Reference:
    """One direction. ``offer`` gives (fate, departure, copies, flipped bit) of one packet."""

    setting: Setting
    draws: Draws
    index: int = 0
    end: Fraction = Fraction(-(10**30))
    begun: list[tuple[Fraction, int]] = field(default_factory=list)
    bad: bool = False
    latest: int = -(10**30)

    def offer(self, arrival: int, length: int) -> tuple[str, int | None, int, int | None]:
        fate, departure, copies, bit = self._decide(arrival, length, self.index)
        self.index += 1
        return fate, departure, copies, bit

    def _decide(self, arrival: int, length: int, i: int) -> tuple[str, int | None, int, int | None]:
        s, draws = self.setting, self.draws
        burst = self._burst(i)
        if i in s.drop:
            return "LISTED", None, 0, None
        sent = self._sent(arrival, length)
        if sent is None:
            return "QUEUE", None, 0, None
        if draws.happens("loss", i, s.loss):
            return "LOSS", None, 0, None
        if burst:
            return "BURST", None, 0, None
        bit = None
        if length and draws.happens("corrupt", i, s.corrupt):
            bit = draws.below("corrupt bit", i, 8 * length)
        departure = sent + max(0, s.delay + self._jitter(i))
        if s.reorder and draws.happens("reorder", i, s.reorder[0]):
            departure += s.reorder[1]
        elif s.keep_order:
            departure = self.latest = max(self.latest, departure)
        return "DELIVERED", departure, 1 + draws.happens("duplicate", i, s.duplicate), bit

    def _burst(self, i: int) -> bool:
        if not self.setting.burst:
            return False
        begins, ends, bad, good = self.setting.burst
        was = self.bad
        if self.draws.happens("burst state", i, ends if was else begins):
            self.bad = not was
        return self.draws.happens("burst loss", i, bad if was else good)

    def _jitter(self, i: int) -> int:
        s = self.setting
        if s.normal:
            place = (self.draws.below("jitter", i, 4096) + 0.5) / 4096
            return round(max(-4.0, min(4.0, NormalDist().inv_cdf(place))) * s.jitter)
        return self.draws.below("jitter", i, 2 * s.jitter + 1) - s.jitter if s.jitter else 0

    def _sent(self, arrival: int, length: int) -> int | None:
        s = self.setting
        if not s.rate:
            return arrival
        start = max(Fraction(arrival), self.end)
        waiting = [(at, size) for at, size in self.begun if at > arrival]
        if s.queue and start > arrival:
            kind, limit = s.queue
            full = {
                "packets": len(waiting) + 1 > limit,
                "bytes": sum(size for _, size in waiting) + length > limit,
                "ns": math.ceil(start) - arrival > limit,
            }[kind]
            if full:
                return None
        self.begun = [*waiting, (start, length)]
        size = length + s.overhead
        if s.cell:
            size = -(-size // s.cell) * (s.cell + s.cell_overhead)
        self.end = start + Fraction(8 * size * 10**9, s.rate)
        return math.ceil(self.end)
