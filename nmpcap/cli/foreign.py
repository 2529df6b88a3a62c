"""-f: names for addresses of the interface's own network only."""

from __future__ import annotations

import socket
from collections.abc import Callable

from nmpcap.devices import lookupnet
from nmpcap.errors import PcapError

__all__ = ["local_names"]


def local_names(device: str) -> Callable[[bytes], str | None]:
    """Return what names a host on the device's IPv4 network, and nobody else; IPv6 hosts as without -f."""
    try:
        network, netmask = lookupnet(device)
    except PcapError:
        network, netmask = 0, 0

    def name(address: bytes) -> str | None:
        family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
        if family == socket.AF_INET and int.from_bytes(address, "big") & netmask != network:
            return None
        try:
            return socket.getnameinfo((socket.inet_ntop(family, address), 0), socket.NI_NAMEREQD)[0]
        except (OSError, UnicodeError):
            return None

    return name
