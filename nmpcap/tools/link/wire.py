"""One direction of a link as a function: arrivals and lengths in order -> departures, or why one is lost."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nmpcap._arguments import number
from nmpcap._core import ffi, lib
from nmpcap.errors import UsageError
from nmpcap.tools.link.impairments import Impairments

__all__ = ["Counts", "Fate", "Verdict", "Wire", "counts_of"]


class Fate(enum.IntEnum):
    """What becomes of a packet."""

    DELIVERED = lib.NM_WIRE_DELIVERED
    LISTED = lib.NM_WIRE_LISTED
    DOWN = lib.NM_WIRE_DOWN
    QUEUE = lib.NM_WIRE_QUEUE
    LOSS = lib.NM_WIRE_LOSS
    BURST = lib.NM_WIRE_BURST
    BIT_ERROR = lib.NM_WIRE_BIT_ERROR


@dataclass(frozen=True)
class Verdict:
    """On one packet. If lost, ``departure_ns`` is None and ``copies`` 0. ``corrupt_bit`` is to be flipped."""

    index: int
    fate: Fate
    departure_ns: int | None
    copies: int
    corrupt_bit: int | None


@dataclass(frozen=True)
class Counts:
    """What a wire has done: packets offered, by what became of them, and more of those delivered."""

    offered: int
    fates: dict[Fate, int]
    corrupted: int
    duplicated: int
    held: int
    bytes: int
    bursts: int

    @property
    def delivered(self) -> int:
        """Packets that got through, copies not counted."""
        return self.fates[Fate.DELIVERED]

    @property
    def lost(self) -> int:
        """Packets that did not."""
        return self.offered - self.delivered


class Wire:
    """The pure function: no clock, no port; the same seed gives the same verdicts, whatever the batches.

    ``direction`` is 0 or 1 (any number below 2**32): two directions of a link with one seed draw differently.
    """

    def __init__(self, impairments: Impairments, *, seed: int = 0, direction: int = 0) -> None:
        number(seed, "the seed of a wire:", 0, 2**64 - 1)
        number(direction, "the direction of a wire:", 0, 2**32 - 1)
        self._impairments = impairments
        new = ffi.new("struct nm_wire **")
        with impairments.core() as config:
            if lib.nm_wire_new(seed, direction, config, new):
                raise MemoryError("no memory for a wire")
        #: ``struct nm_wire *``, valid as long as this object.
        self.pointer: Any = ffi.gc(new[0], lib.nm_wire_free)

    @property
    def impairments(self) -> Impairments:
        """What it does at present."""
        return self._impairments

    def configure(self, impairments: Impairments) -> None:
        """Do something else from the next packet on; what is counted, and what is being sent, stays."""
        with impairments.core() as config:
            if lib.nm_wire_configure(self.pointer, config):
                raise MemoryError("no memory for a wire's configuration")
        self._impairments = impairments

    def offer(self, arrival_ns: Sequence[int], length: Sequence[int]) -> list[Verdict]:
        """Decide on packets, in the order in which they come: times in nanoseconds, of one clock; bytes."""
        n = len(arrival_ns)
        if len(length) != n:
            raise UsageError(f"a wire: {n} arrivals and {len(length)} lengths")
        verdicts = ffi.new("struct nm_wire_verdict[]", n)
        lib.nm_wire_offer(
            self.pointer,
            ffi.new("int64_t[]", list(arrival_ns)),
            ffi.new("uint32_t[]", list(length)),
            n,
            verdicts,
        )
        return [_verdict(verdicts[i]) for i in range(n)]

    def counts(self) -> Counts:
        """Return what it has done so far."""
        counters = ffi.new("struct nm_wire_counters *")
        lib.nm_wire_count(self.pointer, counters)
        return counts_of(counters)


def counts_of(counters: Any) -> Counts:
    """Return a ``struct nm_wire_counters`` as Counts."""
    return Counts(
        counters.offered,
        {fate: counters.fate[fate] for fate in Fate},
        counters.corrupted,
        counters.duplicated,
        counters.held,
        counters.bytes,
        counters.bursts,
    )


def _verdict(verdict: Any) -> Verdict:
    bit = verdict.corrupt_bit
    return Verdict(
        verdict.index,
        Fate(verdict.fate),
        verdict.departure_ns if verdict.copies else None,
        verdict.copies,
        None if bit == 0xFFFFFFFF else bit,
    )
