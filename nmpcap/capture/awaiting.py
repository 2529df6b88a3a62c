"""Waiting without blocking an event loop: for packets, by any number of tasks, and for room to send."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from nmpcap._core import lib
from nmpcap._core.deadline import timeout_ns
from nmpcap.errors import UsageError

if TYPE_CHECKING:
    from nmpcap.packet import Packet

__all__ = ["Packets", "Sleeper", "wait_for_room"]

_FAIR = 64  # packets an iteration delivers before it lets other tasks run
_NO_DESCRIPTOR_POLL = 0.01
_FIRST_LOOK, _LAST_LOOK = 0.0005, 0.02  # seconds between two looks for room


class Sleeper:
    """A task that waits for packets of a handle; ``wake`` may be called in any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.awake = loop.create_future()

    def wake(self) -> None:
        """Let the task look again."""
        self.loop.call_soon_threadsafe(self.awaken)

    def awaken(self) -> None:
        """Do so from within the loop."""
        if not self.awake.done():
            self.awake.set_result(None)


class Packets:
    """The asynchronous iteration over a Capture's packets, until its end, a break or close.

    A wait that is cancelled, by a deadline around ``anext`` for one, loses no packet and does not end
    it. Several tasks may wait on one handle, by one iteration or by their own: each packet goes to one.
    """

    def __init__(self, capture: Any) -> None:
        self._capture = capture
        self._delivered = 0

    def __aiter__(self) -> Packets:
        return self

    async def __anext__(self) -> Packet:
        capture = self._capture
        if self._delivered % _FAIR == _FAIR - 1:
            self._delivered += 1
            await asyncio.sleep(0)  # before a packet is taken: it may be cancelled
        while not capture.closed:
            packet: Packet | None = capture.next(0)
            if packet is not None:
                self._delivered += 1
                return packet
            if capture._status:
                capture._wake_sleepers()  # the end is theirs as well
                break
            await _readable(capture)
        raise StopAsyncIteration


async def _readable(capture: Any) -> None:
    """Sleep until packets may be there, or breakloop or close has been called."""
    sleeper = Sleeper(_running_loop(capture))
    with capture._aside():
        fd = lib.nm_capture_fileno(capture._core)
    capture._sleepers.add(sleeper)
    try:
        if capture.closed:
            return
        if fd < 0:
            await asyncio.wait([sleeper.awake], timeout=_NO_DESCRIPTOR_POLL)
            return
        # One registration stands for all tasks of a loop: it wakes them all, and goes with the last.
        sleeper.loop.add_reader(fd, _awaken_all, capture, sleeper.loop)
        await sleeper.awake
    finally:
        capture._sleepers.discard(sleeper)
        if fd >= 0 and not any(other.loop is sleeper.loop for other in set(capture._sleepers)):
            sleeper.loop.remove_reader(fd)


def _awaken_all(capture: Any, loop: asyncio.AbstractEventLoop) -> None:
    for sleeper in list(capture._sleepers):
        if sleeper.loop is loop:
            sleeper.awaken()


async def wait_for_room(capture: Any, timeout: float | None) -> bool:
    """Sleep until inject would find room; False where the deadline came first."""
    _running_loop(capture)
    ns = timeout_ns(timeout)
    deadline = None if ns < 0 else time.monotonic() + ns / 1e9
    pause = _FIRST_LOOK
    while not capture._has_room():
        left = pause if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return False
        # No descriptor tells of room in every kind of port: it is looked for, less and less often.
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, _LAST_LOOK)
    return True


def _running_loop(capture: Any) -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError(
            f"{capture.name}: no event loop of asyncio is running here; in another framework wait until "
            "fileno() is readable (trio.lowlevel.wait_readable), then call next(0) until it gives None"
        ) from None
