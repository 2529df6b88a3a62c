"""RADIUS (RFC 2865): which message it is."""

from __future__ import annotations

from ..printer import Printer
from ..wire import take, u16

__all__ = ["show"]

_CODES = {
    **{1: "Access-Request", 2: "Access-Accept", 3: "Access-Reject", 4: "Accounting-Request"},
    **{5: "Accounting-Response", 11: "Access-Challenge", 12: "Status-Server", 13: "Status-Client"},
    **{40: "Disconnect-Request", 41: "Disconnect-ACK", 42: "Disconnect-NAK", 43: "CoA-Request"},
    **{44: "CoA-ACK", 45: "CoA-NAK"},
}
_HEADER = 20


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the code, identifier and length of a message."""
    p.proto = "radius"
    take(d, at, _HEADER)
    code, size = d[at], u16(d, at + 2)
    if size < _HEADER:
        p.put("RADIUS (invalid)")
        return
    size = min(size, length)
    p.put(f"RADIUS, {_CODES.get(code, 'Unknown Command')} ({code}), id: 0x{d[at + 1]:02x} length: {size}")
