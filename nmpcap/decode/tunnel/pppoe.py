"""PPPoE's discovery and sessions (RFC 2516)."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..text import safe
from ..wire import take, u16

__all__ = ["show"]

_HEADER = 6
_CODES = {0x09: "PADI", 0x07: "PADO", 0x19: "PADR", 0x65: "PADS", 0xA7: "PADT", 0: ""}
_TAGS = {
    **{0x0000: "EOL", 0x0101: "Service-Name", 0x0102: "AC-Name", 0x0103: "Host-Uniq", 0x0104: "AC-Cookie"},
    **{0x0105: "Vendor-Specific", 0x0110: "Relay-Session-ID", 0x0120: "PPP-Max-Payload"},
    **{0x0201: "Service-Name-Error", 0x0202: "AC-System-Error", 0x0203: "Generic-Error"},
}
_PRINTED = 80


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a discovery packet's tags, or what a session carries."""
    p.proto = "pppoe"
    put = p.put
    if length < _HEADER:
        raise IndexError
    take(d, at, _HEADER)
    version, kind, code, session, size = d[at] >> 4, d[at] & 15, d[at + 1], u16(d, at + 2), u16(d, at + 4)
    if version != 1:
        put(f" [ver {version}]")
    if kind != 1:
        put(f" [type {kind}]")
    put(f"PPPoE {_CODES.get(code, f'PAD-{code:X}')}")
    at += _HEADER
    left = length - _HEADER
    if code == 0 and left < size:
        put(f" [len {size} > {left}!]")
    if session:
        put(f" [ses 0x{session:x}]")
    if code == 0:
        put(" ")
        load("tunnel.ppp:protocol")(p, d, at, min(size, left))
        return
    end = at + size
    while at < end:
        tag, count = u16(d, at), u16(d, at + 2)
        at += 4
        take(d, at, min(count, _PRINTED))
        put(f" [{_TAGS.get(tag, f'TAG-0x{tag:x}')}")
        if count:
            value = take(d, at, count)
            if all(32 < byte < 127 or byte == 32 for byte in value[:_PRINTED]):
                put(f' "{safe(value[: _PRINTED - 1])}"')
            else:
                put(f" 0x{value.hex().upper()}")
        put("]")
        at += count
