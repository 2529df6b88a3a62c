"""What is listed instead of captured: -D, -L, -J, and filters with -d."""

from __future__ import annotations

from nmpcap._printable import printable
from nmpcap.cli.messages import fail
from nmpcap.dlt import datalink_val_to_description, datalink_val_to_name
from nmpcap.tstamp import tstamp_type_name_to_val, tstamp_type_val_to_description

__all__ = ["interface_lines", "linktype_lines", "tstamp_type_lines"]

_CONNECTIONS = {0x10: "Connected", 0x20: "Disconnected"}
_WIRELESS_CONNECTIONS = {0x10: "Associated", 0x20: "Not associated"}


def interface_lines() -> list[str]:
    """Return the devices as -D numbers them; ``-i`` takes the number as well."""
    from nmpcap.devices import findalldevs

    lines = []
    for number, device in enumerate(findalldevs(), 1):
        states = (
            (device.up, "Up"),
            (device.running, "Running"),
            (device.loopback, "Loopback"),
            (device.wireless, "Wireless"),
        )
        words = [word for is_so, word in states if is_so]
        connections = _WIRELESS_CONNECTIONS if device.wireless else _CONNECTIONS
        if not device.loopback and int(device.connection) in connections:
            words.append(connections[int(device.connection)])
        description = f" ({device.description})" if device.description else ""
        lines.append(printable(f"{number}.{device.name}{description} [{', '.join(words) or 'none'}]"))
    if not lines:
        raise fail("no interfaces available for capture")
    return lines


def linktype_lines(device: str, linktypes: list[int]) -> list[str]:
    """Return the link types of a device as -L has them."""
    lines = [f"Data link types for {device} (use option -y to set):"]
    for linktype in linktypes:
        name = datalink_val_to_name(linktype)
        description = datalink_val_to_description(linktype)
        lines.append(f"  {name} ({description})" if name else f"  DLT {linktype}")
    return lines


def tstamp_type_lines(device: str, types: list[str]) -> list[str]:
    """Return the time stamp types of a device as -J has them."""
    if not types:
        return [f"Time stamp type cannot be set for {device}"]
    lines = [f"Time stamp types for {device} (use option -j to set):"]
    for name in types:
        description = tstamp_type_val_to_description(tstamp_type_name_to_val(name))
        lines.append(f"  {name} ({description})")
    return lines
