"""The control pipes beside a capture: what Wireshark is told while it runs.

offset | size | field
0      | 1    | "T"
1      | 3    | bytes that follow, big-endian
4      | 1    | number of the control
5      | 1    | command: 6 status bar, 7 information, 8 warning, 9 error
6      |      | the text, UTF-8
"""

from __future__ import annotations

import contextlib
import os

__all__ = ["Control"]

_STATUS_BAR, _ERROR = 6, 9
_LONGEST = 4096  # bytes of a text, less than what a pipe takes at once


class Control:
    """Writes to Wireshark's pipe, if it made one; what comes the other way is for controls we have not."""

    def __init__(self, inward: str | None, outward: str | None) -> None:
        """Open the pipes, which waits for Wireshark to have opened its ends. Raises OSError."""
        self._in = os.open(inward, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC) if inward else None
        self._out: int | None = None
        try:
            if outward:
                self._out = os.open(outward, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            self.close()
            raise

    def status(self, text: str) -> None:
        """Have a text shown in the status bar."""
        self._send(_STATUS_BAR, text)

    def error(self, text: str) -> None:
        """Have a text shown as an error."""
        self._send(_ERROR, text)

    def _send(self, command: int, text: str) -> None:
        if self._out is None:
            return
        body = text.encode(errors="replace")[:_LONGEST]
        with contextlib.suppress(BrokenPipeError):  # nobody is left to be told
            os.write(self._out, b"T" + (len(body) + 2).to_bytes(3, "big") + bytes((0, command)) + body)

    def close(self) -> None:
        """Close the pipes; may be repeated."""
        for fd in (self._in, self._out):
            if fd is not None:
                os.close(fd)
        self._in = self._out = None

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
