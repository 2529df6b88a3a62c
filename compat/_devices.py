"""What there is to open, as a program is to see it: nmpcap.devices with the names of the device map in it.

A name of the map is a device, in front of the others since somebody wants it used. Where an interface has
that name it keeps its addresses: programs ask for them before they open it.
"""

from __future__ import annotations

import socket
import zlib

from nmpcap import devices
from nmpcap.devices import ConnectionStatus, DeviceFlags, DeviceInfo

from ._device_map import device_map, mapped

__all__ = ["findalldevs", "hardware_address", "lookupdev", "lookupnet", "made_up_mac"]


def findalldevs() -> list[DeviceInfo]:
    """Return the devices, those of the map first. Raises DeviceError, UsageError for a map that is none."""
    ports = device_map()
    there = {device.name: device for device in devices.findalldevs()}
    ours = [there[name] if name in there else _device(name, port) for name, port in ports.items()]
    return [*ours, *(device for name, device in there.items() if name not in ports)]


def lookupdev() -> str:
    """Return the first name of the map, or else the first interface that is up. Raises DeviceError."""
    return next(iter(device_map()), None) or devices.lookupdev()


def lookupnet(device: str) -> tuple[int, int]:
    """Return network and netmask of a device, of the port it is mapped to if it is no interface itself."""
    if mapped(device) != device and all(device != known.name for known in devices.findalldevs()):
        device = mapped(device)
    return devices.lookupnet(device)


def hardware_address(device: str) -> str:
    """Return an interface's Ethernet address; of any other port a made up one. Raises DeviceError."""
    for known in devices.findalldevs():
        for entry in known.addresses if known.name == device else ():
            if entry.family == socket.AF_PACKET:
                return entry.address
    return made_up_mac(device)


def made_up_mac(name: str) -> str:
    """Return a locally administered Ethernet address, the same for a name in every process."""
    return (b"\x02\x6e" + zlib.crc32(name.encode(errors="surrogateescape")).to_bytes(4, "big")).hex(":")


def _device(name: str, port: str) -> DeviceInfo:
    flags = DeviceFlags.UP | DeviceFlags.RUNNING
    return DeviceInfo(name, f"{port}, by the device map", (), flags, ConnectionStatus.NOT_APPLICABLE)
