"""What an ICMP error carries behind the packet it quotes (RFC 4884, 4950, 5837)."""

from __future__ import annotations

import struct

from ..checksum import internet
from ..hexdump import hex_lines
from ..printer import Printer
from ..wire import take, u16, u32

__all__ = ["show"]

_HEADER = 4
_VERSION = 2
_LABELS, _INCOMING = 1, 1
_INTERFACE = 2
_NAMES = {_LABELS: "MPLS Stack Entry", _INTERFACE: "Interface Identification"}

_object = struct.Struct(">HBB").unpack_from


def show(p: Printer, d: bytes, at: int, end: int, *, announced: bool) -> None:
    """Put the extensions between two offsets, one object a line.

    announced: the message says where they begin. If it does not, they are extensions only if their checksum
    is right, as far as it can be told.
    """
    # The model reads a byte more than the header has.
    version = take(d, at, _HEADER + 1)[0] >> 4
    whole = end <= len(d)
    right = whole and not internet(d[at:end])
    if whole and not announced and not right:
        return
    p.put(f"\n\tICMP Multi-Part extension v{version}")
    if version != _VERSION:
        p.put(" packet not supported")
        return
    if whole:
        shown = "correct" if right else "incorrect"
        p.put(f", checksum 0x{u16(d, at + 2):04x} ({shown}), length {end - at}")
    at += _HEADER
    while end - at > _HEADER:
        size, group, kind = _object(d, at)
        name = _NAMES.get(group, "unknown")
        p.put(f"\n\t  {name} Object ({group}), Class-Type: {kind}, length {size}")
        if size < _HEADER:
            return
        left = size - _HEADER
        at += _HEADER
        if group == _LABELS and kind == _INCOMING:
            entry = u32(d, at)
            bottom = ", [S]" if entry & 0x100 else ""
            p.put(f"\n\t    label {entry >> 12}, tc {entry >> 9 & 7}{bottom}, ttl {entry & 0xFF}")
        else:
            p.put(hex_lines(d[at : at + left], "\n\t    "))
        at += left
