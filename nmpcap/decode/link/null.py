"""The loopback of BSD: an address family in front, in either byte order."""

from __future__ import annotations

from nmpcap.dlt import DLT_LOOP

from ..printer import Printer
from ..table import load
from ..wire import be32, le32

__all__ = ["show"]

_HEADER = 4
_FAMILIES = {2: "IPv4", 7: "ISO", 23: "IPX", 24: "IPv6", 28: "IPv6", 30: "IPv6"}
_PRINTERS = {2: "network.ip4", 24: "network.ip6", 28: "network.ip6", 30: "network.ip6"}


def show(p: Printer, d: bytes, at: int, length: int) -> int:
    """Put a frame of DLT_NULL or DLT_LOOP."""
    p.proto = "null"
    if len(d) - at < _HEADER:
        p.truncated()
        return len(d) - at
    little, big = le32(d, at)[0], be32(d, at)[0]
    # The file does not say which order the writer's machine had; a family is a small number.
    family = big if p.linktype == DLT_LOOP or little & 0xFFFF0000 else little
    printer = _PRINTERS.get(family)
    if p.link_header or printer is None:
        name = _FAMILIES.get(family, "Unknown")
        if not p.quiet:
            shown = f"AF {name} ({family})"
        else:
            shown = name if family in _FAMILIES else f"Unknown AF {family}"
        p.put(f"{shown}, length {length}: ")
    if printer is not None:
        load(printer)(p, d, at + _HEADER, length - _HEADER)
    elif not p.quiet:
        p.unknown(d, at + _HEADER)
    return _HEADER
