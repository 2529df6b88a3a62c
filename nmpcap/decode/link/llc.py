"""Logical link control and SNAP (IEEE 802.2)."""

from __future__ import annotations

from ..printer import Printer
from ..table import ETHERTYPE_NAMES, load
from ..wire import u16, u24
from . import ethernet

__all__ = ["show"]

_SAPS = {
    **{0x00: "Null", 0x02: "802.1B I", 0x03: "802.1B G", 0x04: "SNA", 0x06: "IP", 0x0E: "ProWay NM"},
    **{0x42: "STP", 0x4E: "RS511", 0x7E: "ISO8208", 0x8E: "ProWay", 0xAA: "SNAP", 0xE0: "IPX"},
    **{0xF0: "NetBeui", 0xFE: "OSI", 0xFF: "Global"},
}
_NULL, _IP, _STP, _SNAP, _IPX, _NETBEUI, _OSI, _GLOBAL = 0, 6, 0x42, 0xAA, 0xE0, 0xF0, 0xFE, 0xFF
_OUIS = {
    **{0x000000: "Ethernet", 0x00000C: "Cisco", 0x000181: "Nortel Networks SONMP", 0x0000F8: "Cisco bridged"},
    **{0x0080C2: "Ethernet bridged", 0x00A03E: "ATM Forum", 0x00405A: "Frame Relay", 0x080007: "Appletalk"},
    **{0x0009BF: "Juniper", 0x080009: "HP"},
}
_CISCO_PIDS = {
    **{0x0102: "Cisco DRiP", 0x0104: "PAgP", 0x0111: "UDLD", 0x2000: "CDP", 0x2001: "CGMP", 0x2003: "VTP"},
    **{0x2004: "DTP", 0x200A: "STP UplinkFast", 0x010B: "PVST"},
}
_CISCO_PRINTERS = {0x2000: "routing.cdp"}
_UNNUMBERED = {
    **{
        0x03: "ui",
        0x0F: "dm",
        0x43: "disc",
        0x63: "ua",
        0x6F: "sabme",
        0xAF: "xid",
        0xE3: "test",
        0x87: "frmr",
    },
}
_SUPERVISORY = ("Receiver Ready", "Receiver not Ready", "Reject", "?")
_UI, _XID, _TEST = 0x03, 0xAF, 0xE3
_POLL = 0x10


def show(p: Printer, d: bytes, at: int, length: int, ethernet_at: int) -> int:
    """Put an LLC frame; return the length of its header, SNAP included.

    ethernet_at is the offset of the Ethernet header, -1 if there is none.
    """
    p.proto = "llc"
    put = p.put
    start = at
    if len(d) - at < 3:
        p.truncated()
        p.unknown(d, start)
        return len(d) - at
    if length < 3:
        return _dump(p, d, start, length)
    dsap_field, ssap_field, control = d[at], d[at + 1], d[at + 2]
    unnumbered = control & 3 == 3
    header = 3
    if not unnumbered:
        if len(d) - at < 4:
            p.truncated()
            p.unknown(d, start)
            return len(d) - at
        if length < 4:
            return _dump(p, d, start, length)
        control |= d[at + 3] << 8
        header = 4
    if ssap_field == _SNAP and dsap_field == _SNAP and control == _UI:
        if len(d) - at < 8:
            p.proto = "snap"
            if p.link_header:
                _header(p, dsap_field, ssap_field, control, unnumbered)
            p.truncated()
            return len(d) - at
        if length < 8:
            return length
        if p.link_header:
            _header(p, dsap_field, ssap_field, control, unnumbered)
        _snap(p, d, at + 3, length - 3, ethernet_at)
        return 8
    if p.link_header:
        _header(p, dsap_field, ssap_field, control, unnumbered)
    dsap, ssap = dsap_field & 0xFE, ssap_field & 0xFE
    at += header
    left = length - header
    if ssap == _STP and dsap == _STP and control == _UI:
        load("link.stp")(p, d, at, left)
        return header
    if ssap == _IP and dsap == _IP and control == _UI:
        load("network.ip4")(p, d, at, left)
        return header
    if not p.link_header:
        if ethernet_at >= 0:
            mac = p.names.mac
            source, to = d[ethernet_at + 6 : ethernet_at + 12], d[ethernet_at : ethernet_at + 6]
        if ssap == dsap:
            if ethernet_at < 0:
                put(f"{_sap(dsap, 'DSAP')} ")
            else:
                put(f"{mac[source]} > {mac[to]} {_sap(dsap, 'DSAP')} ")
        elif ethernet_at < 0:
            put(f"{_sap(ssap, 'SSAP')} > {_sap(dsap, 'DSAP')} ")
        else:
            put(f"{mac[source]} {_sap(ssap, 'SSAP')} > {mac[to]} {_sap(dsap, 'DSAP')} ")
    response = ssap_field & 1
    if unnumbered:
        command = control & ~_POLL
        flags = _flags(response, control & _POLL)
        put(f"Unnumbered, {_UNNUMBERED.get(command, f'{command:02x}')}, Flags [{flags}], length {length}")
        if command == _XID and left and at >= len(d):
            raise IndexError
    elif control & 3 == 1:
        flags = _flags(response, control & 0x0100)
        put(
            f"Supervisory, {_SUPERVISORY[control >> 2 & 3]}, rcv seq {control >> 9}"
            f", Flags [{flags}], length {length}"
        )
        return header
    else:
        flags = _flags(response, control & 0x0100)
        put(
            f"Information, send seq {control >> 1 & 0x7F}, rcv seq {control >> 9}"
            f", Flags [{flags}], length {length}"
        )
    return _dump(p, d, start, header)


def _dump(p: Printer, d: bytes, at: int, header: int) -> int:
    """Dump a frame that nobody prints; return the length of its header as it is."""
    if not p.quiet:
        p.unknown(d, at)
    return header


def _sap(number: int, role: str) -> str:
    return _SAPS.get(number, f"Unknown {role} 0x{number:02x}")


def _flags(response: int, poll: int) -> str:
    if response:
        return "Final" if poll else "Response"
    return "Poll" if poll else "Command"


def _header(p: Printer, dsap: int, ssap: int, control: int, unnumbered: bool) -> None:
    group = "Group" if dsap & 1 else "Individual"
    answer = "Response" if ssap & 1 else "Command"
    width = 2 if unnumbered else 4
    p.put(
        f"LLC, dsap {_SAPS.get(dsap & 0xFE, 'Unknown')} (0x{dsap & 0xFE:02x}) {group}"
        f", ssap {_SAPS.get(ssap & 0xFE, 'Unknown')} (0x{ssap & 0xFE:02x}) {answer}"
        f", ctrl 0x{control:0{width}x}: "
    )


def _snap(p: Printer, d: bytes, at: int, length: int, ethernet_at: int) -> None:
    p.proto = "snap"
    oui, pid = u24(d, at), u16(d, at + 3)
    if p.link_header:
        _snap_header(p, oui, pid, length)
    at += 5
    left = length - 5
    printer = None
    if oui in (0, 0x0000F8):
        printer = ethernet.ETHERTYPE[pid]
    elif oui == 0x00000C and pid in _CISCO_PRINTERS:
        printer = load(_CISCO_PRINTERS[pid])
    elif oui == 0x00000C and pid == 0x010B:
        printer = load("link.stp")
    if printer is not None:
        printer(p, d, at, left)
        return
    if not p.link_header:
        if ethernet_at >= 0:
            mac = p.names.mac
            source, to = d[ethernet_at + 6 : ethernet_at + 12], d[ethernet_at : ethernet_at + 6]
            p.put(f"{mac[source]} > {mac[to]} SNAP, ")
        _snap_header(p, oui, pid, length)
    _dump(p, d, at - 8, 8)


def _snap_header(p: Printer, oui: int, pid: int, length: int) -> None:
    name = _OUIS.get(oui, "Unknown")
    names = {}
    if oui in (0x080007, 0x0000F8):
        names = ETHERTYPE_NAMES
    elif oui == 0x00000C:
        names = _CISCO_PIDS
    if oui == 0:
        kind = f"ethertype {ETHERTYPE_NAMES.get(pid, 'Unknown')} (0x{pid:04x})"
    else:
        kind = f"pid {names.get(pid, 'Unknown')} (0x{pid:04x})"
    owner = f"oui {name} (0x{oui:06x}), " if oui or p.link_header else ""
    p.put(f"{owner}{kind}, length {length - 5}: ")
