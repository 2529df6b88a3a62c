"""Reading ahead for originals that read a file packet by packet: what ours reads, and what is left of it.

A file is read in pieces behind a header that has been read of it. Where it is damaged, the original reads on
from there: what it makes of damage is what its programs expect.
"""

from __future__ import annotations

import contextlib
from typing import Any

from nmpcap.errors import PcapError, SavefileError

from ._source import Source

__all__ = ["Behind", "Input", "tell"]

_PIECE = 64 * 1024  # below what malloc maps anew each time


class Input:
    """What a Source reads: a header, and behind it a file from where it stands."""

    def __init__(self, header: bytes, file: Any) -> None:
        self._file = file
        self._read = getattr(file, "read1", file.read)
        self._header = header
        self._last: tuple[bytes, bytes] = b"", b""
        self._given = 0
        self.name = "a file"
        self.damage: int | None = None
        """Where, of what was given, the original has to read on."""
        self.left = tell(file)
        """Where the file stood when this had read of it."""

    def read(self, size: int) -> bytes:
        """Return some bytes, none at the end."""
        if self._header:
            data, self._header = self._header[:size], self._header[size:]
        else:
            data = bytes(self._read(_PIECE))
            self.left = tell(self._file)
        if data:
            self._last = self._last[1], data
            self._given += len(data)
        return data

    def original(self, error: PcapError, _source: Source | None) -> Exception:
        """End the reading quietly where the file is damaged."""
        if not isinstance(error, SavefileError):
            return error
        self.damage = error.offset
        return StopIteration()

    def rest(self) -> bytes:
        """Return what was given from the damage on: a record that is cut lies in the last two pieces."""
        given = b"".join(self._last)
        assert self.damage is not None
        return given[max(0, len(given) - (self._given - self.damage)) :]


class Behind:
    """A file behind some bytes."""

    def __init__(self, data: bytes, file: Any) -> None:
        self._data = data
        self._file = file

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        data, self._data = self._data[:size], self._data[size:]
        return data + self._file.read(size - len(data)) if len(data) < size else data


def tell(file: Any) -> Any:
    """Return where a file stands, None where it has no position."""
    with contextlib.suppress(Exception):  # whatever a file that has no position raises
        return file.tell()
    return None
