"""netmap's structures as bytes: requests to pack, and views of a mapped region to read and write.

Offsets and sizes are those of netmap.h, API 14, on a 64-bit little-endian machine. Written with
``struct`` alone, on purpose: the package under test has its own idea of these layouts, and a suite
that borrowed it would share its mistakes.

    region   netmap_if ... rings ... buffers; everything is reached by offsets
    ring     256-byte header, then num_slots slots of 16 bytes: buf_idx 4, len 2, flags 2, ptr 8
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

# Anything with the buffer protocol and slicing; netmap's mappings come as such.
Region = Any

HEADER = struct.Struct("=HHI64sQQ")  # version, reqtype, reserved, name, options, body
REGISTER = struct.Struct("=QQIIHHHHHHIIIQ")
PORT_INFO = struct.Struct("=QIIHHHHH6x")
POOLS_INFO = struct.Struct("=QH6xQIIQIIQII")
VALE_LIST = struct.Struct("=HHI")  # bridge, pad, port
VALE_NEWIF = struct.Struct("=IIHHHH")
PORT_HDR = struct.Struct("=II")
LEGACY = struct.Struct("=16sIIIIIHHHHHHII4x")
OPTION = struct.Struct("=QIIQ")  # next, type, status, size

SIZES = ("tx_slots", "rx_slots", "tx_rings", "rx_rings", "host_tx_rings", "host_rx_rings")
REGISTER_FIELDS = ("offset", "memsize", *SIZES, "mem_id", "ringid", "mode", "extra_bufs", "pad", "flags")
PORT_INFO_FIELDS = ("memsize", *SIZES, "mem_id")
VALE_NEWIF_FIELDS = ("tx_slots", "rx_slots", "tx_rings", "rx_rings", "mem_id", "pad")
LEGACY_FIELDS = (
    *("name", "version", "offset", "memsize", "tx_slots", "rx_slots", "tx_rings", "rx_rings"),
    *("ringid", "cmd", "arg1", "arg2", "arg3", "flags"),
)

RING_HEADER_SIZE = 256
IF_HEADER_SIZE = 56
FIRST_BUFFER = 2  # indexes 0 and 1 are never a program's


def pack(layout: struct.Struct, fields: tuple[str, ...], **values: Any) -> bytes:
    """The structure with these fields, the others zero."""
    empty = {field: b"" if field == "name" else 0 for field in fields}
    return layout.pack(*(empty | values).values())


def unpack(layout: struct.Struct, fields: tuple[str, ...], data: bytes) -> dict[str, Any]:
    """The structure's fields by name."""
    return dict(zip(fields, layout.unpack_from(data), strict=True))


def c_string(field: bytes) -> bytes:
    """A fixed-size name field up to its NUL."""
    return field.split(b"\0")[0]


class Word:
    """A 32-bit field of a structure in a region, read and written in place."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def __get__(self, view: Any, owner: type) -> int:
        value: int = struct.unpack_from("=I", view.region, view.base + self.offset)[0]
        return value

    def __set__(self, view: Any, value: int) -> None:
        struct.pack_into("=I", view.region, view.base + self.offset, value & 0xFFFFFFFF)


class Slot(NamedTuple):
    """A slot as it was when read."""

    buf_idx: int
    len: int
    flags: int
    ptr: int


class Ring:
    """A netmap_ring in a region of ``size`` bytes."""

    head, cur, tail, flags = Word(20), Word(24), Word(28), Word(32)

    def __init__(self, region: Region, size: int, base: int) -> None:
        self.region, self.size, self.base = region, size, base
        fixed: tuple[int, ...] = struct.unpack_from("=qIIHH", region, base)
        self.buf_ofs, self.num_slots, self.nr_buf_size, self.ringid, self.dir = fixed

    @property
    def ts(self) -> tuple[int, int]:
        """Seconds and microseconds of the last stamp."""
        return struct.unpack_from("=qq", self.region, self.base + 40)

    @property
    def offset_mask(self) -> int:
        mask: int = struct.unpack_from("=Q", self.region, self.base + 56)[0]
        return mask

    @property
    def buf_align(self) -> int:
        align: int = struct.unpack_from("=Q", self.region, self.base + 64)[0]
        return align

    @property
    def space(self) -> int | None:
        """Slots from head to tail, or None where head or tail is no slot."""
        if self.head >= self.num_slots or self.tail >= self.num_slots:
            return None
        return (self.tail - self.head) % self.num_slots

    def slot(self, index: int) -> Slot:
        return Slot(*struct.unpack_from("=IHHQ", self.region, self._slot_at(index)))

    def put_slot(self, index: int, **fields: int) -> None:
        """Writes the fields given of one slot."""
        slot = self.slot(index)._replace(**fields)
        struct.pack_into("=IHHQ", self.region, self._slot_at(index), *slot)

    def buf_indexes(self) -> list[int]:
        start = self._slot_at(0)
        slots = bytes(self.region[start : start + 16 * self.num_slots])
        return [index for (index,) in struct.iter_unpack("=I12x", slots)]

    def buf_at(self, index: int) -> int | None:
        """Where a buffer starts in the region, or None for an index that no program may use."""
        start = self.base + self.buf_ofs + index * self.nr_buf_size
        inside = start >= 0 and start + self.nr_buf_size <= self.size
        return start if index >= FIRST_BUFFER and inside else None

    @property
    def bufs_in_region(self) -> int:
        """The first buffer index that lies beyond the region."""
        return (self.size - self.base - self.buf_ofs) // self.nr_buf_size

    def _slot_at(self, index: int) -> int:
        return self.base + RING_HEADER_SIZE + 16 * index


class Interface:
    """A netmap_if in a region of ``size`` bytes, and the rings a descriptor reaches from it."""

    bufs_head = Word(32)

    def __init__(self, region: Region, size: int, base: int) -> None:
        self.region, self.base = region, base
        fixed = struct.unpack_from("=16sIIII4xII", region, base)
        name, self.version, self.flags, self.tx_rings, self.rx_rings = fixed[:5]
        self.host_tx_rings, self.host_rx_rings = fixed[5:]
        self.name = c_string(name)
        tx = self.tx_rings + self.host_tx_rings
        rx = self.rx_rings + self.host_rx_rings
        offsets = struct.unpack_from(f"={tx + rx}q", region, base + IF_HEADER_SIZE)

        def reachable(some: tuple[int, ...]) -> dict[int, Ring]:
            return {i: Ring(region, size, base + offset) for i, offset in enumerate(some) if offset}

        self.tx = reachable(offsets[:tx])
        self.rx = reachable(offsets[tx:])

    @property
    def rings(self) -> list[Ring]:
        return [*self.tx.values(), *self.rx.values()]

    def extra_buffers(self, limit: int = 20000) -> list[int]:
        """Indexes on the list of extra buffers, each buffer's first word naming the next.

        Ends at 0, at a repetition, at an index outside the region and after ``limit``.
        """
        found: dict[int, None] = {}
        if not self.rings:
            return []
        index = self.bufs_head
        while index and index not in found and len(found) < limit:
            start = self.rings[0].buf_at(index)
            if start is None:
                break
            found[index] = None
            (index,) = struct.unpack_from("=I", self.region, start)
        return list(found)
