"""NTP (RFC 5905, 9327)."""

from __future__ import annotations

import time

from ..printer import Printer
from ..text import safe
from ..wire import take, u16, u32

__all__ = ["show"]

_MODES = (
    *("unspecified", "symmetric active", "symmetric passive", "Client", "Server", "Broadcast"),
    *("Control Message", "Reserved"),
)
_LEAPS = ("", "+1s", "-1s", "clock unsynchronized")
_EPOCH = 2208988800
_UNIT = 4294967296


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message; with -v its times."""
    p.proto = "ntp"
    put = p.put
    first = d[at]
    version, mode = first >> 3 & 7, first & 7
    put(f"NTPv{version}, {_MODES[mode]}, length {length}")
    if not p.verbose:
        return
    leap = first & 0xC0
    put(f"\n\tLeap indicator: {_LEAPS[leap >> 6]} ({leap})")
    if mode == 6:
        _control(p, d, at, length)
    elif mode != 7:
        _times(p, d, at, length)


def _control(p: Printer, d: bytes, at: int, length: int) -> None:
    put = p.put
    if length < 12:
        put(" (invalid)")
        return
    flags = d[at + 1]
    kind = "Response" if flags & 0x80 else "Request"
    result = "Error" if flags & 0x40 else "OK"
    more = "More" if flags & 0x20 else "Last"
    put(f", {kind}, {result}, {more}, OpCode={flags & 0x1F}")
    put("\n")
    put(f"\tSequence={u16(d, at + 2)}")
    put(f", Status={u16(d, at + 4):#x}")
    put(f", Assoc.={u16(d, at + 6)}")
    put(f", Offset={u16(d, at + 8)}")
    count = u16(d, at + 10)
    put(f", Count={count}")
    if 12 + count > length:
        put(" (invalid)")
        if at + length > len(d):
            p.truncated()
        return
    if count:
        take(d, at + 12, count)
        put("\n\tTO-BE-DONE: data not interpreted")


def _seconds(value: int) -> str:
    """A time in 16.16 bits."""
    return f"{value >> 16}.{(value & 0xFFFF) * 1000000 // 65536:06d}"


def _times(p: Printer, d: bytes, at: int, length: int) -> None:
    put = p.put
    if length < 48:
        put(" (invalid)")
        take(d, at, length)
        return
    stratum = d[at + 1]
    put(f", Stratum {stratum} ({_stratum(stratum)})")
    poll = d[at + 2]
    if poll > 127:
        poll -= 256
    put(f", poll {poll}{_power(poll)}")
    precision = d[at + 3]
    put(f", precision {precision - 256 if precision > 127 else precision}")
    put(f"\n\tRoot Delay: {_seconds(u32(d, at + 4))}")
    put(f", Root dispersion: {_seconds(u32(d, at + 8))}")
    reference = take(d, at + 12, 4)
    put(", Reference-ID: ")
    if stratum == 0:
        put("(unspec)")
    elif stratum == 1:
        put(safe(reference))
    else:
        put(f"0x{reference.hex()}")
    stamps = []
    for where, name in (
        *((16, "Reference Timestamp:  "), (24, "Originator Timestamp: ")),
        *((32, "Receive Timestamp:    "), (40, "Transmit Timestamp:   ")),
    ):
        take(d, at + where, 8)
        stamps.append((u32(d, at + where), u32(d, at + where + 4)))
        put(f"\n\t  {name}{_stamp(*stamps[-1])}")
    put(f"\n\t    Originator - Receive Timestamp:  {_difference(stamps[1], stamps[2])}")
    put(f"\n\t    Originator - Transmit Timestamp: {_difference(stamps[1], stamps[3])}")
    if length == 52:
        put(f"\n\tKey id: {u32(d, at + 48)}")
    elif length in (68, 72):
        put(f"\n\tKey id: {u32(d, at + 48)}")
        digest = take(d, at + 52, length - 52)
        words = [digest[n : n + 4].hex() for n in range(0, len(digest), 4)]
        put(f"\n\tAuthentication: {''.join(words)}")
    elif length > 48:
        put(f"\n\t({length - 48} more bytes after the header)")


def _stratum(value: int) -> str:
    if value == 0:
        return "unspecified"
    if value == 1:
        return "primary reference"
    return "secondary reference" if value < 16 else "reserved"


def _power(poll: int) -> str:
    if not -32 < poll < 32:
        return ""
    return f" ({1 << poll}s)" if poll >= 0 else f" (1/{1 << -poll}s)"


def _stamp(whole: int, fraction: int) -> str:
    parts = f"{whole}.{fraction * 1000000000 // _UNIT:09d}"
    if not whole:
        return parts
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(whole - _EPOCH))
    return f"{parts} ({date})"


def _difference(first: tuple[int, int], second: tuple[int, int]) -> str:
    before, after = (whole * _UNIT + fraction for whole, fraction in (first, second))
    passed = after - before
    sign = "-" if passed < 0 else "+" if passed else ""
    whole, fraction = divmod(abs(passed), _UNIT)
    return f"{sign}{whole}.{fraction * 1000000000 // _UNIT:09d}"
