"""Rates, times, sizes and probabilities as people write them; what is not understood is refused.

A number without a unit is what the function says; fractions are exact: ``"1.544M"`` is 1,544,000 bits a
second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, TypeAlias

from nmpcap.errors import UsageError

__all__ = [
    "Quantity",
    "QueueKind",
    "duration_ns",
    "factor",
    "probability",
    "queue",
    "rate",
    "show_duration",
    "show_rate",
    "size",
]

Quantity: TypeAlias = "int | float | Fraction | str"
QueueKind: TypeAlias = Literal["packets", "bytes", "ns"]

_DECIMAL = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_RATES = {
    f"{prefix}{unit}": factor * scale
    for prefix, factor in _DECIMAL.items()
    for units, scale in ((("", "bit", "bit/s", "bps", "b/s"), 1), (("B/s", "Byte/s", "Bps"), 8))
    for unit in units
}
_TIMES = {"s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
_SIZES = {
    **{
        f"{prefix}{unit}": factor
        for prefix, factor in _DECIMAL.items()
        for unit in ("B", "byte", "bytes", "Byte")
    },
    **{f"{prefix}i{unit}": 1024**power for power, prefix in enumerate("KMG", 1) for unit in ("B",)},
}
_NUMBER = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(\S*)\s*", re.ASCII)


def rate(value: Quantity) -> int:
    """Return bits a second: a number is that already; ``"10M"``, ``"1Gbit/s"``, ``"64kB/s"``. At least 1."""
    bits = _amount(value, "a rate", _RATES, "10M, 1Gbit/s or 500kB/s")
    if bits < 1:
        raise UsageError(f"a rate of {value!r}: less than a bit a second; leave it out for no limit")
    return int(bits)


def duration_ns(value: Quantity, what: str = "a time") -> int:
    """Return nanoseconds: a number is seconds; ``"20ms"``, ``"1.5us"``, ``"2s"``."""
    if not isinstance(value, str):
        return int(_number(value, what) * 10**9)
    return int(_amount(value, what, _TIMES, "20ms, 5us or 1s"))


def size(value: Quantity, what: str = "a size") -> int:
    """Return bytes: a number is that already; ``"64kB"``, ``"1MiB"``."""
    return int(_amount(value, what, {"": 1, **_SIZES}, "1500, 64kB or 1MiB"))


def probability(value: Quantity, what: str = "a probability") -> Fraction:
    """Return a probability from 0 to 1: ``0.01``, ``"0.01"`` or ``"1%"``."""
    chosen = _amount(value, what, {"": 1, "%": Fraction(1, 100)}, "0.01 or 1%")
    if chosen > 1:
        raise UsageError(f"{what} of {value!r}: more than 1 (100%)")
    return chosen


def factor(value: Quantity, what: str = "a factor") -> Fraction:
    """Return a number above 0, exact: ``2``, ``"0.5"``, ``"10k"``."""
    chosen = _amount(value, what, _DECIMAL, "2, 0.5 or 10k")
    if not chosen:
        raise UsageError(f"{what} of {value!r}: nothing would ever leave")
    if max(chosen.numerator, chosen.denominator) >= 1 << 63:
        chosen = chosen.limit_denominator(10**9)
    return chosen


def queue(value: str) -> tuple[QueueKind, int]:
    """Return what a queue is measured in, and its limit: ``"100p"`` packets, ``"64kB"`` bytes, ``"20ms"``."""
    if not isinstance(value, str):
        raise TypeError(f"a queue is text such as '100p', '64kB' or '20ms', not {value!r}")
    match = _NUMBER.fullmatch(value)
    unit = match[2] if match else ""
    if match and unit in ("p", "packets", "packet"):
        return "packets", int(Fraction(match[1]))
    if match and unit in _TIMES:
        return "ns", duration_ns(value, "a queue")
    if match and unit in _SIZES:
        return "bytes", size(value, "a queue")
    raise UsageError(f"a queue of {value!r}: write 100p (packets), 64kB (bytes) or 20ms (time)")


def show_rate(bits: int) -> str:
    """Return a rate as text that ``rate`` reads: ``"10 Mbit/s"``."""
    return _shown(bits, (("Gbit/s", 10**9), ("Mbit/s", 10**6), ("kbit/s", 10**3), ("bit/s", 1)))


def show_duration(ns: int) -> str:
    """Return a time as text that ``duration_ns`` reads: ``"20 ms"``."""
    return _shown(ns, (("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1)))


def _shown(value: int, units: tuple[tuple[str, int], ...]) -> str:
    for unit, scale in units:
        if abs(value) >= scale:
            return f"{value / scale:g} {unit}"
    return f"0 {units[-1][0]}"


def _number(value: Quantity, what: str) -> Fraction:
    try:
        chosen = Fraction(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{what} of {value!r}: not a number") from None
    if chosen < 0:
        raise UsageError(f"{what} of {value!r}: less than nothing")
    return chosen


def _amount(value: Quantity, what: str, units: Mapping[str, int | Fraction], like: str) -> Fraction:
    if not isinstance(value, str):
        return _number(value, what)
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise UsageError(f"{what} of {value!r}: write it like {like}")
    if match[2] not in units:
        raise UsageError(f"{what} of {value!r}: the unit {match[2]!r} is not known; write it like {like}")
    return Fraction(match[1]) * units[match[2]]
