"""Where a savefile's bytes come from: a path, ``-``, a descriptor or a file object, compressed or not.

Plain files, pipes and descriptors are handed to the C reader, which reads them itself. What
is compressed, and file objects, are read here and fed to it a piece at a time.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import select
import stat
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from nmpcap.errors import DeviceError, UsageError
from nmpcap.savefile.compression import LONGEST_MAGIC, MAX_MEMORY, Decompressor, compression_of_bytes

__all__ = ["Input", "Source", "check_file", "duplicate", "open_input", "path_of"]

Source = str | bytes | os.PathLike[str] | int | BinaryIO
"""What can be opened: a path, ``-`` for standard input, a descriptor, or a binary file object."""

_FEED_SIZE = 256 * 1024
_LONGEST_PATH = 4096  # Linux: PATH_MAX; elsewhere it is less
_SHOWN = 40
# A decoder that meets damage keeps back what else it was given at that moment.
_COMPRESSED_SIZE = 4096


class Input(NamedTuple):
    """One of the two ways to get bytes, and what was read ahead to find out which."""

    name: str
    fd: int  # the C reader's from here on; -1: use read
    ahead: bytes
    read: Callable[[], bytes] | None  # b"" at the end; raises SavefileError, OSError
    close: Callable[[], None]
    size: Callable[[], int | None]  # of all that can be read, in bytes; None where nobody knows
    position: Callable[[], int] | None = None  # bytes taken of that; None: what the C reader has taken
    theirs: bool = False  # the caller's file object: what its read raises comes out as it is


def open_input(source: Source, max_memory: int = MAX_MEMORY) -> Input:
    """Open a source and find out whether it is compressed.

    max_memory: as for Decompressor. A descriptor is duplicated and stays the caller's, as a file object
    does. Raises DeviceError where a path cannot be opened, TypeError for what is none of these.
    """
    if isinstance(source, int):
        return _from_fd(duplicate(source, f"fd {source}"), f"fd {source}", max_memory)
    path = path_of(source)
    if path is None:
        check_file(source, "read")
        return _from_file(source, max_memory)  # type: ignore[arg-type]
    if path == "-":
        return _from_fd(duplicate(0, "standard input"), "standard input", max_memory)
    try:
        return _from_fd(os.open(path, os.O_RDONLY | os.O_CLOEXEC), path, max_memory)
    except OSError as error:
        raise DeviceError(error.errno or 0, f"{path}: {error.strerror}", path) from error


def path_of(source: object) -> str | None:
    """Return a source or target as a path, None where it is none; UsageError for one that no file has."""
    if not isinstance(source, (str, bytes, os.PathLike)):
        return None
    path = os.fsdecode(source)
    if isinstance(source, bytes) and ("\0" in path or len(path) > _LONGEST_PATH):
        raise UsageError(
            f"{source[:_SHOWN]!r}: not the name of a file but {len(source)} bytes of something else? "
            "io.BytesIO(...) makes a file object of what is in a file"
        )
    if "\0" in path or len(path) > _LONGEST_PATH:
        what = "it holds a zero character" if "\0" in path else f"it has {len(path)} characters"
        raise UsageError(f"{path[:_SHOWN]!r}: not the name of a file, {what}")
    try:
        if not path.isascii():
            os.fsencode(path)
    except UnicodeEncodeError:
        shown = f"{path[:_SHOWN]!r}"
        raise UsageError(f"{shown}: not the name of a file, it holds half a surrogate pair") from None
    return path


def duplicate(fd: int, name: str) -> int:
    """Return a descriptor of our own for the same file; DeviceError where there is none."""
    try:
        return os.dup(fd)
    except OSError as error:
        raise DeviceError(error.errno or 0, f"{name}: {error.strerror}", name) from error
    except OverflowError:
        raise DeviceError(errno.EBADF, f"{name}: {os.strerror(errno.EBADF)}", name) from None


def check_file(file: object, verb: str) -> None:
    """Raise TypeError where a source or target is no binary file object."""
    if not callable(getattr(file, verb, None)):
        hint = "; fileno() gives its descriptor" if hasattr(file, "fileno") else ""
        raise TypeError(f"a path, '-', a descriptor or a binary file object, not {type(file).__name__}{hint}")
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{type(file).__name__}: a text file; savefiles are binary")


def _from_fd(fd: int, name: str, max_memory: int) -> Input:
    try:
        ahead, start = _start_of(fd)
        compression = compression_of_bytes(start)
        if compression is None:
            return Input(name, fd, ahead, None, lambda: None, functools.partial(_size_of, fd))
        decompressor = Decompressor(compression, max_memory)
    except OSError as error:
        os.close(fd)
        text = f"{name}: error reading dump file: {error.strerror}"
        raise DeviceError(error.errno or 0, text, name) from error
    except BaseException:
        os.close(fd)
        raise
    file = os.fdopen(fd, "rb", buffering=0)
    pieces = _Decompressed(lambda size: _read(fd, size), lambda: _at_end(fd), decompressor, ahead)
    size = functools.partial(_size_of, fd)
    return Input(name, -1, b"", pieces.read, file.close, size, lambda: pieces.taken)


def _size_of(fd: int) -> int | None:
    status = os.fstat(fd)
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _start_of(fd: int) -> tuple[bytes, bytes]:
    """What had to be taken from a pipe to look at its first bytes, and those bytes."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISDIR(mode):
        return b"", b""  # the C reader's read fails, with the words for it
    if stat.S_ISREG(mode):
        return b"", os.pread(fd, LONGEST_MAGIC, os.lseek(fd, 0, os.SEEK_CUR))
    ahead = b""
    while len(ahead) < LONGEST_MAGIC:
        more = _read(fd, LONGEST_MAGIC - len(ahead))
        if not more:
            break
        ahead += more
    return ahead, ahead


def _read(fd: int, size: int) -> bytes:
    """Read what is there, b"" at the end; of a descriptor in non-blocking mode too, after waiting for it."""
    while True:
        try:
            return os.read(fd, size)
        except BlockingIOError:
            select.select([fd], [], [])


def _from_file(file: BinaryIO, max_memory: int) -> Input:
    name = str(getattr(file, "name", None) or type(file).__name__)
    read_some: Callable[[int], bytes | None] = getattr(file, "read1", file.read)

    def read(size: int) -> bytes:
        data = read_some(size)
        if data is None:  # not the end: a raw file that was made non-blocking says so
            raise BlockingIOError(errno.EAGAIN, "the file object is non-blocking and has no bytes now")
        return data

    size = functools.partial(int, length) if (length := _length_of(file)) is not None else lambda: None
    ahead = b""
    while len(ahead) < LONGEST_MAGIC and (more := read(LONGEST_MAGIC - len(ahead))):
        ahead += more
    compression = compression_of_bytes(ahead)
    if compression is None:
        return Input(name, -1, ahead, lambda: read(_FEED_SIZE), lambda: None, size, theirs=True)
    pieces = _Decompressed(read, lambda: False, Decompressor(compression, max_memory), ahead)
    return Input(name, -1, b"", pieces.read, lambda: None, size, lambda: pieces.taken, theirs=True)


def _length_of(file: BinaryIO) -> int | None:
    """What is left to read, of a file object that can tell without being read."""
    try:
        if not file.seekable():
            return None
        here = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(here)
    except (AttributeError, OSError):
        return None
    return end - here


def _at_end(fd: int) -> bool:
    """Whether a plain file has been read to its end, without asking for more."""
    status = os.fstat(fd)
    return stat.S_ISREG(status.st_mode) and os.lseek(fd, 0, os.SEEK_CUR) >= status.st_size


class _Decompressed:
    """What a compressed input holds, a piece at a time; ``taken`` counts the input's own bytes."""

    def __init__(
        self,
        read: Callable[[int], bytes],
        at_end: Callable[[], bool],
        decompressor: Decompressor,
        ahead: bytes,
    ) -> None:
        self._read_some = read
        self._at_end = at_end
        self._decompressor = decompressor
        self._pending = [ahead] if ahead else []
        self._last = False
        self.taken = 0

    def read(self) -> bytes:
        while True:
            data = b""
            if self._decompressor.needs_input:
                data = self._pending.pop() if self._pending else self._read_some(_COMPRESSED_SIZE)
                if not data:
                    self._decompressor.finish()
                    return b""
                self.taken += len(data)
                # Less than was asked for may be all that there is.
                self._last = len(data) < _COMPRESSED_SIZE or self._at_end()
            out = self._decompressor.decompress(data, last=self._last)
            if out:
                return out
