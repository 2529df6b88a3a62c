"""The exceptions of nmpcap: one root, and an OSError wherever an errno says something.

A message names the object, what was attempted, what was wrong and, where there is
something to do, what to do about it. Whatever name stands in it, no control character does: ``printable``.
"""

from __future__ import annotations

import os
import re
from errno import EINVAL
from functools import cache
from typing import TYPE_CHECKING, Any

from nmpcap._printable import printable

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "DeviceError",
    "FilterError",
    "PcapError",
    "PortNameError",
    "ProgramError",
    "SavefileError",
    "UsageError",
]


_PLACE = re.compile(r" \(at byte \d+[^()]*\)$")


class PcapError(Exception):
    """Anything that went wrong in nmpcap.

    ``reason`` is the message in libpcap's words alone where it has any: without the name of what it is
    about, the place in a file, and what to do.
    """

    _name: str | None = None
    _keep = ""
    """Characters of the message that are no name's, and stay."""

    def __init__(self, *arguments: Any, name: str | None = None) -> None:
        """``name``: of what the message is about, and begins with."""
        super().__init__(*(printable(a, self._keep) if isinstance(a, str) else a for a in arguments))
        if name is not None:
            self._name = name

    @property
    def reason(self) -> str:
        """The message in libpcap's words alone."""
        text = str(self).removeprefix(f"{printable(self._name or '')}: ")
        return _PLACE.sub("", text.partition("\n")[0].partition("; ")[0])


class DeviceError(PcapError, OSError):
    """A port, interface or file refused: ``errno`` and ``strerror`` as for any OSError.

    It is also the exception that Python has for its errno, so that ``except FileNotFoundError``,
    ``PermissionError``, ``BrokenPipeError`` and so on catch it. ``filename`` is the file's or the port's
    name, None where there is none. ``str()`` gives the message alone; the errno's own text is part of it
    where it adds something.
    """

    def __new__(cls, errno: int, message: str = "", filename: str | None = None) -> Self:
        """Choose the class by the errno."""
        kind: Any = type(OSError(errno, ""))
        chosen: Any = cls
        if not issubclass(cls, kind):
            chosen = _also(chosen, kind)
        error: Self = OSError.__new__(chosen, errno, printable(message) or os.strerror(errno))
        return error

    def __init__(self, errno: int, message: str = "", filename: str | None = None) -> None:
        # OSError takes errno and message where they come in, in __new__.
        self.filename = filename
        self._name = filename

    def __str__(self) -> str:
        return str(self.strerror)

    def __reduce__(self) -> tuple[Any, ...]:
        return DeviceError, (self.errno, self.strerror, self.filename), _notes(self)


@cache
def _also(cls: Any, kind: Any) -> type[Any]:
    """A class that is both, and looks like the first."""
    return type(cls.__name__, (cls, kind), {"__module__": cls.__module__, "__doc__": cls.__doc__})


def _notes(error: BaseException) -> dict[str, Any] | None:
    """What add_note has added, which goes with a copy."""
    notes = getattr(error, "__notes__", None)
    return {"__notes__": list(notes)} if notes else None


class PortNameError(DeviceError, ValueError):
    """A port name that cannot be read; ``position`` is the offending character, from 0.

    ``foreign`` tells that the name is not netmap's at all, so that another kind of device may be meant.
    """

    def __new__(cls, message: str, position: int, *, foreign: bool = False) -> Self:
        """Make an EINVAL of it."""
        return super().__new__(cls, EINVAL, message)

    def __init__(self, message: str, position: int, *, foreign: bool = False) -> None:
        super().__init__(EINVAL, message)
        self.position = position
        self.foreign = foreign

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"foreign": self.foreign, **(_notes(self) or {})}
        return PortNameError, (self.strerror, self.position), state


class UsageError(PcapError, ValueError):
    """A call that can never be right: out of range, on a closed handle, from two threads at once."""


class FilterError(PcapError):
    """A filter expression that cannot be compiled; ``position`` is the offending character, from 0.

    ``reason`` is the message without the picture of the place.
    """

    _keep = "\n"

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position

    @property
    def reason(self) -> str:
        """The message without the picture of the place."""
        return str(self).partition("\n")[0]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.position), _notes(self)


class ProgramError(PcapError):
    """A BPF program that must not run; ``index`` is the offending instruction, from 0."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.index), _notes(self)


class SavefileError(PcapError):
    """A savefile that is damaged or of no known format; ``offset`` is where, in bytes from its start."""

    def __init__(self, message: str, offset: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self._reason = printable(reason or message)

    @property
    def reason(self) -> str:
        """The message in libpcap's words alone."""
        return self._reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.offset, self.reason), _notes(self)
