"""IPv6 with its extension headers (RFC 8200)."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..wire import take, u16, u32
from .ip4 import PROTOCOL, PROTOCOL_NAMES

__all__ = ["show", "within"]

_HEADER = 40
_HOP_BY_HOP, _TCP, _UDP, _ROUTING, _FRAGMENT, _ESP, _AH, _NONE, _DSTOPT, _MOBILITY_OLD, _MOBILITY = (
    *(0, 6, 17, 43, 44, 50, 51, 59, 60, 62, 135),
)
_DCCP, _SCTP = 33, 132
# These put addresses and ports themselves, if they come first.
_WITH_PORTS = {_TCP, _UDP, _DCCP, _SCTP}


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put an IPv6 packet and what it carries."""
    p.proto = "ip6"
    put = p.put
    take(d, at, _HEADER)
    if length < _HEADER:
        put(f"truncated-ip6 {length}")
        return
    if not p.link_header:
        put("IP6 ")
    version = d[at] >> 4
    if version != 6:
        put(f"version error: {version} != 6")
        return
    size = u16(d, at + 4)
    total = size + _HEADER
    if length < total:
        put(f"truncated-ip6 - {total - length} bytes missing!")
    if at + total < len(d):
        d = d[: at + total]
    number = d[at + 6]
    if p.verbose:
        _header(p, d, at, number, size)
    if number not in _WITH_PORTS:
        ip6 = p.names.ip6
        put(f"{ip6[d[at + 8 : at + 24]]} > {ip6[d[at + 24 : at + 40]]}: ")
    _chain(p, d, at, number, total)


def within(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an IPv6 packet that IP carries."""
    show(p, d, at, length)


def _header(p: Printer, d: bytes, at: int, number: int, size: int) -> None:
    first = u32(d, at)
    p.put("(")
    if first & 0x0FF00000:
        p.put(f"class 0x{first >> 20 & 0xFF:02x}, ")
    if first & 0x000FFFFF:
        p.put(f"flowlabel 0x{first & 0xFFFFF:05x}, ")
    name = PROTOCOL_NAMES.get(number, "unknown")
    p.put(f"hlim {d[at + 7]}, next-header {name} ({number}) payload length: {size}) ")


def _chain(p: Printer, d: bytes, ip: int, number: int, total: int) -> None:
    """Put the extension headers and what is behind them."""
    at = ip + _HEADER
    end = ip + total
    fragmented = 0
    while True:
        if number in (_HOP_BY_HOP, _DSTOPT, _ROUTING, _FRAGMENT, _MOBILITY, _MOBILITY_OLD):
            if number == _FRAGMENT:
                fragmented = 1
                advance = 8
                if not load("network.ip6_extensions:fragment")(p, d, at, end):
                    return
            else:
                advance = load("network.ip6_extensions")(p, d, at, number, ip)
                if advance < 0:
                    return
                if number in (_MOBILITY, _MOBILITY_OLD):
                    return
            before, number = number, d[at]
            at += advance
            if at > end or (before == _FRAGMENT and at >= len(d)):
                return
            continue
        p.proto = "ip6"
        if number == _NONE:
            p.put("no next header")
            return
        printer = PROTOCOL[number]
        if printer is None:
            p.put(f" ip-proto-{number} {end - at}")
        else:
            printer(p, d, at, end - at, ip, fragmented)
        return
