"""Which printer shows what: by link type, Ethertype, IP protocol and port.

An entry names a module of this package, and a function of it if that is not ``show``. A printer is imported
when the first packet needs it.

| table | a printer is called with |
|---|---|
| LINKS | (p, d, at, length), returns the length of the link header |
| ETHERTYPES, PPP_PROTOCOLS | (p, d, at, length) |
| IP_PROTOCOLS | (p, d, at, length, ip, fragment): ip is the offset of the IP header in d |
| UDP_PORTS, TCP_PORTS | (p, d, at, length) |

p is the Printer, d the captured bytes, at the offset of the header to show, length what the wire held there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias

from nmpcap import dlt

__all__ = [
    "ETHERTYPES",
    "ETHERTYPE_NAMES",
    "IP_PROTOCOLS",
    "LINKS",
    "TCP_PORTS",
    "UDP_PORTS",
    "UDP_PORTS_TO",
    "Loaded",
    "Show",
    "load",
]

Show: TypeAlias = Callable[..., Any]

LINKS = {
    dlt.DLT_NULL: "link.null",
    dlt.DLT_LOOP: "link.null",
    dlt.DLT_EN10MB: "link.ethernet",
    dlt.DLT_LINUX_SLL: "link.sll",
    dlt.DLT_LINUX_SLL2: "link.sll:show2",
    dlt.DLT_PPP: "tunnel.ppp:link",
    dlt.DLT_RAW: "link.raw",
    dlt.DLT_IPV4: "link.raw",
    dlt.DLT_IPV6: "link.raw",
}

ETHERTYPE_NAMES = {
    0x0600: "NS",
    0x0800: "IPv4",
    0x0806: "ARP",
    0x6003: "DN",
    0x6004: "LAT",
    0x6558: "TEB",
    0x8035: "Reverse ARP",
    0x809B: "Appletalk",
    0x80F3: "Appletalk ARP",
    0x8100: "802.1Q",
    0x8137: "IPX",
    0x86DD: "IPv6",
    0x8808: "MPCP",
    0x8809: "Slow Protocols",
    0x880B: "PPP",
    0x8847: "MPLS unicast",
    0x8848: "MPLS multicast",
    0x8863: "PPPoE D",
    0x8864: "PPPoE S",
    0x888E: "EAPOL",
    0x88A2: "AoE",
    0x88A8: "802.1Q-QinQ",
    0x88CA: "TIPC",
    0x88CC: "LLDP",
    0x88E5: "802.1AE MACsec",
    0x88F7: "PTP",
    0x8902: "CFM",
    0x893A: "IEEE1905.1",
    0x894F: "NSH",
    0x9000: "Loopback",
    0x9100: "802.1Q-9100",
    0x9200: "802.1Q-9200",
}

ETHERTYPES = {
    0x0800: "network.ip4",
    0x0806: "network.arp",
    0x8035: "network.arp",
    0x86DD: "network.ip6",
    0x8847: "tunnel.mpls",
    0x8848: "tunnel.mpls",
    0x8863: "tunnel.pppoe",
    0x8864: "tunnel.pppoe",
    0x880B: "tunnel.ppp",
    0x9000: "link.loopback",
    0x888E: "link.eapol",
    0x88CC: "routing.lldp",
    0x8809: "link.slow",
}

IP_PROTOCOLS = {
    1: "network.icmp",
    2: "network.igmp",
    6: "transport.tcp",
    17: "transport.udp",
    4: "network.ip4:within",
    41: "network.ip6:within",
    47: "tunnel.gre",
    50: "tunnel.esp",
    51: "tunnel.esp:ah",
    58: "network.icmp6",
    59: "network.ip4:nothing",
    88: "routing.headlines:eigrp",
    89: "routing.headlines:ospf",
    103: "routing.headlines:pim",
    108: "tunnel.esp:ipcomp",
    112: "routing.vrrp",
    132: "transport.sctp",
    143: "link.ethernet:over_ip",
}


# Either side's port, and the destination's only.
UDP_PORTS = {
    53: "application.domain",
    67: "application.bootp",
    68: "application.bootp",
    69: "application.tftp",
    123: "application.ntp",
    161: "application.snmp",
    162: "application.snmp",
    514: "application.syslog",
    500: "application.isakmp",
    520: "routing.headlines:rip",
    546: "application.dhcp6",
    646: "routing.headlines:ldp",
    1645: "application.radius",
    1646: "application.radius",
    1700: "application.radius",
    1812: "application.radius",
    1813: "application.radius",
    3799: "application.radius",
    7500: "application.isakmp",
    8500: "application.isakmp",
    547: "application.dhcp6",
    4500: "tunnel.esp:encapsulated",
    4789: "tunnel.vxlan",
    4790: "tunnel.vxlan:generic",
    5060: "application.lines:sip",
    6081: "tunnel.geneve",
    6635: "tunnel.mpls",
    8472: "tunnel.vxlan:otv",
    5353: "application.domain:multicast",
}
UDP_PORTS_TO = {
    1985: "routing.headlines:hsrp",
    3784: "routing.headlines:bfd",
    3785: "routing.headlines:bfd_echo",
    4784: "routing.headlines:bfd",
    6784: "routing.headlines:bfd",
}
TCP_PORTS = {
    21: "application.lines:ftp",
    22: "application.lines:ssh",
    25: "application.lines:smtp",
    43: "application.lines:whois",
    53: "application.domain:stream",
    80: "application.lines:http",
    179: "routing.headlines:bgp",
    554: "application.lines:rtsp",
    8080: "application.lines:http",
    8554: "application.lines:rtsp",
}


@cache
def load(entry: str) -> Show:
    """Return the printer that a table's entry names, importing its module if need be."""
    module, _, function = entry.partition(":")
    found: Show = getattr(import_module(f".{module}", __package__), function or "show")
    return found


class Loaded(dict[int, "Show | None"]):
    """The printers of a table by number, imported when first asked for; None where there is none."""

    def __init__(self, entries: Mapping[int, str]) -> None:
        super().__init__()
        self._entries = entries

    def __missing__(self, number: int) -> Show | None:
        entry = self._entries.get(number)
        printer = None if entry is None else load(entry)
        self[number] = printer
        return printer
