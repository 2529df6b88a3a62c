"""Spanning trees: 802.1D, 802.1w, 802.1s."""

from __future__ import annotations

from ..printer import Printer
from ..text import safe
from ..wire import take, u16, u32

__all__ = ["show"]

_VERSIONS = {0: "802.1d", 2: "802.1w", 3: "802.1s", 4: "802.1aq"}
_KINDS = {0x00: "Config", 0x02: "Rapid STP", 0x80: "Topology Change"}
_FLAGS = (
    *((0x01, "Topology change"), (0x02, "Proposal"), (0x10, "Learn"), (0x20, "Forward"), (0x40, "Agreement")),
    (0x80, "Topology change ACK"),
)
_ROLES = ("Unknown", "Alternate", "Root", "Designated")
_CONFIG, _RAPID, _CHANGE = 0x00, 0x02, 0x80


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a bridge's message."""
    p.proto = "stp"
    if length < 4:
        _short(p)
        return
    protocol = u16(d, at)
    if protocol:
        p.put(f"unknown STP version, length {length}")
        return
    version = d[at + 2]
    p.put(f"STP {_VERSIONS.get(version, f'Unknown STP protocol (0x{version:02x})')}")
    kind = d[at + 3]
    if version not in (0, 2, 3, 4):
        return
    p.put(f", {_KINDS.get(kind, f'Unknown BPDU Type (0x{kind:02x})')}")
    if kind == _CONFIG:
        if length < 35:
            _short(p)
            return
        _config(p, d, at, length)
    elif kind == _RAPID:
        if version == 2:
            if length < 36:
                _short(p)
                return
            _config(p, d, at, length)
        elif version in (3, 4):
            if length < 102:
                p.put(" (invalid)")
                return
            v3 = u16(d, at + 36)
            if v3 < 64:
                p.put(" (invalid)")
                return
            _multiple(p, d, at, length)


def _short(p: Printer) -> None:
    p.put(" (invalid)")


def _flags(value: int) -> str:
    return ", ".join([name for bit, name in _FLAGS if value & bit]) or "none"


def _bridge(d: bytes, at: int) -> str:
    return f"{take(d, at, 2).hex()}.{take(d, at + 2, 6).hex(':')}"


def _seconds(d: bytes, at: int) -> str:
    return f"{u16(d, at) / 256:.2f}s"


def _config(p: Printer, d: bytes, at: int, length: int) -> None:
    p.put(f", Flags [{_flags(d[at + 4])}]")
    p.put(f", bridge-id {_bridge(d, at + 17)}.{u16(d, at + 25):04x}, length {length}")
    if not p.verbose:
        return
    p.put(
        f"\n\tmessage-age {_seconds(d, at + 27)}, max-age {_seconds(d, at + 29)}"
        f", hello-time {_seconds(d, at + 31)}, forwarding-delay {_seconds(d, at + 33)}"
    )
    p.put(f"\n\troot-id {_bridge(d, at + 5)}, root-pathcost {u32(d, at + 13)}")
    if d[at + 2] == 2:
        p.put(f", port-role {_ROLES[d[at + 4] >> 2 & 3]}")


def _multiple(p: Printer, d: bytes, at: int, length: int) -> None:
    put = p.put
    put(f", CIST Flags [{_flags(d[at + 4])}], length {length}")
    if not p.verbose:
        if length >= 102:
            return
        return
    put(f"\n\tport-role {_ROLES[d[at + 4] >> 2 & 3]}, CIST root-id {_bridge(d, at + 5)}")
    put(f", CIST ext-pathcost {u32(d, at + 13)}")
    put(f"\n\tCIST regional-root-id {_bridge(d, at + 17)}, CIST port-id {u16(d, at + 25):04x},")
    put(f"\n\tmessage-age {_seconds(d, at + 27)}, max-age {_seconds(d, at + 29)}")
    put(f", hello-time {_seconds(d, at + 31)}, forwarding-delay {_seconds(d, at + 33)}")
    v3 = u16(d, at + 36)
    put(f"\n\tv3len {v3}, MCID Name ")
    put(safe(d[at + 39 : at + 71].partition(b"\0")[0]))
    take(d, at + 71, 18)
    put(f", rev {u16(d, at + 71)},")
    put(f"\n\t\tdigest {take(d, at + 73, 16).hex()}, ")
    put(f"CIST int-root-pathcost {u32(d, at + 89)},")
    put(f"\n\tCIST bridge-id {_bridge(d, at + 93)}, ")
    put(f"CIST remaining-hops {d[at + 101]}")
    where = at + 102
    end = at + 38 + v3
    while where + 16 <= end:
        flags = d[where]
        role = _ROLES[flags >> 2 & 3]
        put(f"\n\tMSTI {u16(d, where + 1) & 0x0FFF}, Flags [{_flags(flags)}], port-role {role}")
        put(f"\n\t\tMSTI regional-root-id {_bridge(d, where + 1)}, pathcost {u32(d, where + 9)}")
        put(
            f"\n\t\tMSTI bridge-prio {d[where + 13] >> 4}, port-prio {d[where + 14] >> 4}"
            f", hops {d[where + 15]}"
        )
        where += 16
