"""A Capture whose errors are an original's, and how devices and files are opened with one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, BinaryIO

from nmpcap import Capture
from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.dlt import DLT_LINUX_SLL
from nmpcap.errors import PcapError
from nmpcap.ports import UNCUT, Port, SavefilePort, Settings, open_port
from nmpcap.savefile import Reader

from ._device_map import mapped

__all__ = ["Source", "open_device", "open_savefile"]

Form = tuple[str | type[tuple[Any, ...]], ...]
"""What a Source gives for a packet: the names of fields, or classes of tuples."""

Original = Callable[["PcapError", "Source | None"], Exception]
"""Which exception an original raises for an error of ours; the source, once it is open."""


class _Descriptor:
    """A descriptor that is closed when nobody has it any more."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.close(self.number)


class Source(Capture):
    """A Capture that gives packets in the form of an original, and raises its exceptions."""

    def __init__(
        self,
        port: Port,
        original: Original,
        form: Form,
        empty: Any,
        *,
        snaplen: int = MAXIMUM_SNAPLEN,
        timeout: float | None = None,
    ) -> None:
        self._original = original
        self._file: _Descriptor | None = None
        super().__init__(port, snaplen=snaplen, timeout=timeout, nano=False)
        self._deliver_as(form, empty)

    def descriptor(self) -> int:
        """Return a descriptor to select on; of a savefile, one of the file, which can always be read."""
        if not self._port.savefile:
            return self.fileno()
        if self.name == "standard input":
            return 0
        if self._file is None:
            self._file = _Descriptor(os.open(self.name, os.O_RDONLY | os.O_CLOEXEC))
        return self._file.number

    def close(self) -> None:
        """Let go of the port, as a Capture does."""
        super().close()
        self._file = None

    def __del__(self) -> None:
        # Programs that were written for an original leave that to the end, and are not to be warned.
        if hasattr(self, "_filter"):
            self.close()

    def _feed(self) -> None:
        try:
            super()._feed()
        except PcapError as error:
            raise self._original(error, self) from error

    def _ended(self) -> None:
        try:
            super()._ended()
        except PcapError as error:
            raise self._original(error, self) from error

    def _error(self, errno: int, message: str) -> Exception:
        error = super()._error(errno, message)
        if not isinstance(error, PcapError):
            return error
        original = self._original(error, self)
        original.__cause__ = error
        return original


def open_device(
    name: str,
    original: Original,
    form: Form,
    empty: Any,
    *,
    snaplen: int,
    promisc: bool,
    to_ms: int,
    immediate: bool = False,
    rfmon: bool = False,
    buffer_size: int = 0,
) -> Source:
    """Open a device by its name, with what libpcap makes of such arguments. Raises PcapError, ours.

    snaplen: 0 or less, or more than there is: no limit. to_ms: how long reading calls wait at most,
    in milliseconds; 0 or less: for ever, and packets are then handed out at once. ``any`` gives what
    programs know it by: cooked headers of the first kind.
    """
    settings = Settings(
        snaplen=snaplen if 0 < snaplen <= MAXIMUM_SNAPLEN else MAXIMUM_SNAPLEN,
        promisc=promisc,
        immediate=immediate or to_ms <= 0,
        rfmon=rfmon,
        buffer_size=buffer_size if buffer_size > 0 else None,
    )
    port = open_port(mapped(name), settings)
    timeout = to_ms / 1000 if to_ms > 0 else None
    source = Source(port, original, form, empty, snaplen=settings.snaplen, timeout=timeout)
    if name == "any" and DLT_LINUX_SLL in source.list_datalinks():
        source.set_datalink(DLT_LINUX_SLL)
    return source


def open_savefile(
    file: str | os.PathLike[str] | BinaryIO, original: Original, form: Form, empty: Any, *, nano: bool = False
) -> Source:
    """Open a savefile: a path, ``-``, or a file object. Raises PcapError, ours.

    nano: classes of tuples in the form get nanoseconds, not microseconds.
    """
    source = Source(SavefilePort(Reader(file)), original, form, empty, snaplen=UNCUT)
    if nano:
        source._deliver_as(form, empty, nano)
    return source
