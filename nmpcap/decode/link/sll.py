"""Linux's cooked captures, versions 1 and 2, with VLAN tags inside."""

from __future__ import annotations

import socket
from collections.abc import Callable

from ..printer import Printer
from ..table import ETHERTYPE_NAMES, load
from ..wire import u16, u32
from .ethernet import ETHERTYPE

__all__ = ["show", "show2"]

_HEADER, _HEADER2 = 16, 20
_DIRECTIONS = {0: "In", 1: "B", 2: "M", 3: "P", 4: "Out"}
_VLAN = 0x8100
_LARGEST_LENGTH = 1500
_NOVELL, _LLC = 1, 4


def show(p: Printer, d: bytes, at: int, length: int) -> int:
    """Put a frame of the first version."""
    p.proto = "sll"
    if len(d) - at < _HEADER:
        p.truncated()
        return len(d) - at

    def header(left: int) -> None:
        p.put(f"{_DIRECTIONS.get(u16(d, at), '?'):>3} ")
        _address(p, d, at + 6, u16(d, at + 4))
        _type(p, u16(d, at + 14), left)

    return _show(p, d, at, length, u16(d, at + 14), _HEADER, header)


def show2(p: Printer, d: bytes, at: int, length: int) -> int:
    """Put a frame of the second version, which names the interface."""
    p.proto = "sll2"
    if len(d) - at < _HEADER2:
        p.truncated()
        return len(d) - at
    index = u32(d, at + 4)
    try:
        name = socket.if_indextoname(index)
    except (OSError, OverflowError):
        name = "?"
    p.put(f"{name:<5} {_DIRECTIONS.get(d[at + 10], '?'):<3} ")

    def header(left: int) -> None:
        p.put(f"ifindex {index} ")
        _address(p, d, at + 12, d[at + 11])
        _type(p, u16(d, at), left)

    return _show(p, d, at, length, u16(d, at), _HEADER2, header)


def _address(p: Printer, d: bytes, at: int, size: int) -> None:
    if size == 6:
        p.put(f"{p.names.mac[d[at : at + 6]]} ")


def _type(p: Printer, protocol: int, length: int) -> None:
    if p.quiet:
        return
    if protocol > _LARGEST_LENGTH:
        p.put(f"ethertype {ETHERTYPE_NAMES.get(protocol, 'Unknown')} (0x{protocol:04x})")
    else:
        p.put({_NOVELL: "802.3", _LLC: "802.2"}.get(protocol, f"ethertype Unknown (0x{protocol:04x})"))
    p.put(f", length {length}: ")


def _show(
    p: Printer, d: bytes, at: int, length: int, protocol: int, size: int, header: Callable[[int], None]
) -> int:
    """Put what is behind a header of that size; header puts the header itself, given a length."""
    if p.link_header:
        header(length)
    at += size
    start = at - size
    while protocol == _VLAN:
        if len(d) - at < 4:
            p.proto = "vlan"
            p.truncated()
            return len(d) - start
        tag, protocol = u16(d, at), u16(d, at + 2)
        if p.link_header:
            dei = "DEI, " if tag & 0x1000 else ""
            p.put(f"vlan {tag & 0xFFF}, p {tag >> 13}, {dei}")
        if protocol > _LARGEST_LENGTH and not p.quiet:
            p.put(f"ethertype {ETHERTYPE_NAMES.get(protocol, 'Unknown')}, ")
        at += 4
    left = length - (at - start)
    if protocol == _LLC:
        used: int = load("link.llc")(p, d, at, left, -1)
        return at - start + used
    printer = ETHERTYPE[protocol] if protocol > _LARGEST_LENGTH else None
    if printer is not None:
        printer(p, d, at, left)
        return at - start
    if not p.link_header and protocol > _LARGEST_LENGTH:
        header(left + size)
    if not p.quiet:
        p.unknown(d, at)
    return at - start
