"""Ports: what a name opens, and what a Capture needs to know of it besides its packets.

The core says which names belong to which kind of port; a new kind is a file with a class, and a row.
"""

from __future__ import annotations

import errno as errnos
from collections.abc import Callable

from nmpcap._arguments import encoded
from nmpcap._core import lib
from nmpcap.errors import DeviceError
from nmpcap.ports.dead import DeadPort
from nmpcap.ports.fanout import Fanout
from nmpcap.ports.netmap import NetmapPort
from nmpcap.ports.packet import PacketPort, interface_tstamp_types
from nmpcap.ports.port import UNCUT, Port, Settings
from nmpcap.ports.savefile import PlaybackPort, SavefilePort

__all__ = [
    "UNCUT",
    "DeadPort",
    "Fanout",
    "NetmapPort",
    "PacketPort",
    "PlaybackPort",
    "Port",
    "SavefilePort",
    "Settings",
    "list_tstamp_types",
    "open_port",
]

_KINDS: dict[int, Callable[[str, Settings], Port]] = {
    lib.NM_PORT_NETMAP: NetmapPort,
    lib.NM_PORT_SAVEFILE: PlaybackPort,
    lib.NM_PORT_INTERFACE: PacketPort,
}


def open_port(name: str, options: Settings) -> Port:
    """Open a port by its name. Raises DeviceError naming it, what was tried and why it failed."""
    return _kind_of(name)(name, options)


def list_tstamp_types(name: str) -> list[str]:
    """Return the clocks that can stamp the packets of a port, ``host`` first. Raises DeviceError."""
    return interface_tstamp_types(name) if _kind_of(name) is PacketPort else ["host"]


def _kind_of(name: str) -> Callable[[str, Settings], Port]:
    kind = _KINDS.get(lib.nm_port_kind(encoded(name, "the name of a port")))
    if kind is not None:
        return kind
    raise DeviceError(
        errnos.ENODEV,
        f"{name!r:.200}: not the name of a port; eth0 is an interface, vale0:a a port of a switch, "
        "netmap:eth0 an interface through netmap, file:PATH a savefile",
    )
