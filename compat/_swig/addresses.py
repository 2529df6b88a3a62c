"""Devices and networks in pylibpcap's tuples."""

from __future__ import annotations

import socket
import sys
from typing import Any

from nmpcap import errors
from nmpcap.devices import DeviceAddress, DeviceInfo

from .._devices import lookupnet
from .._words import words

__all__ = ["device_tuple", "network"]


def device_tuple(device: DeviceInfo, unpack: bool) -> tuple[Any, ...]:
    """Return (name, description or None, addresses, flags); an address is four texts or None."""
    addresses = [_address(address) for address in device.addresses] if unpack else []
    return device.name, device.description, addresses, int(device.flags) | int(device.connection)


def _address(address: DeviceAddress) -> tuple[str | None, ...]:
    if address.family not in (socket.AF_INET, socket.AF_INET6):
        unknown = f"<AF {int(address.family)}>"
        return unknown, None, None, None
    shown = address.address.partition("%")[0]
    return shown, address.netmask, address.broadcast, address.destination


def network(device: str) -> tuple[int, int]:
    """Return network and netmask: bytes in network order, read in the machine's."""
    try:
        net, mask = lookupnet(device)
    except errors.PcapError as error:
        raise Exception(words(error)) from error
    native = [int.from_bytes(value.to_bytes(4, "big"), sys.byteorder) for value in (net, mask)]
    return native[0], native[1]
