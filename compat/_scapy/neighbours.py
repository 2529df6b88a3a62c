"""Whose Ethernet address a packet of layer 3 goes to, on a port that the system need have no routes for.

scapy's own getmacbyip goes by its routing table, and asks on the interface that it finds there.
"""

from __future__ import annotations

import socket
from typing import Any

from scapy.config import conf
from scapy.data import ETH_P_ARP
from scapy.interfaces import NetworkInterface
from scapy.layers.inet import IP
from scapy.layers.inet6 import ICMPv6NDOptDstLLAddr, IPv6, neighsol
from scapy.layers.l2 import ARP, Ether
from scapy.sendrecv import srp1
from scapy.utils import in4_getnsmac, in4_ismaddr
from scapy.utils6 import in6_getnsmac, in6_ismaddr

__all__ = ["ethernet_header"]

_BROADCAST = "ff:ff:ff:ff:ff:ff"
_PATIENCE = 2  # seconds, as long as scapy waits for an answer


def ethernet_header(packet: Any, interface: NetworkInterface) -> Ether:
    """Return the header of the frame that takes a packet to its neighbour, asked for on the interface.

    To nobody in particular, a broadcast, if nobody answers or the protocol has no way to ask.
    """
    destination = None
    if isinstance(packet, IP):
        destination = _of_ipv4(packet, interface)
    elif isinstance(packet, IPv6):
        destination = _of_ipv6(packet, interface)
    return Ether(src=interface.mac, dst=destination or _BROADCAST)


def _of_ipv4(packet: Any, interface: NetworkInterface) -> str | None:
    address = socket.inet_ntoa(socket.inet_aton(str(packet.dst)))
    if in4_ismaddr(address):
        return str(in4_getnsmac(socket.inet_aton(address)))
    through, _, gateway = conf.route.route(address, verbose=0)
    if through == interface.name:
        if address in conf.route.get_if_bcast(interface.name):
            return _BROADCAST
        if gateway != "0.0.0.0":
            address = gateway
    if address == "255.255.255.255":
        return _BROADCAST
    known = conf.netcache.arp_cache
    if address not in known:
        question = ARP(op="who-has", pdst=address, psrc=packet.src, hwsrc=interface.mac)
        frame = Ether(src=interface.mac, dst=_BROADCAST) / question
        answer = srp1(frame, type=ETH_P_ARP, iface=interface, timeout=_PATIENCE, verbose=0, nofilter=1)
        if answer is None:
            return None
        known[address] = answer.payload.hwsrc
    return str(known[address])


def _of_ipv6(packet: Any, interface: NetworkInterface) -> str | None:
    address = str(packet.dst)
    if in6_ismaddr(address):
        return str(in6_getnsmac(socket.inet_pton(socket.AF_INET6, address)))
    known = conf.netcache.in6_neighbor
    if address not in known:
        answer = neighsol(address, packet.src, interface, timeout=_PATIENCE)
        if answer is None:
            return None
        target = answer.getlayer(ICMPv6NDOptDstLLAddr)
        known[address] = target.lladdr if target else answer.src
    return str(known[address])
