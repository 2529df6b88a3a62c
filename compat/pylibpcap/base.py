"""Captures and savefiles as python-libpcap has them: (captured length, time, bytes) a packet."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from nmpcap import Capture, errors
from nmpcap.packet import Packet
from nmpcap.savefile import Writer

from .. import _devices, _source, _words
from .exception import LibpcapError
from .utils import get_pcap_file

__all__ = ["LibPcap", "Sniff", "StatsObject", "get_first_iface", "get_iface_list", "send_packet"]

_SNAPLEN = 65535
_READ, _LIVE = ("caplen", "sec", "data"), ("caplen", "time_us", "data")
_NOTHING = (0, 0, b"")


class _End(StopIteration):
    """Where a file is damaged: python-libpcap takes that for its end."""


def _quiet(error: errors.PcapError, source: _source.Source | None) -> Exception:
    if isinstance(error, errors.SavefileError):
        return _End()
    return LibpcapError(_words.words(error, None if source is None else source.name))


def _set_filter(source: Capture, filters: str) -> None:
    try:
        source.setfilter(filters, netmask=0)
    except errors.PcapError as error:
        raise LibpcapError("compile bpf_filter error.") from error


def _opened(path: str, form: tuple[str, ...], filters: str = "") -> _source.Source:
    try:
        return _source.open_savefile(path, _quiet, form, None)
    except errors.PcapError as error:
        raise LibpcapError(_words.words(error)) from error


class LibPcap:
    """A savefile that is read (``r``), written (``w``) or gone on with (``a``)."""

    def __init__(
        self,
        path: str,
        mode: str = "r",
        filters: str = "",
        snaplen: int = _SNAPLEN,
        *_ignored: object,
        **_unknown: object,
    ) -> None:
        self.mode = mode
        self.filters = filters
        self._path = os.path.expanduser(_words.path_string(path, "argument 1"))
        self._source: _source.Source | None = None
        self._writer: Writer | None = None
        if mode == "r":
            self._source = _opened(self._path, _READ)
        elif mode in ("a", "w"):
            open(self._path, mode).close()  # what cannot be made is an OSError, as in the original
            try:
                self._writer = Writer(
                    self._path,
                    snaplen=snaplen,
                    nano=False,
                    format="pcap",
                    compression=None,
                    append=mode == "a",
                )
            except errors.PcapError as error:
                raise LibpcapError(_words.words(error)) from error

    @property
    def isr(self) -> bool:
        """Whether it is read."""
        return self.mode == "r"

    @property
    def isw(self) -> bool:
        """Whether it is written."""
        return self.mode in ("a", "w")

    def read(self) -> Iterator[tuple[int, int, bytes]]:
        """Iterate over the packets: captured length, whole seconds, bytes."""
        if self._source is None:
            raise LibpcapError("Not Read.")
        if self.filters:
            _set_filter(self._source, self.filters)
        packets: Any = self._source  # in this source's form
        yield from packets

    def write(self, v: bytes | Iterable[bytes]) -> None:
        """Write a packet, or those of an iterable that are bytes; their time is now."""
        if self._writer is None:
            raise LibpcapError("Not write.")
        for packet in (v,) if isinstance(v, bytes) else v:
            if isinstance(packet, bytes):
                self._writer.write(packet, ts_ns=time.time_ns())

    def write_path(self, path: str) -> None:
        """Write the packets of a capture, or of all captures in a folder, that the filter accepts."""
        if self._writer is None:
            raise LibpcapError("Not write.")
        for file in get_pcap_file(path):
            with _opened(file, ("packet",)) as source:
                if self.filters:
                    _set_filter(source, self.filters)
                # A pcap file has one link type, and the original writes whatever it reads under its own.
                for packet in source:
                    self._writer.write(Packet(packet.data, packet.ts_ns, packet.len, self._writer.linktype))

    def close(self) -> None:
        """Close the file; may be repeated."""
        if self._source is not None:
            self._source.close()
        if self._writer is not None:
            self._writer.close()

    def __del__(self) -> None:
        if getattr(self, "_writer", None) is not None:
            self.close()


class StatsObject:
    """Counters of a Sniff: packets it gave, and libpcap's three."""

    def __init__(self, capture_cnt: int, ps_recv: int, ps_drop: int, ps_ifdrop: int) -> None:
        self.capture_cnt = capture_cnt
        self.ps_recv = ps_recv
        self.ps_drop = ps_drop
        self.ps_ifdrop = ps_ifdrop


class Sniff:
    """A device that packets are captured from, and written to a savefile where ``out_file`` names one."""

    def __init__(
        self,
        iface: str,
        count: int = -1,
        promisc: int = 0,
        snaplen: int = _SNAPLEN,
        timeout: int = 0,
        filters: str = "",
        out_file: str = "",
        monitor: int = -1,
        immediate_mode: int = 0,
        *_ignored: object,
        **_unknown: object,
    ) -> None:
        self.count = count
        self._captured = 0
        self._thread: threading.Thread | None = None
        self._writer: Writer | None = None
        if monitor > 0:
            raise LibpcapError("Monitor Mode unavailable")
        try:
            self._source = _source.open_device(
                _words.c_string(iface, "argument 1"),
                _quiet,
                ("packet",),
                None,
                snaplen=snaplen,
                promisc=bool(promisc),
                to_ms=timeout,
                immediate=bool(immediate_mode),
            )
        except errors.PcapError as error:
            raise LibpcapError(_words.words(error)) from error
        if filters:
            _set_filter(self._source, filters)
        if out_file:
            self._writer = self._create(os.path.expanduser(out_file))
        else:
            self._source._deliver_as(_LIVE)

    def _create(self, path: str) -> Writer:
        try:
            return Writer(
                path,
                linktype=self._source.datalink(),
                snaplen=self._source.snapshot(),
                nano=False,
                format="pcap",
                compression=None,
            )
        except errors.PcapError as error:
            raise LibpcapError(_words.words(error)) from error

    def capture(self) -> Iterator[tuple[int, float, bytes]]:
        """Iterate over the packets: captured length, seconds, bytes; (0, 0, b"") where ``timeout`` passed."""
        left = self.count
        while left > 0 or self.count == -1:
            packet: Any = self._source.next()
            if packet is None:
                if self._source.closed:
                    return
                yield _NOTHING
                continue
            if self._writer is not None:
                self._writer.write(packet)
                packet = packet.caplen, packet.ts_ns // 1000 / 1e6, packet.data
            self._captured += 1
            left -= 1
            yield packet

    def capture_nonblocking(self) -> None:
        """Capture in a thread of its own, to ``out_file``."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        writer = self._writer
        self._captured += self._source.loop(self.count, (lambda *_: None) if writer is None else writer.write)

    def is_running_nonblocking(self) -> bool:
        """Return whether that thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def stop_capture_nonblocking(self) -> None:
        """End that thread."""
        if self._thread is not None:
            while self._thread.is_alive():
                self._source.breakloop()
                self._thread.join(0.1)
            self._thread = None

    def stats(self) -> StatsObject:
        """Return the counters."""
        stats = self._source.stats()
        return StatsObject(self._captured, stats.received + stats.dropped, stats.dropped, stats.if_dropped)

    def close(self) -> None:
        """Let go of the device, and close the savefile."""
        if self._writer is not None:
            self._writer.close()
        self._source.close()

    def __del__(self) -> None:
        if getattr(self, "_writer", None) is not None:
            self.close()


def get_first_iface() -> str:
    """Return the first interface that is up; nothing where there is none."""
    try:
        return _devices.lookupdev()
    except errors.PcapError:
        return ""


def get_iface_list() -> list[str]:
    """Return the names of what can be captured from."""
    try:
        return [device.name for device in _devices.findalldevs()]
    except errors.PcapError:
        return []


def send_packet(iface: str, buf: bytes) -> bool:
    """Send one frame through an interface; whether it went."""
    try:
        source = _source.open_device(iface, _quiet, ("data",), None, snaplen=_SNAPLEN, promisc=False, to_ms=0)
    except errors.PcapError as error:
        raise LibpcapError(_words.words(error)) from error
    with source:
        try:
            source.sendpacket(buf)
        except LibpcapError:
            return False
    return True
