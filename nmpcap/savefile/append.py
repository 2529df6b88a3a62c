"""Whether a savefile can be continued: the same kind of file, whole to its end.

Refusals are in the words of libpcap's ``pcap_dump_open_append``. Unlike libpcap this looks at the
whole file, since nothing behind a cut record can be read, and knows compressed files (another
member is appended) and pcapng (another section).
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from nmpcap._core import lib
from nmpcap.dlt import dlt_to_linktype
from nmpcap.errors import SavefileError
from nmpcap.savefile.compression import compression_of_bytes
from nmpcap.savefile.input import open_input
from nmpcap.savefile.reader import Reader

__all__ = ["Kind", "check_append", "has_content"]

_MICRO, _NANO = 0xA1B2C3D4, 0xA1B23C4D
# Kuznetzov's and Navtel's variants: known, and not written.
_OTHERS = {0xA1B2CD34, 0xA12B3C4D}
_PCAPNG = 0x0A0D0D0A
_HEADER = 24


class Kind(NamedTuple):
    """What a file has to be for a writer to go on in it."""

    format: str
    linktype: int
    snaplen: int
    nano: bool
    compression: str | None


def has_content(path: str) -> bool:
    """Whether there is a file to append to: not where it is missing, empty, or no plain file."""
    return os.path.isfile(path) and os.path.getsize(path) > 0


def check_append(path: str, kind: Kind) -> None:
    """Raise SavefileError where a writer of this kind cannot go on behind what the file holds."""
    with open(path, "rb") as file:
        compression = compression_of_bytes(file.read(8))
    if compression != kind.compression:
        raise _refusal(path, f"compressed with {compression or 'nothing'}, cannot append to file")
    start = _start_of(path)
    if len(start) < 4:
        raise _refusal(path, "truncated pcap file header")
    (magic,) = struct.unpack_from("=I", start)
    if kind.format == "pcapng":
        if magic != _PCAPNG:
            raise _refusal(path, "not a pcapng file")
    else:
        _check_pcap(path, kind, start)
    _check_whole(path)


def _start_of(path: str) -> bytes:
    given = open_input(path)
    try:
        if given.read is None:
            return os.pread(given.fd, _HEADER, 0)
        start = b""
        while len(start) < _HEADER and (more := given.read()):
            start += more
        return start[:_HEADER]
    finally:
        if given.read is None:
            os.close(given.fd)
        given.close()


def _check_pcap(path: str, kind: Kind, start: bytes) -> None:
    magic = struct.unpack_from("=I", start)[0]
    swapped = int.from_bytes(struct.pack(">I", magic), "little")
    if magic in _OTHERS or swapped in _OTHERS:
        raise _refusal(path, "not a pcap file to which we can append")
    if swapped in {_MICRO, _NANO}:
        raise _refusal(path, "different byte order, cannot append to file")
    if magic not in {_MICRO, _NANO}:
        raise _refusal(path, "not a pcap file")
    if len(start) < _HEADER:
        raise _refusal(path, "truncated pcap file header")
    if magic != (_NANO if kind.nano else _MICRO):
        raise _refusal(path, "different time stamp precision, cannot append to file")
    major, minor, snaplen, linktype = struct.unpack("=4xHH8xII", start)
    if (major, minor) != (2, 4):
        raise _refusal(path, f"version is {major}.{minor}, cannot append to file")
    if linktype != dlt_to_linktype(kind.linktype):
        raise _refusal(path, "different linktype, cannot append to file")
    if snaplen != lib.nm_linktype_snaplen(kind.linktype, kind.snaplen):
        raise _refusal(path, "different snaplen, cannot append to file")


def _check_whole(path: str) -> None:
    """Read the file to its end, without looking at its packets."""
    try:
        with Reader(path) as reader:
            reader.skip()
    except SavefileError as error:
        reason = f"{error.reason}; cannot append behind it"
        raise SavefileError(f"{path}: {reason} (at byte {error.offset})", error.offset, reason) from error


def _refusal(path: str, reason: str) -> SavefileError:
    return SavefileError(f"{path}: {reason}", 0, reason)
