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
    """A task that waits for packets of a handle, in its place in the row, until ``leave``."""

    def __init__(self, capture: Any) -> None:
        self.loop = _running_loop(capture)
        self._capture = capture
        with capture._aside():
            self._fd = int(lib.nm_capture_fileno(capture._core))
        self._awake = self.loop.create_future()
        capture._sleepers[self] = None
        # One registration stands for all tasks of a loop: it wakes them in order, and goes with the last.
        if self._fd >= 0:
            self.loop.add_reader(self._fd, _awaken_all, capture, self.loop)

    async def sleep(self) -> None:
        """Sleep until packets may be there, or ``wake`` is called; for a moment where nothing would tell."""
        if self._awake.done():
            self._awake = self.loop.create_future()
        if self._capture.closed:
            return
        if self._fd < 0:
            await asyncio.wait([self._awake], timeout=_NO_DESCRIPTOR_POLL)
        else:
            await self._awake

    def leave(self) -> None:
        """Wait no longer."""
        row = self._capture._sleepers
        del row[self]
        if self._fd >= 0 and not any(other.loop is self.loop for other in list(row)):
            self.loop.remove_reader(self._fd)

    def wake(self) -> None:
        """Let the task look again; any thread."""
        self.loop.call_soon_threadsafe(self.awaken)

    def awaken(self) -> None:
        """Do so from within the loop."""
        if not self._awake.done():
            self._awake.set_result(None)


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
        sleeper = None
        try:
            while not capture.closed:
                packet: Packet | None = capture.next(0)
                if packet is not None:
                    self._delivered += 1
                    return packet
                if capture._status:
                    capture._wake_sleepers()  # the end is theirs as well
                    break
                # Who looks in vain keeps the place, so that tasks take turns.
                sleeper = sleeper or Sleeper(capture)
                await sleeper.sleep()
        finally:
            if sleeper is not None:
                sleeper.leave()
        raise StopAsyncIteration


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
