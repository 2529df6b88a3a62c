"""Timeouts as people give them and as the core takes them."""

from __future__ import annotations

import math
from typing import SupportsFloat

from nmpcap.errors import UsageError

__all__ = ["timeout_ns"]


def timeout_ns(seconds: SupportsFloat | None) -> int:
    """Return seconds as nanoseconds, rounded up; None, for ever, is -1. Raises UsageError below 0."""
    if seconds is None:
        return -1
    value = float(seconds)
    if not value >= 0:
        raise UsageError(f"timeout {seconds!r}: seconds from 0 up, or None for ever")
    return math.ceil(value * 1e9) if value < 9e9 else (1 << 63) - 1
