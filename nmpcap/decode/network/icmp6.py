"""ICMPv6 with neighbour discovery and multicast listeners (RFC 4443, 4861, 2710, 3810)."""

from __future__ import annotations

from ..checksum import internet, pseudo6, should_be
from ..hexdump import hex_lines
from ..printer import Printer
from ..table import load
from ..wire import take, u16, u32

__all__ = ["show"]

_UNREACHABLE, _TOO_BIG, _EXCEEDED, _PARAMETER = 1, 2, 3, 4
_ECHO_REQUEST, _ECHO_REPLY = 128, 129
_QUERY, _REPORT, _DONE, _REPORT2 = 130, 131, 132, 143
_ROUTER_SOLICITATION, _ROUTER_ADVERTISEMENT, _SOLICITATION, _ADVERTISEMENT, _REDIRECT = (
    133,
    134,
    135,
    136,
    137,
)
_NAMES = {
    _UNREACHABLE: "destination unreachable",
    _TOO_BIG: "packet too big",
    _EXCEEDED: "time exceeded in-transit",
    _PARAMETER: "parameter problem",
    _ECHO_REQUEST: "echo request",
    _ECHO_REPLY: "echo reply",
    _QUERY: "multicast listener query",
    _REPORT: "multicast listener report",
    _DONE: "multicast listener done",
    _ROUTER_SOLICITATION: "router solicitation",
    _ROUTER_ADVERTISEMENT: "router advertisement",
    _SOLICITATION: "neighbor solicitation",
    _ADVERTISEMENT: "neighbor advertisement",
    _REDIRECT: "redirect",
    138: "router renumbering",
    139: "node information query",
    140: "node information reply",
    141: "inverse neighbor solicitation",
    142: "inverse neighbor advertisement",
    _REPORT2: "multicast listener report v2",
    144: "ha discovery request",
    145: "ha discovery reply",
    146: "mobile router solicitation",
    147: "mobile router advertisement",
    155: "RPL",
    200: "mtrace response",
    201: "mtrace message",
}
_CODES = {
    0: "unreachable route",
    1: " unreachable prohibited",
    2: "beyond scope",
    3: "unreachable address",
    4: "unreachable port",
}
_PREFERENCE = ("medium", "high", "rsv", "low")
_RA_FLAGS = ((0x80, "managed"), (0x40, "other stateful"), (0x20, "home agent"))
_NA_FLAGS = ((0x80, "router"), (0x40, "solicited"), (0x20, "override"))
_RECORDS = {1: "is_in", 2: "is_ex", 3: "to_in", 4: "to_ex", 5: "allow", 6: "block"}
# Those that say their length themselves at -v.
_LENGTH_WITHIN = {
    _ROUTER_SOLICITATION,
    _ROUTER_ADVERTISEMENT,
    _SOLICITATION,
    _ADVERTISEMENT,
    _REDIRECT,
    145,
    147,
}


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an ICMPv6 message."""
    p.proto = "icmp6"
    put = p.put
    addresses = take(d, ip + 8, 32) if d[ip] >> 4 == 6 else None
    if addresses is None:
        put("[ICMPv6 requires IPv6] (invalid)")
        return
    if p.verbose and p.checksums and not fragment and at + length <= len(d):
        message = d[at : at + length]
        start = pseudo6(addresses, length, 58)
        if internet(message, start):
            put(f"[bad icmp6 cksum 0x{u16(d, at + 2):04x} -> 0x{should_be(message, 2, start):04x}!] ")
        else:
            put("[icmp6 sum ok] ")
    kind = d[at]
    put("ICMP6")
    name = _NAMES.get(kind, f"unknown icmp6 type ({kind})")
    put(f", {name}")
    if p.verbose and kind in _LENGTH_WITHIN:
        put(f", length {length}")
    code = d[at + 1]
    printer = _PRINTERS.get(kind)
    if printer is not None:
        if printer(p, d, at, length, code):
            return
    elif kind not in _NAMES or kind >= 200:
        put(f", length {length}")
        if p.verbose < 2:
            _raw(p, d, at, length)
        return
    if not p.verbose:
        put(f", length {length}")


def _raw(p: Printer, d: bytes, at: int, length: int) -> None:
    p.put(hex_lines(d[at : at + length]))


def _echo(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    p.put(f", id {u16(d, at + 4)}, seq {u16(d, at + 6)}")
    return False


def _inner(p: Printer, d: bytes, at: int) -> str:
    return p.names.ip6[take(d, at + 8 + 24, 16)]


def _unreachable(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    put = p.put
    put(f", {_CODES.get(code, f'unknown unreach code ({code})')}")
    if code in (0, 1, 3):
        put(f" {_inner(p, d, at)}")
    elif code == 2:
        put(f" {_inner(p, d, at)}, source address {p.names.ip6[take(d, at + 16, 16)]}")
    elif code == 4:
        inner = _transport(d, at + 8)
        if inner is None:
            raise IndexError
        number, where = inner
        if number not in (6, 17):
            raise IndexError
        port = u16(d, where + 2)
        if number == 6:
            put(f", {_inner(p, d, at)} tcp port {p.names.tcp[port]}")
        else:
            put(f", {_inner(p, d, at)} udp port {p.names.udp[port]}")
    elif p.verbose <= 1:
        _raw(p, d, at, length)
        return True
    return False


def _transport(d: bytes, ip: int) -> tuple[int, int] | None:
    """Return the number and offset of the transport header of a quoted IPv6 packet."""
    number, at = d[ip + 6], ip + 40
    while number in (0, 43, 44, 60):
        size = 8 if number == 44 else (d[at + 1] + 1) * 8
        number, at = d[at], at + size
    return (number, at) if at < len(d) else None


def _too_big(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    p.put(f", mtu {u32(d, at + 4)}")
    return False


def _exceeded(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    if code == 0:
        p.put(f" for {_inner(p, d, at)}")
    elif code == 1:
        p.put(" (reassembly)")
    else:
        p.put(f", unknown code ({code})")
    return False


def _parameter(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    _inner(p, d, at)
    words = ("erroneous", "next header", "option", "incomplete header chain")
    if code < len(words):
        p.put(f", {words[code]} - octet {u32(d, at + 4)}")
    else:
        p.put(f", code-#{code}")
    return False


def _query(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    if length >= 28:
        _query2(p, d, at, length)
    else:
        _listener(p, d, at, length, code)
    return False


def _listener(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    if at + 24 > len(d):
        return False
    address = p.names.ip6[take(d, at + 8, 16)]
    p.put(f"max resp delay: {u16(d, at + 4)} addr: {address}")
    return False


def _query2(p: Printer, d: bytes, at: int, length: int) -> None:
    put = p.put
    put(" v2")
    if p.verbose:
        code = u16(d, at + 4)
        delay = code if code < 32768 else (code & 0xFFF | 0x1000) << ((code >> 12 & 7) + 3)
        put(f" [max resp delay={delay}]")
    put(f" [gaddr {p.names.ip6[take(d, at + 8, 16)]}")
    if p.verbose:
        flags = d[at + 24]
        if flags & 8:
            put(" sflag")
        if flags & 7:
            put(f" robustness={flags & 7}")
        qqi = d[at + 25]
        put(f" qqi={qqi if qqi < 128 else (qqi & 15 | 16) << ((qqi >> 4 & 7) + 3)}")
    count = u16(d, at + 26)
    if count:
        if length < 28 + count * 16:
            put(" [invalid number of sources]")
        elif p.verbose > 1:
            put(f" {{{''.join([f' {p.names.ip6[take(d, at + 28 + 16 * n, 16)]}' for n in range(count)])} }}")
        else:
            put(f", {count} source(s)")
    put("]")


def _report2(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    put = p.put
    count = u16(d, at + 6)
    put(f", {count} group record(s)")
    if not p.verbose:
        return False
    where = 8
    for _ in range(count):
        if length < where + 20:
            put(" [invalid number of groups]")
            return False
        put(f" [gaddr {p.names.ip6[take(d, at + where + 4, 16)]}")
        kind = d[at + where]
        put(f" {_RECORDS.get(kind, f' [v2-report-#{kind}]')}")
        sources = u16(d, at + where + 2)
        if length < where + 20 + 16 * sources:
            put(f" [invalid number of sources {sources}]")
            return False
        if p.verbose == 1:
            put(f", {sources} source(s)")
        else:
            put(" {")
            for number in range(sources):
                put(f" {p.names.ip6[take(d, at + where + 20 + 16 * number, 16)]}")
            put(" }")
        put("]")
        where += 20 + 16 * sources
    return False


def _flags(value: int, names: tuple[tuple[int, str], ...]) -> str:
    return ", ".join([name for bit, name in names if value & bit]) or "none"


def _options(p: Printer, d: bytes, at: int, end: int) -> None:
    load("network.nd_options")(p, d, at, end)


def _router_solicitation(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    if p.verbose:
        _options(p, d, at + 8, at + length)
    return False


def _router_advertisement(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    if p.verbose:
        flags = d[at + 5]
        p.put(
            f"\n\thop limit {d[at + 4]}, Flags [{_flags(flags, _RA_FLAGS)}]"
            f", pref {_PREFERENCE[flags >> 3 & 3]}, router lifetime {u16(d, at + 6)}s"
            f", reachable time {u32(d, at + 8)}ms, retrans timer {u32(d, at + 12)}ms"
        )
        _options(p, d, at + 16, at + length)
    return False


def _solicitation(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    p.put(f", who has {p.names.ip6[take(d, at + 8, 16)]}")
    if p.verbose:
        _options(p, d, at + 24, at + length)
    return False


def _advertisement(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    p.put(f", tgt is {p.names.ip6[take(d, at + 8, 16)]}")
    if p.verbose:
        p.put(f", Flags [{_flags(d[at + 4], _NA_FLAGS)}]")
        _options(p, d, at + 24, at + length)
    return False


def _identified(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    p.put(f", id 0x{u16(d, at + 4):04x}")
    return False


def _prefixes(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    _identified(p, d, at, length, code)
    if p.verbose:
        _options(p, d, at + 8, at + length)
    return False


def _home_agents(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    if not p.verbose:
        return False
    _identified(p, d, at, length, code)
    for where in range(at + 8, at + length, 16):
        p.put(f", {p.names.ip6[take(d, where, 16)]}")
    return False


def _redirect(p: Printer, d: bytes, at: int, length: int, code: int) -> bool:
    target, destination = p.names.ip6[take(d, at + 8, 16)], p.names.ip6[take(d, at + 24, 16)]
    p.put(f", {destination} to {target}")
    if p.verbose:
        _options(p, d, at + 40, at + length)
    return False


_PRINTERS = {
    _UNREACHABLE: _unreachable,
    _TOO_BIG: _too_big,
    _EXCEEDED: _exceeded,
    _PARAMETER: _parameter,
    _ECHO_REQUEST: _echo,
    _ECHO_REPLY: _echo,
    _QUERY: _query,
    _REPORT: _listener,
    _DONE: _listener,
    _REPORT2: _report2,
    _ROUTER_SOLICITATION: _router_solicitation,
    _ROUTER_ADVERTISEMENT: _router_advertisement,
    _SOLICITATION: _solicitation,
    _ADVERTISEMENT: _advertisement,
    _REDIRECT: _redirect,
    144: _identified,
    145: _home_agents,
    146: _identified,
    147: _prefixes,
}
