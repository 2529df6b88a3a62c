"""Slow protocols: LACP, markers (802.3ad)."""

from __future__ import annotations

from ..hexdump import hex_lines
from ..printer import Printer
from ..wire import take, u16, u32

__all__ = ["show"]

_PROTOCOLS = {1: "LACP", 2: "MARKER", 3: "OAM"}
_TLVS = {
    1: {0: "Terminator", 1: "Actor Information", 2: "Partner Information", 3: "Collector Information"},
    2: {0: "Terminator", 1: "Marker Information", 2: "Marker Response Information"},
}
_SIZES = {(1, 1): 20, (1, 2): 20, (1, 3): 16, (2, 1): 16, (2, 2): 16}
_STATE = (
    "Activity",
    "Timeout",
    "Aggregation",
    "Synchronization",
    "Collecting",
    "Distributing",
    "Default",
    "Expired",
)


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a frame; with -v its parts."""
    p.proto = "slow"
    put = p.put
    subtype = d[at]
    name = _PROTOCOLS.get(subtype, f"unknown ({subtype})")
    if subtype in (1, 2):
        if length < 2:
            put("\n\t\t packet is too short" if p.verbose else " (packet is too short)")
            return
        version = d[at + 1]
        if version != 1:
            put(f"{name} version {version} packet not supported")
            return
        put(f"{name}v{version}, length {length}")
    else:
        put(f"{name}, length {length}")
    if not p.verbose or subtype not in (1, 2):
        if subtype not in _PROTOCOLS:
            put(hex_lines(d[at : at + length]))
        return
    end = at + length
    at += 2
    while at < end:
        if end - at < 2:
            raise IndexError
        take(d, at, 2)
        kind, size = d[at], d[at + 1]
        put(f"\n\t{_TLVS[subtype].get(kind, 'Unknown')} TLV (0x{kind:02x}), length {size}")
        if not kind:
            return
        if size < 2:
            put("\n\t    ERROR: illegal length - should be >= 2")
            return
        value = take(d, at + 2, size - 2)
        wanted = _SIZES.get((subtype, kind))
        if wanted is not None and size != wanted:
            put(f"\n\t    ERROR: illegal length - should be {wanted}")
        else:
            _tlv(p, d, at + 2, subtype, kind)
        if p.verbose > 1 or wanted is None:
            put(hex_lines(value, "\n\t  "))
        at += size


def _tlv(p: Printer, d: bytes, at: int, subtype: int, kind: int) -> None:
    put = p.put
    if subtype == 1 and kind in (1, 2):
        put(
            f"\n\t  System {p.names.mac[d[at + 2 : at + 8]]}, System Priority {u16(d, at)}"
            f", Key {u16(d, at + 8)}, Port {u16(d, at + 12)}, Port Priority {u16(d, at + 10)}"
        )
        state = d[at + 14]
        names = ", ".join([name for bit, name in enumerate(_STATE) if state >> bit & 1]) or "none"
        put(f"\n\t  State Flags [{names}]")
    elif subtype == 1 and kind == 3:
        put(f"\n\t  Max Delay {u16(d, at)}")
    elif subtype == 2 and kind in (1, 2):
        put(f"\n\t  Request System {p.names.mac[d[at + 2 : at + 8]]}, Request Port {u16(d, at)}")
        put(f", Request Transaction ID 0x{u32(d, at + 8):08x}")
