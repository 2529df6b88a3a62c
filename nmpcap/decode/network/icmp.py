"""ICMP (RFC 792, 1256, 4884)."""

from __future__ import annotations

from ..checksum import internet, should_be
from ..printer import Printer
from ..table import load
from ..wire import take, u16, u32

__all__ = ["show"]

_HEADER = 8
# What an error quotes at least: a header of IPv4.
_QUOTED = 20
_ECHO = {0: "reply", 8: "request"}
_PLAIN = {4: "source quench", 10: "router solicitation", 15: "information request", 16: "information reply"}
_QUOTING = {3, 4, 5, 11, 12}
# Those whose quotation may be followed by extensions (RFC 4884).
_EXTENDED = {3, 11, 12}
# Where they begin: behind the header and the 128 bytes that are then quoted at least.
_EXTENSIONS = _HEADER + 128
_UNREACHABLE = {
    0: "net {} unreachable",
    1: "host {} unreachable",
    5: "{} unreachable - source route failed",
    6: "net {} unreachable - unknown",
    7: "host {} unreachable - unknown",
    8: "{} unreachable - source host isolated",
    9: "net {} unreachable - admin prohibited",
    10: "host {} unreachable - admin prohibited",
    11: "net {} unreachable - tos prohibited",
    12: "host {} unreachable - tos prohibited",
    13: "host {} unreachable - admin prohibited filter",
    14: "host {} unreachable - host precedence violation",
    15: "host {} unreachable - precedence cutoff",
}
_REDIRECT = (
    "redirect {} to net {}",
    "redirect {} to host {}",
    "redirect-tos {} to net {}",
    "redirect-tos {} to host {}",
)
_EXCEEDED = {0: "time exceeded in-transit", 1: "ip reassembly time exceeded"}


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an ICMP message; with -v also the packet that an error quotes."""
    p.proto = "icmp"
    if d[ip] >> 4 != 4:
        p.put("[ICMP requires IPv4] (invalid)")
        return
    kind, code = d[at], d[at + 1]
    text = _text(p, d, at, kind, code)
    p.put(f"ICMP {text}, length {length}")
    if p.verbose and not fragment and p.checksums and at + length <= len(d):
        message = d[at : at + length]
        if internet(message):
            p.put(f" (wrong icmp cksum {u16(d, at + 2):x} (->{should_be(message, 2):x})!)")
    if p.verbose and kind in _QUOTING and at + _HEADER <= len(d):
        p.put("\n\t")
        inner = at + _HEADER
        if d[inner] >> 4 != 4:
            p.truncated()
            return
        load("network.ip4")(p, d, inner, u16(d, inner + 2))
        p.proto = "icmp"
        if kind in _EXTENDED and length > _EXTENSIONS:
            # The second word counts the words quoted; zero if whoever sent it does not say so.
            load("network.icmp_extensions")(p, d, at + _EXTENSIONS, at + length, announced=d[at + 5] != 0)


def _text(p: Printer, d: bytes, at: int, kind: int, code: int) -> str:
    if kind in _ECHO:
        return f"echo {_ECHO[kind]}, id {u16(d, at + 4)}, seq {u16(d, at + 6)}"
    if kind == 3:
        return _unreachable(p, d, at, code)
    if kind == 5:
        inner, gateway = p.names.ip4[take(d, at + 24, 4)], p.names.ip4[take(d, at + 4, 4)]
        if code < len(_REDIRECT):
            return _REDIRECT[code].format(inner, gateway)
        return f"redirect-#{code} {inner} to {gateway}"
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == 9:
        return _advertisement(p, d, at)
    if kind == 11:
        take(d, at + _HEADER, _QUOTED)
        return _EXCEEDED.get(code) or f"time exceeded-#{code}"
    if kind == 12:
        if code:
            return f"parameter problem - code {code}"
        return f"parameter problem - octet {d[at + 4]}"
    if kind == 13:
        return f"time stamp query id {u16(d, at + 4)} seq {u16(d, at + 6)}"
    if kind == 14:
        times = ", ".join(
            f"{name} {_clock(u32(d, at + where))}" for name, where in (("org", 8), ("recv", 12), ("xmit", 16))
        )
        return f"time stamp reply id {u16(d, at + 4)} seq {u16(d, at + 6)}: {times}"
    if kind == 17:
        return "address mask request"
    if kind == 18:
        return f"address mask is 0x{u32(d, at + 8):08x}"
    return f"type-#{kind}"


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _unreachable(p: Printer, d: bytes, at: int, code: int) -> str:
    inner = at + _HEADER
    address = p.names.ip4[take(d, inner + 16, 4)]
    if code in _UNREACHABLE:
        return _UNREACHABLE[code].format(address)
    if code == 2:
        return f"{address} protocol {d[inner + 9]} unreachable"
    if code == 3:
        port = u16(d, inner + (d[inner] & 15) * 4 + 2)
        number = d[inner + 9]
        if number == 6:
            return f"{address} tcp port {p.names.tcp[port]} unreachable"
        if number == 17:
            return f"{address} udp port {p.names.udp[port]} unreachable"
        return f"{address} protocol {number} port {port} unreachable"
    if code == 4:
        mtu = u16(d, at + 6)
        return f"{address} unreachable - need to frag{f' (mtu {mtu})' if mtu else ''}"
    return f"{address} unreachable - #{code}"


def _advertisement(p: Printer, d: bytes, at: int) -> str:
    count, size, lifetime = d[at + 4], d[at + 5], u16(d, at + 6)
    if lifetime < 60:
        shown = str(lifetime)
    elif lifetime < 3600:
        shown = f"{lifetime // 60}:{lifetime % 60:02d}"
    else:
        shown = f"{lifetime // 3600}:{lifetime // 60 % 60:02d}:{lifetime % 60:02d}"
    text = f"router advertisement lifetime {shown} {count}:"
    if size != 2:
        return f"{text} [size {size}]"
    for where in range(at + 8, at + 8 + 8 * count, 8):
        text += f" {{{p.names.ip4[take(d, where, 4)]} {u32(d, where + 4)}}}"
    return text
