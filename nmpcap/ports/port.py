"""What every kind of port has in common: the base class, and what can be asked of it at the opening."""

from __future__ import annotations

import errno as errnos
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nmpcap._core.which import Directory
from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.dlt import DLT_EN10MB
from nmpcap.errors import DeviceError, UsageError
from nmpcap.packet import Explanation
from nmpcap.ports.fanout import Fanout
from nmpcap.savefile import Interface

__all__ = [
    "UNCUT",
    "Port",
    "Settings",
    "encode",
    "refuse_interface_settings",
    "refuse_netmap_settings",
    "refuse_speed",
]


UNCUT = 2**31 - 1
"""A snaplen for files, some of whose link types have longer packets: more than any savefile's."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What open() was asked for, as far as it concerns the port."""

    snaplen: int = MAXIMUM_SNAPLEN
    promisc: bool = True
    netmap: str | None = None
    immediate: bool = False
    rfmon: bool = False
    buffer_size: int | None = None
    tstamp_type: str | None = None
    protocol: int | None = None
    fanout: Fanout | None = None
    qdisc_bypass: bool = False
    speed: float | None = None
    tx_slots: int = 0
    rx_slots: int = 0
    backpressure: bool = False
    timestamps: bool | None = None
    runtime_dir: Directory = None


class Port:
    """An open back end: its source in the core, until a Capture takes that over, and the facts about it.

    The methods are for the Capture that took the source, while the source lives.
    """

    name: str
    linktype = DLT_EN10MB
    savefile = False
    mixed = False
    """Whether its packets may be of several link types."""
    live = False
    """Whether it is a Linux packet socket, whose filters find VLAN tags and more in the metadata."""
    metadata: frozenset[str] = frozenset()
    """What the source can tell a filter besides the packet, by the names of ``insn.ANCILLARY``."""
    snaplen: int = UNCUT
    """The limit that its packets had before they came here."""
    swapped: bool = False
    """Whether it has the other byte order than this machine; of a pcapng file, its first section."""
    version: tuple[int, int] = (0, 0)
    """The version of its format; (0, 0) where it is no file."""
    datalink_ext: int = 0
    """What a pcap file's link type says of frame check sequences."""
    interfaces: Sequence[Interface] = ()
    no_room = "does the other end receive?"
    """What to do where a frame finds no room."""
    holds = True
    """Whether there is something to be let go of by closing it."""
    has_interfaces = False
    """Whether there is something in that list, and Packet.interface an index into it."""

    @property
    def damage(self) -> tuple[int, int]:
        """How many damaged places, and bytes, were passed over so far."""
        return 0, 0

    @property
    def position(self) -> int | None:
        """How many bytes of a file have been taken; None where it is none."""
        return None

    @property
    def size(self) -> int | None:
        """How many bytes there are, as far as anybody knows."""
        return None

    def interfaces_from(self, first: int) -> Sequence[Interface]:
        """Return the interfaces met so far, from number ``first`` on."""
        return self.interfaces[first:]

    def take_source(self) -> Any:
        """Hand over the core's ``struct nm_source *``, which whoever takes it closes."""
        raise NotImplementedError

    @property
    def linktypes(self) -> Sequence[int]:
        """The link types that its packets can come in."""
        return (self.linktype,)

    def set_linktype(self, linktype: int) -> None:
        """Give packets from now on another of ``linktypes``."""
        raise NotImplementedError

    def feed(self) -> None:
        """Give a source that asked for it more bytes."""

    def ended(self) -> None:
        """Raise what the end of the source was really due to, if it was not the end."""

    def error(self, errno: int, message: str) -> Exception:
        """Return the exception that a failed call of the core stands for."""
        return DeviceError(errno, message or f"{self.name}: {os.strerror(errno)}", self.name)

    def explain(self, filter: str) -> Explanation:
        """Return what it is, with the capture's word on its filter; any thread."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what the source does not own. The source may be closed already."""


_USUAL = Settings()


def refuse_interface_settings(name: str, options: Settings) -> None:
    """Raise DeviceError where a port that is no interface is asked for what only interfaces have."""
    if options.rfmon:
        raise DeviceError(errnos.ENOTSUP, f"{name}: That device doesn't support monitor mode", name)
    if options.tstamp_type not in (None, "host"):
        raise DeviceError(
            errnos.ENOTSUP, f"{name}: That type of time stamp is not supported by that device; host is", name
        )
    for setting in ("protocol", "fanout", "qdisc_bypass"):
        if getattr(options, setting):
            raise DeviceError(
                errnos.ENOTSUP, f"{name}: {setting} is for Linux interfaces by their bare names", name
            )


def refuse_netmap_settings(name: str, options: Settings) -> None:
    """Raise DeviceError where a port that is none of netmap's is asked for what only those have."""
    for setting in ("tx_slots", "rx_slots", "backpressure", "timestamps", "runtime_dir"):
        if getattr(options, setting) != getattr(_USUAL, setting):
            raise DeviceError(
                errnos.ENOTSUP, f"{name}: {setting} is for netmap's ports: vale0:a, netmap:eth0 ...", name
            )


def refuse_speed(name: str, options: Settings) -> None:
    """Raise UsageError where a port that is no savefile is asked to be played back."""
    if options.speed is not None:
        raise UsageError(f"{name}: speed is for savefiles as devices: file:PATH")


def encode(name: str) -> bytes:
    """Return a name as C takes it; open_port has seen that it holds no zero character."""
    return name.encode(errors="surrogateescape")
