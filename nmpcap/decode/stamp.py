"""Time stamps in front of lines: none, or one of tcpdump's five forms."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["stamper"]

_SECOND = 1_000_000_000
_DAY = 86400
# tcpdump keeps seconds in 32 bits where it makes a date of them.
_UNCONVERTIBLE = "[Error converting time]"


def stamper(mode: int = 0, *, nano: bool = False) -> Callable[[int], str]:
    """Return a function from nanoseconds since the epoch to what stands in front of a line, its blank too.

    mode is the number of -t: 0 the local time of day, 1 nothing, 2 seconds since the epoch, 3 the time since
    the line before, 4 date and local time, 5 the time since the first line. The function remembers the packet
    before or the first one; times between packets have no days, their hours end at 23. nano: nine digits
    instead of six (--nano), those beyond six cut off otherwise.
    """
    if mode == 1:
        return lambda _: ""
    digits, unit = (9, 1) if nano else (6, 1000)
    if mode == 2:
        return lambda ns: f"{ns // _SECOND}.{ns % _SECOND // unit:0{digits}d} "
    if mode in (3, 5):
        return _since(mode == 3, digits, unit)
    if mode == 4:
        return _dated(digits, unit)
    return _of_day(digits, unit)


def _of_day(digits: int, unit: int) -> Callable[[int], str]:
    known_second = -1
    known = ""

    def text(ns: int) -> str:
        nonlocal known_second, known
        second, rest = divmod(ns, _SECOND)
        if second != known_second:
            known_second = second
            known = time.strftime("%H:%M:%S", time.localtime(second))
        return f"{known}.{rest // unit:0{digits}d} "

    return text


def _dated(digits: int, unit: int) -> Callable[[int], str]:
    def text(ns: int) -> str:
        second, rest = divmod(ns, _SECOND)
        try:
            date = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        except (OverflowError, OSError, ValueError):
            return f"{_UNCONVERTIBLE} "
        return f"{date}.{rest // unit:0{digits}d} "

    return text


def _since(moving: bool, digits: int, unit: int) -> Callable[[int], str]:
    base = 0

    def text(ns: int) -> str:
        nonlocal base
        now = ns // unit
        # A first packet at the epoch itself begins nothing: the model takes zero for "none yet".
        if not base:
            base = now
        passed = now - base
        if moving:
            base = now
        sign = "-" if passed < 0 else " "
        second, rest = divmod(abs(passed), 10**digits)
        return f"{sign}{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{rest:0{digits}d} "

    return text
