"""The port that a generator or a sink works on: netmap's own rings, or a capture of any other port."""

from __future__ import annotations

import errno
import os
import time
from typing import Any, TypeAlias

from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap.capture import Capture
from nmpcap.capture import open as open_capture
from nmpcap.errors import PortNameError, UsageError
from nmpcap.netmap import NmDesc, nm_open, parse_port_name

__all__ = ["SLICE_NS", "TrafficPort", "core_of", "drain", "failed", "open_port"]

TrafficPort: TypeAlias = "NmDesc | Capture"

SLICE_NS = 200_000_000  # between two looks at signals
_DRAIN_SECONDS = 1.0
_LOOK_SECONDS = 0.001


def open_port(name: str, **slots: int) -> TrafficPort:
    """Open a port of netmap's by ``nm_open``, any other as a Capture of what comes in."""
    try:
        parse_port_name(name)
    except PortNameError as error:
        if not error.foreign:
            raise
    else:
        return nm_open(name, **slots)  # type: ignore[arg-type]
    return open_capture(name)


def core_of(port: TrafficPort, what: str) -> tuple[Any, Any]:
    """Return the core's descriptor and handle, of which one is NULL."""
    if isinstance(port, NmDesc):
        return port._open(what), ffi.NULL
    if isinstance(port, Capture):
        return ffi.NULL, port._core
    raise TypeError(f"{what}: the port must be a NmDesc or a Capture, not {type(port).__name__}")


def failed(port: TrafficPort, status: int, what: str) -> Exception:
    """Return the exception for a status of the core's."""
    if status == -errno.ENOMEM:
        return MemoryError(f"{what}: no memory")
    if isinstance(port, NmDesc):
        return port._error(-status, what)
    if status == lib.NM_CAPTURE_STOPPED:
        return UsageError(f"{what}: {port.name} was closed or broken off")
    return port._error(-status, cstring(lib.nm_capture_msg(port._core)) or os.strerror(-status))


def drain(port: TrafficPort) -> None:
    """Give the port a second to let go of the last frames, as long as it takes any."""
    if isinstance(port, Capture):
        if port._port.live:
            port.drain(timeout=_DRAIN_SECONDS)
        return
    least, until = None, time.monotonic() + _DRAIN_SECONDS
    while queued := lib.nm_desc_queued(port._open("gen")):
        if least is None or queued < least:
            least, until = queued, time.monotonic() + _DRAIN_SECONDS
        elif time.monotonic() > until:
            return
        port.txsync()
        time.sleep(_LOOK_SECONDS)
