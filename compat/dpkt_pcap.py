"""dpkt.pcap at this library's speed: ``import nmpcap.compat.dpkt_pcap as pcap``.

Reader and UniversalReader are dpkt's own, which read the file's header; the packets of a pcap file are then
read by ours, and where it is damaged, by dpkt's again, from there. pcapng files and all else are dpkt's.

What differs: a Reader reads ahead, so that the file's position is dpkt's before the first packet and behind
the last, and further on while packets are being read. Where somebody sets it, what iterates next goes on
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import dpkt.pcap as _original
from dpkt import pcapng as _pcapng

from . import _ahead
from . import _source as _sources

__all__ = ["Reader", "UniversalReader", "Writer"]

Writer = _original.Writer

_NANO = (_original.TCPDUMP_MAGIC_NANO, _original.PMUDPCT_MAGIC_NANO)
_DLT_USER0 = 147  # of packets whose bytes nobody looks into
_SNAPLEN = 262144
_VERSION = 2, 4


def __getattr__(name: str) -> Any:
    return getattr(_original, name)


class Reader(_original.Reader):  # type: ignore[misc]  # dpkt has no types
    """A pcap file as an iterable of (time, bytes), from any object with ``read``."""

    _packets: Iterator[tuple[Any, bytes]] | None = iter(())  # while dpkt's class is being made
    _input: _ahead.Input | None = None

    def __init__(self, fileobj: Any) -> None:
        super().__init__(fileobj)
        self._fileobj = fileobj
        self._packets = None

    def __iter__(self) -> Iterator[tuple[Any, bytes]]:
        """Iterate from where the file was read to, or has been set to since."""
        if self._packets is None or (self._input and self._input.left != _ahead.tell(self._fileobj)):
            self._packets = self._begin()
        return self._packets

    def _begin(self) -> Iterator[tuple[Any, bytes]]:
        header = _header_of(self)
        self._input = given = _ahead.Input(bytes(header), self._fileobj)
        form = ("decimal" if self.nano else "time_us", "data")
        source: Any = _sources.open_savefile(given, given.original, form, None)  # type: ignore[arg-type]
        return chain(source, self._end(bytes(header)))

    def _end(self, header: bytes) -> Iterator[tuple[Any, bytes]]:
        """What comes behind what could be read: nothing, or what dpkt makes of the damage."""
        given = self._input
        self._packets = None
        if given is not None and given.damage is not None:
            yield from _original.Reader(_ahead.Behind(header + given.rest(), self._fileobj))

    @property
    def nano(self) -> bool:
        """Whether times are in nanoseconds, and Decimal."""
        return _header_of(self).magic in _NANO

    def __next__(self) -> tuple[Any, bytes]:
        return next(iter(self))

    next = __next__

    def readpkts(self) -> list[tuple[Any, bytes]]:
        """Return all packets that are left."""
        return list(self)

    def dispatch(self, cnt: int, callback: Callable[..., object], *args: Any) -> int:
        """Call ``callback(time, bytes, *args)`` for ``cnt`` packets, all if 0 or less; return how many."""
        done = 0
        for ts, data in islice(self, cnt) if cnt > 0 else self:
            callback(ts, data, *args)
            done += 1
        return done

    def loop(self, callback: Callable[..., object], *args: Any) -> None:
        """Call back for all packets that are left."""
        self.dispatch(0, callback, *args)


def _header_of(reader: Reader) -> Any:
    """A file header in the byte order and of the precision of the reader's, and nothing else of it."""
    its = reader._Reader__fh
    major, minor = _VERSION
    return type(its)(magic=its.magic, v_major=major, v_minor=minor, snaplen=_SNAPLEN, linktype=_DLT_USER0)


class UniversalReader:
    """A pcap or pcapng file: a Reader, or dpkt's for pcapng."""

    def __new__(cls, fileobj: Any) -> Any:
        """Open the file; ValueError where it is neither."""
        try:
            return Reader(fileobj)
        except ValueError as pcap:
            fileobj.seek(0)
            try:
                return _pcapng.Reader(fileobj)
            except ValueError as pcapng:
                raise ValueError(
                    f"unknown pcap format; libpcap error: {pcap}, pcapng error: {pcapng}"
                ) from pcapng
