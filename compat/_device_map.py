"""The device map: what a program calls ``eth0`` is a port of another name, NMPCAP_DEVICE_MAP says which.

    map   = entry {"," entry}
    entry = name "=" port            eth0=vale0:a,eth1=file:trace.pcap

``port`` is what nmpcap.open takes. A comma that no ``name=`` follows belongs to the port before it, and so
does one between options of netmap's (``vale0:a@conf:rings=1,slots=64``). The environment is read at each use:
programs set it, too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from nmpcap.errors import PortNameError, UsageError

__all__ = ["VARIABLE", "check_map", "device_map", "format_map", "mapped", "parse_map"]

VARIABLE = "NMPCAP_DEVICE_MAP"

_ENTRY = re.compile(r"[^=,/\s]+=")
_OPTION = re.compile(
    r"(\w+[-_])*(rings|slots|num|size|bits)="
)  # of those that libnetmap lists between commas


def parse_map(text: str) -> dict[str, str]:
    """Read a map. Raises UsageError for an entry that is none, and for a name that has two ports."""
    pieces: list[str] = []
    for piece in text.strip(", \n").split(","):
        if pieces and not _begins_entry(piece.strip(), pieces[-1]):
            pieces[-1] += f",{piece}"
        else:
            pieces.append(piece.strip())
    found: dict[str, str] = {}
    for piece in pieces:
        name, equals, port = piece.partition("=")
        if not piece:
            continue
        if not (equals and port and _ENTRY.match(piece)):
            raise UsageError(f"device map: {piece!r} is not NAME=PORT, as in eth0=vale0:a")
        if found.setdefault(name, port) != port:
            raise UsageError(f"device map: {name} cannot be both {found[name]} and {port}")
    return found


def format_map(ports: Mapping[str, str]) -> str:
    """Return the text that parse_map reads as these. Raises UsageError where there is none."""
    text = ",".join(f"{name}={port}" for name, port in ports.items())
    if parse_map(text) != dict(ports):
        raise UsageError(f"device map: {text} cannot be told apart at its commas")
    return text


def check_map(ports: Mapping[str, str]) -> None:
    """Raise UsageError for a port that is not there and will not come when it is opened."""
    for name, port in ports.items():
        wrong = _why_not(port)
        if wrong:
            raise UsageError(f"device map: {name}={port}: {wrong}")


def device_map() -> Mapping[str, str]:
    """Return the environment's map, read-only. Raises UsageError where it is none."""
    return _read(os.environ.get(VARIABLE, ""))


def mapped(name: str) -> str:
    """Return the port that a device's name means: the name itself unless it is in the map."""
    return device_map().get(name, name)


def _begins_entry(piece: str, before: str) -> bool:
    return bool(_ENTRY.match(piece)) and not ("@" in before and _OPTION.match(piece))


@lru_cache(maxsize=8)
def _read(text: str) -> Mapping[str, str]:
    return MappingProxyType(parse_map(text))


def _why_not(port: str) -> str | None:
    if port.startswith("file:"):
        return None if Path(port[5:]).exists() else "there is no such file"
    if ":" not in port:
        from nmpcap.devices import findalldevs

        known = [device.name for device in findalldevs()]
        return None if port in known else f"there is no device {port}; there are {', '.join(known)}"
    from nmpcap.netmap import parse_port_name

    try:
        parse_port_name(port)
    except PortNameError as error:
        return str(error)
    return None
