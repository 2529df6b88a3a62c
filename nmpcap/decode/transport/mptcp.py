"""The subtypes of TCP's multipath option (RFC 6824, 8684)."""

from __future__ import annotations

from ..printer import Printer

__all__ = ["show"]


def show(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    """Put the option at an offset; False if its length does not fit."""
    return size >= 3
