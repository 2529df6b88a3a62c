"""Compressed savefiles: which compression it is, and bytes in and out of it, a piece at a time.

Files are recognised by their first bytes when read, and by their suffix when written.
gzip, xz and bzip2 come with Python; zstd (before Python 3.14) and lz4 need a package each.
Concatenated members or frames read as one stream. No input or output happens here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from nmpcap.errors import SavefileError, UsageError
from nmpcap.savefile import decoders
from nmpcap.savefile.decoders import ZSTD_HEAD, Decoder, package, zstd_window

__all__ = [
    "LONGEST_MAGIC",
    "MAX_MEMORY",
    "Compressor",
    "Decompressor",
    "compression_of_bytes",
    "compression_of_name",
]

MAX_MEMORY = 128 << 20
"""What a file may take by default: a window as long as the zstd tool allows, twice what ``xz -9`` needs."""

_GZIP_WINDOW = 31  # zlib's way to ask for a gzip header: 15 bits of window, and 16
_PIECE = 256 * 1024
# All that stands behind the data at a stream's end: an xz index and footer are the longest.
_END = 128
_END_PIECE = 64
# Frames that hold no data, in zstd and lz4 files alike: sixteen magic numbers, then a length.
_SKIPPABLE = b"\x2a\x4d\x18"
_SKIPPABLE_HEAD = 8
_SKIPPABLE_IN = ("zstd", "lz4")


class _Codec(NamedTuple):
    magic: bytes
    suffix: str
    decoder: Callable[[int], Decoder]
    encoder: Callable[[], Any]


def _zstd_encoder() -> Any:
    try:
        return importlib.import_module("compression.zstd").ZstdCompressor()
    except ImportError:
        module = package("zstandard", "zstandard", "writing a .zst file")
        return module.ZstdCompressor(write_content_size=False, write_checksum=True).compressobj()


class _Lz4Encoder:
    """lz4's compressor with the frame's header given out by itself, as the others do."""

    def __init__(self) -> None:
        self._compressor = package("lz4.frame", "lz4", "writing a .lz4 file").LZ4FrameCompressor(
            content_checksum=True
        )
        self._header: bytes = self._compressor.begin()

    def compress(self, data: bytes) -> bytes:
        header, self._header = self._header, b""
        body: bytes = self._compressor.compress(data)
        return header + body

    def flush(self) -> bytes:
        header, self._header = self._header, b""
        tail: bytes = self._compressor.flush()
        return header + tail


def _gzip_encoder() -> Any:
    import zlib

    return zlib.compressobj(6, zlib.DEFLATED, _GZIP_WINDOW)


def _xz_encoder() -> Any:
    import lzma

    return lzma.LZMACompressor()


def _bzip2_encoder() -> Any:
    import bz2

    return bz2.BZ2Compressor()


_CODECS = {
    "gzip": _Codec(b"\x1f\x8b", ".gz", decoders.gzip, _gzip_encoder),
    "zstd": _Codec(b"\x28\xb5\x2f\xfd", ".zst", decoders.zstd, _zstd_encoder),
    "xz": _Codec(b"\xfd7zXZ\x00", ".xz", decoders.xz, _xz_encoder),
    "lz4": _Codec(b"\x04\x22\x4d\x18", ".lz4", decoders.lz4, _Lz4Encoder),
    "bzip2": _Codec(b"BZh", ".bz2", decoders.bzip2, _bzip2_encoder),
}

_MAGICS = tuple(codec.magic for codec in _CODECS.values())
LONGEST_MAGIC = max(map(len, _MAGICS))


def compression_of_bytes(start: bytes) -> str | None:
    """Return the compression whose files begin like this, or None.

    A skippable frame, which pzstd begins with, counts as zstd until a Decompressor has come behind it.
    """
    if not start.startswith(_MAGICS):
        return "zstd" if _is_skippable(start) else None
    return next(name for name, codec in _CODECS.items() if start.startswith(codec.magic))


def _is_skippable(start: bytes) -> bool:
    return len(start) >= 4 and start[0] >> 4 == 5 and start[1:4] == _SKIPPABLE


def compression_of_name(path: str) -> str | None:
    """Return the compression that a file name's suffix asks for, or None."""
    for name, codec in _CODECS.items():
        if path.endswith(codec.suffix):
            return name
    return None


class Decompressor:
    """One compressed stream, of any number of members.

    It comes out in pieces of 256 KiB at most, however much the input makes. Damage is reported after
    everything before it has been given out, as far as the decoder shows it.
    """

    def __init__(self, compression: str, max_memory: int = MAX_MEMORY) -> None:
        """Raise PcapError where the compression is unknown or its package is missing.

        max_memory: bytes that a window or dictionary may take.
        """
        self._name = compression
        self._max_memory = max_memory
        self._decoder = _codec(compression).decoder(max_memory)
        self._in_member = False
        self._any_member = False
        self._input = b""
        self._head = b""  # the member's first bytes, for what they say of its window
        self._skip = 0  # bytes of a skippable frame to come
        self._taken = 0
        self._failure: SavefileError | None = None

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more goes in."""
        if self._failure is not None:
            return False
        if not self._in_member:
            return len(self._input) < self._wanted
        return not self._input and self._decoder.needs_input

    @property
    def _wanted(self) -> int:
        """Bytes that have to be there before it is clear what comes after a member."""
        if self._name not in _SKIPPABLE_IN or self._skip:
            return 1
        return _SKIPPABLE_HEAD if _is_skippable(self._input) else 4

    def decompress(self, data: bytes, *, last: bool = False) -> bytes:
        """Return the next piece of what these bytes and those before them hold; b"" where it takes more.

        last: the input ends with these bytes; its end is then taken in small steps, so that all that came
        before a wrong checksum is given out. Raises SavefileError with the offset of what is damaged, or
        for a file that takes more memory than it may.
        """
        self._input += data
        pieces = []
        room = _PIECE
        while room and self._failure is None and not self.needs_input:
            try:
                piece = self._decode(room, last) if self._in_member else self._begin()
            except SavefileError as error:
                self._failure = error
            else:
                pieces.append(piece)
                room -= len(piece)
        out = b"".join(pieces)
        if not out:
            self._raise_failure()
        return out

    def _begin(self) -> bytes:
        """Pass over what may stand before a member; b"", as nothing of it comes out."""
        if self._skip:
            skipped = min(self._skip, len(self._input))
            self._skip -= skipped
            self._take(skipped)
        elif self._any_member and self._input[0] == 0:  # padding, as tapes and some tools leave it
            self._take(len(self._input) - len(self._input.lstrip(b"\0")))
        elif self._name in _SKIPPABLE_IN and _is_skippable(self._input):
            self._skip = int.from_bytes(self._input[4:_SKIPPABLE_HEAD], "little")
            self._take(_SKIPPABLE_HEAD)
            self._any_member = True
        else:
            self._begin_member()
        return b""

    def _begin_member(self) -> None:
        if self._name in _SKIPPABLE_IN:  # a skippable frame has not told which of them it is
            self._name = compression_of_bytes(self._input) or self._name
        if self._any_member:
            self._decoder = _codec(self._name).decoder(self._max_memory)
        self._in_member = self._any_member = True
        self._head = b""

    def _take(self, count: int) -> bytes:
        taken, self._input = self._input[:count], self._input[count:]
        self._taken += count
        return taken

    def _decode(self, room: int, last: bool) -> bytes:
        size = len(self._input)
        if last and size <= _END:
            size, room = min(size, 1), min(room, _END_PIECE)
        elif last:
            size -= _END
        data = self._take(size) if self._decoder.needs_input else b""
        self._head += data[: ZSTD_HEAD - len(self._head)]
        try:
            out = self._decoder.decompress(data, room)
        except Exception as error:  # each module has its own, some a bare RuntimeError
            raise self._unreadable(error) from error
        if self._decoder.eof:
            self._in_member = False
            unused = self._decoder.unused_data or b""
            self._input = unused + self._input
            self._taken -= len(unused)
        return out

    def _unreadable(self, error: Exception) -> SavefileError:
        if "memory" not in str(error).lower():
            return SavefileError(f"damaged {self._name} data near byte {self._taken}: {error}", self._taken)
        window = zstd_window(self._head) if self._name == "zstd" else None
        needs = f"a window of {window} bytes, more" if window else "more memory"
        text = f"{self._name} data needs {needs} than max_memory={self._max_memory} allows; give it more"
        return SavefileError(text, self._taken)

    def finish(self) -> None:
        """Say that the input has ended; raises SavefileError where the stream has not."""
        self._raise_failure()
        if self._in_member or self._input.strip(b"\0") or self._skip or not self._any_member:
            taken = self._taken + len(self._input)
            raise SavefileError(f"{self._name} data cut off after {taken} bytes", taken)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


class Compressor:
    """One compressed stream being written."""

    def __init__(self, compression: str) -> None:
        """Raise PcapError where the compression is unknown or its package is missing."""
        self._encoder = _codec(compression).encoder()

    def compress(self, data: bytes) -> bytes:
        """Return what is ready to be written; the rest follows later."""
        ready: bytes = self._encoder.compress(data)
        return ready

    def finish(self) -> bytes:
        """Return the rest and the stream's end."""
        rest: bytes = self._encoder.flush()
        return rest


def _codec(compression: str) -> _Codec:
    try:
        return _CODECS[compression]
    except KeyError:
        known = ", ".join(_CODECS)
        raise UsageError(f"compression {compression!r} is not one of {known}") from None
