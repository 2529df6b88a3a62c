"""What callers hand over, checked where it comes in: the error names the argument, not what it broke."""

from __future__ import annotations

import os
from operator import index
from typing import Any

from nmpcap.errors import PortNameError, UsageError

__all__ = ["encoded", "instance", "number", "path_or_descriptor", "text"]


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
        raise PortNameError(f"{what}: {value!r} contains a NUL", value.index("\0"))
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


def instance(value: Any, kind: type, what: str) -> None:
    """Check what something is. TypeError if it is not of that class."""
    if not isinstance(value, kind):
        raise TypeError(f"{what} must be a {kind.__name__}, not {_kind(value)}")


def path_or_descriptor(value: Any, what: str, method: str) -> str | int | None:
    """Return a path as a str, or a descriptor; None for a file object, which has ``method``.

    TypeError for anything else; UsageError for a path that no file can have.
    """
    if isinstance(value, (str, bytes, os.PathLike)):
        path = os.fsdecode(value)
        try:
            if b"\0" not in os.fsencode(path):
                return path
        except UnicodeEncodeError:
            pass
        raise UsageError(f"{what}: {path!r} is not a path that a file can have")
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value, f"{what}: descriptor", 0, 2**31 - 1)
    if not callable(getattr(value, method, None)) or isinstance(value, type):
        raise TypeError(f"{what} must be a path, a descriptor or a binary file object, not {_kind(value)}")
    return None


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__
