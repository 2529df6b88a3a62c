"""ARP and its reverse and inverse forms (RFC 826, 903, 2390)."""

from __future__ import annotations

from ..printer import Printer
from ..table import ETHERTYPE_NAMES
from ..wire import take, u16

__all__ = ["show"]

_HEADER = 8
_HARDWARE = {
    1: "Ethernet",
    6: "TokenRing",
    7: "ArcNet",
    15: "FrameRelay",
    17: "Strip",
    24: "IEEE 1394",
    19: "ATM",
}
_REQUEST, _REPLY, _REV_REQUEST, _REV_REPLY, _INV_REQUEST, _INV_REPLY, _NAK = 1, 2, 3, 4, 8, 9, 10


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put an ARP packet; addresses other than Ethernet's and IPv4's with what they are."""
    p.proto = "arp"
    hardware, protocol, operation = u16(d, at), u16(d, at + 2), u16(d, at + 6)
    hlen, plen = d[at + 4], d[at + 5]
    if len(d) - at < _HEADER + 2 * (hlen + plen):
        p.truncated()
        return
    if not p.link_header:
        p.put("ARP, ")
    usual = hardware in (1, 0) and protocol == 0x0800 and hlen == 6 and plen == 4
    if p.verbose or not usual:
        kind = _HARDWARE.get(hardware, f"Unknown Hardware ({hardware})")
        name = ETHERTYPE_NAMES.get(protocol, f"Unknown Protocol (0x{protocol:04x})")
        p.put(f"{kind} (len {hlen}), {name} (len {plen}), ")
    sha = at + _HEADER
    spa, tha, tpa = sha + hlen, sha + hlen + plen, sha + 2 * hlen + plen

    def hw(where: int) -> str:
        return p.names.mac[d[where : where + 6]] if hlen == 6 else d[where : where + hlen].hex(":")

    def ip(where: int) -> str:
        return p.names.ip4[take(d, where, 4)] if plen == 4 else d[where : where + plen].hex(":")

    if operation == _REQUEST:
        target = d[tha:tpa]
        known = target.strip(b"\0") and target.strip(b"\xff")
        p.put(f"Request who-has {ip(tpa)}{f' ({hw(tha)})' if known else ''} tell {ip(spa)}")
    elif operation == _REPLY:
        p.put(f"Reply {ip(spa)} is-at {hw(sha)}")
    elif operation == _REV_REQUEST:
        p.put(f"Reverse Request who-is {hw(tha)} tell {hw(sha)}")
    elif operation == _REV_REPLY:
        p.put(f"Reverse Reply {hw(tha)} at {ip(tpa)}")
    elif operation == _INV_REQUEST:
        p.put(f"Inverse Request who-is {hw(tha)} tell {hw(sha)}")
    elif operation == _INV_REPLY:
        p.put(f"Inverse Reply {hw(sha)} at {ip(spa)}")
    elif operation == _NAK:
        p.put("NACK Reply ")
        p.payload(d, at)
        return
    else:
        p.put(f"Unknown ({operation}) ")
        p.payload(d, at)
        return
    p.put(f", length {length}")
