"""Where one scenario is played: its descriptors, what they see, and the names given to it.

A descriptor of a scenario has two halves that are closed together or one by one: the device and
the mapping of its region. It is gone when both are.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from nmpcap.netmap import Device

from .backend import Backend, Request
from .labels import Buffers, Payloads, PortNames, Regions
from .layout import OPTION, Interface, Region, Ring
from .options import option_bytes
from .runs import ranges
from .scenarios import Answer, Step
from .vocabulary import API, errno_word


@dataclass
class Opened:
    """A descriptor under its scenario's name for it."""

    id: str
    device: Device
    is_open: bool = True
    mem_id: int = 0
    memsize: int = 0
    offset: int = 0
    region: Region | None = None
    interface: Interface | None = None

    @property
    def in_use(self) -> bool:
        return self.is_open or self.region is not None

    @property
    def rings(self) -> list[Ring]:
        return self.interface.rings if self.interface else []

    def reached_buffers(self) -> set[int]:
        """Every buffer in a slot of its rings or on its list of extra buffers."""
        reached: set[int] = set()
        for ring in self.rings:
            reached.update(ring.buf_indexes())
        if self.interface:
            reached.update(self.interface.extra_buffers())
        return reached


class Waiting:
    """A poll under way in a thread of its own."""

    def __init__(self, backend: Backend, device: Device, events: list[str], timeout_ms: int) -> None:
        self.revents: list[str] = []
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._poll, args=(backend, device, events, timeout_ms))
        self._thread.start()

    def _poll(self, *args: Any) -> None:
        backend, *rest = args
        try:
            self.revents = backend.poll(*rest)
        except BaseException as error:
            self.failure = error

    @property
    def is_waiting(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> list[str]:
        """What the poll returned, or raised."""
        self._thread.join()
        if self.failure:
            raise self.failure
        return self.revents


class Stage:
    """One scenario in play on one netmap."""

    def __init__(self, scenario: str, backend: Backend) -> None:
        self.backend = backend
        self.ports = PortNames(scenario)
        self.regions = Regions()
        self.buffers: dict[int, Buffers] = defaultdict(Buffers)
        self.payloads = Payloads()
        self.opened: dict[str, Opened] = {}
        self.waiting: dict[str, Waiting] = {}

    # ---- descriptors

    def bind(self, opened: Opened, *, offset: int, memsize: int, mem_id: int) -> None:
        """Notes that a descriptor was registered with a port of this region."""
        self.opened[opened.id] = opened
        opened.offset, opened.memsize, opened.mem_id = offset, memsize, mem_id
        self.regions.meet(mem_id)

    def map(self, opened: Opened) -> Answer:
        """Maps a bound descriptor's whole region; which rings it reaches, or why it cannot."""
        try:
            region = opened.device.mmap(opened.memsize, 0)
        except OSError as error:
            return {"mmap": errno_word(error.errno or 0)}
        return self.look(opened, region)

    def look(self, opened: Opened, region: Region) -> Answer:
        """Takes a mapping as the descriptor's own and names the buffers seen in it."""
        opened.region = region
        opened.interface = Interface(region, opened.memsize, opened.offset)
        self.buffers[opened.mem_id].meet(opened.id, opened.interface)
        return {"tx": ranges(opened.interface.tx), "rx": ranges(opened.interface.rx)}

    def close(self, opened: Opened, *, device: bool = True, region: bool = True) -> None:
        """Closes one half of a descriptor, or both, the mapping first."""
        if region and opened.region is not None:
            mapping, opened.region, opened.interface = opened.region, None, None
            mapping.close()
        if device and opened.is_open:
            opened.is_open = False
            opened.device.close()
        if not opened.in_use and self.opened.get(opened.id) is opened:
            del self.opened[opened.id]

    def users(self, mem_id: int) -> list[Opened]:
        """The descriptors of a region that are still in use, in order of opening."""
        return [opened for opened in self.opened.values() if opened.mem_id == mem_id and opened.in_use]

    def forget(self) -> None:
        """After a close: regions without a user and buffers out of reach lose their names."""
        used = {opened.mem_id for opened in self.opened.values() if opened.in_use}
        self.regions.keep(used)
        for mem_id, buffers in self.buffers.items():
            buffers.keep(set().union(*(opened.reached_buffers() for opened in self.users(mem_id))))

    def clear(self) -> None:
        """Ends the scenario, however it went: every poll awaited, every descriptor closed."""
        for waiting in self.waiting.values():
            waiting.join()
        for opened in list(self.opened.values()):
            self.close(opened)
        self.backend.release()

    # ---- what steps refer to

    def ring(self, step: Step) -> tuple[Opened, Ring]:
        """The ring of ``id``, ``dir`` and ``ring``: by default rx, and the lowest one reached."""
        opened = self.opened[step["id"]]
        assert opened.interface, f"{opened.id} is not mapped"
        rings = opened.interface.tx if step.get("dir") == "tx" else opened.interface.rx
        return opened, rings[step["ring"] if "ring" in step else min(rings)]

    def buffer_name(self, opened: Opened, index: int) -> str:
        return self.buffers[opened.mem_id].name(index, opened.rings)

    def mem_id(self, step: Step) -> int:
        """The region asked for: that of descriptor ``mem_of``, or the number ``mem_id``."""
        if "mem_of" in step:
            return self.opened[step["mem_of"]].mem_id
        return int(step.get("mem_id", 0))

    # ---- requests

    def control(
        self, step: Step, reqtype: int, body: bytes | str | None, device: Device | None = None
    ) -> tuple[int, bytes, bytes, Answer]:
        """One NIOCCTRL on the step's descriptor, or else on a passing one.

        Returns errno, name and body, and what the step answers in any case.
        """
        request = Request(
            version=step.get("version", API),
            reqtype=reqtype,
            reserved=step.get("reserved", 0),
            name=self.ports.real(step.get("name", ""))[:64],
            body=body,
            options=option_bytes(step.get("options", []), self.backend),
            first_option=step.get("first_option", 0),
        )
        opened = self.opened.get(step.get("id", ""))
        passing = None
        if device is None:
            device = opened.device if opened else (passing := self.backend.open())
        try:
            reply = self.backend.control(device, request)
        finally:
            if passing:
                passing.close()
        answer: Answer = {"r": errno_word(reply.errno)}
        if reply.options:
            answer["opt"] = [errno_word(OPTION.unpack_from(option)[2]) for option in reply.options]
        return reply.errno, reply.name, reply.body, answer
