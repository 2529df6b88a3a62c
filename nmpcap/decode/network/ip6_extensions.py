"""The extension headers of IPv6: options, routes, fragments, mobility (RFC 8200, 6275, 8754)."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..wire import take, u16, u32

__all__ = ["fragment", "show"]


_PROTOS = {0: "hbhopt", 60: "dstopt", 62: "mobility", 135: "mobility"}


def show(p: Printer, d: bytes, at: int, number: int, ip: int) -> int:
    """Put one header; return its length, or -1 if the line ends here."""
    if number != 43:
        p.proto = _PROTOS[number]
    else:
        _ = d[at]  # The header's first byte is still IPv6's to read.
        p.proto = "rt6"
        p.put("RT6")
    size = (d[at + 1] + 1) * 8
    if number in (62, 135):
        load("network.mobility")(p, d, at, size)
        return size
    if number == 43:
        return _routing(p, d, at, size)
    take(d, at, size)
    p.put("HBH " if number == 0 else "DSTOPT ")
    # What is wrong with hop-by-hop options is said even where nothing else of them is.
    if p.verbose or number == 0:
        _options(p, d, at + 2, size - 2, number, ip)
    return size


def _options(p: Printer, d: bytes, at: int, length: int, number: int, ip: int) -> None:
    end = at + length
    verbose = p.verbose > 0
    while at < end:
        kind = d[at]
        size = 1 if kind == 0 or at + 1 >= end else d[at + 1] + 2
        if at + size > end:
            raise IndexError
        if kind == 0:
            p.put("(pad1)" if verbose else "")
        elif kind == 1:
            p.put("(padn)" if verbose else "")
        elif kind == 5 and size != 4:
            p.put(f"(rtalert: invalid len {size - 2})")
            raise IndexError
        elif kind == 0xC9:
            if size < 18:
                p.put("(homeaddr: trunc)")
                raise IndexError
            p.put(f"(homeaddr: {p.names.ip6[take(d, at + 2, 16)]})" if verbose else "")
        elif kind == 5:
            p.put(f"(rtalert: 0x{u16(d, at + 2):04x}) " if verbose else "")
        elif kind == 0xC2 and size != 6:
            p.put(f"(jumbo: invalid len {size - 2})")
            raise IndexError
        elif kind == 0xC2:
            p.put(f"(jumbo: {u32(d, at + 2)}{_misplaced(d, number, ip)}) " if verbose else "")
        else:
            p.put(f"(opt_type 0x{kind:02x}: len={size - 2})" if verbose else "")
        at += size
    p.put(" " if verbose else "")


def _misplaced(d: bytes, number: int, ip: int) -> str:
    """Return what is wrong with a jumbo length, if anything."""
    if number:
        return " - not a hop-by-hop option"
    return " - payload len != 0" if u16(d, ip + 4) else ""


def _routing(p: Printer, d: bytes, at: int, size: int) -> int:
    put = p.put
    put(f" (len={d[at + 1]}")
    kind = d[at + 2]
    put(f", type={kind}{' [Deprecated]' if kind == 0 else ''}")
    put(f", segleft={d[at + 3]}")
    where = at + 8
    if kind in (0, 2):
        if u32(d, at + 4) or p.verbose:
            put(f", rsv=0x{u32(d, at + 4):x}")
    elif kind == 4:
        put(f", last-entry={d[at + 4]}")
        if d[at + 5] or p.verbose:
            put(f", flags=0x{d[at + 5]:x}")
        put(f", tag={u16(d, at + 6):x}")
    else:
        put(" (unknown type) (invalid)")
        return -1
    if d[at + 1] % 2:
        put(f" (invalid length {d[at + 1]}) (invalid)")
        return -1
    count = d[at + 1] // 2
    for number in range(count):
        put(f", [{number}]{p.names.ip6[take(d, where + 16 * number, 16)]}")
    put(") ")
    return size


def fragment(p: Printer, d: bytes, at: int, end: int) -> bool:
    """Put a fragment header; True if what follows begins the packet, which ends at an offset."""
    p.proto = "frag6"
    take(d, at, 8 if p.verbose else 4)
    off = u16(d, at + 2)
    p.put("frag (")
    if p.verbose:
        p.put(f"0x{u32(d, at + 4):08x}:")
    p.put(f"{off & 0xFFF8}|{end - at - 8}){'' if off & 0xFFF8 else ' '}")
    return not off & 0xFFF8
