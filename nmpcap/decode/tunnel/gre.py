"""GRE (RFC 2784, 2890), and its version 1 for PPTP (RFC 2637)."""

from __future__ import annotations

from ..printer import Printer
from ..table import ETHERTYPE_NAMES, load
from ..wire import take, u16, u32

__all__ = ["show"]

_CHECKSUM, _ROUTING, _KEY, _SEQUENCE, _STRICT, _ACK = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800, 0x0080
_FLAGS = (
    *((_CHECKSUM, "checksum present"), (_ROUTING, "routing present"), (_KEY, "key present")),
    *((_SEQUENCE, "sequence# present"), (_STRICT, "source routing present")),
)
_FLAGS1 = (*_FLAGS, (_ACK, "ack present"))
_PRINTERS = {
    0x0800: "network.ip4",
    0x86DD: "network.ip6",
    0x8847: "tunnel.mpls",
    0x8848: "tunnel.mpls",
}
_WCCP, _TEB, _NHRP = 0x883E, 0x6558, 0x2001
_PPP = 0x880B


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put a GRE header and what it carries."""
    p.proto = "gre"
    if length < 2:
        p.truncated()
        return
    version = u16(d, at) & 7
    p.put(f"GREv{version}")
    if version == 0:
        _version0(p, d, at, length)
    elif version == 1:
        _version1(p, d, at, length)
    else:
        p.put(" ERROR: unknown-version")


def _names(flags: int, names: tuple[tuple[int, str], ...]) -> str:
    return ", ".join([name for bit, name in names if flags & bit]) or "none"


def _version0(p: Printer, d: bytes, at: int, length: int) -> None:
    put = p.put
    end = at + length
    flags = u16(d, at)
    if p.verbose:
        put(f", Flags [{_names(flags, _FLAGS)}]")
    protocol = u16(d, at + 2)
    at += 4
    if flags & (_CHECKSUM | _ROUTING):
        if p.verbose:
            put(f", sum 0x{u16(d, at):x}")
        put(f", off 0x{u16(d, at + 2):x}")
        at += 4
    if flags & _KEY:
        put(f", key=0x{u32(d, at):x}")
        at += 4
    if flags & _SEQUENCE:
        put(f", seq {u32(d, at)}")
        at += 4
    if flags & _ROUTING:
        at = _routes(p, d, at, end)
        if at < 0:
            raise IndexError
    if p.link_header:
        put(f", proto {_protocol_name(protocol)} (0x{protocol:04x})")
    put(f", length {length}")
    put("\n\t" if p.verbose else ": ")
    left = end - at
    if protocol == _TEB:
        load("link.ethernet:within")(p, d, at, left)
    elif protocol in _PRINTERS:
        load(_PRINTERS[protocol])(p, d, at, left)
    else:
        put(f"gre-proto-0x{protocol:x}")


def _routes(p: Printer, d: bytes, at: int, end: int) -> int:
    """Put the source routes; return the offset behind them."""
    while True:
        family, offset, size = u16(d, at), d[at + 2], d[at + 3]
        at += 4
        if not family:
            return at
        if family == 0x0800:
            p.put(", (rtaf=ip")
            for where in range(0, size, 4):
                if at + where + 4 > len(d):
                    break
                p.put(f" {'*' if where == offset else ''}{p.names.ip4[take(d, at + where, 4)]}")
            p.put(")")
            take(d, at, size)
        else:
            take(d, at, size)
            p.put(f", (rtaf=0x{family:x})")
        at += size


def _protocol_name(protocol: int) -> str:
    return ETHERTYPE_NAMES.get(protocol, "unknown")


def _version1(p: Printer, d: bytes, at: int, length: int) -> None:
    put = p.put
    end = at + length
    flags = u16(d, at)
    if p.verbose:
        put(f", Flags [{_names(flags, _FLAGS1)}]")
    protocol = u16(d, at + 2)
    at += 4
    if flags & _KEY:
        put(f", call {u16(d, at + 2)}")
        at += 4
    if flags & _SEQUENCE:
        put(f", seq {u32(d, at)}")
        at += 4
    if flags & _ACK:
        put(f", ack {u32(d, at)}")
        at += 4
    if not flags & _SEQUENCE:
        put(", no-payload")
    if p.link_header:
        put(f", proto {_protocol_name(protocol)} (0x{protocol:04x})")
    put(f", length {length}")
    if not flags & _SEQUENCE:
        return
    put("\n\t" if p.verbose else ": ")
    if protocol == _PPP:
        load("tunnel.ppp")(p, d, at, end - at)
    else:
        put(f"gre-proto-0x{protocol:x}")
