"""Several -i or -r as one stream of packets.

Files are merged by their packets' times; those of live ports by arrival, what waits at the same moment by
time. What goes wrong with one source is raised when the others have given what they had.
"""

from __future__ import annotations

import heapq
import select
from collections.abc import Iterator, Sequence
from operator import itemgetter

from nmpcap.capture import Capture
from nmpcap.cli.command import Command
from nmpcap.cli.messages import fail
from nmpcap.cli.writing import Files, Ticking, open_files
from nmpcap.errors import PcapError
from nmpcap.packet import Packet
from nmpcap.savefile.writer import format_of_name

__all__ = ["Merger"]

_BATCH = 256
_SLICE_MS = 100  # signals and ticks are looked after so often


class Merger:
    """Several sources as one; packets go on saying whose they are, and which interface of it."""

    def __init__(self, captures: Sequence[Capture]) -> None:
        self._captures = captures

    def open_files(self, command: Command) -> Files:
        """Open what -w names: pcapng, or pcap where all packets are of one link type."""
        assert command.write is not None
        linktypes = {capture.datalink() for capture in self._captures}
        if len(linktypes) > 1 and format_of_name(command.write) == "pcap":
            raise fail(f"{command.write}: packets of several link types; a .pcapng file takes them")
        return open_files(command, self._captures[0])

    def packets(self, live: bool, ticking: Ticking) -> Iterator[tuple[int, list[Packet]]]:
        """Give packets in their order, with the place of their source; now and then none, to look around.

        ``ticking`` is polled while live ones are awaited.
        """
        merged = self._live(ticking) if live else self._by_time()
        for which, packet in merged:
            yield which, [packet] if packet is not None else []

    def _by_time(self) -> Iterator[tuple[int, Packet | None]]:
        failures: list[PcapError] = []

        def packets_of(which: int) -> Iterator[tuple[int, int, Packet]]:
            try:
                for packet in self._captures[which]:
                    yield packet.ts_ns, which, packet
            except PcapError as error:
                failures.append(error)

        sources = [packets_of(which) for which in range(len(self._captures))]
        for _, which, packet in heapq.merge(*sources, key=itemgetter(0)):
            yield which, packet
        if failures:
            raise failures[0]

    def _live(self, ticking: Ticking) -> Iterator[tuple[int, Packet | None]]:
        poll = select.poll()
        for capture in self._captures:
            poll.register(capture.fileno(), select.POLLIN)
        while True:
            ticking.poll()
            poll.poll(_SLICE_MS)
            waiting: list[tuple[int, int, Packet]] = []
            for which, capture in enumerate(self._captures):
                batch = capture.next_batch(_BATCH, 0)
                if batch is not None:
                    waiting += [(packet.ts_ns, which, packet) for packet in batch]
            waiting.sort(key=itemgetter(0))
            for _, which, packet in waiting:
                yield which, packet
            if not waiting:
                yield 0, None
