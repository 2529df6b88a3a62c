"""The options of DHCPv6 (RFC 8415 and what registered others)."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..text import safe
from ..wire import take, u16, u32
from .domain import fqdn

__all__ = ["show"]

_NAMES = {
    **{1: "client-ID", 2: "server-ID", 3: "IA_NA", 4: "IA_TA", 5: "IA_ADDR", 6: "option-request"},
    **{7: "preference", 8: "elapsed-time", 9: "relay-message", 11: "authentication", 12: "server-unicast"},
    **{13: "status-code", 14: "rapid-commit", 15: "user-class", 16: "vendor-class"},
    **{17: "vendor-specific-info", 18: "interface-ID", 19: "reconfigure-message", 20: "reconfigure-accept"},
    **{21: "SIP-servers-domain", 22: "SIP-servers-address", 23: "DNS-server", 24: "DNS-search-list"},
    **{25: "IA_PD", 26: "IA_PD-prefix", 27: "NIS-server", 28: "NIS+-server", 29: "NIS-domain-name"},
    **{30: "NIS+-domain-name", 31: "SNTP-servers", 32: "lifetime", 33: "BCMCS-domain-name"},
    **{34: "BCMCS-server", 36: "Geoconf-Civic", 37: "Remote-ID", 38: "Subscriber-ID", 39: "Client-FQDN"},
    **{40: "PANA-agent", 41: "POSIX-timezone", 42: "POSIX-tz-database", 43: "Echo-request-option"},
    **{44: "Lease-query", 45: "LQ-client-data", 46: "Clt-time", 47: "LQ-relay-data", 48: "LQ-client-link"},
    **{56: "NTP-server", 64: "AFTR-Name", 112: "MUD-URL"},
}
_STATUS = (
    *("Success", "UnspecFail", "NoAddrsAvail", "NoBinding", "NotOnLink", "UseMulticast", "NoPrefixAvail"),
    *("UnknownQueryType", "MalformedQuery", "NotConfigured", "NotAllowed", "code11", "code12"),
)
_IA_NA, _IA_TA, _IA_ADDRESS, _PREFERENCE, _ELAPSED, _RELAY, _STATUS_CODE, _PREFIX = 3, 4, 5, 7, 8, 9, 13, 26
_AUTHENTICATION, _IA_PD, _REMOTE = 11, 25, 37
_IDENTITIES, _LISTS, _OPAQUE, _TIMES, _DOMAINS, _TEXTS = (
    {1, 2},
    {6, 43},
    {18, 38},
    {32, 46},
    {21, 24},
    {41, 42, 112},
)
_ADDRESSES = {22, 23, 27, 28, 31, 34, 40, 48}
_SHOWN = 10


def show(p: Printer, d: bytes, at: int, end: int) -> None:
    """Put the options between two offsets, each in brackets."""
    end = min(end, len(d))
    while at < end:
        if end - at < 4:
            p.truncated()
            return
        code, size = u16(d, at), u16(d, at + 2)
        if size > end - at - 4:
            p.truncated()
            return
        p.put(f" ({_NAMES.get(code, f'opt_{code}')}")
        _value(p, d, at + 4, code, size)
        p.put(")")
        at += 4 + size


def _value(p: Printer, d: bytes, at: int, code: int, size: int) -> None:
    put = p.put
    end = at + size
    if code in _IDENTITIES:
        _identity(p, d, at, size)
    elif code in (_IA_NA, _IA_PD):
        if size < 12:
            put(" ?")
            return
        put(f" IAID:{u32(d, at)} T1:{u32(d, at + 4)} T2:{u32(d, at + 8)}")
        show(p, d, at + 12, end)
    elif code == _IA_TA:
        if size < 4:
            put(" ?")
            return
        put(f" IAID:{u32(d, at)}")
        show(p, d, at + 4, end)
    elif code == _IA_ADDRESS:
        if size < 24:
            put(" ?")
            return
        put(f" {p.names.ip6[take(d, at, 16)]} pltime:{u32(d, at + 16)} vltime:{u32(d, at + 20)}")
        show(p, d, at + 24, end)
    elif code == _PREFIX:
        if size < 25:
            put(" ?")
            return
        put(f" {p.names.ip6[take(d, at + 9, 16)]}/{d[at + 8]} pltime:{u32(d, at)} vltime:{u32(d, at + 4)}")
        show(p, d, at + 25, end)
    elif code in _LISTS:
        if size % 2:
            put(" ?")
            return
        for where in range(at, end, 2):
            number = u16(d, where)
            put(f" {_NAMES.get(number, f'opt_{number}')}")
    elif code == _RELAY:
        put(" (")
        load("application.dhcp6")(p, d[:end], at, size)
    elif code in _ADDRESSES:
        if size % 16:
            put(" ?")
            return
        for where in range(at, end, 16):
            put(f" {p.names.ip6[take(d, where, 16)]}")
    else:
        _single(p, d, at, code, size)


def _single(p: Printer, d: bytes, at: int, code: int, size: int) -> None:
    """Put the value of an option that holds one thing."""
    put = p.put
    value = d[at : at + size]
    if code == _PREFERENCE:
        put(f" {value[0]}" if size == 1 else " ?")
    elif code == _ELAPSED:
        put(f" {u16(value, 0)}" if size == 2 else " ?")
    elif code == _STATUS_CODE:
        if size < 2:
            put(" ?")
            return
        number = u16(value, 0)
        put(f" {_STATUS[number] if number < len(_STATUS) else 'INVALID code'}")
    elif code in _TIMES:
        put(f" {u32(value, 0)}" if size == 4 else " ?")
    elif code in _OPAQUE:
        put(f" {value[:_SHOWN].hex()}...")
    elif code == _REMOTE:
        put(f" {u32(value, 0)} {value[4 : 4 + _SHOWN].hex()}..." if size >= 4 else " ?")
    elif code in _TEXTS:
        put(f" {safe(value.partition(bytes(1))[0])}" if size >= 5 else " ?")
    elif code in _DOMAINS:
        _domains(p, d, at, at + size)
    elif code == _AUTHENTICATION:
        _authentication(p, value)
    elif code == 19:
        names = {5: "for renew", 11: "for inf-req"}
        put(f" {names.get(value[0], f'for ???({value[0]:02x})')}" if size == 1 else " ?")


def _authentication(p: Printer, value: bytes) -> None:
    if len(value) < 11:
        p.put(" ?")
        return
    protocol = {2: "delayed", 3: "reconfigure"}.get(value[0], str(value[0]))
    algorithm = "HMAC-MD5" if value[1] == 1 else str(value[1])
    detection = "mono" if value[2] == 0 else str(value[2])
    words = " ".join([value[n : n + 2].hex() for n in range(3, 11, 2)])
    p.put(f" proto: {protocol}, alg: {algorithm}, RDM: {detection}, RD: {words}")
    if len(value) > 11:
        p.put(" ??")


def _domains(p: Printer, d: bytes, at: int, end: int) -> None:
    while at < end:
        text, at = fqdn(d, at, at)
        p.put(f" {text}")
        if at < 0:
            if text.endswith(">"):
                p.truncated()
            return


def _identity(p: Printer, d: bytes, at: int, size: int) -> None:
    put = p.put
    if size < 2:
        put(" ?")
        return
    kind, end = u16(d, at), at + size
    if kind == 1:
        if size < 8:
            put(" ?")
            return
        put(f" hwaddr/time type {u16(d, at + 2)} time {u32(d, at + 4)} {d[at + 8 : end].hex()}")
    elif kind == 2:
        if size < 8:
            put(" ?")
            return
        put(f" vid {d[at + 2 : min(at + 10, end)].hex()}")
    elif kind == 3:
        if size < 4:
            put(" ?")
            return
        put(f" hwaddr type {u16(d, at + 2)} {d[at + 4 : end].hex()}")
    else:
        put(f" type {kind}")
