"""IPv4 with its options and fragments (RFC 791)."""

from __future__ import annotations

from ..checksum import internet, should_be
from ..printer import Printer
from ..table import IP_PROTOCOLS, Loaded
from ..wire import ENDS, take, u16, u32

__all__ = ["PROTOCOL", "PROTOCOL_NAMES", "nothing", "show", "within"]

# The printers of what both versions of IP carry.
PROTOCOL = Loaded(IP_PROTOCOLS)

PROTOCOL_NAMES = {
    0: "Options",
    1: "ICMP",
    2: "IGMP",
    4: "IPIP",
    6: "TCP",
    8: "EGP",
    9: "IGRP",
    17: "UDP",
    33: "DCCP",
    41: "IPv6",
    43: "Routing",
    44: "Fragment",
    46: "RSVP",
    47: "GRE",
    50: "ESP",
    51: "AH",
    55: "Mobile IP",
    58: "ICMPv6",
    62: "Mobile IP (old)",
    88: "EIGRP",
    89: "OSPF",
    103: "PIM",
    108: "Compressed IP",
    112: "VRRP",
    113: "PGM",
    132: "SCTP",
    135: "Mobility",
    143: "Ethernet",
}

_HEADER = 20
_ECN = ("", ",ECT(1)", ",ECT(0)", ",CE")
_FLAGS = ((0x2000, "+"), (0x4000, "DF"), (0x8000, "rsvd"))
# These put addresses and ports themselves.
_WITH_PORTS = {6, 17, 33, 132}
_EOL, _NOP, _RR, _TS, _SECURITY, _LSRR, _RA, _SSRR = 0, 1, 7, 68, 130, 131, 148, 137
_OPTIONS = {
    _EOL: "EOL",
    _NOP: "NOP",
    _TS: "timestamp",
    _SECURITY: "security",
    _RR: "RR",
    _SSRR: "SSRR",
    _LSRR: "LSRR",
    _RA: "RA",
}


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put an IPv4 packet and what it carries."""
    p.proto = "ip"
    put = p.put
    first = d[at]
    if first >> 4 != 4:
        put(f"IP{first >> 4}{', wrong link-layer encapsulation' if first >> 4 == 6 else ''} (invalid)")
        return
    if not p.link_header:
        put("IP ")
    if at + _HEADER > len(d):
        p.truncated()
        return
    if length < _HEADER:
        put(f"truncated-ip {length}")
        return
    hlen = (first & 15) * 4
    if hlen < _HEADER:
        put(f"bad-hlen {hlen}")
        return
    total = d[at + 2] << 8 | d[at + 3]
    if length < total:
        put(f"truncated-ip - {total - length} bytes missing! ")
    if total < hlen:
        put(f"bad-len {total}")
        return
    # What lies behind the IP packet, padding or a trailer, is none of its payload.
    if at + total < len(d):
        d = d[: at + total]
    off = d[at + 6] << 8 | d[at + 7]
    number = d[at + 9]
    if p.verbose and not _header(p, d, at, hlen, total, off):
        put(f"{p.names.ip4[d[at + 12 : at + 16]]} > {p.names.ip4[d[at + 16 : at + 20]]}: ")
        p.truncated()
        return
    if off & 0x1FFF == 0:
        if number not in _WITH_PORTS:
            ip4 = p.names.ip4
            put(f"{ip4[d[at + 12 : at + 16]]} > {ip4[d[at + 16 : at + 20]]}: ")
        if at + hlen > len(d):
            put(f" [remaining caplen({len(d) - at}) < header length({hlen})]")
            p.truncated()
            return
        printer = PROTOCOL[number]
        if printer is not None:
            printer(p, d, at + hlen, total - hlen, at, off & 0x3FFF)
        else:
            put(f" ip-proto-{number} {total - hlen}")
    else:
        if p.quiet > 1:
            return
        ip4 = p.names.ip4
        put(f"{ip4[d[at + 12 : at + 16]]} > {ip4[d[at + 16 : at + 20]]}: ip-proto-{number}")


def within(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an IPv4 packet that IP carries."""
    show(p, d, at, length)


def nothing(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put that no header follows."""
    p.put("no next header")


def _header(p: Printer, d: bytes, at: int, hlen: int, total: int, off: int) -> bool:
    """Put the fields of the header in brackets; False if the captured bytes end within the options."""
    whole = True
    tos, ttl, number = d[at + 1], d[at + 8], d[at + 9]
    flags = ", ".join([name for bit, name in _FLAGS if off & bit]) or "none"
    p.put(f"(tos 0x{tos:x}{_ECN[tos & 3]}")
    if ttl:
        p.put(f", ttl {ttl}")
    p.put(
        f", id {u16(d, at + 4)}, offset {(off & 0x1FFF) * 8}, flags [{flags}]"
        f", proto {PROTOCOL_NAMES.get(number, 'unknown')} ({number}), length {total}"
    )
    if hlen > _HEADER:
        p.put(", options (")
        whole = _options(p, d, at + _HEADER, hlen - _HEADER)
        if not whole:
            p.put(" [truncated-option]")
        p.put(")")
    if p.checksums and at + hlen <= len(d):
        header = d[at : at + hlen]
        if internet(header):
            p.put(f", bad cksum {u16(d, at + 10):x} (->{should_be(header, 10):x})!")
    p.put(")\n    ")
    return whole


def _options(p: Printer, d: bytes, at: int, length: int) -> bool:
    """Put the options; False if the captured bytes end within."""
    end = at + length
    separator = ""
    while at < end:
        p.put(separator)
        separator = ","
        kind = d[at]
        p.put(_OPTIONS.get(kind, f"unknown {kind}"))
        if kind in (_EOL, _NOP):
            size = 1
        else:
            size = d[at + 1]
            if size < 2:
                p.put(f" [bad length {size}]")
                return True
        if at + size > end:
            p.put(f" [bad length {size}]")
            return True
        if at + size > len(d):
            return False
        if kind == _EOL:
            return True
        try:
            if kind == _TS:
                _timestamps(p, d, at, size)
            elif kind in (_RR, _SSRR, _LSRR):
                _route(p, d, at, size)
        except ENDS:
            return False
        if kind == _RA:
            if size < 4:
                p.put(f" [bad length {size}]")
            elif u16(d, at + 2):
                p.put(f" value {u16(d, at + 2)}")
        at += size
    return True


def _route(p: Printer, d: bytes, at: int, size: int) -> None:
    if size < 3:
        p.put(f" [bad length {size}]")
        return
    if (size + 1) & 3:
        p.put(f" [bad length {size}]")
    pointer = (d[at + 2] - 1) & 0xFFFFFFFF
    if pointer < 3 or (pointer + 1) & 3 or pointer > size:
        p.put(f" [bad ptr {d[at + 2]}]")
    for offset in range(3, size, 4):
        p.put(f" {p.names.ip4[take(d, at + offset, 4)]}{',' if pointer > offset else ''}")


def _timestamps(p: Printer, d: bytes, at: int, size: int) -> None:
    if size < 4:
        p.put(f"[bad length {size}]")
        return
    p.put(" TS{")
    flag = d[at + 3] & 15
    step = 4 if flag == 0 else 8
    if (size - 4) % step:
        p.put(f"[bad length {size}]")
    pointer = d[at + 2] - 1
    done = 0
    if pointer < 4 or (pointer - 4) % step or pointer > size:
        p.put(f"[bad ptr {d[at + 2]}]")
    if flag == 0:
        p.put("TSONLY")
    elif flag == 1:
        p.put("TS+ADDR")
    elif flag == 3:
        p.put("PRESPEC")
    else:
        p.put(f"[bad ts type {flag}]")
        step = 0
    kind = " "
    for done in range(4, size, step) if step else ():
        if pointer == done:
            kind = " ^ "
        where = at + done
        shown = ""
        if step == 8:
            shown = p.names.ip4[take(d, where, 4)]
            where += 4
        p.put(f"{kind}{u32(d, where)}@{shown}")
        kind = " "
    if pointer == (done + step if done else 4 if step else 0):
        p.put(" ^ ")
    if d[at + 3] >> 4:
        p.put(f" [{d[at + 3] >> 4} hops not recorded]}} ")
    else:
        p.put("}")
