"""VXLAN (RFC 7348), its generic extension, and OTV on the port Linux once used."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..wire import take, u24

__all__ = ["generic", "otv", "show"]

_HEADER = 8
_NEWLINE = "\n    "
_NEXT = {1: "network.ip4", 2: "network.ip6", 3: "link.ethernet:within", 5: "tunnel.mpls"}
_FLAGS = ((8, "I"), (4, "P"), (1, "O"))


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put VXLAN, and the Ethernet frame within on a line of its own."""
    p.proto = "vxlan"
    p.put("VXLAN")
    if length < _HEADER:
        p.put(" (invalid)")
        return
    flags = d[at]
    p.put(f", flags [{'I' if flags & 8 else 'invalid'}] (0x{flags:02x}), ")
    p.put(f"vni {u24(d, at + 4)}\n")
    take(d, at, _HEADER)
    load("link.ethernet:within")(p, d, at + _HEADER, length - _HEADER)


def otv(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put Cisco's overlay transport, which shares its port with Linux's first VXLAN."""
    p.proto = "otv"
    p.put("OTV, ")
    if length < _HEADER:
        p.put(f"[length {length} < {_HEADER}] (invalid)")
        return
    flags = d[at]
    p.put(f"flags [{'I' if flags & 8 else '.'}] (0x{flags:02x}), ")
    p.put(f"overlay {u24(d, at + 1)}, ")
    p.put(f"instance {u24(d, at + 4)}\n")
    take(d, at, _HEADER)
    load("link.ethernet:within")(p, d, at + _HEADER, length - _HEADER)


def generic(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put VXLAN-GPE and what its next protocol says."""
    p.proto = "vxlan_gpe"
    p.put("VXLAN-GPE, ")
    if length < _HEADER:
        p.put(f" (len {length} < {_HEADER}) (invalid)")
        return
    flags = d[at]
    names = "".join([name if flags & bit else "" for bit, name in _FLAGS])
    p.put(f"flags [{names or 'none'}], ")
    following, vni = d[at + 3], u24(d, at + 4)
    take(d, at, _HEADER)
    p.put(f"vni {vni}{': ' if not p.verbose else _NEWLINE}")
    if following in _NEXT:
        load(_NEXT[following])(p, d, at + _HEADER, length - _HEADER)
    else:
        p.put("ERROR: unknown-next-protocol (invalid)")
