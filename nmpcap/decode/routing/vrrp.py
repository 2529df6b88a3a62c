"""VRRP versions 2 and 3 (RFC 3768, 5798), and CARP, which shares its number."""

from __future__ import annotations

from ..checksum import internet, pseudo4, pseudo6
from ..printer import Printer
from ..text import safe
from ..wire import take, u16, u64

__all__ = ["carp", "show"]

_KINDS = {1: "Advertisement"}
_AUTHENTICATIONS = {0: "none", 1: "simple", 2: "ah"}
_PASSWORD = 1


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an advertisement of either protocol."""
    four = d[ip] >> 4 == 4
    ttl = d[ip + 8] if four else d[ip + 7]
    if four and d[at : at + 1] == b"\x21" and p.decode_as == "carp":
        carp(p, d, at, length, ttl)
        return
    p.proto = "vrrp"
    put = p.put
    put("VRRP")
    version, kind = d[at] >> 4, d[at] & 15
    put(f"v{version}, {_KINDS.get(kind, f'unknown type ({kind})')}")
    if ttl != 255:
        put(f", (ttl {ttl})")
    if version not in (2, 3) or kind != 1:
        return
    vrid, priority = d[at + 1], d[at + 2]
    put(f", vrid {vrid}, prio {priority}")
    authentication = d[at + 4]
    if version == 2:
        put(f", authtype {_AUTHENTICATIONS.get(authentication, f'#{authentication}')}")
        put(f", intvl {d[at + 5]}s, length {length}")
    else:
        put(f", intvl {u16(d, at + 4) & 0x0FFF}cs, length {length}")
    if not p.verbose:
        return
    if at + length <= len(d):
        message = d[at : at + length]
        if version == 2:
            wrong = internet(message)
        else:
            pseudo = (
                pseudo4(d[ip + 12 : ip + 20], length, 112)
                if four
                else pseudo6(d[ip + 8 : ip + 40], length, 112)
            )
            wrong = internet(message, pseudo)
        if wrong:
            put(f", (bad vrrp cksum {u16(d, at + 6):x})")
    count = d[at + 3]
    put(", addrs")
    if count != 1:
        put(f"({count})")
    put(":")
    separator = " "
    for number in range(count):
        if four or version == 2:
            put(f"{separator}{p.names.ip4[take(d, at + 8 + 4 * number, 4)]}")
        else:
            put(f"{separator}{p.names.ip6[take(d, at + 8 + 16 * number, 16)]}")
        separator = ","
    if version == 2 and authentication == _PASSWORD:
        where = at + 8 + 4 * count
        field = d[where : where + 8]
        put(f' auth "{safe(field.partition(bytes(1))[0])}')
        if bytes(1) not in field:
            take(d, where, 8)
        put('"')


def carp(p: Printer, d: bytes, at: int, length: int, ttl: int) -> None:
    """Put an advertisement of OpenBSD's protocol."""
    p.proto = "carp"
    put = p.put
    put(f"CARPv{d[at] >> 4}-advertise {length}: ")
    if ttl != 255:
        put(f"[ttl={ttl}!] ")
    put(f"vhid={d[at + 1]} advbase={d[at + 5]} advskew={d[at + 2]} authlen={d[at + 3]} ")
    if p.verbose and at + length <= len(d) and internet(d[at : at + length]):
        put(f" (bad carp cksum {u16(d, at + 6):x}!)")
    put(f"counter={u64(d, at + 8)}")
