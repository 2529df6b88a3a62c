"""What libpcap would have said: its words for an error of ours, and its checks of a C program's arguments."""

from __future__ import annotations

import errno as errnos
import os
from operator import index
from typing import Any

from nmpcap.errors import DeviceError, FilterError, PcapError, SavefileError

__all__ = ["c_int", "c_string", "path_string", "words", "words_of_sending"]

_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
_SYNTAX = "can't parse filter expression: syntax error"


def words(error: PcapError, name: str | None = None) -> str:
    """Return libpcap's words for an error: programs compare how they begin, or show them.

    name: of the open handle that it is about, which libpcap does not put in front; errors of opening keep it.
    """
    if isinstance(error, FilterError):
        # What stands behind a colon is ours: where the error is, and what to write instead.
        return _SYNTAX if error.reason.startswith(_SYNTAX) else error.reason.partition(": ")[0]
    if isinstance(error, SavefileError):
        return error.reason
    text = str(error).partition("\n")[0]
    if isinstance(error, DeviceError) and name is None:
        device = error.filename or text.partition(": ")[0]
        if error.errno in (errnos.ENODEV, errnos.ENXIO):
            return f"{device}: No such device exists (No such device exists)"
        if error.errno == errnos.EISDIR:
            return f"error reading dump file: {os.strerror(errnos.EISDIR)}"
    return text if name is None else text.removeprefix(f"{name}: ")


def words_of_sending(error: PcapError, name: str) -> str:
    """Return libpcap's words for a frame that was not sent through the handle of that name."""
    text = str(error).removeprefix(f"{name}: ")
    if text.startswith("Sending packets isn't supported"):
        return text.partition(";")[0]
    if isinstance(error, DeviceError) and error.errno:
        return f"send: {os.strerror(error.errno)}"
    return text


def c_string(value: Any, what: str) -> str:
    """Return a str as it is; TypeError and ValueError as an extension module in C raises them."""
    if not isinstance(value, str):
        kind = "None" if value is None else type(value).__name__
        raise TypeError(f"{what} must be str, not {kind}")
    if "\0" in value:
        raise ValueError("embedded null character")
    return value


def path_string(value: Any, what: str) -> str:
    """Return a path as a str, also of what is no str and says its path itself."""
    return c_string(os.fspath(value) if isinstance(value, os.PathLike) else value, what)


def c_int(value: Any) -> int:
    """Return an int that a C int holds; TypeError and OverflowError as an extension module raises them."""
    number = index(value)
    if number > _INT_MAX:
        raise OverflowError("signed integer is greater than maximum")
    if number < _INT_MIN:
        raise OverflowError("signed integer is less than minimum")
    return number
