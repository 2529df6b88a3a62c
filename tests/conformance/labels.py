"""Canonical names for what differs from run to run: ports, regions, buffers and payloads.

port     the scenario's name with ``$`` for the token that made it unique
region   A, B, ... in order of first sight; ``global`` is id 1, ``other`` none of the scenario's
buffer   the place where it was first seen: a.t0.3, b.r1.0, x.x.2; 0, 1, ``bad``, or ?k if never
payload  the tag whose bytes they are, whole or in part (see ``Payloads.recognise``)
"""

from __future__ import annotations

import zlib
from collections.abc import Collection
from string import ascii_uppercase

from .layout import FIRST_BUFFER, Interface, Ring, Slot

GLOBAL_REGION = 1
MIN_PREFIX = 14  # shorter payloads are taken for part of another by chance
MIN_ELSEWHERE = 40


class PortNames:
    """Three letters in place of ``$``, the same for every run of one scenario."""

    LETTERS = "bcdfghjkmpqrstwxyz"  # no vowels: the token is no part of any other word in a name

    def __init__(self, scenario: str) -> None:
        seed = zlib.crc32(scenario.encode())
        n = len(self.LETTERS)
        self.token = "".join(self.LETTERS[seed // n**i % n] for i in range(3))

    def real(self, name: str) -> bytes:
        return name.replace("$", self.token).encode("latin1")

    def canonical(self, name: bytes) -> str:
        return name.decode("latin1").replace(self.token, "$")


class Regions:
    """Names of regions by id, while somebody of the scenario uses them."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._met = 0

    def meet(self, mem_id: int) -> None:
        """Names the region of a newly bound descriptor, unless it has a name."""
        if mem_id > GLOBAL_REGION and mem_id not in self._names:
            round_, letter = divmod(self._met, len(ascii_uppercase))
            self._names[mem_id] = ascii_uppercase[letter] + (str(round_) if round_ else "")
            self._met += 1

    def name(self, mem_id: int) -> str:
        if mem_id == 0:
            return "0"
        if mem_id == GLOBAL_REGION:
            return "global"
        return self._names.get(mem_id, "other")

    def keep(self, mem_ids: Collection[int]) -> None:
        """Forgets all other regions: their ids may come back for new ones."""
        self._names = {mem_id: name for mem_id, name in self._names.items() if mem_id in mem_ids}


class Buffers:
    """Names of the buffers of one region."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._strangers = 0

    def meet(self, id_: str, interface: Interface) -> None:
        """Names what a descriptor sees on being mapped, by where it sees it."""
        for letter, rings in (("t", interface.tx), ("r", interface.rx)):
            for number, ring in rings.items():
                for place, index in enumerate(ring.buf_indexes()):
                    if index >= FIRST_BUFFER:
                        self._names.setdefault(index, f"{id_}.{letter}{number}.{place}")
        for place, index in enumerate(interface.extra_buffers()):
            self._names.setdefault(index, f"{id_}.x.{place}")

    def name(self, index: int, rings: Collection[Ring]) -> str:
        if index < FIRST_BUFFER:
            return str(index)
        if rings and next(iter(rings)).buf_at(index) is None:
            return "bad"
        if index not in self._names:
            self._names[index] = f"?{self._strangers}"
            self._strangers += 1
        return self._names[index]

    def index(self, name: str) -> int | None:
        return next((index for index, known in self._names.items() if known == name), None)

    def keep(self, reachable: Collection[int]) -> None:
        """Forgets the names of buffers that no open descriptor reaches."""
        self._names = {index: name for index, name in self._names.items() if index in reachable}


class Payloads:
    """The bytes written so far in a scenario, and their tags."""

    def __init__(self) -> None:
        self._tags: dict[bytes, str] = {}

    def learn(self, data: bytes, tag: str) -> None:
        """Takes the first tag of equal bytes; nothing is learnt from no bytes."""
        if data:
            self._tags.setdefault(data, tag)

    def recognise(self, ring: Ring, slot: Slot) -> str:
        """What a slot's bytes are.

            tag           exactly what was written under that tag (tag/k: its fragment k)
            tag[:n]       its first n bytes
            tag+n         followed by n other bytes; tag+zerosn: by n zeros
            tag@n         found at byte n of the buffer instead of where the slot says
            zeros, other  none of these; nothing at all for len 0; ``bad buffer`` without one

        ``+n`` at the very end: the slot's len exceeds the buffer by n.
        """
        if slot.len == 0:
            return ""
        start = ring.buf_at(slot.buf_idx)
        if start is None:
            return "bad buffer"
        first = start + (slot.ptr & ring.offset_mask)
        data = bytes(ring.region[first : first + min(slot.len, ring.nr_buf_size)])
        excess = f"+{slot.len - len(data)}" if slot.len > len(data) else ""
        told = self._at_its_place(data)
        if told is None:
            told = self._elsewhere(bytes(ring.region[start : start + ring.nr_buf_size]))
        if told is None:
            told = "other" if any(data) else "zeros"
        return told + excess

    def _at_its_place(self, data: bytes) -> str | None:
        if data in self._tags:
            return self._tags[data]
        for known, tag in self._tags.items():
            if known.startswith(data):
                return f"{tag}[:{len(data)}]"
        begun = [known for known in self._tags if len(known) >= MIN_PREFIX and data.startswith(known)]
        if not begun:
            return None
        known = max(begun, key=len)
        rest = data[len(known) :]
        return f"{self._tags[known]}+{'' if any(rest) else 'zeros'}{len(rest)}"

    def _elsewhere(self, buffer: bytes) -> str | None:
        for known, tag in self._tags.items():
            place = buffer.find(known) if len(known) >= MIN_ELSEWHERE else -1
            if place >= 0:
                return f"{tag}@{place}"
        return None
