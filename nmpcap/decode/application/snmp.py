"""SNMP versions 1, 2c and 3 (RFC 1157, 3416, 3412), and the BER it is written in."""

from __future__ import annotations

from ..printer import Printer

__all__ = ["show"]


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message."""
    p.proto = "snmp"
    p.put(" ")
