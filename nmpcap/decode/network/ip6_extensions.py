"""The extension headers of IPv6: options, routes, fragments, mobility (RFC 8200, 6275, 8754)."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..wire import take, u16, u32

__all__ = ["fragment", "show"]


def show(p: Printer, d: bytes, at: int, number: int) -> int:
    """Put one header; return its length, or -1 if the line ends here."""
    size = (d[at + 1] + 1) * 8
    if number in (62, 135):
        load("network.mobility")(p, d, at, size)
        return size
    if number == 43:
        return _routing(p, d, at, size)
    p.put("HBH " if number == 0 else "DSTOPT ")
    p.proto = "ip6"
    take(d, at, size)
    if p.verbose:
        _options(p, d, at + 2, size - 2)
    return size


def _options(p: Printer, d: bytes, at: int, length: int) -> None:
    end = at + length
    while at < end:
        kind = d[at]
        size = 1 if kind == 0 else d[at + 1] + 2
        if kind == 0:
            p.put("(pad1)")
        elif kind == 1:
            p.put("(padn)")
        elif kind == 5:
            p.put(f"(rtalert: 0x{u16(d, at + 2):04x}) ")
        elif kind == 0xC2:
            p.put(f"(jumbo: {u32(d, at + 2)}) ")
        else:
            p.put(f"(opt_type 0x{kind:02x}: len={size - 2})")
        at += size
    p.put(" ")


def _routing(p: Printer, d: bytes, at: int, size: int) -> int:
    put = p.put
    p.proto = "rt6"
    kind, left = d[at + 2], d[at + 3]
    put(f"RT6 (len={d[at + 1]}, type={kind}{' [Deprecated]' if kind == 0 else ''}, segleft={left}")
    where = at + 8
    if kind in (0, 2):
        if u32(d, at + 4) or p.verbose:
            put(f", rsv=0x{u32(d, at + 4):x}")
        count = d[at + 1] // 2 if not d[at + 1] % 2 else -1
    elif kind == 4:
        put(f", last-entry={d[at + 4]}")
        if d[at + 5]:
            put(f", flags=0x{d[at + 5]:x}")
        put(f", tag={u16(d, at + 6):x}")
        count = d[at + 1] // 2
    else:
        put(", unknown type) ")
        return size
    if count < 0:
        put(" (invalid)")
        return -1
    for number in range(count):
        put(f", [{number}]{p.names.ip6[take(d, where + 16 * number, 16)]}")
    put(") ")
    return size


def fragment(p: Printer, d: bytes, at: int) -> bool:
    """Put a fragment header; True if what follows begins the packet."""
    p.proto = "frag6"
    off = u16(d, at + 2)
    p.put("frag (")
    if p.verbose:
        p.put(f"0x{u32(d, at + 4):08x}:")
    p.put(f"{off & 0xFFF8}|{len(d) - at - 8}) ")
    return not off & 0xFFF8
