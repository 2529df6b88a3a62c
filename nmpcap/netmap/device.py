"""``Device``: what a process can do with ``/dev/netmap``, and nothing more, in the kernel or in user space.

The raw interface under :mod:`nmpcap.netmap`: netmap's own requests and structures, in buffers that the
caller packs and unpacks.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EINTR, EINVAL, ENOENT
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nmpcap._arguments import number
from nmpcap._core import ffi, lib
from nmpcap._core._mapping import Mapping
from nmpcap._core.cstring import cstring
from nmpcap._core.which import Directory, runtime_directory, which_netmap
from nmpcap.errors import DeviceError, UsageError
from nmpcap.netmap import numbers

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Device", "Mapping", "make_mapping", "milliseconds_until"]

_UNREF = int(ffi.cast("uintptr_t", ffi.addressof(lib, "nm_mapping_unref")))
_REQUESTS = {
    getattr(numbers, name): name
    for name in vars(numbers)
    if name.startswith("NETMAP_REQ_")
    and not name.startswith(("NETMAP_REQ_OPT_", "NETMAP_REQ_IF", "NETMAP_REQ_MAX"))
}
_IOCTLS = {getattr(numbers, name): name for name in vars(numbers) if name.startswith("NIOC")}


def make_mapping(mapping: Any) -> Mapping:
    """Make the Python object over a core mapping, taking over the caller's reference to it."""
    return Mapping(
        int(ffi.cast("uintptr_t", lib.nm_mapping_mem(mapping))),
        lib.nm_mapping_length(mapping),
        _UNREF,
        int(ffi.cast("uintptr_t", mapping)),
    )


class Device:
    """A netmap descriptor: ``open``, ``ioctl``, ``mmap``, ``poll``, ``close``.

    One thread at a time may make requests, while another one polls: a second one gets a UsageError.
    ``wake`` is for any thread and for signal handlers. Errors of the device are DeviceErrors, with errno.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        self._requesting = threading.Lock()
        self._polling = threading.Lock()
        self._waking = threading.Lock()
        self._woken = False
        self.name: str = cstring(lib.nm_device_name(device))

    @classmethod
    def open(cls, netmap: str | None = None, *, runtime_dir: Directory = None) -> Device:
        """Open an unbound descriptor.

        ``netmap`` is ``"kernel"`` (``/dev/netmap``), ``"user"`` (shared memory, no privilege), or ``"auto"``:
        the kernel's if it can be opened, else user space. By default the environment variable
        ``NMPCAP_NETMAP`` decides, and without that ``"auto"``. ``name`` tells which it became.
        ``runtime_dir`` is where user space has its switches, and makes ``"auto"`` user space; by default
        ``NMPCAP_RUNTIME_DIR`` decides, and without that there is one directory a user.
        """
        device = ffi.new("struct nm_device **")
        msg = ffi.new("char[]", lib.NM_MSG_SIZE)
        error = lib.nm_device_open(which_netmap(netmap), runtime_directory(runtime_dir), device, msg)
        if error:
            raise DeviceError(error, cstring(msg))
        return cls(device[0])

    def ioctl(self, request: int, buffer: Buffer | None = None) -> None:
        """Make a request; ``buffer`` is updated in place.

        ``request`` is a ``NIOC*`` number, ``buffer`` a writable buffer with the structure that goes with
        it. Addresses in the buffer (bodies, options) are this process's own.
        """
        number(request, f"{self.name} netmap: request", 0, 2**32 - 1)
        size = request >> 16 & 0x3FFF
        if buffer is None:
            if size:
                raise DeviceError(EINVAL, f"{self._what(request, None)}: it needs a buffer of {size} bytes")
            argument = ffi.NULL
        else:
            argument = ffi.from_buffer(buffer, require_writable=True)
            if len(argument) < size:
                raise UsageError(
                    f"{self._what(request, None)}: a buffer of {len(argument)} bytes, not of {size}"
                )
        error, reason = self._ioctl(request, argument)
        if error:
            raise DeviceError(error, f"{self._what(request, argument)}: {reason or os.strerror(error)}")

    def mmap(self, length: int, offset: int = 0) -> Mapping:
        """Map ``length`` bytes of the bound region, shared and writable.

        The mapping keeps the port bound, after ``close`` as well, until it is closed or nothing refers
        to it or a view of it any more.
        """
        number(length, f"{self.name} netmap: mapping, in bytes:", 1, 2**63 - 1)
        number(offset, f"{self.name} netmap: offset to map from", -(2**63), 2**63 - 1)
        mapping = ffi.new("struct nm_mapping **")
        with self._exclusive(self._requesting, "mmap"):
            error = lib.nm_mapping_open(self._device, length, offset, mapping)
            if error:
                raise self._error(error, f"mapping {length} bytes at {offset}")
        return make_mapping(mapping[0])

    def poll(self, events: int, timeout_ms: float | None = None) -> int:
        """Sync as poll(2) on a netmap descriptor does, and waits for ``events`` (POLLIN, POLLOUT).

        Returns what came, 0 when ``timeout_ms`` (None or negative: never) was up or after ``wake``. Goes on
        waiting after signals, once their handlers have run; what they raise comes out of here.
        """
        number(events, f"{self.name} netmap: events", 0, 2**15 - 1)
        deadline = None if timeout_ms is None or timeout_ms < 0 else time.monotonic() + timeout_ms / 1000
        revents = ffi.new("short *")
        with self._exclusive(self._polling, "poll"):
            while True:
                error = lib.nm_device_poll(self._device, events, milliseconds_until(deadline), revents)
                if not error:
                    return int(revents[0])
                if error != EINTR:
                    raise self._error(error, "poll")
                if self._woken:
                    self._woken = False
                    return 0

    def txsync(self) -> None:
        """NIOCTXSYNC: hands over the slots before head, and takes back those that are done."""
        self._sync(lib.nm_device_txsync, "txsync")

    def rxsync(self) -> None:
        """NIOCRXSYNC: releases the slots before head, and shows what has been received."""
        self._sync(lib.nm_device_rxsync, "rxsync")

    def wake(self) -> None:
        """Make the poll in progress, or else the next one, return 0."""
        # If it is taken, the device is being woken or closed already, perhaps by what a signal interrupted.
        if self._waking.acquire(blocking=False):
            try:
                if self._device is None:
                    raise self._closed("wake")
                self._woken = True
                lib.nm_device_wake(self._device)
            finally:
                self._waking.release()

    def fileno(self) -> int:
        """Return a descriptor for select and its kin: readable while packets wait."""
        with self._exclusive(self._requesting, "fileno"):
            return int(lib.nm_device_fileno(self._device))

    def close(self) -> None:
        """End the binding, or leaves that to the last mapping. Closing twice is allowed."""
        if self._device is None:
            return
        with (
            self._exclusive(self._requesting, "close"),
            self._exclusive(self._polling, "close"),
            # Not for ever: it may be this thread's own, when a signal's handler closes what it was waking.
            self._exclusive(self._waking, "close", 1),
        ):
            device, self._device = self._device, None
            lib.nm_device_close(device)

    @property
    def closed(self) -> bool:
        """Whether ``close`` has been called."""
        return self._device is None

    def __enter__(self) -> Device:
        if self._device is None:
            raise self._closed("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        device, self._device = getattr(self, "_device", None), None
        if device is not None:
            lib.nm_device_close(device)

    def __repr__(self) -> str:
        return f"<nmpcap Device, {self.name} netmap{', closed' if self.closed else ''}>"

    def _ioctl(self, request: int, argument: Any) -> tuple[int, str]:
        """Make a request; returns errno, and what the device has to say about it."""
        with self._exclusive(self._requesting, "a request"):
            error = lib.nm_device_ioctl(self._device, request, argument)
            return error, cstring(lib.nm_device_msg(self._device)) if error else ""

    def _next_listed(self, port: Any) -> bool:
        """Find the next of the ports that exist (``struct nm_listed_port``); False behind the last."""
        with self._exclusive(self._requesting, "a request"):
            error = lib.nm_portlist_next(self._device, port)
            if error not in (0, ENOENT):
                raise self._error(error, "listing the ports")
            return bool(error == 0)

    def _sync(self, call: Callable[[Any], int], what: str) -> None:
        # Without the context manager, which would take longer than the sync.
        if not self._requesting.acquire(blocking=False):
            raise self._in_use(what)
        try:
            if self._device is None:
                raise self._closed(what)
            error = call(self._device)
            if error:
                raise self._error(error, what)
        finally:
            self._requesting.release()

    @contextmanager
    def _exclusive(self, lock: threading.Lock, what: str, timeout: float = 0) -> Iterator[None]:
        if not lock.acquire(timeout=timeout):
            raise self._in_use(what)
        try:
            if self._device is None:
                raise self._closed(what)
            yield
        finally:
            lock.release()

    def _in_use(self, what: str) -> UsageError:
        return UsageError(f"{self.name} netmap: {what} while another thread uses the device")

    def _closed(self, what: str) -> UsageError:
        return UsageError(f"{self.name} netmap: {what} on a closed device")

    def _error(self, error: int, what: str) -> DeviceError:
        reason = cstring(lib.nm_device_msg(self._device)) or os.strerror(error)
        return DeviceError(error, f"{what}: {reason}")

    def _what(self, request: int, argument: Any) -> str:
        """Name a request and the port it is about, for messages."""
        what = _IOCTLS.get(request, f"ioctl {request:#x}")
        if argument is not None and request == numbers.NIOCCTRL:
            header = ffi.cast("struct nmreq_header *", argument)
            port = cstring(header.nr_name)
            what = f"{_REQUESTS.get(header.nr_reqtype, f'request {header.nr_reqtype}')} on '{port}'"
        return f"{self.name} netmap: {what}"


def milliseconds_until(deadline: float | None) -> int:
    """What is left of a wait, for poll(2): -1 for ever, rounded up, so that the end is no busy loop."""
    if deadline is None:
        return -1
    return max(0, min(math.ceil((deadline - time.monotonic()) * 1000), 2**31 - 1))
