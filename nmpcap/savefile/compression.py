"""Compressed savefiles: which compression it is, and bytes in and out of it, a piece at a time.

Files are recognised by their first bytes when read, and by their suffix when written.
gzip, xz and bzip2 come with Python; zstd (before Python 3.14) and lz4 need a package each.
Concatenated members or frames read as one stream. No input or output happens here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from nmpcap.errors import PcapError, SavefileError, UsageError

__all__ = ["LONGEST_MAGIC", "Compressor", "Decompressor", "compression_of_bytes", "compression_of_name"]

_GZIP_WINDOW = 31  # zlib's way to ask for a gzip header: 15 bits of window, and 16


class _Decoder(Protocol):
    """What the decompressor objects of all these modules have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Codec(NamedTuple):
    magic: bytes
    suffix: str
    decoder: Callable[[], _Decoder]
    encoder: Callable[[], Any]


def _package(module: str, package: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PcapError(f"{purpose} needs the package {package}: pip install {package}") from error


def _zstd_decoder() -> _Decoder:
    try:
        decoder: _Decoder = importlib.import_module("compression.zstd").ZstdDecompressor()
    except ImportError:
        module = _package("zstandard", "zstandard", "reading a .zst file")
        decoder = module.ZstdDecompressor().decompressobj()
    return decoder


def _zstd_encoder() -> Any:
    try:
        return importlib.import_module("compression.zstd").ZstdCompressor()
    except ImportError:
        module = _package("zstandard", "zstandard", "writing a .zst file")
        return module.ZstdCompressor(write_content_size=False, write_checksum=True).compressobj()


def _lz4_decoder() -> _Decoder:
    decoder: _Decoder = _package("lz4.frame", "lz4", "reading a .lz4 file").LZ4FrameDecompressor()
    return decoder


class _Lz4Encoder:
    """lz4's compressor with the frame's header given out by itself, as the others do."""

    def __init__(self) -> None:
        self._compressor = _package("lz4.frame", "lz4", "writing a .lz4 file").LZ4FrameCompressor(
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


def _gzip_decoder() -> _Decoder:
    import zlib

    return zlib.decompressobj(_GZIP_WINDOW)


def _gzip_encoder() -> Any:
    import zlib

    return zlib.compressobj(6, zlib.DEFLATED, _GZIP_WINDOW)


def _xz_decoder() -> _Decoder:
    import lzma

    return lzma.LZMADecompressor()


def _xz_encoder() -> Any:
    import lzma

    return lzma.LZMACompressor()


def _bzip2_decoder() -> _Decoder:
    import bz2

    return bz2.BZ2Decompressor()


def _bzip2_encoder() -> Any:
    import bz2

    return bz2.BZ2Compressor()


_CODECS = {
    "gzip": _Codec(b"\x1f\x8b", ".gz", _gzip_decoder, _gzip_encoder),
    "zstd": _Codec(b"\x28\xb5\x2f\xfd", ".zst", _zstd_decoder, _zstd_encoder),
    "xz": _Codec(b"\xfd7zXZ\x00", ".xz", _xz_decoder, _xz_encoder),
    "lz4": _Codec(b"\x04\x22\x4d\x18", ".lz4", _lz4_decoder, _Lz4Encoder),
    "bzip2": _Codec(b"BZh", ".bz2", _bzip2_decoder, _bzip2_encoder),
}

LONGEST_MAGIC = max(len(codec.magic) for codec in _CODECS.values())


def compression_of_bytes(start: bytes) -> str | None:
    """Return the compression whose files begin like this, or None."""
    for name, codec in _CODECS.items():
        if start.startswith(codec.magic):
            return name
    return None


def compression_of_name(path: str) -> str | None:
    """Return the compression that a file name's suffix asks for, or None."""
    for name, codec in _CODECS.items():
        if path.endswith(codec.suffix):
            return name
    return None


class Decompressor:
    """One compressed stream, of any number of members.

    Damage is reported after everything before it has been given out, as far as the decoder
    shows it: feed small pieces to lose little.
    """

    def __init__(self, compression: str) -> None:
        """Raise PcapError where the compression is unknown or its package is missing."""
        self._name = compression
        self._new = _codec(compression).decoder
        self._decoder = self._new()
        self._taken = 0
        self._failure: SavefileError | None = None

    def decompress(self, data: bytes) -> bytes:
        """Return what these bytes decompress to; raises SavefileError with the offset of what does not."""
        self._raise_failure()
        pieces = []
        while data:
            if self._decoder.eof:
                if not data.strip(b"\0"):  # padding, as tapes and some tools leave it
                    break
                self._decoder = self._new()
            try:
                pieces.append(self._decoder.decompress(data))
            except Exception as error:  # each module has its own, some a bare RuntimeError
                self._failure = SavefileError(
                    f"damaged {self._name} data near byte {self._taken}: {error}", self._taken
                )
                break
            rest = (self._decoder.eof and self._decoder.unused_data) or b""
            self._taken += len(data) - len(rest)
            data = rest
        out = b"".join(pieces)
        if not out:
            self._raise_failure()
        return out

    def finish(self) -> None:
        """Say that the input has ended; raises SavefileError where the stream has not."""
        self._raise_failure()
        if not self._decoder.eof:
            raise SavefileError(f"{self._name} data cut off after {self._taken} bytes", self._taken)

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
