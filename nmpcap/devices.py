"""What can be opened: interfaces, ``any``, and netmap's ports that exist now.

``findalldevs`` lists them as libpcap does, in its order; ``lookupdev`` chooses one, ``lookupnet`` tells an
interface's network. Interfaces are those of the process's network namespace. No privilege is needed
to list them; to open one may take more.
"""

from __future__ import annotations

import enum
import errno as errnos
import os
import socket
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nmpcap import vale
from nmpcap._arguments import encoded
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._core.which import Directory
from nmpcap.errors import DeviceError

__all__ = [
    "ConnectionStatus",
    "DeviceAddress",
    "DeviceFlags",
    "DeviceInfo",
    "findalldevs",
    "lookupdev",
    "lookupnet",
]


class DeviceFlags(enum.IntFlag):
    """What an interface is, and its state; the values are libpcap's PCAP_IF_*."""

    NONE = 0
    LOOPBACK = 0x01
    UP = 0x02
    RUNNING = 0x04
    WIRELESS = 0x08


class ConnectionStatus(enum.IntEnum):
    """Whether an interface has a link; libpcap's PCAP_IF_CONNECTION_STATUS_*, in the same bits."""

    UNKNOWN = 0x00
    CONNECTED = 0x10
    DISCONNECTED = 0x20
    NOT_APPLICABLE = 0x30


@dataclass(frozen=True)
class DeviceAddress:
    """An address of an interface, as text; what it has not is None.

    ``family`` is AF_INET, AF_INET6, or AF_PACKET (AF_LINK on BSD) for those of the link layer, which are
    bytes in hexadecimal: ``02:00:00:00:00:01``. An IPv6 address that means something on its interface
    only has its name behind it: ``fe80::1%eth0``; the ipaddress module takes all of them as they are.
    ``destination`` is the other end of a point-to-point link.
    """

    family: socket.AddressFamily
    address: str
    netmask: str | None = None
    broadcast: str | None = None
    destination: str | None = None


@dataclass(frozen=True)
class DeviceInfo:
    """A device: the name that ``open`` takes, and what is known without opening it.

    ``netmap`` is whose port it is, ``kernel`` or ``user``; None for what is no port of netmap's.
    ``description`` may be None. libpcap's flags are ``flags | connection``.
    """

    name: str
    description: str | None = None
    addresses: tuple[DeviceAddress, ...] = ()
    flags: DeviceFlags = DeviceFlags.NONE
    connection: ConnectionStatus = ConnectionStatus.UNKNOWN
    netmap: str | None = None

    @property
    def loopback(self) -> bool:
        """Whether it leads back to this machine."""
        return bool(self.flags & DeviceFlags.LOOPBACK)

    @property
    def up(self) -> bool:
        """Whether it is switched on."""
        return bool(self.flags & DeviceFlags.UP)

    @property
    def running(self) -> bool:
        """Whether packets can pass; of a port of netmap's, whether somebody uses it."""
        return bool(self.flags & DeviceFlags.RUNNING)

    @property
    def wireless(self) -> bool:
        """Whether it is a radio: monitor mode may then be worth a try."""
        return bool(self.flags & DeviceFlags.WIRELESS)


def findalldevs(*, netmap: str | None = None, runtime_dir: Directory = None) -> list[DeviceInfo]:
    """Return what can be opened: interfaces in libpcap's order, ``any`` among them, then netmap's ports.

    The order: what is running, up and connected first; of these real interfaces, ``any``, loopback;
    what is equal in this as the system has it. Ports of netmap's are those of switches, persistent
    ports and pipes that exist, from the netmap that ``netmap=`` and ``runtime_dir=`` choose as for
    open(); kernel netmap tells of switches only.

    DeviceError if the system does not tell of its interfaces, or the netmap asked for not of its
    ports; where none was asked for, that is a RuntimeWarning and there are none of them.
    """
    found = sorted([*_interfaces(), *_pseudo_devices()], key=_merit)
    return [*found, *_netmap_ports(netmap, runtime_dir)]


def lookupdev() -> str:
    """Return the name of the first device that is up and no loopback; DeviceError if there is none.

    On Linux that is ``any`` where no interface is up.
    """
    for device in sorted([*_interfaces(), *_pseudo_devices()], key=_merit):
        if device.up and not device.loopback:
            return device.name
    raise DeviceError(errnos.ENODEV, "no suitable device found: no interface is up but for loopback")


def lookupnet(device: str) -> tuple[int, int]:
    """Return network and netmask of an interface's first IPv4 address, in host byte order.

    ``ipaddress.IPv4Address`` takes them, and setfilter the second as its ``netmask``. (0, 0) for devices that
    have no network of their own: ``any``, savefiles, netmap's names. DeviceError for an interface that
    does not exist (ENODEV) or has no IPv4 address (EADDRNOTAVAIL).
    """
    kind = lib.nm_port_kind(encoded(device, "the name of a device"))
    # Interfaces, whose names have no colon, may begin as ports of switches do.
    if device == _ANY.name or (":" in device and kind in (lib.NM_PORT_NETMAP, lib.NM_PORT_SAVEFILE)):
        return 0, 0
    for interface in _interfaces():
        if interface.name == device:
            break
    else:
        raise DeviceError(
            errnos.ENODEV, f"{device}: looking up its network: {os.strerror(errnos.ENODEV)}", device
        )
    for entry in interface.addresses:
        if entry.family == socket.AF_INET:
            address, mask = (_ipv4(text) for text in (entry.address, entry.netmask or "0.0.0.0"))
            return address & mask, mask
    raise DeviceError(errnos.EADDRNOTAVAIL, f"{device}: no IPv4 address assigned", device)


_ANY = DeviceInfo(
    "any",
    "Pseudo-device that captures on all interfaces",
    flags=DeviceFlags.UP | DeviceFlags.RUNNING,
    connection=ConnectionStatus.NOT_APPLICABLE,
)
_KINDS = {
    "switch": "Port of a VALE switch",
    "persistent": "Persistent port, on no switch",
    "pipe": "End of a pipe",
}


def _pseudo_devices() -> list[DeviceInfo]:
    return [_ANY] if sys.platform == "linux" else []


def _merit(device: DeviceInfo) -> tuple[bool, ...]:
    """Sort as libpcap's figure of merit does; devices that are equal stay in the system's order."""
    return (
        not device.running,
        not device.up,
        device.connection is ConnectionStatus.DISCONNECTED and not device.wireless,
        device.loopback,
        device is _ANY,
    )


# ---- interfaces ------------------------------------------------------------------------------


def _interfaces() -> Iterator[DeviceInfo]:
    """Those of the core, in the system's order."""
    held = ffi.new("struct nm_interfaces **")
    error = lib.nm_interfaces_open(held)
    if error:
        raise DeviceError(-error, f"listing the interfaces: {os.strerror(-error)}")
    listed = ffi.gc(held[0], lib.nm_interfaces_close)
    index = 0
    while (interface := lib.nm_interfaces_get(listed, index)) != ffi.NULL:
        yield _interface(interface)
        index += 1


def _interface(interface: Any) -> DeviceInfo:
    name = cstring(interface.name)
    flags = int(interface.flags)
    return DeviceInfo(
        name,
        cstring(interface.alias) or None,
        tuple(_address(name, interface.addresses[i]) for i in range(interface.address_count)),
        DeviceFlags(flags & ~ConnectionStatus.NOT_APPLICABLE),
        ConnectionStatus(flags & ConnectionStatus.NOT_APPLICABLE),
    )


def _address(interface: str, entry: Any) -> DeviceAddress:
    family = socket.AddressFamily(entry.family)
    scope = f"%{interface}" if entry.local else ""

    def shown(address: Any, scope: str = scope) -> str | None:
        if not address.size:
            return None
        value = bytes(address.bytes[0 : address.size])
        if family in (socket.AF_INET, socket.AF_INET6):
            return socket.inet_ntop(family, value) + scope
        return value.hex(":")

    address = shown(entry.address)
    assert address is not None
    return DeviceAddress(
        family, address, shown(entry.netmask, ""), shown(entry.broadcast), shown(entry.destination)
    )


def _ipv4(text: str) -> int:
    return int.from_bytes(socket.inet_aton(text), "big")


# ---- netmap ----------------------------------------------------------------------------------


def _netmap_ports(netmap: str | None, runtime_dir: Directory) -> list[DeviceInfo]:
    try:
        ports = vale.list_all(netmap=netmap, runtime_dir=runtime_dir)
    except DeviceError as error:
        if netmap is not None:
            raise
        warnings.warn(f"netmap's ports are not listed: {error}", RuntimeWarning, stacklevel=3)
        return []
    return [
        DeviceInfo(
            port.name,
            f"{_KINDS[port.kind]} ({port.netmap} netmap)",
            flags=DeviceFlags.UP | (DeviceFlags.RUNNING if port.in_use else DeviceFlags.NONE),
            connection=ConnectionStatus.NOT_APPLICABLE,
            netmap=port.netmap,
        )
        for port in ports
    ]
