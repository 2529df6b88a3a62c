"""TFTP (RFC 1350, 2347)."""

from __future__ import annotations

from ..printer import Printer
from ..text import safe
from ..wire import u16

__all__ = ["show"]

_OPERATIONS = {1: "RRQ", 2: "WRQ", 3: "DATA", 4: "ACK", 5: "ERROR", 6: "OACK"}
_ERRORS = {
    **{0: "EUNDEF", 1: "ENOTFOUND", 2: "EACCESS", 3: "ENOSPACE", 4: "EBADOP", 5: "EBADID", 6: "EEXISTS"},
    7: "ENOUSER",
}


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message."""
    p.proto = "tftp"
    put = p.put
    put(f"TFTP, length {length}")
    if length < 2:
        p.truncated()
        return
    operation = u16(d, at)
    put(f", {_OPERATIONS.get(operation, f'tftp-#{operation}')}")
    end = at + length
    at += 2
    if operation in (1, 2):
        if at >= end:
            p.truncated()
            return
        name, at = _text(d, at, end)
        put(' "')
        put(name)
        put('"')
        if at < 0:
            raise IndexError
        if at >= end:
            p.truncated()
            return
        mode, at = _text(d, at, end)
        put(f" {mode}")
        if at < 0:
            raise IndexError
        _options(p, d, at, end)
    elif operation == 6:
        _options(p, d, at, end)
    elif operation in (3, 4):
        put(f" block {u16(d, at)}")
    elif operation == 5:
        code = u16(d, at)
        put(f" {_ERRORS[code]}" if code in _ERRORS else f' tftp-err-#{code} "')
        if at + 2 >= end:
            raise IndexError
        text, after = _text(d, at + 2, end)
        put(' "')
        put(text)
        put('"')
        if after < 0:
            raise IndexError


def _text(d: bytes, at: int, end: int) -> tuple[str, int]:
    """Return a text up to its NUL and the offset behind it, -1 if there is none before the end."""
    stop = d.find(b"\0", at, end)
    return (safe(d[at:end]), -1) if stop < 0 else (safe(d[at:stop]), stop + 1)


def _options(p: Printer, d: bytes, at: int, end: int) -> None:
    while at < end:
        if d[at]:
            p.put(" ")
        text, at = _text(d, at, end)
        p.put(text)
        if at < 0:
            raise IndexError
