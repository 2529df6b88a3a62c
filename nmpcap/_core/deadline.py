"""Timeouts as people give them and as the core takes them."""

from __future__ import annotations

import math
from typing import SupportsFloat

from nmpcap.errors import UsageError

__all__ = ["timeout_ns"]


def timeout_ns(seconds: SupportsFloat | None) -> int:
    """Return seconds as nanoseconds, rounded up; None, for ever, is -1.

    Raises UsageError below 0, TypeError for what is no number.
    """
    if seconds is None:
        return -1
    try:
        value = math.ldexp(seconds, 0)  # takes what float() does, but for text
    except TypeError:
        kind = type(seconds).__name__
        raise TypeError(f"timeout must be seconds, or None for ever, not {kind}") from None
    if not value >= 0:
        raise UsageError(f"timeout {seconds!r}: seconds from 0 up, or None for ever")
    return math.ceil(value * 1e9) if value < 9e9 else (1 << 63) - 1
