"""A netmap as the player drives it: the raw device of either kind, with requests put together from bytes.

Addresses inside requests are real ones, as for the system call: what they point to is kept here
until ``release``. Calls answer with errno values, 0 for success.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nmpcap import vale
from nmpcap.netmap import Device

from .layout import HEADER, c_string
from .vocabulary import REQUESTS

NIOCGINFO, NIOCREGIF, NIOCCTRL = 0xC03C6991, 0xC03C6992, 0xC0586997
UNMAPPED = 0x10  # an address in the page that no process has
EVENTS = {"in": select.POLLIN, "out": select.POLLOUT}
REVENTS = {
    "IN": select.POLLIN,
    "OUT": select.POLLOUT,
    "ERR": select.POLLERR,
    "HUP": select.POLLHUP,
    "NVAL": select.POLLNVAL,
}
KERNEL_PARAMETERS = Path("/sys/module/netmap/parameters")
ROOM = 2 << 30  # bytes of memory to have before a region of 1 GiB is asked for


@dataclass
class Request:
    """One NIOCCTRL. ``body`` None is a null pointer, "bad" an unmapped one.

    ``options`` are linked by ``next``: an index into the list, None for the end, or "bad".
    """

    version: int
    reqtype: int
    reserved: int
    name: bytes
    body: bytes | str | None
    options: list[tuple[bytes, int | str | None]] = field(default_factory=list)
    first_option: int | str = 0


@dataclass
class Reply:
    """What a request left behind: the errno, and its parts as the device wrote them."""

    errno: int
    name: bytes
    body: bytes
    options: list[bytes]


class Backend:
    """Opens devices of one netmap, ``user`` or ``kernel``, and owns the memory that requests point to."""

    def __init__(self, netmap: str, runtime_dir: Path) -> None:
        self.netmap = netmap
        self.parameters = Parameters(netmap)
        self._runtime_dir = runtime_dir
        self._kept: list[Any] = []
        self._persistent = PersistentPorts(netmap)

    def provides(self) -> set[str]:
        """The needs of scenarios that are met here.

        The kernel module is shared by the whole machine, so that only its owner can say what may be
        done to it: NMPCAP_CONFORMANCE_PROVIDE=quiet,netdev,... User-space netmap is this test's alone.
        """
        if self.netmap == "kernel":
            met = set(os.environ.get("NMPCAP_CONFORMANCE_PROVIDE", "").split(","))
            return met | ({"params"} if os.access(KERNEL_PARAMETERS / "bridge_batch", os.W_OK) else set())
        met = {"params", "quiet", "netdev", "fresh", "dangerous"}
        return met | (
            {"memory"} if min(_available_memory(), _free_space(self._runtime_dir)) > ROOM else set()
        )

    def open(self) -> Device:
        return Device.open(netmap=self.netmap)

    def control(self, device: Device, request: Request) -> Reply:
        body = self.address_of(request.body) if isinstance(request.body, bytes) and request.body else None
        options = [self.address_of(data) for data, _ in request.options]

        def option_address(which: int | str | None) -> int:
            if which is None or not options:
                return 0
            return UNMAPPED if isinstance(which, str) else options[which]

        for address, (_, following) in zip(options, request.options, strict=True):
            ctypes.c_uint64.from_address(address).value = option_address(following)
        first = UNMAPPED if request.first_option == "bad" else option_address(request.first_option)
        body_address = UNMAPPED if request.body == "bad" else body or 0
        header = bytearray(
            HEADER.pack(
                *(request.version, request.reqtype, request.reserved, request.name),
                *(first, body_address),
            )
        )
        error = errno_of(device.ioctl, NIOCCTRL, header)
        if not error:
            self._persistent.note(request.reqtype, request.name)
        return Reply(
            error,
            c_string(HEADER.unpack(header)[3]),
            ctypes.string_at(body, len(request.body or b"")) if body else b"",
            [
                ctypes.string_at(address, len(data))
                for address, (data, _) in zip(options, request.options, strict=True)
            ],
        )

    def legacy(self, device: Device, request: int, nmreq: bytearray) -> int:
        """NIOCGINFO or NIOCREGIF, changing ``nmreq`` in place."""
        return errno_of(device.ioctl, request, nmreq)

    def poll(self, device: Device, events: list[str], timeout_ms: int) -> list[str]:
        got = device.poll(sum(EVENTS[event] for event in events), timeout_ms)
        return sorted(word for word, bit in REVENTS.items() if got & bit)

    def address_of(self, data: bytes) -> int:
        """Where a copy of ``data`` lies in this process's memory."""
        place = ctypes.create_string_buffer(data, max(len(data), 1))
        self._kept.append(place)
        return ctypes.addressof(place)

    def pages(self, length: int) -> int:
        """The address of ``length`` bytes of zeroed, page-aligned, shared anonymous memory."""
        place = mmap.mmap(-1, length)
        self._kept.append((ctypes.c_char.from_buffer(place), place))
        return ctypes.addressof(self._kept[-1][0])

    def release(self) -> None:
        """Undoes what outlives descriptors: memory, persistent ports, parameters. Close those first."""
        self._kept.clear()
        self._persistent.destroy()
        self.parameters.restore()


class Parameters:
    """Module parameters, put back as they were."""

    def __init__(self, netmap: str) -> None:
        self._netmap = netmap
        self._before: dict[str, int] = {}

    def set(self, name: str, value: int) -> None:
        self._before.setdefault(name, vale.get_parameter(name, netmap=self._netmap))
        vale.set_parameter(name, value, netmap=self._netmap)

    def restore(self) -> None:
        for name, value in self._before.items():
            vale.set_parameter(name, value, netmap=self._netmap)
        self._before.clear()


class PersistentPorts:
    """The persistent ports that a scenario made and has not removed."""

    def __init__(self, netmap: str) -> None:
        self._netmap = netmap
        self._made: list[str] = []
        self._attached: list[str] = []

    def note(self, reqtype: int, name: bytes) -> None:
        """Follows a request that succeeded."""
        if reqtype == REQUESTS["VALE_NEWIF"]:
            self._made.append(name.decode("latin1"))
        elif reqtype == REQUESTS["VALE_ATTACH"]:
            self._attached.append(name.decode("latin1"))

    def destroy(self) -> None:
        """Removes what is there still, as far as it goes: the module cannot remove every port."""
        for call, names in ((vale.detach, self._attached), (vale.destroy, self._made)):
            for name in names:
                with suppress(OSError):
                    call(name, netmap=self._netmap)
            names.clear()


def errno_of(call: Callable[..., object], *args: object) -> int:
    """0, or the errno of the OSError that the call raised."""
    try:
        call(*args)
    except OSError as error:
        if error.errno is None:
            raise
        return error.errno
    return 0


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 0


def _free_space(folder: Path) -> int:
    return shutil.disk_usage(folder).free
