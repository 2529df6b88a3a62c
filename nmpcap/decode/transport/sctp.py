"""SCTP (RFC 9260): each chunk and what it says."""

from __future__ import annotations

from ..printer import Printer
from ..wire import take

__all__ = ["show"]

_HEADER = 12


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put a packet's chunks."""
    p.proto = "sctp"
    if length < _HEADER:
        p.put(f"[length {length} < 12] (invalid)")
        return
    take(d, at, _HEADER)
