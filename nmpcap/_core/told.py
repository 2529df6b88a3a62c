"""What a Packet tells of itself beyond its fields: a readable line, its time as a datetime, dpkt's object.

The compiled Packet and the plain one both ask here, and only then: few programs do.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib import import_module
from ipaddress import ip_address
from typing import Any

from nmpcap._core import lib
from nmpcap.errors import PcapError

__all__ = ["dpkt", "line", "time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NANOSECONDS = 10**9
_IPV4, _IPV6 = 0x0800, 0x86DD

# DLT_*: dpkt's module and class.
_CLASSES = {
    lib.NM_DLT_NULL: ("loopback", "Loopback"),
    lib.NM_DLT_LOOP: ("loopback", "Loopback"),
    lib.NM_DLT_EN10MB: ("ethernet", "Ethernet"),
    lib.NM_DLT_IEEE802_11: ("ieee80211", "IEEE80211"),
    lib.NM_DLT_IEEE802_11_RADIO: ("radiotap", "Radiotap"),
    lib.NM_DLT_LINUX_SLL: ("sll", "SLL"),
    lib.NM_DLT_LINUX_SLL2: ("sll2", "SLL2"),
    lib.NM_DLT_IPV4: ("ip", "IP"),
    lib.NM_DLT_IPV6: ("ip6", "IP6"),
}
# DLT_*: bytes in front of the network layer, and where among them its protocol stands, an EtherType.
_HEADERS = {lib.NM_DLT_EN10MB: 14, lib.NM_DLT_LINUX_SLL: 16, lib.NM_DLT_LINUX_SLL2: 20}
_PROTOCOLS = {lib.NM_DLT_EN10MB: 12, lib.NM_DLT_LINUX_SLL: 14, lib.NM_DLT_LINUX_SLL2: 0}
_BARE = (lib.NM_DLT_RAW, lib.NM_DLT_IPV4, lib.NM_DLT_IPV6)


def time(packet: Any) -> datetime:
    """Return when, in UTC, cut to microseconds; ``ts_ns`` has the rest."""
    return _EPOCH + timedelta(microseconds=packet.ts_ns // 1000)


def line(packet: Any) -> str:
    """Return time (UTC), interface, direction, lengths, and the addresses as far as they were captured."""
    day = time(packet).strftime("%Y-%m-%d %H:%M:%S")
    words = [f"{day}.{packet.ts_ns % _NANOSECONDS:09}Z", f"if{packet.interface}"]
    if packet.outgoing:
        words.append("out")
    words.append(f"{packet.len} bytes")
    if packet.caplen != packet.len:
        words.append(f"({packet.caplen} captured)")
    return " ".join([*words, *_addresses(packet)])


def dpkt(packet: Any) -> Any:
    """Return dpkt's object for the packet's link type, made of its captured bytes.

    PcapError for a link type that dpkt has no class for; dpkt's own errors for bytes that it cannot read.
    """
    data, linktype = packet.data, packet.linktype
    if linktype == lib.NM_DLT_RAW:
        linktype = lib.NM_DLT_IPV6 if data[:1] and data[0] >> 4 == 6 else lib.NM_DLT_IPV4
    if linktype not in _CLASSES:
        raise PcapError(f"link type {linktype}: dpkt has no class for it; packet.data has the bytes")
    module, name = _CLASSES[linktype]
    return getattr(import_module(f"dpkt.{module}"), name)(data)


def _addresses(packet: Any) -> list[str]:
    data, linktype = packet.data, packet.linktype
    words = []
    if linktype == lib.NM_DLT_EN10MB and len(data) >= 12:
        words += [data[6:12].hex(":"), ">", data[:6].hex(":")]
    if linktype in _BARE:
        version = data[0] >> 4 if data else 0
        return words + _ip_addresses(data, {4: _IPV4, 6: _IPV6}.get(version, 0))
    if linktype in _HEADERS:
        at, header = _PROTOCOLS[linktype], _HEADERS[linktype]
        protocol = int.from_bytes(data[at : at + 2], "big")
        ip = _ip_addresses(data[header:], protocol)
        return words + (ip or ([f"type {protocol:#06x}"] if len(data) >= at + 2 else []))
    return [*words, f"link type {linktype}"]


def _ip_addresses(data: bytes, protocol: int) -> list[str]:
    first, size = {_IPV4: (12, 4), _IPV6: (8, 16)}.get(protocol, (0, 0))
    if not size or len(data) < first + 2 * size:
        return []
    source, destination = data[first : first + size], data[first + size : first + 2 * size]
    return [str(ip_address(source)), ">", str(ip_address(destination))]
