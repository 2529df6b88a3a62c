"""Ports: what a name opens, and what a Capture needs to know of it besides its packets.

A table says which names belong to which kind of port; a new kind is a class and a row.
"""

from __future__ import annotations

import errno as errnos
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nmpcap._core import ffi, lib
from nmpcap._device import which_netmap
from nmpcap.dlt import DLT_EN10MB
from nmpcap.errors import DeviceError, PcapError, UsageError
from nmpcap.packet import Explanation
from nmpcap.savefile import Interface, Reader

__all__ = [
    "MAXIMUM_SNAPLEN",
    "DeadPort",
    "NetmapPort",
    "Options",
    "PlaybackPort",
    "Port",
    "SavefilePort",
    "open_port",
]

MAXIMUM_SNAPLEN = 262144
"""libpcap's MAXIMUM_SNAPLEN: more than any packet has."""


@dataclass(frozen=True, slots=True)
class Options:
    """What open() was asked for, as far as it concerns the port."""

    snaplen: int = MAXIMUM_SNAPLEN
    promisc: bool = True
    netmap: str | None = None
    immediate: bool = False
    rfmon: bool = False
    buffer_size: int | None = None
    tstamp_type: str | None = None
    speed: float | None = None


class Port:
    """An open back end: its source in the core, until a Capture takes that over, and the facts about it.

    The methods are for the Capture that took the source, while the source lives.
    """

    name: str
    linktype = DLT_EN10MB
    savefile = False
    interfaces: Sequence[Interface] = ()

    def take_source(self) -> Any:
        """Hand over the core's ``struct nm_source *``, which whoever takes it closes."""
        raise NotImplementedError

    def feed(self) -> None:
        """Give a source that asked for it more bytes."""

    def ended(self) -> None:
        """Raise what the end of the source was really due to, if it was not the end."""

    def error(self, errno: int, message: str) -> PcapError:
        """Return the exception that a failed call of the core stands for."""
        return DeviceError(errno, message or f"{self.name}: {os.strerror(errno)}")

    def explain(self, filter: str) -> Explanation:
        """Return what it is, with the capture's word on its filter; any thread."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what the source does not own. The source may be closed already."""


class SavefilePort(Port):
    """A savefile."""

    savefile = True

    def __init__(self, reader: Reader) -> None:
        self.name = reader.name
        self.linktype = reader.linktype
        self.reader = reader

    @property
    def interfaces(self) -> Sequence[Interface]:  # type: ignore[override]
        """The interfaces met so far: Packet.interface is an index into this list."""
        return self.reader.interfaces

    def take_source(self) -> Any:
        """Hand over the reader's source."""
        return self.reader.release()

    def feed(self) -> None:
        """Feed it the next piece of what is read in Python."""
        self.reader.refill()

    def ended(self) -> None:
        """Raise what was wrong with the input."""
        self.reader.check_input()

    def error(self, errno: int, message: str) -> PcapError:
        """Return SavefileError for damage, DeviceError for the rest."""
        if not message:
            return super().error(errno, message)
        return self.reader.error(-errno)

    def explain(self, filter: str) -> Explanation:
        """Return format, version, byte order."""
        order = "swapped" if self.reader.swapped else "native"
        return Explanation(
            name=self.name,
            source="savefile",
            backend=f"{self.reader.format} {'.'.join(map(str, self.reader.version))}, {order} byte order",
            rings="none: a file is read in blocks",
            filter=filter,
            timestamps=f"from the file, {'nanoseconds' if self.reader.nano else 'microseconds'}",
        )

    def close(self) -> None:
        """Close the input."""
        self.reader.close()


class DeadPort(Port):
    """No port at all, but a link type."""

    name = "open_dead"

    def __init__(self, linktype: int) -> None:
        self.linktype = linktype

    def take_source(self) -> Any:
        """Hand over a source that refuses everything."""
        source = lib.nm_dead_open()
        if not source:
            raise MemoryError
        return source

    def explain(self, filter: str) -> Explanation:
        """Return that there is nothing."""
        return Explanation(
            name=self.name, source="dead", backend="none", rings="none", filter=filter, timestamps="none"
        )


class NetmapPort(Port):
    """A port of netmap's: of a switch, an interface, an end of a pipe, a monitor."""

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        _refuse_interface_settings(name, options)
        if options.speed is not None:
            raise UsageError(f"{name}: speed is for savefiles as devices: file:PATH")
        source, msg = ffi.new("struct nm_source **"), ffi.new("char[]", lib.NM_MSG_SIZE)
        error = lib.nm_netmap_source_open(_encode(name), which_netmap(options.netmap), source, msg)
        if error:
            text = ffi.string(msg).decode(errors="surrogateescape")
            raise DeviceError(abs(error), text or f"{name}: cannot be opened")
        self._source = source[0]
        self._facts = self._look()

    def _look(self) -> dict[str, str]:
        info = ffi.new("struct nm_desc_info *")
        lib.nm_desc_info(lib.nm_netmap_source_desc(self._source), info)
        reg = info.reg
        stamped = lib.nm_netmap_source_stamped(self._source)
        return {
            "source": "netmap",
            "backend": f"{ffi.string(info.netmap).decode()} netmap",
            "rings": f"{info.rx_rings} to receive, of {reg.nr_rx_slots} slots; {info.tx_rings} to send, "
            f"of {reg.nr_tx_slots} slots; buffers of {info.buf_size} bytes",
            "timestamps": "each packet's own, nanoseconds"
            if stamped
            else "of the sync that brought it, microseconds",
        }

    def take_source(self) -> Any:
        """Hand over the source."""
        return self._source

    def explain(self, filter: str) -> Explanation:
        """Return netmap's backend, rings and slots."""
        return Explanation(name=self.name, filter=filter, **self._facts)


def _refuse_interface_settings(name: str, options: Options) -> None:
    if options.rfmon:
        raise DeviceError(errnos.ENOTSUP, f"{name}: That device doesn't support monitor mode")
    if options.tstamp_type not in (None, "host"):
        raise DeviceError(
            errnos.ENOTSUP, f"{name}: That type of time stamp is not supported by that device; host is"
        )


def _encode(name: str) -> bytes:
    if "\0" in name:
        raise DeviceError(errnos.EINVAL, f"{name!r}: not a port name, it holds a zero character")
    return name.encode(errors="surrogateescape")


class PlaybackPort(SavefilePort):
    """A savefile as a device: what reads it cannot tell it from a port that a recording comes in at."""

    savefile = False

    def __init__(self, name: str, options: Options) -> None:
        if options.speed is not None and not 0 < options.speed < float("inf"):
            raise UsageError(f"{name}: speed {options.speed}: 1 is the recording's own, 2 twice as fast")
        _refuse_interface_settings(name, options)
        super().__init__(Reader(name.removeprefix("file:")))
        self.name = name
        self._speed = options.speed

    def take_source(self) -> Any:
        """Hand over the reader's source, paced where a speed was asked for."""
        source = super().take_source()
        if self._speed is None:
            return source
        paced = lib.nm_paced_open(source, self._speed)
        if not paced:
            raise MemoryError(f"{self.name}: neither memory nor descriptors to play it back")
        return paced

    def explain(self, filter: str) -> Explanation:
        """Return the savefile's facts and the speed."""
        speed = "as fast as possible" if self._speed is None else f"at {self._speed:g} times its own speed"
        facts = super().explain(filter)
        return replace(facts, backend=f"{facts.backend}, played back {speed}")


_KINDS: tuple[tuple[tuple[str, ...], Callable[[str, Options], Port]], ...] = (
    (("netmap:", "vale"), NetmapPort),
    (("file:",), PlaybackPort),
)


def open_port(name: str, options: Options) -> Port:
    """Open a port by its name. Raises DeviceError naming it, what was tried and why it failed."""
    for prefixes, opener in _KINDS:
        if name.startswith(prefixes):
            return opener(name, options)
    raise DeviceError(
        errnos.ENODEV,
        f"{name}: not the name of a port; vale0:a is a port of a switch, "
        f"netmap:{name or 'eth0'} an interface through netmap, file:PATH a savefile",
    )
