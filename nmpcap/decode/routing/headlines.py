"""Routing protocols by the one line that each begins with: what kind of message it is, from whom.

RIP (RFC 2453), OSPF (RFC 2328, 5340), EIGRP (RFC 7868), HSRP (RFC 2281), PIM (RFC 7761), BFD (RFC 5880), BGP
(RFC 4271), LDP (RFC 5036).
"""

from __future__ import annotations

from ..hexdump import hex_lines
from ..printer import Printer
from ..text import safe
from ..wire import take, u16

__all__ = ["bfd", "bfd_echo", "bgp", "eigrp", "hsrp", "ldp", "ospf", "pim", "rip"]

_RIP = {1: "Request", 2: "Response", 3: "Trace on", 4: "Trace off", 5: "Poll", 6: "Poll Entry"}
_OSPF = ("", "Hello", "Database Description", "LS-Request", "LS-Update", "LS-Ack")
_EIGRP = {1: "Update", 3: "Query", 4: "Reply", 5: "Hello", 6: "IPX SAP", 7: "Probe"}
_PIM = (
    *("Hello", "Register", "Register Stop", "Join / Prune", "Bootstrap", "Assert", "Graft"),
    *("Graft Acknowledgement", "Candidate RP Advertisement", "Prune Refresh", "DF Election", "ECMP Redirect"),
)
_HSRP = ("hello", "coup", "resign")
_HSRP_STATES = {0: "initial", 1: "learn", 2: "listen", 4: "speak", 8: "standby", 16: "active"}
_BFD_STATES = ("AdminDown", "Down", "Init", "Up")
_BFD_FLAGS = (
    *((0x20, "Poll"), (0x10, "Final"), (0x08, "Control Plane Independent"), (0x04, "Authentication Present")),
    *((0x02, "Demand"), (0x01, "Multipoint")),
)


def rip(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the version and command of RIP."""
    p.proto = "rip"
    if len(d) - at < 4:
        p.truncated()
        return
    if length < 4:
        p.put(f" (packet length {length})")
        return
    command, version = d[at], d[at + 1]
    p.put(f"RIPv{version}")
    if version == 0:
        p.put(hex_lines(d[at : at + length]))
        return
    p.put(f", {_RIP.get(command, f'unknown command ({command})')}, length: {length}")


def ospf(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put the version and type of OSPF."""
    version = d[at]
    p.proto = "ospf3" if version == 3 else "ospf2"
    kind = d[at + 1]
    p.put(f"OSPFv{version}, ")
    known = 0 < kind < len(_OSPF)
    p.put(f"{_OSPF[kind]}, length {length}" if known else f"unknown LS-type {kind}, length {length}")


def eigrp(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put the opcode of EIGRP."""
    p.proto = "eigrp"
    take(d, at, 20)
    if d[at] != 2:
        p.put(f"EIGRP version {d[at]} packet not supported")
        return
    p.put(f"EIGRP {_EIGRP.get(d[at + 1], f'unknown ({d[at + 1]})')}, length: {length}")


def hsrp(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the state of a router of HSRP."""
    p.proto = "hsrp"
    version = d[at]
    p.put(f"HSRPv{version}")
    if version:
        return
    kind = d[at + 1]
    p.put(f"-{_HSRP[kind] if kind < len(_HSRP) else f'unknown ({kind})'} {length}: ")
    state = d[at + 2]
    p.put(f"state={_HSRP_STATES.get(state, f'Unknown ({state})')} group={d[at + 6]} ")
    if d[at + 7]:
        p.put(f"reserved={d[at + 7]} ")
    p.put(f"addr={p.names.ip4[take(d, at + 16, 4)]}")
    if p.verbose:
        p.put(f" hellotime={_time(d[at + 3])} holdtime={_time(d[at + 4])} priority={d[at + 5]}")
        p.put(f' auth="{safe(take(d, at + 8, 8).partition(bytes(1))[0])}"')


def _time(seconds: int) -> str:
    from ..durations import lifetime

    return lifetime(seconds)


def pim(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put the type of a PIM message."""
    p.proto = "pim"
    version, kind = d[at] >> 4, d[at] & 15
    if version != 2:
        p.put(f"PIMv{version}, length {length}")
        return
    p.put(f"PIMv2, {_PIM[kind] if kind < len(_PIM) else 'Unknown Type'}, length {length}")


def bfd(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the state and flags of BFD."""
    p.proto = "bfd"
    take(d, at, 24)
    version = d[at] >> 5
    flags = d[at + 1]
    p.put(f"BFDv{version}, Control, State {_BFD_STATES[flags >> 6]}, Flags: [")
    p.put(", ".join([name for bit, name in _BFD_FLAGS if flags & bit]) or "none")
    p.put(f"], length: {length}")


def bfd_echo(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put that a packet is an echo of BFD, whose bytes are its sender's own."""
    p.proto = "bfd"
    p.put(f"BFD, Echo, length: {length}")


def bgp(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put that a segment is BGP's."""
    p.proto = "bgp"
    p.put(": BGP")


def ldp(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put whose labels LDP speaks of."""
    p.proto = "ldp"
    if length < 10:
        p.put(f" (length {length} < 10)")
        return
    version, size = u16(d, at), u16(d, at + 2)
    if version != 1:
        p.put(f"LDP version {version} packet not supported")
        return
    p.put(f"LDP, Label-Space-ID: {p.names.ip4[take(d, at + 4, 4)]}:{u16(d, at + 8)}, pdu-length: {size}")
