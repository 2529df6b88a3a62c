"""Open ports that a process's sockets share: a netmap port is open once, whatever programs make.

Each socket has a queue. Whoever wants a packet takes all that the port has and gives every queue a copy; so
what one socket sends, as the kernel has it for packet sockets, the others on the port receive.
"""

from __future__ import annotations

import os
import selectors
import stat
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

import nmpcap
from nmpcap.errors import DeviceError, PcapError

from ._device_map import mapped

__all__ = ["Queue", "SharedPort"]

_AT_ONCE = 1024  # packets that are taken before a socket's program has its turn
_PATIENCE = 1.0  # seconds that a frame waits for room: a ring of a pipe whose other end does not read


class Queue:
    """What a socket has not received yet; its descriptor is readable while that is something.

    wanted: says of a packet's bytes whether the socket is to have it.
    """

    def __init__(self, port: SharedPort, wanted: Callable[[bytes], bool]) -> None:
        self.port = port
        self._wanted = wanted
        self._packets: deque[tuple[bytes, int]] = deque()
        self._lock = threading.Lock()
        self._signalled = False
        self._waker, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._waker, selectors.EVENT_READ)
        if port.fd is not None:
            self._selector.register(port.fd, selectors.EVENT_READ)
        else:
            self._signal()  # nothing tells when a savefile has more: it always has, until it ends

    def offer(self, data: bytes, ts_ns: int) -> None:
        """Append a packet if the socket wants it."""
        if self._wanted(data):
            with self._lock:
                self._packets.append((data, ts_ns))
                self._signal()

    def look(self) -> bool:
        """Take what the port has, without waiting: whether there is a packet now, or an end to be told."""
        with self._lock:
            self._clear()
        self.port.pump()
        if self._packets or self.port.ended:
            self.wake()
            return True
        return False

    def take(self) -> tuple[bytes, int] | None:
        """Remove and return the oldest packet, None if there is none."""
        with self._lock:
            packet = self._packets.popleft() if self._packets else None
            if not self._packets and not self.port.unwatched:
                self._clear()
        return packet

    def wake(self) -> None:
        """Have whoever waits look again."""
        with self._lock:
            self._signal()

    def _signal(self) -> None:
        if not self._signalled:
            self._signalled = True
            os.write(self._wake, b"\0")

    def _clear(self) -> None:
        if self._signalled:
            self._signalled = False
            os.read(self._waker, 1)

    def fileno(self) -> int:
        """Return a descriptor that is readable while packets wait here or in the port."""
        return self._selector.fileno()

    def close(self) -> None:
        """Let go of the descriptors, and of the port if this was its last queue."""
        self._selector.close()
        os.close(self._waker)
        os.close(self._wake)
        self.port.leave(self)


class SharedPort:
    """A port that is open in this process, with the queues of those who listen."""

    _open: ClassVar[dict[str, SharedPort]] = {}
    # Re-entrant: a socket that nobody refers to may be closed at any point of its thread.
    _opening: ClassVar[Any] = threading.RLock()

    def __init__(self, name: str, promisc: bool) -> None:
        self.name = name
        # A timeout of 0: reading never waits, waiting is done on descriptors.
        self.capture = nmpcap.open(mapped(name), promisc=promisc, immediate=True, timeout=0)
        self.fd = _pollable(self.capture)
        self.ended: Exception | None = None  # why nothing more will come; packets may wait in queues still
        self._more = False
        self._queues: list[Queue] = []
        self._reading = threading.Lock()

    @property
    def unwatched(self) -> bool:
        """Whether there may be something that the port's descriptor does not tell: one has to look."""
        return self.fd is None or self._more or self.ended is not None

    @classmethod
    def join(cls, name: str, promisc: bool, chooser: Callable[[int], Callable[[bytes], bool]]) -> Queue:
        """Open a port, unless it is open, and return a new queue of it.

        chooser: makes of the port's link type what says of a packet's bytes whether the queue is to
        have it, and refers to no socket, which would then never be forgotten. Raises nmpcap's
        DeviceError, and the chooser's errors.
        """
        with cls._opening:
            port = cls._open.get(name) or cls(name, promisc)
            try:
                queue = Queue(port, chooser(port.capture.datalink()))
            except BaseException:
                if not port._queues:
                    port.capture.close()
                raise
            port._queues = [*port._queues, queue]
            cls._open[name] = port
        return queue

    def leave(self, queue: Queue) -> None:
        """Stop giving packets to a queue; the last one closes the port."""
        with self._opening:
            self._queues = [other for other in self._queues if other is not queue]
            if not self._queues and self._open.get(self.name) is self:
                del self._open[self.name]
                self.capture.close()

    def pump(self) -> None:
        """Give every queue what the port has, without waiting; does nothing while another thread does it.

        What goes wrong is for whoever receives next.
        """
        if self.ended or not self._reading.acquire(blocking=False):
            return
        try:
            self._more = False
            for _ in range(_AT_ONCE):
                status, packet = self.capture.next_ex()
                if packet is None:
                    self.ended = EOFError(f"{self.name}: at its end") if status < 0 else None
                    break
                data, ts_ns = packet.data, packet.ts_ns
                for queue in self._queues:
                    queue.offer(data, ts_ns)
            else:
                self._more = True
        except PcapError as error:
            self.ended = error
        finally:
            self._reading.release()
        if self.ended or self._more:
            for queue in self._queues:
                queue.wake()

    def send(self, frame: bytes, sender: Queue, ts_ns: int) -> int:
        """Send a frame, and let the port's other queues have it. Raises nmpcap's DeviceError."""
        sent = self.capture.inject(frame, timeout=_PATIENCE)
        for queue in self._queues:
            if queue is not sender:
                queue.offer(frame, ts_ns)
        return sent


def _pollable(capture: nmpcap.Capture) -> int | None:
    """The descriptor that tells of packets; None for a savefile, whose own tells nothing."""
    try:
        fd = capture.fileno()
    except DeviceError:
        return None
    return None if stat.S_ISREG(os.fstat(fd).st_mode) else fd
