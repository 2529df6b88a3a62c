"""Packets that begin with IP itself."""

from __future__ import annotations

from ..printer import Printer
from ..table import load

__all__ = ["show", "version"]


def show(p: Printer, d: bytes, at: int, length: int) -> int:
    """Put a packet without a link header; the first four bits say which IP it is."""
    p.proto = "raw"
    if p.link_header:
        p.put("ip: ")
    version(p, d, at, length)
    return 0


def version(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put an IP packet of whichever version its first bits name."""
    if length < 1:
        p.put(f"truncated-ip {length}")
        return
    number = d[at] >> 4
    if number == 4:
        load("network.ip4")(p, d, at, length)
    elif number == 6:
        load("network.ip6")(p, d, at, length)
    else:
        p.put(f"unknown ip {number}")
