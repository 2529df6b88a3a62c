"""VALE switches and ports: list, create, destroy, attach, detach, ask. vale-ctl's verbs.

A switch comes with its first port and goes with its last. A port opened by its name (``vale0:a``) lasts as
long as somebody has it open; a persistent one, made by ``create``, until ``destroy``, and talks to a switch
while it is attached to it. Every function takes ``netmap=`` and
``runtime_dir=`` as ``Device.open`` does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EBUSY, EEXIST, EINVAL, ENOENT, ENOMEM, ENXIO
from pathlib import Path
from typing import Any, Literal

from nmpcap._arguments import encoded, number, warn_of_less
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._core.which import Directory
from nmpcap.errors import DeviceError, PortNameError, UsageError
from nmpcap.netmap import numbers
from nmpcap.netmap.device import Device

__all__ = [
    "ListedPort",
    "PortConfig",
    "PortCounters",
    "PortInfo",
    "ValePort",
    "attach",
    "counters",
    "create",
    "destroy",
    "detach",
    "find",
    "get_header_length",
    "get_parameter",
    "list_all",
    "list_ports",
    "port_info",
    "set_header_length",
    "set_parameter",
]


@dataclass(frozen=True)
class ValePort:
    """A port on a switch, with the numbers of both."""

    name: str
    switch_index: int
    port_index: int


@dataclass(frozen=True)
class ListedPort:
    """A port that exists, by the name that opens it.

    ``kind`` is ``switch``, ``persistent`` (and on no switch) or ``pipe``. ``netmap`` is whose: ``kernel`` or
    ``user``. ``in_use``: somebody has it open, or it is attached to its switch.
    """

    name: str
    kind: Literal["switch", "persistent", "pipe"]
    netmap: str
    in_use: bool


@dataclass(frozen=True)
class PortConfig:
    """Rings, slots and memory region of a persistent port, as it was made."""

    tx_slots: int
    rx_slots: int
    tx_rings: int
    rx_rings: int
    mem_id: int


@dataclass(frozen=True)
class PortInfo:
    """What a port has or, if it does not exist, would have when opened. ``memsize`` is in bytes."""

    memsize: int
    tx_slots: int
    rx_slots: int
    tx_rings: int
    rx_rings: int
    host_tx_rings: int
    host_rx_rings: int
    mem_id: int


@dataclass(frozen=True)
class PortCounters:
    """Packets of a port in user space, since it was made.

    ``sent`` were taken from its tx rings: ``forwarded`` to one port, ``flooded`` to all others, or
    ``discarded`` (too short, to itself, of too many slots). ``received`` were put into its rx rings,
    ``dropped`` lost because those were full.
    """

    sent: int
    received: int
    forwarded: int
    flooded: int
    discarded: int
    dropped: int


def list_ports(
    switch: str = "", *, netmap: str | None = None, runtime_dir: Directory = None
) -> list[ValePort]:
    """Return the ports of all switches or of one (``"vale0"``), in the order of their numbers.

    A switch that does not exist has none.
    """
    if encoded(switch, "the name of a switch") and not switch.startswith(_PREFIX):
        raise PortNameError(f"{switch!r} is not a switch: those begin with '{_PREFIX}'", 0)
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        return [port for port in _walk(device) if not switch or port.name.startswith(f"{switch}:")]


def list_all(*, netmap: str | None = None, runtime_dir: Directory = None) -> list[ListedPort]:
    """Return the ports of switches, the persistent ports and the ends of pipes that exist.

    The kernel module tells of the ports of switches only. A persistent port of its is an interface of the
    system; pipes cannot be seen.
    """
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        listed = ffi.new("struct nm_listed_port *")
        ports = []
        while device._next_listed(listed):
            kind = _KINDS[listed.kind]
            ports.append(ListedPort(cstring(listed.name), kind, device.name, bool(listed.in_use)))
        return ports


def find(name: str, *, netmap: str | None = None, runtime_dir: Directory = None) -> ValePort | None:
    """Return a port by its name (``"vale0:a"``); None if it, or its switch, does not exist."""
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        body = ffi.new("struct nmreq_vale_list *")
        if _list(device, name, body) is None or body.nr_port_idx == _NO_PORT:
            return None
        return ValePort(name, body.nr_bridge_idx, body.nr_port_idx)


def create(
    name: str,
    *,
    tx_slots: int = 0,
    rx_slots: int = 0,
    tx_rings: int = 0,
    rx_rings: int = 0,
    mem_id: int = 0,
    netmap: str | None = None,
    runtime_dir: Directory = None,
) -> PortConfig:
    """Make a persistent port, not attached to any switch; returns what it got. 0 asks for the default.

    RuntimeWarning where it got less than was asked for: a ring has 4096 slots at most.

    ``name`` is an interface's: at most 15 characters, and not beginning with ``vale``.
    """
    body = ffi.new(
        "struct nmreq_vale_newif *",
        {
            "nr_tx_slots": number(tx_slots, "tx_slots", 0, 2**32 - 1),
            "nr_rx_slots": number(rx_slots, "rx_slots", 0, 2**32 - 1),
            "nr_tx_rings": number(tx_rings, "tx_rings", 0, 2**16 - 1),
            "nr_rx_rings": number(rx_rings, "rx_rings", 0, 2**16 - 1),
            "nr_mem_id": _mem_id(mem_id),
        },
    )
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        _request(device, numbers.NETMAP_REQ_VALE_NEWIF, name, body, "creating")
    got = PortConfig(body.nr_tx_slots, body.nr_rx_slots, body.nr_tx_rings, body.nr_rx_rings, body.nr_mem_id)
    asked = {"tx_slots": tx_slots, "rx_slots": rx_slots, "tx_rings": tx_rings, "rx_rings": rx_rings}
    for what, value in asked.items():
        warn_of_less(name, what, value, getattr(got, what), 2)
    return got


def destroy(name: str, *, netmap: str | None = None, runtime_dir: Directory = None) -> None:
    """Remove a persistent port. DeviceError EBUSY while it is attached to a switch or open."""
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        _request(device, numbers.NETMAP_REQ_VALE_DELIF, name, None, "destroying")


def attach(
    name: str,
    *,
    host: bool = False,
    mem_id: int = 0,
    netmap: str | None = None,
    runtime_dir: Directory = None,
) -> int:
    """Attach a persistent port or an interface to a switch (``"vale0:eth0"``); returns its number there.

    ``host`` attaches the host stack's side of the interface as well, as ``vale0:eth0^``. Network interfaces
    need the kernel module: in user space a program has to be there that forwards, from ``netmap:eth0``.
    """
    body = ffi.new("struct nmreq_vale_attach *")
    body.reg.nr_mode = numbers.NR_REG_NIC_SW if host else numbers.NR_REG_ALL_NIC
    body.reg.nr_mem_id = _mem_id(mem_id)
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        _request(device, numbers.NETMAP_REQ_VALE_ATTACH, name, body, "attaching")
    return int(body.port_index)


def detach(name: str, *, netmap: str | None = None, runtime_dir: Directory = None) -> int:
    """Detach a port from its switch (``"vale0:eth0"``); returns the number it had there."""
    body = ffi.new("struct nmreq_vale_detach *")
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        _request(device, numbers.NETMAP_REQ_VALE_DETACH, name, body, "detaching")
    return int(body.port_index)


def port_info(
    name: str, *, mem_id: int = 0, netmap: str | None = None, runtime_dir: Directory = None
) -> PortInfo:
    """Return what a port has, by the name netmap knows it by (no ``netmap:``). It need not be open.

    Asking makes a port that does not exist for a moment. The empty name asks for a memory region alone.
    """
    body = ffi.new("struct nmreq_port_info_get *", {"nr_mem_id": _mem_id(mem_id)})
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        _request(device, numbers.NETMAP_REQ_PORT_INFO_GET, name, body, "asking about")
    return PortInfo(
        body.nr_memsize,
        body.nr_tx_slots,
        body.nr_rx_slots,
        body.nr_tx_rings,
        body.nr_rx_rings,
        body.nr_host_tx_rings,
        body.nr_host_rx_rings,
        body.nr_mem_id,
    )


def counters(name: str, *, netmap: str | None = None, runtime_dir: Directory = None) -> PortCounters:
    """Return a port's counters. The kernel module keeps none and answers with a DeviceError, EINVAL."""
    body = ffi.new("struct nmreq_port_counters *")
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        _request(device, lib.NMPCAP_REQ_PORT_COUNTERS_GET, name, body, "asking for the counters of")
    return PortCounters(body.sent, body.received, body.forwarded, body.flooded, body.discarded, body.dropped)


def get_header_length(name: str, *, netmap: str | None = None, runtime_dir: Directory = None) -> int:
    """Return the length of the virtio-net header that a port's packets begin with: 0, 10 or 12 bytes."""
    body = ffi.new("struct nmreq_port_hdr *")
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        _request(device, numbers.NETMAP_REQ_PORT_HDR_GET, name, body, "asking for the header length of")
    return int(body.nr_hdr_len)


def set_header_length(
    name: str, length: int, *, netmap: str | None = None, runtime_dir: Directory = None
) -> None:
    """Set it. The port has to exist, and to be open or attached to a switch."""
    if length not in (0, 10, 12):
        raise UsageError(f"setting the header length of '{name}' to {length}: there are 0, 10 and 12")
    body = ffi.new("struct nmreq_port_hdr *", {"nr_hdr_len": length})
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        _request(device, numbers.NETMAP_REQ_PORT_HDR_SET, name, body, "setting the header length of")


def get_parameter(name: str, *, netmap: str | None = None, runtime_dir: Directory = None) -> int:
    """Return one of netmap(4)'s module parameters, such as ``bridge_batch`` or ``priv_buf_num``.

    The kernel module has them as files of the system; user-space netmap has those that mean something
    there, one set a runtime directory.
    """
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        if device.name == "kernel":
            return int(_parameter_file(name).read_text())
        body = ffi.new("struct nmreq_parameter *")
        _request(device, lib.NMPCAP_REQ_PARAMETER_GET, name, body, "reading the parameter")
        return int(body.value)


def set_parameter(name: str, value: int, *, netmap: str | None = None, runtime_dir: Directory = None) -> None:
    """Set it, at once for every port; sizes and counts of a region are taken when it is made.

    In user space a parameter that is not at its default keeps the runtime directory in being.
    """
    number(value, f"the parameter {name!r}:", -(2**63), 2**63 - 1)
    with Device.open(netmap, runtime_dir=runtime_dir) as device:
        if device.name == "kernel":
            _parameter_file(name).write_text(f"{value}\n")
            return
        body = ffi.new("struct nmreq_parameter *", {"value": value})
        _request(device, lib.NMPCAP_REQ_PARAMETER_SET, name, body, "setting the parameter")


def _parameter_file(name: str) -> Path:
    file = Path("/sys/module/netmap/parameters", name)
    if "/" in name or not file.is_file():
        raise DeviceError(ENOENT, f"the parameter '{name}' (kernel netmap): there is no {file}")
    return file


_KINDS: dict[int, Literal["switch", "persistent", "pipe"]] = {
    lib.NM_LISTED_SWITCH: "switch",
    lib.NM_LISTED_PERSISTENT: "persistent",
    lib.NM_LISTED_PIPE: "pipe",
}
_PREFIX = "vale"
_NO_PORT = 255  # netmap: NM_BDG_NOPORT, what LIST answers for a port that its switch does not have

# What an errno of a request means, where the device leaves it at that: netmap(4) and the kernel module.
_REASONS = {
    (numbers.NETMAP_REQ_VALE_NEWIF, EEXIST): "there is an interface of that name",
    (numbers.NETMAP_REQ_VALE_NEWIF, EINVAL): "not a name for an interface, or there is no such memory region",
    (numbers.NETMAP_REQ_VALE_DELIF, ENXIO): "there is no such port",
    (numbers.NETMAP_REQ_VALE_DELIF, EINVAL): "it is not a persistent port",
    (numbers.NETMAP_REQ_VALE_DELIF, EBUSY): "it is attached to a switch, or open",
    (
        numbers.NETMAP_REQ_VALE_ATTACH,
        EINVAL,
    ): "not 'valeX:port', or no such port, interface or region exists",
    (numbers.NETMAP_REQ_VALE_ATTACH, EBUSY): "it is attached already, or open",
    (
        numbers.NETMAP_REQ_VALE_ATTACH,
        ENOMEM,
    ): "the switch is full, there are too many switches, or no such name",
    (numbers.NETMAP_REQ_VALE_DETACH, EINVAL): "not 'valeX:port'",
    (numbers.NETMAP_REQ_VALE_DETACH, ENXIO): "the switch has no such port",
    (
        numbers.NETMAP_REQ_VALE_DETACH,
        EBUSY,
    ): "it was not attached but opened by its name, or is being polled",
    (lib.NMPCAP_REQ_PORT_COUNTERS_GET, EINVAL): "only user-space netmap counts packets",
    (numbers.NETMAP_REQ_PORT_INFO_GET, ENXIO): "there is no such interface",
    (numbers.NETMAP_REQ_PORT_HDR_GET, ENXIO): "there is no such port",
    (numbers.NETMAP_REQ_PORT_HDR_SET, ENXIO): "there is no such port on a switch",
}


def _mem_id(mem_id: int) -> int:
    return number(mem_id, "mem_id", 0, 2**16 - 1)


def _walk(device: Device) -> Iterator[ValePort]:
    """Every port of every switch: each request finds the first at or after the numbers it is given."""
    body = ffi.new("struct nmreq_vale_list *")
    while (name := _list(device, "", body)) is not None:
        yield ValePort(name, body.nr_bridge_idx, body.nr_port_idx)
        body.nr_port_idx += 1


def _list(device: Device, name: str, body: Any, kind: int = numbers.NETMAP_REQ_VALE_LIST) -> str | None:
    try:
        return _request(device, kind, name, body, "listing")
    except DeviceError as error:
        if error.errno == ENOENT:
            return None
        raise


def _request(device: Device, kind: int, name: str, body: Any, what: str) -> str:
    """Make a request about a port; returns the name as the request left it."""
    encoded_name = encoded(name, f"{what} a port: its name")
    if len(encoded_name) >= numbers.NETMAP_REQ_IFNAMSIZ:
        raise PortNameError(f"{what} {name!r}: a port name has at most 63 bytes", 0)
    header = ffi.new("struct nmreq_header *")
    header.nr_version = numbers.NETMAP_API
    header.nr_reqtype = kind
    header.nr_name = encoded_name
    header.nr_body = int(ffi.cast("uintptr_t", body)) if body is not None else 0
    error, reason = device._ioctl(numbers.NIOCCTRL, header)
    if error:
        if kind == numbers.NETMAP_REQ_VALE_ATTACH and device.name == "user" and _is_interface(name):
            reason = (
                "a network interface needs the kernel module, and this is user-space netmap, where no thread "
                "would move its packets; load the module, attach a port made by create(), or open "
                f"netmap:{name.rpartition(':')[2]} and a port of the switch and forward between them"
            )
        reason = reason or _REASONS.get((kind, error)) or os.strerror(error)
        raise DeviceError(error, f"{what} '{name}' ({device.name} netmap): {reason}", name)
    return cstring(header.nr_name)


def _is_interface(name: str) -> bool:
    return any(name.rpartition(":")[2] == interface for _, interface in socket.if_nameindex())
