"""BOOTP and DHCP (RFC 951, 2131, 2132)."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..text import safe
from ..wire import take, u16, u32

__all__ = ["show"]

_FIXED = 236
_OPERATIONS = {1: "Request", 2: "Reply"}
_COOKIE_DHCP, _COOKIE_CMU = b"\x63\x82\x53\x63", b"CMU\0"


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message; with -v its fields and options."""
    p.proto = "bootp"
    put = p.put
    operation = d[at]
    put(f"BOOTP/DHCP, {_OPERATIONS.get(operation, f'unknown (0x{operation:02x})')}")
    htype, hlen = d[at + 1], d[at + 2]
    ether = htype == 1 and hlen == 6
    if ether and operation == 1:
        put(f" from {p.names.mac[take(d, at + 28, 6)]}")
    put(f", length {length}")
    if not p.verbose:
        return
    secs = u16(d, at + 8)
    if htype != 1:
        put(f", htype {_hardware(htype)}")
    if not ether:
        put(f", hlen {hlen}")
    if d[at + 3]:
        put(f", hops {d[at + 3]}")
    if u32(d, at + 4):
        put(f", xid 0x{u32(d, at + 4):x}")
    if secs:
        put(f", secs {secs}")
    flags = u16(d, at + 10)
    put(f", Flags [{'Broadcast' if flags & 0x8000 else 'none'}]")
    if p.verbose > 1:
        put(f" (0x{flags:04x})")
    for name, where in (("Client-IP", 12), ("Your-IP", 16), ("Server-IP", 20), ("Gateway-IP", 24)):
        address = take(d, at + where, 4)
        if address != b"\0\0\0\0":
            put(f"\n\t  {name} {p.names.ip4[address]}")
    if ether:
        put(f"\n\t  Client-Ethernet-Address {p.names.mac[take(d, at + 28, 6)]}")
    for name, where, size in (("sname", 44, 64), ("file", 108, 128)):
        if d[at + where]:
            text, cut = _until_nul(d, at + where, size)
            put(f'\n\t  {name} "{text}')
            if cut:
                put('"')
                p.truncated()
                return
            put('"')
    vendor = at + _FIXED
    cookie = take(d, vendor, 4)
    if cookie == _COOKIE_DHCP:
        load("application.dhcp_options")(p, d, vendor)
    elif cookie == _COOKIE_CMU:
        _cmu(p, d, vendor)
    elif u32(d, vendor):
        put(f"\n\t  Vendor-#0x{u32(d, vendor):08x}")


def _hardware(htype: int) -> str:
    return str(htype)


def _until_nul(d: bytes, at: int, size: int) -> tuple[str, bool]:
    """Return the text of a field of fixed size, and whether the captured bytes end within."""
    stop = d.find(b"\0", at, at + size)
    if stop >= 0:
        return safe(d[at:stop]), False
    return safe(d[at : at + size]), True


def _cmu(p: Printer, d: bytes, at: int) -> None:
    p.put(" vend-cmu")
