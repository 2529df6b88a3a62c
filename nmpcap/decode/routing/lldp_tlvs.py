"""What the parts of LLDP's announcements hold."""

from __future__ import annotations

from ..hexdump import hex_lines
from ..printer import Printer
from ..text import safe
from ..wire import take, u16, u32

__all__ = ["tlv"]

_CHASSIS = (
    *("Reserved", "Chassis component", "Interface alias", "Port component", "MAC address", "Network address"),
    *("Interface name", "Local"),
)
_PORT = (
    *("Reserved", "Interface alias", "Port component", "MAC address", "Network Address", "Interface Name"),
    *("Agent circuit ID", "Local"),
)
_CAPABILITIES = (
    *("Other", "Repeater", "Bridge", "WLAN AP", "Router", "Telephone", "Docsis", "Station Only"),
)
_LEAST = {3: 2, 7: 4, 8: 9, 127: 4}
_INTERFACES = {1: "Unknown", 2: "Interface Index", 3: "System Port Number"}
_OUIS = {0x0080C2: "Ethernet bridged", 0x00120F: "IEEE 802.3 Private", 0x0012BB: "ANSI/TIA"}
_FAMILIES = {0: "Reserved", 1: "IPv4", 2: "IPv6"}


def tlv(p: Printer, d: bytes, at: int, kind: int, size: int) -> None:
    """Put the value of a part; d holds all of it."""
    value = d[at : at + size]
    if kind in (1, 2):
        _identity(p, value, kind)
    elif size < _LEAST.get(kind, 0):
        raise IndexError
    elif kind == 3:
        p.put(f": TTL {u16(value, 0)}s")
    elif kind == 4:
        p.put(f": {_text(value)}")
    elif kind == 6:
        p.put(f"\n\t  {_text(value)}")
    elif kind == 7:
        for name, where in (("System ", 0), ("Enabled", 2)):
            bits = u16(value, where)
            names = ", ".join([text for bit, text in enumerate(_CAPABILITIES) if bits >> bit & 1]) or "none"
            p.put(f"\n\t  {name} Capabilities [{names}] (0x{bits:04x})")
    elif kind == 8:
        _management(p, value)
    elif kind == 127:
        oui = int.from_bytes(value[:3], "big")
        p.put(f": OUI {_OUIS.get(oui, 'Unknown')} (0x{oui:06x})")
        p.put(hex_lines(value, "\n\t  "))
    else:
        p.put(hex_lines(value, "\n\t  "))


def _identity(p: Printer, value: bytes, kind: int) -> None:
    if not value:
        return
    names, mac, network = (_CHASSIS, 4, 5) if kind == 1 else (_PORT, 3, 4)
    subtype, rest = value[0], value[1:]
    known = 0 < subtype < len(names)
    p.put(f"\n\t  Subtype {names[subtype] if known else 'Unknown'} ({subtype}): ")
    if not known:
        p.put(hex_lines(value, "\n\t  "))
    elif subtype == mac:
        p.put(p.names.mac[take(rest, 0, 6)])
    elif subtype == network and rest:
        p.put(_address(p, rest[0], rest[1:]))
    else:
        p.put(_text(rest))


def _text(value: bytes) -> str:
    return safe(value.partition(b"\0")[0])


def _address(p: Printer, family: int, address: bytes) -> str:
    name = f"AFI {_FAMILIES.get(family, 'Unknown')} ({family}): "
    if family == 1 and len(address) == 4:
        return name + p.names.ip4[address]
    if family == 2 and len(address) == 16:
        return name + p.names.ip6[address]
    return f"AFI {_FAMILIES.get(family, 'Unknown')} ({family}), no AF printer !"


def _management(p: Printer, value: bytes) -> None:
    if len(value) < 2 or len(value) < 1 + value[0] + 6:
        return
    size = value[0]
    p.put(f"\n\t  Management Address length {size}, {_address(p, value[1], value[2 : 1 + size])}")
    rest = value[1 + size :]
    p.put(f"\n\t  {_INTERFACES.get(rest[0], 'Unknown')} Interface Numbering ({rest[0]}): {u32(rest, 1)}")
    if len(rest) > 6 and rest[5]:
        p.put(f"\n\t  OID length {rest[5]}{safe(rest[6 : 6 + rest[5]])}")
