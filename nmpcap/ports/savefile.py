"""Savefiles: as files, and as devices that a recording comes in at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nmpcap._core import lib
from nmpcap.errors import UsageError
from nmpcap.packet import Explanation
from nmpcap.ports.port import Port, Settings, refuse_interface_settings, refuse_netmap_settings
from nmpcap.savefile import Interface, Reader

__all__ = ["PlaybackPort", "SavefilePort"]


class SavefilePort(Port):
    """A savefile."""

    savefile = True
    has_interfaces = True

    def __init__(self, reader: Reader) -> None:
        self.name = reader.name
        self.linktype = reader.linktype
        self.reader = reader
        self.mixed = reader.format == "pcapng"

    @property
    def snaplen(self) -> int:  # type: ignore[override]
        """The limit that the file tells."""
        return self.reader.snaplen

    @property
    def swapped(self) -> bool:  # type: ignore[override]
        """Whether the file has the other byte order than this machine."""
        return self.reader.swapped

    @property
    def version(self) -> tuple[int, int]:  # type: ignore[override]
        """The version of the file's format."""
        return self.reader.version

    @property
    def datalink_ext(self) -> int:  # type: ignore[override]
        """What a pcap file's link type says of frame check sequences."""
        return self.reader.datalink_ext

    @property
    def damage(self) -> tuple[int, int]:
        """How many damaged places, and bytes, its reader has passed over."""
        return self.reader.damage

    @property
    def position(self) -> int:
        """How many bytes of the file its reader has taken."""
        return self.reader.position

    @property
    def size(self) -> int | None:
        """How many bytes the file has, as far as anybody knows."""
        return self.reader.size

    @property
    def interfaces(self) -> Sequence[Interface]:  # type: ignore[override]
        """The interfaces met so far: Packet.interface is an index into this list."""
        return self.reader.interfaces

    def interfaces_from(self, first: int) -> Sequence[Interface]:
        """Return those from number ``first`` on, without looking at the others."""
        return self.reader.interfaces_from(first)

    def take_source(self) -> Any:
        """Hand over the reader's source."""
        return self.reader.release()

    def feed(self) -> None:
        """Feed it the next piece of what is read in Python."""
        self.reader.refill()

    def ended(self) -> None:
        """Raise what was wrong with the input."""
        self.reader.check_input()

    def error(self, errno: int, message: str) -> Exception:
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
            rings="none: a file is read in large pieces",
            filter=filter,
            timestamps=f"from the file, {'nanoseconds' if self.reader.nano else 'microseconds'}",
        )

    def close(self) -> None:
        """Close the input."""
        self.reader.close()


class PlaybackPort(SavefilePort):
    """A savefile as a device: what reads it cannot tell it from a port that a recording comes in at."""

    savefile = False

    def __init__(self, name: str, options: Settings) -> None:
        if options.speed is not None and not 0 < options.speed < float("inf"):
            raise UsageError(f"{name}: speed {options.speed}: 1 is the recording's own, 2 twice as fast")
        refuse_interface_settings(name, options)
        refuse_netmap_settings(name, options)
        super().__init__(Reader(name.removeprefix("file:")))
        self.name = name
        self._speed = options.speed

    def take_source(self) -> Any:
        """Hand over the reader's source, paced where a speed was asked for."""
        source = super().take_source()
        if self._speed is None:
            return source
        playback = lib.nm_playback_open(source, self._speed)
        if not playback:
            raise MemoryError(f"{self.name}: neither memory nor descriptors to play it back")
        return playback

    def explain(self, filter: str) -> Explanation:
        """Return the savefile's facts and the speed."""
        speed = "as fast as possible" if self._speed is None else f"at {self._speed:g} times its own speed"
        facts = super().explain(filter)
        return replace(facts, backend=f"{facts.backend}, played back {speed}")
