"""Decoders of the compressions, alike: bounded pieces out, and a bound on what they allocate.

zlib and the zstandard package have no such decoder of their own; the others are taken as they are.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from nmpcap.errors import PcapError

__all__ = ["ZSTD_HEAD", "Decoder", "bzip2", "gzip", "lz4", "package", "xz", "zstd", "zstd_window"]

ZSTD_HEAD = 18
"""Bytes of a zstd frame, at most, that say how long its window is."""

_GZIP_WINDOW = 31  # zlib's way to ask for a gzip header: 15 bits of window, and 16
# zstandard gives out all that a piece of input holds: 128 KiB for every four bytes, in a file made for that.
_ZSTD_SLICE = 256
_ZSTD_WINDOWS = (1 << 10, 1 << 31)  # what its library takes as a limit


class Decoder(Protocol):
    """One member of a compressed stream, being decoded."""

    @property
    def eof(self) -> bool:
        """Whether its end has been met."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more goes in."""

    @property
    def unused_data(self) -> bytes:
        """What was behind the end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return up to max_length bytes."""


def package(module: str, package: str, purpose: str) -> Any:
    """Import a module, or raise PcapError with the package that has it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PcapError(f"{purpose} needs the package {package}: pip install {package}") from error


class _Gzip:
    def __init__(self) -> None:
        import zlib

        self._object = zlib.decompressobj(_GZIP_WINDOW)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._object.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        out = self._object.decompress(self._object.unconsumed_tail + data, max_length)
        self._full = len(out) == max_length  # the end of a long match may still be due
        return out


class _Zstandard:
    def __init__(self, module: Any, max_window: int) -> None:
        self._object = module.ZstdDecompressor(max_window_size=max_window).decompressobj()
        self._input = b""
        self._out = memoryview(b"")

    @property
    def eof(self) -> bool:
        return bool(self._object.eof) and not self._out

    @property
    def needs_input(self) -> bool:
        return not self._out and not self._input

    @property
    def unused_data(self) -> bytes:
        unused: bytes = self._object.unused_data
        return unused + self._input

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        self._input += data
        if not self._out and self._input:
            piece, self._input = self._input[:_ZSTD_SLICE], self._input[_ZSTD_SLICE:]
            self._out = memoryview(self._object.decompress(piece))
        out, self._out = self._out[:max_length], self._out[max_length:]
        return bytes(out)


def gzip(max_memory: int) -> Decoder:
    """Return a decoder of a gzip member; its window is always 32 KiB."""
    return _Gzip()


def bzip2(max_memory: int) -> Decoder:
    """Return a decoder of a bzip2 stream; it never takes more than 4 MB."""
    import bz2

    return bz2.BZ2Decompressor()


def xz(max_memory: int) -> Decoder:
    """Return a decoder of an xz stream."""
    import lzma

    return lzma.LZMADecompressor(memlimit=max_memory)


def lz4(max_memory: int) -> Decoder:
    """Return a decoder of an lz4 frame, whose blocks are at most 4 MiB."""
    decoder: Decoder = package("lz4.frame", "lz4", "reading a .lz4 file").LZ4FrameDecompressor()
    return decoder


def zstd(max_memory: int) -> Decoder:
    """Return a decoder of a zstd frame."""
    lowest, highest = _ZSTD_WINDOWS
    window = min(max(max_memory, lowest), highest)
    try:
        module = importlib.import_module("compression.zstd")
    except ImportError:
        return _Zstandard(package("zstandard", "zstandard", "reading a .zst file"), window)
    limit = {module.DecompressionParameter.window_log_max: window.bit_length() - 1}
    decoder: Decoder = module.ZstdDecompressor(options=limit)
    return decoder


def zstd_window(head: bytes) -> int | None:
    """Return the window that a frame which begins so asks for; None for too few bytes. Source: RFC 8878."""
    if len(head) < 6:
        return None
    descriptor = head[4]
    if not descriptor & 0x20:
        base = 1 << (10 + (head[5] >> 3))
        return base + (base >> 3) * (head[5] & 7)
    at = 5 + (0, 1, 2, 4)[descriptor & 3]
    size = 1 << (descriptor >> 6)  # a frame in one segment: its content is the window
    if len(head) < at + size:
        return None
    return int.from_bytes(head[at : at + size], "little") + (256 if size == 2 else 0)
