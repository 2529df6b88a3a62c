"""What else once went over IGMP: traces, DVMRP, the first PIM."""

from __future__ import annotations

from ..printer import Printer
from ..wire import take

__all__ = ["dvmrp", "pim1", "trace"]

_DVMRP = {1: " Probe", 2: " Report", 3: " Ask-neighbors", 4: " Neighbors", 5: " Ask-neighbors2"}
_DVMRP_MORE = {6: " Neighbors2", 7: " Prune", 8: " Graft", 9: " Graft-ACK"}
_PIM = ("Query", "Register", "Register-Stop", "Join/Prune", "RP-reachable", "Assert", "Graft", "Graft-ACK")


def trace(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a request or response of mtrace."""
    if length < 24:
        p.put(f" [invalid len {length}]")
        return
    source, destination = p.names.ip4[take(d, at + 8, 4)], p.names.ip4[take(d, at + 12, 4)]
    answer = p.names.ip4[take(d, at + 16, 4)]
    ident = int.from_bytes(take(d, at + 21, 3), "big")
    kind = "mresp" if length != 24 else "mtrace"
    p.put(f"{kind} {ident}: {source} to {destination} reply to {answer}")
    if kind == "mtrace" and take(d, at + 4, 4)[0] >= 0xE0:
        p.put(f" with-ttl {d[at + 20]}")


def dvmrp(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the kind of a DVMRP message."""
    p.put("igmp dvmrp")
    if length >= 8:
        kind = d[at + 1]
        p.put({**_DVMRP, **_DVMRP_MORE}.get(kind, f" [type {kind}]"))


def pim1(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the kind of a message of PIM's first version."""
    kind = d[at + 1]
    p.put("igmp pimv1")
    p.put(f" {_PIM[kind]}" if kind < len(_PIM) else f" [type {kind}]")
    version = d[at + 4] >> 4
    if version != 1:
        p.put(f" [v{version}]")
