"""IGMP (RFC 1112, 2236, 3376)."""

from __future__ import annotations

from ..checksum import internet
from ..durations import lifetime
from ..printer import Printer
from ..table import load
from ..wire import take, u16

__all__ = ["show"]

_QUERY, _REPORT1, _DVMRP, _PIM, _REPORT2, _LEAVE, _TRACE, _TRACE_REPLY, _REPORT3 = (
    *(0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x1F, 0x1E, 0x22),
)
_RECORDS = {1: "is_in", 2: "is_ex", 3: "to_in", 4: "to_ex", 5: "allow", 6: "block"}


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an IGMP message."""
    p.proto = "igmp"
    if d[ip] >> 4 != 4:
        p.put("[IGMP requires IPv4] (invalid)")
        return
    if p.quiet:
        p.put("igmp")
        return
    kind = d[at]
    ip4 = p.names.ip4
    if kind == _QUERY:
        p.put("igmp query")
        if length >= 12:
            _query3(p, d, at, length)
        elif d[at + 1]:
            p.put(" v2")
            if d[at + 1] != 100:
                p.put(f" [max resp time {d[at + 1]}]")
            _group(p, d, at)
        else:
            p.put(" v1")
            _group(p, d, at)
    elif kind == _REPORT1:
        p.put(f"igmp v1 report {ip4[take(d, at + 4, 4)]}")
        if length != 8:
            p.put(f" [len {length}]")
    elif kind == _REPORT2:
        p.put(f"igmp v2 report {ip4[take(d, at + 4, 4)]}")
    elif kind == _REPORT3:
        p.put("igmp v3 report")
        _report3(p, d, at, length)
    elif kind == _LEAVE:
        p.put(f"igmp leave {ip4[take(d, at + 4, 4)]}")
    elif kind in (_TRACE, _TRACE_REPLY):
        load("network.igmp_old:trace")(p, d, at, length)
    elif kind == _DVMRP:
        load("network.igmp_old:dvmrp")(p, d, at, length)
    elif kind == _PIM:
        load("network.igmp_old:pim1")(p, d, at, length)
    else:
        p.put(f"igmp-{kind}")
    if p.verbose and len(d) - at >= length and internet(d[at : at + length]):
        p.put(f" bad igmp cksum {u16(d, at + 2):x}!")


def _group(p: Printer, d: bytes, at: int) -> None:
    address = take(d, at + 4, 4)
    if address != b"\0\0\0\0":
        p.put(f" [gaddr {p.names.ip4[address]}]")


def _query3(p: Printer, d: bytes, at: int, length: int) -> None:
    p.put(" v3")
    code = d[at + 1]
    tenths = code if code < 128 else (code & 15 | 16) << ((code >> 4 & 7) + 3)
    if tenths != 100:
        p.put(f" [max resp time {f'{tenths / 10:.1f}s' if tenths < 600 else lifetime(tenths // 10)}]")
    address = take(d, at + 4, 4)
    if address == b"\0\0\0\0":
        return
    p.put(f" [gaddr {p.names.ip4[address]}")
    count = u16(d, at + 10)
    if count:
        if 12 + 4 * count > length:
            p.put(" [invalid number of sources]")
        elif p.verbose > 1:
            p.put(" {")
            for number in range(count):
                p.put(f" {p.names.ip4[take(d, at + 12 + 4 * number, 4)]}")
            p.put(" }")
        else:
            p.put(f", {count} source(s)")
    p.put("]")


def _report3(p: Printer, d: bytes, at: int, length: int) -> None:
    if length < 16:
        p.put(f" [invalid len {length}]")
        return
    count = u16(d, at + 6)
    p.put(f", {count} group record(s)")
    if not p.verbose:
        return
    where = 8
    for _ in range(count):
        if length < where + 8:
            p.put(" [invalid number of groups]")
            return
        p.put(f" [gaddr {p.names.ip4[take(d, at + where + 4, 4)]}")
        kind = d[at + where]
        p.put(f" {_RECORDS.get(kind, f' [v3-report-#{kind}]')}")
        sources = u16(d, at + where + 2)
        if length < where + 8 + 4 * sources:
            p.put(f" [invalid number of sources {sources}]")
            return
        if p.verbose == 1:
            p.put(f", {sources} source(s)")
        else:
            p.put(" {")
            for number in range(sources):
                p.put(f" {p.names.ip4[take(d, at + where + 8 + 4 * number, 4)]}")
            p.put(" }")
        p.put("]")
        where += 8 + 4 * sources
