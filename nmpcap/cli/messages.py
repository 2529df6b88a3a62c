"""What a program of the command line says on stderr, and the statuses it ends with.

Statuses are tcpdump's (its error() and netdissect's status-exit-codes.h): 0, 1 for whatever went wrong,
14 where the output's reader has gone.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from nmpcap._printable import printable
from nmpcap.errors import FilterError, PcapError

__all__ = ["BROKEN_PIPE", "FAILURE", "Exit", "errors_end_it", "fail", "say", "tell"]

FAILURE = 1
BROKEN_PIPE = 14

PROGRAM = "nmdump"


class Exit(Exception):
    """The program ends with this status; whatever was to be said has been said."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def tell(text: str, end: str = "\n") -> None:
    """Write to stderr, controls but newlines escaped. Where that has gone, nobody is left to be told."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(printable(text, "\n") + end)
        sys.stderr.flush()


def say(text: str) -> None:
    """Write a line to stderr, with the program's name in front."""
    tell(f"{PROGRAM}: {text}")


def fail(text: str, status: int = FAILURE) -> Exit:
    """Say what went wrong, and return what to raise."""
    say(text)
    return Exit(status)


@contextlib.contextmanager
def errors_end_it() -> Iterator[None]:
    """Make a line on stderr and status 1 of whatever the library raises: nobody sees a traceback."""
    try:
        yield
    except FilterError as error:
        raise fail(str(error)) from error
    except (PcapError, OSError) as error:
        raise fail(_text_of(error)) from error


def _text_of(error: BaseException) -> str:
    if isinstance(error, OSError) and not isinstance(error, PcapError) and error.strerror:
        return f"{printable(str(error.filename))}: {error.strerror}" if error.filename else error.strerror
    return str(error)
