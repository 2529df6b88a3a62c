"""Geneve (RFC 8926)."""

from __future__ import annotations

from ..link.ethernet import ETHERTYPE
from ..printer import Printer
from ..table import ETHERTYPE_NAMES, load
from ..wire import take, u16, u24

__all__ = ["show"]

_HEADER = 8
_TEB = 0x6558


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put Geneve, its options with -v, and what it carries."""
    p.proto = "geneve"
    put = p.put
    put("Geneve")
    if length < _HEADER:
        put(f" [length {length} < {_HEADER}] (invalid)")
        return
    take(d, at, _HEADER)
    version, options = d[at] >> 6, (d[at] & 0x3F) * 4
    if version:
        put(f" ERROR: unknown-version {version}")
        return
    flags = d[at + 1]
    put(", Flags [")
    names = [name for bit, name in ((0x80, "O"), (0x40, "C")) if flags & bit]
    names += [f"R{number}" for number in range(1, 7) if flags & 0x40 >> number]
    put(f"{''.join(names) or 'none'}]")
    protocol = u16(d, at + 2)
    put(f", vni 0x{u24(d, at + 4):x}")
    if d[at + 7]:
        put(f", rsvd 0x{d[at + 7]:x}")
    if p.link_header:
        put(f", proto {ETHERTYPE_NAMES.get(protocol, 'unknown')} (0x{protocol:04x})")
    at += _HEADER
    left = length - _HEADER
    if left < options:
        put(f" truncated-geneve - {options - left} bytes missing")
        return
    take(d, at, options)
    if options:
        put(", options [")
        if p.verbose:
            _options(p, d, at, options)
        else:
            put(f"{options} bytes")
        put("]")
    at += options
    left -= options
    put("\n\t" if p.verbose else ": ")
    printer = load("link.ethernet:within") if protocol == _TEB else ETHERTYPE[protocol]
    if printer is None:
        put(f"geneve-proto-0x{protocol:x}")
    else:
        printer(p, d, at, left)


_CLASSES = {0x0100: "Linux", 0x0101: "Open vSwitch", 0x0102: "Open Virtual Networking (OVN)"}
_CLASS_MORE = {0x0103: "In-band Network Telemetry (INT)", 0x0104: "VMware"}


def _class(number: int) -> str:
    if number <= 0x00FF:
        return "Standard"
    if number >= 0xFF00:
        return "Experimental"
    return {**_CLASSES, **_CLASS_MORE}.get(number, "Unknown")


def _options(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the options."""
    separator = ""
    while length > 0:
        owner, kind, size = u16(d, at), d[at + 2], 4 + (d[at + 3] & 0x1F) * 4
        critical = "(C)" if kind & 0x80 else ""
        p.put(f"{separator}class {_class(owner)} (0x{owner:x}) type 0x{kind:x}{critical} len {size}")
        separator = ", "
        if size > length:
            p.put(" [bad length]")
            return
        if p.verbose > 1 and size > 4:
            words = [take(d, at + n, 4).hex() for n in range(4, size, 4)]
            p.put(f" data {' '.join(words)}")
        at += size
        length -= size
