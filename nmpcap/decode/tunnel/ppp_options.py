"""The options that PPP's control protocols negotiate."""

from __future__ import annotations

from ..hexdump import hex_lines
from ..printer import Printer
from ..wire import take, u16, u32

__all__ = ["show"]

_LCP = (
    *("Vend-Ext", "MRU", "ACCM", "Auth-Prot", "Qual-Prot", "Magic-Num", "deprecated(6)", "PFC", "ACFC"),
    *("FCS-Alt", "SDP", "Numbered-Mode", "deprecated(12)", "Call-Back", "deprecated(14)", "deprecated(15)"),
    *("deprecated(16)", "MRRU", "12-Bit seq #", "End-Disc", "Proprietary", "DCE-Id", "MP+", "Link-Disc"),
)
_IPCP = {2: "IP-Comp", 3: "IP-Addr", 129: "Pri-DNS", 130: "Pri-NBNS", 131: "Sec-DNS", 132: "Sec-NBNS"}
_IP6CP = {1: "Interface-ID"}
_AUTHENTICATIONS = {0xC023: "PAP", 0xC223: "CHAP", 0xC227: "EAP", 0xC027: "SPAP"}
_ALGORITHMS = {5: "MD5", 6: "SHA-1", 0x80: "MS-CHAPv1", 0x81: "MS-CHAPv2"}


def show(p: Printer, d: bytes, at: int, length: int, protocol: int) -> int:
    """Put an option on a line of its own; return its length, 0 if nothing can follow."""
    if length < 2:
        raise IndexError
    kind, size = d[at], d[at + 1]
    if protocol == 0xC021:
        name = _LCP[kind] if kind < len(_LCP) else "unknown"
    else:
        name = {0x8021: _IPCP, 0x8057: _IP6CP}.get(protocol, {}).get(kind, "unknown")
    if size < 2:
        p.put(f"\n\t  {name} Option (0x{kind:02x}), length {size} (length bogus, should be >= 2)")
        return 0
    p.put(f"\n\t  {name} Option (0x{kind:02x}), length {size}")
    value = at + 2
    if protocol == 0xC021:
        _lcp(p, d, value, kind, size)
    elif protocol == 0x8021 and kind in _IPCP and kind != 2 and size == 6:
        p.put(f": {p.names.ip4[take(d, value, 4)]}")
    elif protocol == 0x8057 and kind == 1 and size == 10:
        words = ":".join([f"{u16(d, value + n):04x}" for n in range(0, 8, 2)])
        p.put(f": {words}")
    elif size > 2:
        p.put(hex_lines(take(d, value, size - 2), "\n\t    "))
    return size


def _lcp(p: Printer, d: bytes, at: int, kind: int, size: int) -> None:
    if kind in (1, 17) and size == 4:
        p.put(f": {u16(d, at)}")
    elif (kind == 2 and size == 6) or (kind == 5 and size == 6):
        p.put(f": 0x{u32(d, at):08x}")
    elif kind == 3 and size >= 4:
        number = u16(d, at)
        p.put(f": {_AUTHENTICATIONS.get(number, 'unknown')}")
        if number == 0xC223 and size > 4:
            p.put(f", {_ALGORITHMS.get(d[at + 2], f'Unknown Auth Alg {d[at + 2]}')}")
    elif size > 2:
        p.put(hex_lines(take(d, at, size - 2), "\n\t    "))
