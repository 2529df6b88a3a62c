"""What the calls on a port take and give: requests, copies of netmap's structures, counters."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NetmapIf", "NmRequest", "NmStats"]


@dataclass(frozen=True)
class NmRequest:
    """What a port is asked for, and after opening what it has. 0 asks for the port's default.

    ``extra_bufs`` are buffers beyond those of the rings; fewer may be given. ``mem_id`` is a memory
    region: buffers can be exchanged between ports of one region. ``flags`` are ``NR_*`` flags.
    ``pipes`` is nr_arg1 of a legacy request and means something only there.
    """

    tx_slots: int = 0
    rx_slots: int = 0
    tx_rings: int = 0
    rx_rings: int = 0
    host_tx_rings: int = 0
    host_rx_rings: int = 0
    mem_id: int = 0
    extra_bufs: int = 0
    flags: int = 0
    pipes: int = 0


@dataclass(frozen=True)
class NetmapIf:
    """A copy of a port's ``struct netmap_if``. Host ring counts are 1 even where there are none."""

    name: str
    version: int
    flags: int
    tx_rings: int
    rx_rings: int
    bufs_head: int
    host_tx_rings: int
    host_rx_rings: int


@dataclass(frozen=True)
class NmStats:
    """Counters of one descriptor, since it was opened.

    ``received`` packets (slots, by nm_nextpkt), ``bytes`` in all. ``damaged``: buffers whose index was
    outside the region, or that were shorter than their packet. ``sent`` frames were queued, for
    ``unsent`` there was no room.
    """

    received: int
    bytes: int
    damaged: int
    sent: int
    unsent: int
