"""Impairments as text: ``loss=1% delay=20ms burst=0.01,0.25``; and profiles, which are such lines in time.

    # seconds  [there|back]  what is from then on
    0          delay=20ms rate=10M queue=50p
    5   there  loss=5%
    10

A line replaces all that was set for its directions; one with a time alone takes all impairments away.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nmpcap.errors import UsageError
from nmpcap.tools import units
from nmpcap.tools.link.impairments import Impairments
from nmpcap.tools.link.link import Direction, Step

__all__ = ["impairments_of", "read_profile"]

_DIRECTIONS = {"there": (Direction.THERE,), "back": (Direction.BACK,)}


def impairments_of(words: Iterable[str]) -> Impairments:
    """Return what ``NAME=VALUE`` words say; UsageError names the word that cannot be."""
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r}: write it as NAME=VALUE, like loss=1%")
        values[name] = _READ.get(name, str)(text)
    return Impairments.of(values)


def read_profile(path: str | os.PathLike[str]) -> list[Step]:
    """Return a profile's steps in time; UsageError tells the number of the line that cannot be.

    Nothing is done by halves: a file with a wrong line gives no steps.
    """
    steps = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            steps.append(_step(words))
        except UsageError as error:
            raise UsageError(f"{os.fspath(path)}, line {number}: {error}") from None
    return steps


def _step(words: list[str]) -> Step:
    at = words.pop(0)
    try:
        seconds = float(at)
    except ValueError:
        seconds = units.duration_ns(at, "the time of a step") / 1e9
    directions = _DIRECTIONS.get(words[0]) if words else None
    return Step(seconds, impairments_of(words[directions is not None :]), directions or tuple(Direction))


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a number") from None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a number") from None


def _truth(text: str) -> bool:
    words = {
        "1": True,
        "yes": True,
        "on": True,
        "true": True,
        "0": False,
        "no": False,
        "off": False,
        "false": False,
    }
    if text.lower() not in words:
        raise UsageError(f"{text!r} is neither yes nor no")
    return words[text.lower()]


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


_READ: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("overhead", "cell", "cell_overhead"), _number),
    **dict.fromkeys(("burst", "reorder"), _list),
    **dict.fromkeys(("keep_order", "down"), _truth),
    "bit_errors": _float,
    "drop": lambda text: tuple(_number(part) for part in text.split(",")),
    "distribution": lambda text: _list(text) if "," in text else text,
}
