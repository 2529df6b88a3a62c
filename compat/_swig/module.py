"""pylibpcap's exception and functions that need no handle."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address

__all__ = ["EXCEPTION", "aton", "error", "ntoa"]


class error(Exception):
    """What libpcap refuses of an open handle: its words, and the function that refused."""


error.__module__ = "pcap"
EXCEPTION = error


def aton(address: str) -> int:
    """Return an address as an int: its bytes in network order, read in the machine's."""
    try:
        return int.from_bytes(IPv4Address(address).packed, sys.byteorder)
    except ValueError as wrong:
        raise Exception(f"malformed address string {address!r}") from wrong


def ntoa(address: int) -> str:
    """Return an int that aton gives as an address."""
    return str(IPv4Address((address & 0xFFFFFFFF).to_bytes(4, sys.byteorder)))
