"""MPLS label stacks (RFC 3032)."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..wire import u32

__all__ = ["show"]

_RESERVED = {
    **{0: "IPv4 explicit NULL", 1: "router alert", 2: "IPv6 explicit NULL", 3: "implicit NULL"},
    **{4: "rsvd", 5: "rsvd", 6: "rsvd", 7: "rsvd", 8: "rsvd", 9: "rsvd", 10: "rsvd", 11: "rsvd", 12: "rsvd"},
    **{13: "rsvd", 14: "rsvd", 15: "rsvd"},
}


# Labels that say what is below them, and the first bytes that tell it otherwise.
_BELOW = {0: "network.ip4", 2: "network.ip6", 3: "network.ip4"}
_IP4, _IP6, _OSI = range(0x45, 0x50), range(0x60, 0x70), range(0x81, 0x84)


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the labels and what is below the last of them."""
    p.proto = "mpls"
    put = p.put
    put("MPLS")
    end = at + length
    separator = " "
    entry = 0
    while not entry & 0x100:
        if end - at < 4:
            put(" (invalid)")
            return
        entry = u32(d, at)
        at += 4
        label = entry >> 12
        put(f"{separator}(label {label}")
        if p.verbose and label in _RESERVED:
            put(f" ({_RESERVED[label]})")
        put(f", tc {entry >> 9 & 7}{', [S]' if entry & 0x100 else ''}, ttl {entry & 0xFF})")
        if p.verbose:
            separator = "\n\t"
    printer = _BELOW.get(label)
    if printer is None:
        if at >= end:
            return
        first = d[at]
        printer = "network.ip4" if first in _IP4 else "network.ip6" if first in _IP6 else None
        if printer is None:
            if p.dumps and not p.quiet:
                p.payload(d, at)
                if end > len(d):
                    p.truncated()
            return
    put("\n\t" if p.verbose else " ")
    load(printer)(p, d, at, end - at)
