"""Dumper: a savefile that captured packets are written to, header and data."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from typing import Any

from nmpcap import errors
from nmpcap.packet import Pkthdr
from nmpcap.savefile import Writer

from .._source import Source
from .._words import path_string
from .errors import PcapError, original

__all__ = ["Dumper", "open_dumper"]

_UNLIMITED = 2**31 - 1  # of a source
_SNAPLEN = 262144  # what libpcap writes then


class _Writer(Writer):
    """A Writer that is closed when nobody has it any more, and raises pcapy's exceptions."""

    def _unrecorded(self, header: Any, data: Any) -> None:
        if not isinstance(header, Pkthdr):
            raise PcapError("Not a pkthdr object")
        if self.closed:
            raise PcapError("Dumper is already closed.")
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        with memoryview(data) as view:
            packet = view.cast("B")[: header.getcaplen()].tobytes()
        if len(packet) < header.getcaplen():
            raise PcapError(f"the header tells of {header.getcaplen()} bytes, there are {len(packet)}")
        sec, usec = header.getts()
        try:
            self._write(packet, ts_ns=(sec * 1_000_000 + usec) * 1000, len=header.getlen())
        except errors.PcapError as error:
            raise original(error) from error

    def __del__(self) -> None:
        if not self.closed:
            self.close()


_open: weakref.WeakSet[_Writer] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Dumpers that a program leaves open at its end keep what was written to them."""
    for writer in list(_open):
        writer.close()


class Dumper:
    """A savefile being written. From Reader.dump_open; ``dump`` takes what ``next`` gives."""

    __slots__ = ("_writer", "dump")
    __module__ = "builtins"  # where the original's type says it is from

    dump: Callable[[Any, Any], None]
    _writer: _Writer

    def __new__(cls, *arguments: object) -> Dumper:
        raise TypeError("cannot create 'Dumper' instances")

    def close(self) -> None:
        """Flush and close; may be repeated."""
        try:
            self._writer.close()
        except errors.PcapError as error:
            raise original(error) from error

    def flush(self) -> None:
        """Hand what was written so far to the file."""
        try:
            self._writer.flush()
        except errors.PcapError as error:
            raise original(error) from error

    def __enter__(self) -> Dumper:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_dumper(source: Source, path: Any) -> Dumper:
    """Open a classic savefile in microseconds, whatever its name, for what a source gives."""
    name = path_string(path, "argument 1")
    snaplen = source.snapshot()
    try:
        writer = _Writer(
            name,
            linktype=source.datalink(),
            snaplen=snaplen if 0 < snaplen < _UNLIMITED else _SNAPLEN,
            nano=False,
            format="pcap",
            compression=None,
        )
    except errors.PcapError as error:
        raise original(error) from error
    _open.add(writer)
    dumper: Dumper = object.__new__(Dumper)
    dumper._writer = writer
    # A method of the writer's own, in C: one packet a call, and none where loop calls it.
    dumper.dump = writer._record
    return dumper
