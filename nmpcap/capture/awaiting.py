"""Reading without blocking an event loop: the handle's asynchronous iteration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from nmpcap._core import lib

if TYPE_CHECKING:
    from nmpcap.packet import Packet

__all__ = ["Sleeper", "packets"]

_FAIR = 64  # packets an iteration delivers before it lets other tasks run
_NO_DESCRIPTOR_POLL = 0.01


class Sleeper:
    """A task that waits for packets of a handle; ``wake`` may be called in any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.awake = self._loop.create_future()

    def wake(self) -> None:
        """Let the task look again."""
        self._loop.call_soon_threadsafe(self._awaken)

    def _awaken(self) -> None:
        if not self.awake.done():
            self.awake.set_result(None)

    async def until_readable(self, fd: int) -> None:
        """Sleep until the descriptor is readable or ``wake`` is called; for a moment where it is negative."""
        if fd < 0:
            await asyncio.wait([self.awake], timeout=_NO_DESCRIPTOR_POLL)
            return
        self._loop.add_reader(fd, self._awaken)
        try:
            await self.awake
        finally:
            self._loop.remove_reader(fd)


async def packets(capture: Any) -> AsyncIterator[Packet]:
    """Iterate over a Capture's packets until its end, a break or close; cancelled, it loses no packet."""
    delivered = 0
    while not capture.closed:
        packet = capture.next(0)
        if packet is not None:
            yield packet
            delivered += 1
            if delivered % _FAIR == 0:
                await asyncio.sleep(0)
        elif capture._status:
            return
        else:
            await _readable(capture)


async def _readable(capture: Any) -> None:
    """Sleep until packets may be there, or breakloop or close has been called."""
    sleeper = Sleeper()
    with capture._aside():
        fd = lib.nm_capture_fileno(capture._core)
    capture._sleepers.add(sleeper)
    try:
        await sleeper.until_readable(fd)
    finally:
        capture._sleepers.discard(sleeper)
