"""What callers hand over, checked where it comes in: the error names the argument, not what it broke."""

from __future__ import annotations

import warnings
from math import inf, ldexp
from operator import index
from typing import Any

from nmpcap._printable import printable
from nmpcap.errors import PortNameError, UsageError

__all__ = ["duration", "encoded", "instance", "number", "text", "warn_of_less"]


def text(value: Any, what: str) -> str:
    """Return a str as it is. TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {_kind(value)}")
    return value


def encoded(value: Any, what: str) -> bytes:
    """Return the bytes of a device's name as the system has them, for C.

    TypeError if it is no str, PortNameError if no device can have it.
    """
    try:
        name = text(value, what).encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise PortNameError(f"{what}: {value!r} has half a surrogate pair", error.start) from None
    if b"\0" in name:
        raise PortNameError(f"{what}: {value!r} contains a NUL, a zero character", value.index("\0"))
    return name


def number(value: Any, what: str, least: int, most: int) -> int:
    """Return an int within limits. TypeError if it is none, UsageError outside of them."""
    try:
        chosen = index(value)
    except TypeError:
        raise TypeError(f"{what} must be an int, not {_kind(value)}") from None
    if not least <= chosen <= most:
        raise UsageError(f"{what} {chosen}: {least} .. {most}")
    return chosen


def duration(value: Any, what: str) -> float:
    """Return seconds from 0 up as a float. TypeError if they are no number, UsageError below 0."""
    try:
        seconds = ldexp(value, 0)  # takes what float() does, but for text
    except TypeError:
        raise TypeError(f"{what} must be seconds, not {_kind(value)}") from None
    if not 0 <= seconds < inf:
        raise UsageError(f"{what} {value!r}: seconds from 0 up")
    return seconds


def instance(value: Any, kind: type, what: str) -> None:
    """Check what something is. TypeError if it is not of that class."""
    if not isinstance(value, kind):
        raise TypeError(f"{what} must be a {kind.__name__}, not {_kind(value)}")


def warn_of_less(name: str, what: str, asked: int, got: int, level: int) -> None:
    """Warn, ``level`` calls up, where a port has fewer slots or rings than were asked for; 0 asks for any."""
    if got < asked:
        message = f"{printable(name)}: {what}={asked} was asked for, it has {got}"
        warnings.warn(message, RuntimeWarning, stacklevel=level + 1)


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__
