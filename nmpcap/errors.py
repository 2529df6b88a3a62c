"""The exceptions of nmpcap: one root, and an OSError wherever an errno says something.

A message names the object, what was attempted, what was wrong and, where there is
something to do, what to do about it.
"""

from __future__ import annotations

import os
from errno import EINVAL

__all__ = [
    "DeviceError",
    "FilterError",
    "PcapError",
    "PortNameError",
    "ProgramError",
    "SavefileError",
    "UsageError",
]


class PcapError(Exception):
    """Anything that went wrong in nmpcap."""


class DeviceError(PcapError, OSError):
    """A port, interface or file refused: ``errno`` and ``strerror`` as for any OSError.

    ``str()`` gives the message alone; the errno's own text is part of it where it adds something.
    """

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(errno, message or os.strerror(errno))

    def __str__(self) -> str:
        return str(self.strerror)


class PortNameError(DeviceError, ValueError):
    """A port name that cannot be read; ``position`` is the offending character, from 0.

    ``foreign`` tells that the name is not netmap's at all, so that another kind of device may be meant.
    """

    def __init__(self, message: str, position: int, *, foreign: bool = False) -> None:
        super().__init__(EINVAL, message)
        self.position = position
        self.foreign = foreign


class UsageError(PcapError, ValueError):
    """A call that can never be right: out of range, on a closed handle, from two threads at once."""


class FilterError(PcapError):
    """A filter expression that cannot be compiled; ``position`` is the offending character, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class ProgramError(PcapError):
    """A BPF program that must not run; ``index`` is the offending instruction, from 0."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index

    def __reduce__(self) -> tuple[type[ProgramError], tuple[str, int]]:
        return type(self), (str(self), self.index)


class SavefileError(PcapError):
    """A savefile that is damaged or of no known format; ``offset`` is where, in bytes from its start.

    ``reason`` is the message in libpcap's words alone, without the file's name and the offset.
    """

    def __init__(self, message: str, offset: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.reason = reason or message
