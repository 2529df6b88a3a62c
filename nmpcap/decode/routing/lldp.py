"""LLDP (802.1AB)."""

from __future__ import annotations

from ..hexdump import hex_lines
from ..printer import Printer
from ..text import safe
from ..wire import take, u16

__all__ = ["show"]

_TLVS = (
    *(
        "End",
        "Chassis ID",
        "Port ID",
        "Time to Live",
        "Port Description",
        "System Name",
        "System Description",
    ),
    *("System Capabilities", "Management Address"),
)


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put an announcement: who it is from."""
    p.proto = "lldp"
    put = p.put
    put(f"LLDP, length {length}")
    end = at + length
    while at < end:
        if end - at < 2:
            raise IndexError
        head = u16(d, at)
        kind, size = head >> 9, head & 0x1FF
        at += 2
        if p.verbose:
            name = _TLVS[kind] if kind < len(_TLVS) else "Organization specific" if kind == 127 else "Unknown"
            put(f"\n\t{name} TLV ({kind}), length {size}")
        if not kind:
            return
        if at + size > end:
            raise IndexError
        value = take(d, at, size)
        if not p.verbose:
            if kind == 5:
                put(f": {safe(value.partition(bytes(1))[0])}")
        elif kind == 5:
            put(f": {safe(value.partition(bytes(1))[0])}")
        else:
            from .lldp_tlvs import tlv

            tlv(p, d, at, kind, size)
        if p.verbose > 1 and not _dumped(kind, value):
            put(hex_lines(value, "\n\t  "))
        at += size


def _dumped(kind: int, value: bytes) -> bool:
    """Say whether a part was dumped already, for want of a name for what it is."""
    if kind >= len(_TLVS):
        return True
    return kind in (1, 2) and bool(value) and not 0 < value[0] < 8
