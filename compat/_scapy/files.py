"""scapy's readers of pcap files at this library's speed; a pcapng file is scapy's own reader's.

scapy's class reads the file's header and is what programs ask; packets are read by ours, and where the file
is damaged by scapy's again, from there. What differs: the file is read ahead, iterating does not cut packets
to 65535 bytes, and microseconds of 1000000 and more are seconds.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from itertools import chain
from typing import Any

from scapy import utils as scapy_utils
from scapy.data import MTU

from .._ahead import Behind, Input
from .._source import open_savefile

__all__ = ["PcapReader", "RawPcapReader", "rdpcap"]

_Record = tuple[bytes, Any]
_MICRO, _NANO = 0xA1B2C3D4, 0xA1B23C4D
_DLT_USER0 = 147  # of packets whose bytes nobody looks into
_SNAPLEN = 262144


class RawPcapReader(scapy_utils.RawPcapReader):  # type: ignore[misc]  # scapy's types are not relied on
    """A pcap file as an iterable of (bytes, metadata)."""

    f: Any
    _began: Iterator[_Record] | None = None

    @property
    def _records(self) -> Iterator[_Record]:
        if self._began is None:
            self._began = self._begin()
        return self._began

    def _begin(self) -> Iterator[_Record]:
        magic = _NANO if self.nano else _MICRO
        header = struct.pack(f"{self.endian}IHHIIII", magic, 2, 4, 0, 0, _SNAPLEN, _DLT_USER0)
        given = Input(header, self.f)
        form: Any = ("data", scapy_utils.RawPcapReader.PacketMetadata)
        source: Any = open_savefile(given, given.original, form, None, nano=self.nano)  # type: ignore[arg-type]
        return chain(source, self._damaged(given))

    def _damaged(self, given: Input) -> Iterator[_Record]:
        """What scapy makes of the file from where ours could not read on."""
        if given.damage is None:
            return
        file, self.f = self.f, Behind(given.rest(), self.f)
        try:
            with contextlib.suppress(EOFError):
                while True:
                    yield super()._read_packet()
        finally:
            self.f = file

    def __iter__(self) -> Iterator[_Record]:
        return self._records

    def __next__(self) -> _Record:
        return next(self._records)

    def _read_packet(self, size: int = MTU) -> _Record:
        """Return the next packet, of ``size`` bytes at most. EOFError at the end."""
        for data, metadata in self._records:
            return data[:size], metadata
        raise EOFError


class PcapReader(scapy_utils.PcapReader, RawPcapReader):  # type: ignore[misc]
    """A pcap file as an iterable of scapy's packets."""


# Not in the classes' bodies: scapy would have its pcapng readers fall back on these.
RawPcapReader.alternative = scapy_utils.RawPcapNgReader
PcapReader.alternative = scapy_utils.PcapNgReader


def rdpcap(filename: Any, count: int = -1) -> Any:
    """Read a capture into a list of scapy's packets, ``count`` of them at most."""
    with PcapReader(filename) as reader:
        return reader.read_all(count=count)
