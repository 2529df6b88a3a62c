"""Lists the devices of the network namespace it runs in, as nmpcap, libpcap and ip(8) see them: JSON.

Run as a program: it must not import the source tree.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

# What libpcap has besides interfaces and "any".
ELSEWHERE = ("bluetooth", "nflog", "nfqueue", "usbmon", "dbus-", "dag", "septel", "rdma")


class _Address(ctypes.Structure):
    pass


class _Device(ctypes.Structure):
    pass


_Address._fields_ = [
    ("next", ctypes.POINTER(_Address)),
    *[(name, ctypes.c_void_p) for name in ("address", "netmask", "broadcast", "destination")],
]
_Device._fields_ = [
    ("next", ctypes.POINTER(_Device)),
    ("name", ctypes.c_char_p),
    ("description", ctypes.c_char_p),
    ("addresses", ctypes.POINTER(_Address)),
    ("flags", ctypes.c_uint),
]


def _text(name: bytes | None) -> str | None:
    return None if name is None else name.decode(errors="surrogateescape")


def _shown(sockaddr: int | None, family: int, interface: str) -> str | None:
    """A ``struct sockaddr`` of Linux, as text."""
    if not sockaddr:
        return None
    raw = ctypes.string_at(sockaddr, 28 if family == socket.AF_INET6 else 16)
    if family == socket.AF_INET:
        return socket.inet_ntoa(raw[4:8])
    if family == socket.AF_INET6:
        scope = int.from_bytes(raw[24:28], sys.byteorder)
        return socket.inet_ntop(family, raw[8:24]) + (f"%{interface}" if scope else "")
    size = ctypes.string_at(sockaddr, 12)[11]
    return ctypes.string_at(sockaddr + 12, size).hex(":") or None


def _linked(pointer: Any) -> Iterator[Any]:
    while pointer:
        yield pointer.contents
        pointer = pointer.contents.next


def _libpcap_addresses(device: Any, name: str) -> Iterator[list[Any]]:
    for entry in _linked(device.addresses):
        family = ctypes.c_ushort.from_address(entry.address).value
        address, netmask, broadcast, destination = (
            _shown(part, family, name)
            for part in (entry.address, entry.netmask, entry.broadcast, entry.destination)
        )
        if address:
            yield [family, address, netmask, broadcast, destination]


def libpcap(pcap: Any) -> list[dict[str, Any]]:
    error = ctypes.create_string_buffer(256)
    first = ctypes.POINTER(_Device)()
    if pcap.pcap_findalldevs(ctypes.byref(first), error):
        raise OSError(error.value.decode())
    return [
        {
            "name": name,
            "description": _text(device.description),
            "flags": device.flags,
            "addresses": list(_libpcap_addresses(device, name)),
        }
        for device in _linked(first)
        if (name := _text(device.name) or "") and not name.startswith(ELSEWHERE)
    ]


def libpcap_net(pcap: Any, name: str) -> list[int] | str:
    error = ctypes.create_string_buffer(256)
    net, mask = ctypes.c_uint(), ctypes.c_uint()
    if pcap.pcap_lookupnet(
        name.encode(errors="surrogateescape"), ctypes.byref(net), ctypes.byref(mask), error
    ):
        return str(_text(error.value))
    return [socket.ntohl(net.value), socket.ntohl(mask.value)]


def nmpcap_devices() -> list[dict[str, Any]]:
    import nmpcap

    return [
        {
            "name": device.name,
            "description": device.description,
            "flags": device.flags | device.connection,
            "addresses": [
                [a.family, a.address, a.netmask, a.broadcast, a.destination] for a in device.addresses
            ],
        }
        for device in nmpcap.findalldevs()
    ]


def answer(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a call of nmpcap gives, or what it says."""
    from nmpcap import DeviceError

    try:
        return call(*arguments)
    except DeviceError as error:
        return f"{error.errno} {error}"


def main() -> None:
    import nmpcap

    pcap: Any = None
    library = ctypes.util.find_library("pcap")
    if library:
        pcap = ctypes.CDLL(library)
        pcap.pcap_lookupdev.restype = ctypes.c_char_p
    names = [name for _, name in socket.if_nameindex()] + [
        "any",
        "nosuch0",
        "",
        "x" * 40,
        "netmap:x",
        "vale0:a",
    ]
    ip = subprocess.run(["ip", "-j", "addr"], capture_output=True, check=True).stdout
    json.dump(
        {
            "nmpcap": nmpcap_devices(),
            "lookupdev": answer(nmpcap.lookupdev),
            "lookupnet": {name: answer(nmpcap.lookupnet, name) for name in names},
            "ip": json.loads(ip.decode(errors="surrogateescape")),
            "libpcap": pcap
            and {
                "devices": libpcap(pcap),
                "lookupdev": _text(pcap.pcap_lookupdev(ctypes.create_string_buffer(256))),
                "lookupnet": {name: libpcap_net(pcap, name) for name in names},
            },
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
