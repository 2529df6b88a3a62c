"""Ethernet II and 802.3, with VLAN tags."""

from __future__ import annotations

from ..printer import Printer
from ..table import ETHERTYPE_NAMES, ETHERTYPES, Loaded, load
from ..wire import u16

__all__ = ["ETHERTYPE", "over_ip", "show", "type_text", "within"]

# The printers of Ethertypes, for whatever carries such a number.
ETHERTYPE = Loaded(ETHERTYPES)

_HEADER = 14
_LARGEST_LENGTH = 1500
_VLAN_TAGS = {0x8100, 0x88A8, 0x9100, 0x9200}


def type_text(p: Printer, number: int) -> str:
    """Return an Ethertype as -e shows it."""
    if p.quiet:
        return ETHERTYPE_NAMES.get(number, f"Unknown Ethertype (0x{number:04x})")
    return f"ethertype {ETHERTYPE_NAMES.get(number, 'Unknown')} (0x{number:04x})"


def show(p: Printer, d: bytes, at: int, length: int) -> int:
    """Put an Ethernet frame; return the length of its header, tags included."""
    p.proto = "ether"
    if len(d) - at < _HEADER:
        p.truncated()
        return len(d) - at
    kind = d[at + 12] << 8 | d[at + 13]
    if kind > _LARGEST_LENGTH:
        printer = ETHERTYPE[kind]
        if printer is not None:
            if p.link_header:
                mac = p.names.mac
                p.put(
                    f"{mac[d[at + 6 : at + 12]]} > {mac[d[at : at + 6]]}, "
                    f"{type_text(p, kind)}, length {length}: "
                )
            printer(p, d, at + _HEADER, length - _HEADER)
            return _HEADER
    return _step_by_step(p, d, at, length, kind)


def within(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put an Ethernet frame that something else carries."""
    show(p, d, at, length)


def over_ip(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an Ethernet frame that IP carries (RFC 8986)."""
    show(p, d, at, length)


def _addresses(p: Printer, d: bytes, at: int) -> None:
    mac = p.names.mac
    p.put(f"{mac[d[at + 6 : at + 12]]} > {mac[d[at : at + 6]]}, ")


def _step_by_step(p: Printer, d: bytes, start: int, length: int, kind: int) -> int:
    """Put what is tagged, has a length or no printer, or all of it with -e."""
    shown = p.link_header
    if shown:
        _addresses(p, d, start)
    at = start + _HEADER
    left = length - _HEADER
    first = True
    while kind in _VLAN_TAGS:
        p.proto = "vlan"
        if len(d) - at < 4:
            p.truncated()
            return at - start
        if shown:
            p.put(f"{type_text(p, kind)}, {f'length {length}: ' if first else ''}")
        first = False
        tag = u16(d, at)
        kind = u16(d, at + 2)
        if shown:
            dei = "DEI, " if tag & 0x1000 else ""
            p.put(f"vlan {tag & 0xFFF}, p {tag >> 13}, {dei}")
        at += 4
        left -= 4
    if kind <= _LARGEST_LENGTH:
        if kind < left:
            left = kind
            d = d[: at + left]
        if shown:
            p.put(f"802.3, length {left}: " if first else "802.3")
        header: int = load("link.llc")(p, d, at, left, start)
        return at - start + header
    if shown:
        p.put(f"{type_text(p, kind)}, {f'length {length}: ' if first else ''}")
    printer = ETHERTYPE[kind]
    if printer is not None:
        printer(p, d, at, left)
        return at - start
    if not shown:
        _addresses(p, d, start)
        p.put(f"{type_text(p, kind)}, length {length}: ")
    if not p.quiet:
        p.unknown(d, at)
    return at - start
