"""The options of neighbour discovery (RFC 4861, 6106, 4191)."""

from __future__ import annotations

from ..hexdump import hex_lines
from ..printer import Printer
from ..wire import take, u16, u32

__all__ = ["show"]

_NAMES = {
    1: "source link-address",
    2: "destination link-address",
    3: "prefix info",
    4: "redirected header",
    5: "mtu",
    7: "advertisement interval",
    8: "homeagent information",
    24: "route info",
    25: "rdnss",
    31: "dnssl",
}
_PREFERENCE = ("medium", "high", "rsv", "low")
_PREFIX_FLAGS = ((0x80, "onlink"), (0x40, "auto"), (0x20, "router"))
_REDIRECTED = 4
_FOREVER = 0xFFFFFFFF


def show(p: Printer, d: bytes, at: int, end: int) -> None:
    """Put the options between two offsets, each on a line of its own."""
    start = at
    while at < min(end, len(d)):
        kind, words = d[at], d[at + 1]
        size = words * 8
        if not size or at + size > end:
            raise IndexError(at)
        take(d, at, size)
        p.put(f"\n\t  {_NAMES.get(kind, 'unknown')} option ({kind}), length {words << 3} ({words}): ")
        if kind in (1, 2):
            address = take(d, at + 2, size - 2)
            p.put(p.names.mac[address] if len(address) == 6 else address.hex(":"))
        else:
            printer = _PRINTERS.get(kind)
            if printer is not None:
                printer(p, d, at, size)
            elif kind == _REDIRECTED:
                # The model dumps as many bytes from where the first option begins.
                p.put(hex_lines(take(d, start, size), "\n\t    "))
            elif p.verbose <= 1:
                p.put(hex_lines(d[at + 2 : at + size], "\n\t  "))
                return
        if p.verbose > 1:
            p.put(hex_lines(take(d, at + 2, size - 2), "\n\t    "))
        at += size


def _seconds(value: int) -> str:
    return "infinity" if value == _FOREVER else f"{value}s"


def _prefix(p: Printer, d: bytes, at: int, size: int) -> None:
    flags = ", ".join([name for bit, name in _PREFIX_FLAGS if d[at + 3] & bit]) or "none"
    p.put(
        f"{p.names.ip6[take(d, at + 16, 16)]}/{d[at + 2]}{', ' if size != 32 else ''}, Flags [{flags}]"
        f", valid time {_seconds(u32(d, at + 4))}, pref. time {_seconds(u32(d, at + 8))}"
    )


def _mtu(p: Printer, d: bytes, at: int, size: int) -> None:
    p.put(f" {u32(d, at + 4)}")


def _rdnss(p: Printer, d: bytes, at: int, size: int) -> None:
    p.put(f" lifetime {u32(d, at + 4)}s,")
    for where in range(at + 8, at + size - 15, 16):
        p.put(f" addr: {p.names.ip6[take(d, where, 16)]}")


def _dnssl(p: Printer, d: bytes, at: int, size: int) -> None:
    from ..application.domain import fqdn

    p.put(f" lifetime {u32(d, at + 4)}s, domain(s):")
    where = at + 8
    while where < at + size and d[where]:
        text, where = fqdn(d, where, where)
        p.put(f" {text}")
        if where < 0:
            break


def _interval(p: Printer, d: bytes, at: int, size: int) -> None:
    p.put(f" {u32(d, at + 4)}ms")


def _agent(p: Printer, d: bytes, at: int, size: int) -> None:
    p.put(f" preference {u16(d, at + 4)}, lifetime {u16(d, at + 6)}")


def _route(p: Printer, d: bytes, at: int, size: int) -> None:
    address = take(d, at + 8, size - 8)[:16].ljust(16, b"\0")
    p.put(
        f" {p.names.ip6[address]}/{d[at + 2]}, pref={_PREFERENCE[d[at + 3] >> 3 & 3]}"
        f", lifetime={_seconds(u32(d, at + 4))}"
    )


_PRINTERS = {
    3: _prefix,
    5: _mtu,
    7: _interval,
    8: _agent,
    24: _route,
    25: _rdnss,
    31: _dnssl,
}
