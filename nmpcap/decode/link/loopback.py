"""The configuration test of Ethernet, version 2: loopback."""

from __future__ import annotations

from ..printer import Printer
from ..wire import le16, take

__all__ = ["show"]

_REPLY, _FORWARD = 1, 2


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the test's message."""
    p.proto = "loopback"
    put = p.put
    put("Loopback")
    if length < 2:
        put(" (invalid)")
        if at + length > len(d) or not length:
            p.truncated()
        return
    skip = le16(d, at)[0]
    put(f", skipCount {skip}")
    if skip % 8:
        put(" (bogus)")
    if skip > length - 2:
        put(" (invalid)")
        if at + length > len(d):
            p.truncated()
        return
    take(d, at + 2, skip)
    at += 2 + skip
    left = length - 2 - skip
    if left < 2:
        put(" (invalid)")
        p.truncated()
        return
    function = le16(d, at)[0]
    put(f", {({_REPLY: 'Reply', _FORWARD: 'Forward Data'}).get(function, f' invalid ({function})')}")
    if function == _REPLY:
        put(f", receipt number {le16(d, at + 2)[0]}, data ({left - 4} octets)")
        take(d, at + 4, left - 4)
    elif function == _FORWARD:
        put(f", forwarding address {p.names.mac[take(d, at + 2, 6)]}, data ({left - 8} octets)")
        take(d, at + 8, left - 8)
    elif at + left > len(d):
        p.truncated()
