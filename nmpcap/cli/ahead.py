"""Reading ahead of who prints: while a line waits for a name, or for a terminal, packets go on being read.

A thread takes them out of the port into memory, up to a bound. Beyond that the port's own buffer fills, and
what it then loses it counts as dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nmpcap.packet import Batch, Packet

__all__ = ["MOST_BYTES", "Ahead", "Arrived"]

# Of captured bytes and what a packet takes beside them: some seconds of a busy network.
MOST_BYTES = 64 << 20
_BESIDE = 64
_SLICE = 0.1  # seconds after which signals are looked after

Arrived = tuple[int, Sequence[Packet] | Batch]
"""The place of a source among several, and packets of it, none now and then."""


class Ahead:
    """Takes packets from ``arriving`` in a thread, from when the ``with`` is entered until it is left.

    ``most_bytes`` may wait in memory, and the one batch more that goes beyond it. What is left when the
    ``with`` ends is not printed, as what is left in a port is not.
    """

    def __init__(self, arriving: Iterator[Arrived], most_bytes: int = MOST_BYTES) -> None:
        self._arriving = arriving
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._waiting: deque[Arrived] = deque()
        self._bytes = 0
        self._over = False
        self._closed = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._read, name="nmdump reads", daemon=True)

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _read(self) -> None:
        try:
            for arrived in self._arriving:
                with self._changed:
                    while self._bytes >= self._most_bytes and not self._closed:
                        self._changed.wait()
                    if self._closed:
                        return
                    if len(arrived[1]):
                        self._waiting.append(arrived)
                        self._bytes += _size(arrived[1])
                        self._changed.notify_all()
        except Exception as error:  # raised again where packets are taken
            self._failure = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def packets(self, poll: Callable[[], float | None]) -> Iterator[Arrived]:
        """Give what has been read, in its order; now and then none, to look around.

        ``poll`` is called in between, and returns the seconds until it is due again. What went wrong in
        reading is raised behind the packets that were read before.
        """
        while True:
            due = poll()
            with self._changed:
                if not self._waiting and not self._over:
                    self._changed.wait(_SLICE if due is None else min(due, _SLICE))
                if not self._waiting and self._over:
                    break
                arrived: Arrived = self._waiting.popleft() if self._waiting else (0, ())
                self._bytes -= _size(arrived[1])
                self._changed.notify_all()
            yield arrived
        if self._failure is not None:
            raise self._failure


def _size(packets: Any) -> int:
    held = len(packets.data) if isinstance(packets, Batch) else sum(packet.caplen for packet in packets)
    return held + _BESIDE * len(packets)
