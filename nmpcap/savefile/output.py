"""Where a savefile's bytes go: a path, ``-``, a descriptor or a file object, compressed or not.

Plain files, pipes and descriptors are handed to the C writer, which writes them itself. What
is to be compressed, and file objects, take their bytes through an Output.
"""

from __future__ import annotations

import errno
import io
import os
from typing import BinaryIO

from nmpcap.errors import DeviceError
from nmpcap.savefile.compression import Compressor
from nmpcap.savefile.input import check_file, duplicate, path_of

__all__ = ["Output", "Target", "open_output"]

Target = str | bytes | os.PathLike[str] | int | BinaryIO
"""What can be written to: a path, ``-`` for standard output, a descriptor, or a binary file object."""


class Output:
    """Bytes on their way to a file object, through a compressor or not.

    What the file refuses stays here and goes first the next time.
    """

    def __init__(self, file: BinaryIO, compressor: Compressor | None, owned: bool) -> None:
        """Write to file; owned: it is closed with the output."""
        self._file = file
        self.owned = owned
        self._compressor = compressor
        self._outgoing = bytearray()
        self._finished = False

    def put(self, data: bytes) -> None:
        """Take these bytes; only after ``push``, so that no more than one piece is ever kept here."""
        self._outgoing += self._compressor.compress(data) if self._compressor else data

    def push(self) -> None:
        """Write what has been taken; raises what the file raises, and keeps the rest."""
        while self._outgoing:
            taken = self._file.write(self._outgoing)
            if taken is None:
                raise DeviceError(errno.EAGAIN, "the file is non-blocking and takes no bytes now")
            del self._outgoing[:taken]

    def flush(self) -> None:
        """Push, and flush the file; a compressor keeps back what it needs."""
        self.push()
        self._file.flush()

    def close(self) -> None:
        """End the compressed stream, push everything out, close an owned file."""
        try:
            if self._compressor and not self._finished:
                self._finished = True
                self._outgoing += self._compressor.finish()
            self.flush()
        finally:
            if self.owned:
                self._file.close()

    def abandon(self) -> None:
        """Close an owned file, and write nothing more."""
        self._outgoing.clear()
        if self.owned:
            self._file.close()


def open_output(
    target: Target, compression: str | None, append: bool = False, exclusive: bool = False
) -> tuple[str, int, Output | None]:
    """Open a target: its name, and either a descriptor of its own, or -1 and an output.

    A path is created or emptied, or, with append, opened at its end; with exclusive it is created. A
    descriptor is duplicated and stays the caller's, as a file object does. Raises DeviceError where a path
    cannot be created, and PcapError, before that, where the compression is unknown or its package is
    missing; TypeError for what is none of these.
    """
    # Before a file is emptied: the package may be missing.
    compressor = Compressor(compression) if compression else None
    path = path_of(target)
    if path is None and not isinstance(target, int):
        check_file(target, "write")
        name = str(getattr(target, "name", None) or type(target).__name__)
        return name, -1, Output(target, compressor, owned=False)  # type: ignore[arg-type]
    if isinstance(target, int):
        name, fd = f"fd {target}", duplicate(target, f"fd {target}")
    elif path == "-":
        name, fd = "standard output", duplicate(1, "standard output")
    else:
        name, fd = str(path), _open_path(str(path), append, exclusive)
    if compressor is None:
        return name, fd, None
    return name, -1, Output(io.FileIO(fd, "wb"), compressor, owned=True)


def _open_path(path: str, append: bool, exclusive: bool) -> int:
    how = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (0 if append else os.O_TRUNC)
    if exclusive:
        how |= os.O_EXCL | os.O_NOFOLLOW
    try:
        fd = os.open(path, how, 0o666)
        if append:
            os.lseek(fd, 0, os.SEEK_END)
        return fd
    except OSError as error:
        raise DeviceError(error.errno or 0, f"{path}: {error.strerror}", path) from error
