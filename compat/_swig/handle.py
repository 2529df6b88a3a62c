"""pcapObject: pylibpcap's handle, which is made first and opened then."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from nmpcap import errors, open_dead
from nmpcap.savefile import Writer

from .._source import Source, open_device, open_savefile
from .._words import words, words_of_sending
from .module import error

__all__ = ["pcapObject"]

_FORM = ("len", "data", "time_us")
_UNLIMITED = 2**31 - 1


class _Damage(Exception):
    """What libpcap says of a file where it can be read no further."""


def _original(wrong: errors.PcapError, source: Source | None) -> Exception:
    return _Damage(words(wrong, None if source is None else source.name))


class pcapObject:
    """A device or savefile that packets are read from, (length on the wire, bytes, float seconds) each.

    First one of open_live, open_offline and open_dead. Errors of opening are ``Exception``; later ones
    ``error``: libpcap's words and its function's name.
    """

    _source: Any = None
    _dumper: Writer | None = None

    def _take(self, opened: Callable[[], Any]) -> None:
        if self._source is not None:
            raise RuntimeError("pcapObject is already open: one opens one device or file")
        try:
            self._source = opened()
        except errors.PcapError as wrong:
            raise Exception(words(wrong)) from wrong

    def _open(self) -> Any:
        if self._source is None:
            raise RuntimeError("pcapObject must be opened first: open_live(), open_offline() or open_dead()")
        return self._source

    def open_live(self, device: str, snaplen: int, promisc: int, to_ms: int) -> None:
        """Open a device."""
        self._take(
            lambda: open_device(
                device, _original, _FORM, None, snaplen=snaplen, promisc=bool(promisc), to_ms=to_ms
            )
        )

    def open_offline(self, filename: str) -> None:
        """Open a savefile."""
        self._take(lambda: open_savefile(filename, _original, _FORM, None))

    def open_dead(self, linktype: int, snaplen: int) -> None:
        """Open nothing, to compile filters for."""
        self._take(lambda: open_dead(linktype, snaplen or 65535))

    # ---- reading

    def next(self) -> tuple[int, bytes, float] | None:
        """Return the next packet; None at the deadline, at the end of a file and where it is damaged."""
        try:
            packet: tuple[int, bytes, float] | None = self._open().next()
        except _Damage:
            return None
        return packet

    def loop(self, cnt: int, callback: Callable[..., object] | None) -> None:
        """Call ``callback(length, bytes, time)`` for ``cnt`` packets, all where that is 0 or less.

        None in its place writes them to what dump_open has opened.
        """
        self._run("pcap_loop", self._open().loop, cnt, callback)

    def dispatch(self, cnt: int, callback: Callable[..., object] | None) -> int:
        """Call back for the packets that come in one wait, ``cnt`` at most; return how many."""
        return self._run("pcap_dispatch", self._open().dispatch, cnt, callback)

    def _run(self, function: str, run: Any, cnt: int, callback: Callable[..., object] | None) -> int:
        source = self._open()
        if callback is None and self._dumper is None:
            raise TypeError("a callback, or dump_open() before")
        if callback is not None and not callable(callback):
            raise TypeError("callback must be callable")
        try:
            if callback is not None:
                return int(run(cnt, callback))
            source._deliver_as(("packet",))
            try:
                return int(run(cnt, self._dumper.write))  # type: ignore[union-attr]
            finally:
                source._deliver_as(_FORM)
                self._dumper.flush()  # type: ignore[union-attr]
        except _Damage as damage:
            raise error(str(damage), function) from damage

    def breakloop(self) -> None:
        """End the call that reads, in whatever thread, or else the next one."""
        self._open().breakloop()

    # ---- settings

    def setfilter(self, filter: str, optimize: int, netmask: int) -> None:
        """Read only packets that an expression accepts; netmask as lookupnet gives it."""
        mask = int.from_bytes((netmask & 0xFFFFFFFF).to_bytes(4, sys.byteorder), "big")
        self._call("pcap_compile", self._open().setfilter, filter, optimize=bool(optimize), netmask=mask)

    def setnonblock(self, nonblock: int) -> None:
        """Have calls return at once where no packet is there."""
        self._call("pcap_setnonblock", self._open().setnonblock, bool(nonblock))

    def getnonblock(self) -> int:
        """Return what setnonblock has set."""
        return int(self._open().getnonblock())

    def setdirection(self, direction: int) -> None:
        """Read what comes in (1), what goes out (2), or both (0)."""
        self._call("pcap_setdirection", self._open().setdirection, direction)

    def set_datalink(self, linktype: int) -> None:
        """Have packets in another of ``datalinks()``."""
        self._call("pcap_set_datalink", self._open().set_datalink, linktype)

    # ---- what it is

    def datalink(self) -> int:
        """Return the link type."""
        return int(self._open().datalink())

    def datalinks(self) -> tuple[int, ...]:
        """Return the link types that packets can come in."""
        return tuple(self._open().list_datalinks())

    def snapshot(self) -> int:
        """Return how many bytes are kept of a packet."""
        return int(self._open().snapshot())

    def is_swapped(self) -> int:
        """Return whether a savefile has the other byte order."""
        return int(self._open().is_swapped())

    def major_version(self) -> int:
        """Return the major version of a savefile's format."""
        return int(self._open().major_version())

    def minor_version(self) -> int:
        """Return the minor version of a savefile's format."""
        return int(self._open().minor_version())

    def stats(self) -> tuple[int, int, int]:
        """Return (received, dropped for want of room, dropped by the interface); of a file zeroes."""
        source = self._open()
        if not isinstance(source, Source) or source._port.savefile:
            return 0, 0, 0
        stats = source.stats()
        return stats.received + stats.dropped, stats.dropped, stats.if_dropped

    def fileno(self) -> int:
        """Return a descriptor to select on."""
        source = self._open()
        return int(source.descriptor() if isinstance(source, Source) else -1)

    # ---- sending and writing

    def inject(self, packet: Any) -> int:
        """Send one frame; return its length."""
        source = self._open()
        try:
            return int(source.inject(packet))
        except (_Damage, errors.PcapError) as wrong:
            cause: Any = wrong.__cause__ if isinstance(wrong, _Damage) else wrong
            raise error(words_of_sending(cause, source.name), "pcap_inject") from cause

    def sendpacket(self, packet: Any) -> None:
        """Send one frame."""
        self.inject(packet)

    def dump_open(self, fname: str) -> None:
        """Create a savefile that loop and dispatch, without a callback, write packets to."""
        source = self._open()
        snaplen = source.snapshot()
        try:
            self._dumper = Writer(
                fname,
                linktype=source.datalink(),
                snaplen=snaplen if snaplen < _UNLIMITED else 0,
                nano=False,
                format="pcap",
                compression=None,
            )
        except errors.PcapError as wrong:
            raise error(words(wrong), "pcap_dump_open") from wrong

    # ---- the end

    def close(self) -> None:
        """Let go of the device or file, and close what dump_open has opened."""
        if self._dumper is not None:
            self._dumper.close()
        if self._source is not None:
            self._source.close()

    def __del__(self) -> None:
        self.close()

    def _call(self, function: str, method: Callable[..., Any], *arguments: Any, **keywords: Any) -> None:
        try:
            method(*arguments, **keywords)
        except errors.PcapError as wrong:
            raise error(words(wrong, self._source.name), function) from wrong
