"""The provider: which names are interfaces of ours, and what scapy asks about one.

scapy looks an interface up in a dictionary of those that exist. Ports of switches and pipes come to exist by
being opened, so the dictionary learns to make an entry for a name that means a port; a name of the device map
is ours before it is anybody else's.
"""

from __future__ import annotations

import itertools
from typing import Any

from scapy.config import conf
from scapy.interfaces import InterfaceProvider, NetworkInterface, NetworkInterfaceDict

from nmpcap.devices import findalldevs
from nmpcap.errors import PortNameError
from nmpcap.netmap import parse_port_name

from .._device_map import device_map
from .._devices import made_up_mac

__all__ = ["NmpcapProvider", "register"]

_FIRST_INDEX = 1 << 24  # beyond those that a system gives its interfaces


class NmpcapProvider(InterfaceProvider):  # type: ignore[misc]
    """Interfaces that are ports of netmap's, savefiles, or names of the device map."""

    name = "nmpcap"

    def __init__(self) -> None:
        self._made: dict[tuple[str, str | None], NetworkInterface] = {}
        self._indexes = itertools.count(_FIRST_INDEX)

    def load(self) -> dict[str, NetworkInterface]:
        """Return the ports that exist and the names of the device map."""
        ports = [device.name for device in findalldevs() if device.netmap]
        return {name: self.interface(name) for name in [*device_map(), *ports]}

    def interface(self, name: str) -> NetworkInterface:
        """Return the interface of a name, the same one each time while it is mapped to the same port."""
        port = device_map().get(name)
        if (name, port) not in self._made:
            self._made[name, port] = NetworkInterface(self, self._facts(name, port))
        return self._made[name, port]

    def _facts(self, name: str, port: str | None) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "name": name,
            "network_name": name,
            "description": name if port is None else f"{name}, which is {port}",
            "index": next(self._indexes),
            "mac": made_up_mac(name),
            "ips": [],
            "flags": 0,
        }
        there = conf.ifaces.data.get(
            name
        )  # an interface of the system that the map has put a port in place of
        if port is not None and there is not None and there.provider is not self:
            facts.update(
                index=there.index, mac=there.mac, ips=[*there.ips[4], *there.ips[6]], flags=there.flags
            )
        return facts

    def _is_valid(self, dev: NetworkInterface) -> bool:
        return True

    def _l2socket(self, dev: NetworkInterface) -> Any:
        from .sockets import NmpcapSocket

        return NmpcapSocket

    def _l2listen(self, dev: NetworkInterface) -> Any:
        from .sockets import NmpcapListenSocket

        return NmpcapListenSocket

    def _l3socket(self, dev: NetworkInterface, ipv6: bool = False) -> Any:
        from .sockets import NmpcapL3Socket

        return NmpcapL3Socket


class _Interfaces(NetworkInterfaceDict):  # type: ignore[misc]
    """scapy's dictionary of interfaces, which makes those that are ports when they are asked for."""

    def dev_from_name(self, name: str) -> NetworkInterface:
        return self._port(name) or super().dev_from_name(name)

    def dev_from_networkname(self, network_name: str) -> NetworkInterface:
        return self._port(network_name) or super().dev_from_networkname(network_name)

    def _port(self, name: object) -> NetworkInterface | None:
        if not isinstance(name, str) or not _is_port(name):
            return None
        found: NetworkInterface = self.providers[NmpcapProvider].interface(name)
        self.data.setdefault(name, found)  # a name of the map may be an interface again
        return found


def register() -> None:
    """Make scapy know nmpcap's ports; may be repeated."""
    interfaces = conf.ifaces
    if NmpcapProvider not in interfaces.providers:
        # The object stays: scapy's modules hold it under several names.
        interfaces.__class__ = _Interfaces
        interfaces.register_provider(NmpcapProvider)


def _is_port(name: str) -> bool:
    if name in device_map() or name.startswith("file:"):
        return True
    if not name.startswith(("netmap:", "vale")) or ":" not in name:
        return False
    try:
        parse_port_name(name)
    except PortNameError:
        return False
    return True
