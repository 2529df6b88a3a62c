"""Standard output for lines: gathered, handed on at once where somebody watches, and every failure told."""

from __future__ import annotations

import errno
import os

from nmpcap.cli.messages import BROKEN_PIPE, FAILURE, Exit, fail

__all__ = ["Output"]

_GATHERED = 1 << 16


class Output:
    """Lines on their way to a descriptor.

    eager: hand over what each call of ``put`` brings; else when 64 KiB are there. Ends the program where the
    reader has gone (14) or the disk is full (1); afterwards takes everything and does nothing.
    """

    def __init__(self, fd: int = 1, *, eager: bool = False) -> None:
        self._fd = fd
        self._eager = eager
        self._parts: list[str] = []
        self._size = 0
        self._broken = False

    def put(self, text: str) -> None:
        """Take text, newlines included; Exit where it cannot be written."""
        self._parts.append(text)
        self._size += len(text)
        if self._eager or self._size >= _GATHERED:
            self.flush()

    def flush(self) -> None:
        """Hand over what has been taken; Exit where it cannot be written."""
        data = memoryview("".join(self._parts).encode(errors="surrogateescape"))
        self._parts.clear()
        self._size = 0
        while data and not self._broken:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                self._await_room()
            except OSError as error:
                self._broken = True
                raise self._failure(error) from error

    def _await_room(self) -> None:
        import select

        select.select([], [self._fd], [])

    @staticmethod
    def _failure(error: OSError) -> Exit:
        status = BROKEN_PIPE if error.errno == errno.EPIPE else FAILURE
        return fail(f"Unable to write output: {error.strerror}", status)
