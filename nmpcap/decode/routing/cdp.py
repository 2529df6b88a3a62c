"""Cisco's discovery protocol."""

from __future__ import annotations

from ..printer import Printer
from ..text import safe
from ..wire import take, u16

__all__ = ["show"]


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put an announcement: who it is from."""
    p.proto = "cdp"
    if length < 8:
        p.put(f" (packet length {length} < 8) (invalid)")
        return
    p.put(f"CDPv{d[at]}, ttl: {d[at + 1]}s")
    end = at + length
    where = at + 4
    while where < end:
        kind, size = u16(d, where), u16(d, where + 2)
        if size < 4:
            p.put(" (invalid)")
            return
        take(d, where, size)
        if kind == 1:
            p.put(f", Device-ID '{safe(d[where + 4 : where + size])}'")
        where += size
    p.put(f", length {length}")
