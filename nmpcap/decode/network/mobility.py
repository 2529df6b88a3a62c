"""The mobility header of IPv6 (RFC 6275)."""

from __future__ import annotations

from ..printer import Printer
from ..wire import take, u16, u32

__all__ = ["show"]

_NAMES = ("BRR", "HoTI", "CoTI", "HoT", "CoT", "BU", "BA", "BE")
_ROOM = (8, 16, 16, 24, 24, 12, 12, 24)
_OPTIONS_AT = _ROOM


def show(p: Printer, d: bytes, at: int, size: int) -> None:
    """Put a mobility message."""
    p.proto = "mobility"
    kind = d[at + 2]
    if kind < len(_NAMES) and size < _ROOM[kind]:
        p.put(f"(header length {size} is too small for type {kind})")
        p.put(" (invalid)")
        return
    p.put("mobility: ")
    p.put(_NAMES[kind] if kind < len(_NAMES) else f"type-#{kind} len={d[at + 1]}")
    if kind in (1, 2) and p.verbose:
        p.put(f" {'Home' if kind == 1 else 'Care-of'} Init Cookie={u32(d, at + 8):08x}:{u32(d, at + 12):08x}")
    elif kind in (3, 4):
        name = "Home" if kind == 3 else "Care-of"
        p.put(f" {name} Nonce Index=0x{u16(d, at + 6):x}")
        if p.verbose:
            p.put(f" {name} Init Cookie={u32(d, at + 8):08x}:{u32(d, at + 12):08x}")
            p.put(f" {name} Keygen Token={u32(d, at + 16):08x}:{u32(d, at + 20):08x}")
    elif kind == 5:
        flags = u16(d, at + 8)
        letters = "".join(
            [
                letter
                for bit, letter in ((0x8000, "A"), (0x4000, "H"), (0x2000, "L"), (0x1000, "K"))
                if flags & bit
            ]
        )
        p.put(f" seq#={u16(d, at + 6)}{' ' if letters else ''}{letters} lifetime={u16(d, at + 10) << 2}")
    elif kind == 6:
        p.put(f" status={d[at + 6]}{' K' if d[at + 7] & 0x80 else ''}")
        p.put(f" seq#={u16(d, at + 8)} lifetime={u16(d, at + 10) << 2}")
    elif kind == 7:
        p.put(f" status={d[at + 6]} homeaddr {p.names.ip6[take(d, at + 8, 16)]}")
