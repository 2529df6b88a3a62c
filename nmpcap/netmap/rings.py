"""Rings and slots of an open port, in shared memory: what netmap_user.h's macros reach, checked.

Nothing here makes a system call. A program owns the slots from ``head`` up to ``tail``; moving ``head``
gives slots away at the next sync, and with that the buffers that their views show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from errno import EIO
from typing import Any, Protocol, overload

from nmpcap._arguments import instance, number
from nmpcap._core import ffi, lib
from nmpcap._printable import printable
from nmpcap.errors import DeviceError, UsageError

__all__ = ["Closed", "Holder", "PktHdr", "Ring", "Slot", "Slots", "end_view"]


class Closed:
    """Stands in for shared memory that has been unmapped: every use raises."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getattr__(self, field: str) -> Any:
        raise UsageError(f"{object.__getattribute__(self, '_name')}: {field} of a ring of a closed port")

    def __setattr__(self, field: str, value: object) -> None:
        getattr(self, field)

    def __getitem__(self, index: int) -> Any:
        return getattr(self, f"slot {index}")


class Holder(Protocol):
    """The open port that a ring is of, as far as a ring needs it: an NmDesc."""

    spec: str
    _base: int

    def _open(self, what: str) -> Any: ...
    def _error(self, error: int, what: str) -> Exception: ...
    def _check_buffer(self, buf_idx: int) -> None: ...
    def _buffer_view(
        self, buffers: int, buf_size: int, buf_idx: int, skip: int, length: int
    ) -> memoryview: ...


class Ring:
    """A ring. ``head <= cur <= tail`` going round, and ``head`` to ``tail`` are the program's slots.

    On a tx ring those are free to fill, on an rx ring they hold packets. ``cur`` is how far the program has
    looked: waiting ends when ``tail`` moves past it. Only a sync moves ``tail``.
    """

    def __init__(self, desc: Holder, checked: Any, index: int, *, tx: bool) -> None:
        # What never changes of a ring comes from the core, which has checked it: the ring itself is memory
        # that others may write.
        self._desc = desc
        self._ring = checked.ring
        self._slot = checked.ring.slot
        self._views: list[tuple[int, memoryview]] = []
        self._name = f"{printable(desc.spec)}: {'tx' if tx else 'rx'} ring {checked.ringid}"
        self._index = index
        self._buffers = int(ffi.cast("intptr_t", checked.bufs)) - desc._base
        self._offset_mask: int = checked.offset_mask
        self.tx = tx
        self.ringid: int = checked.ringid
        self.num_slots: int = checked.num_slots
        self.buf_size: int = checked.buf_size
        self.slots = Slots(self)

    @property
    def head(self) -> int:
        """The first of the program's slots. Settable to any of them and to ``tail``; else UsageError.

        ``cur`` comes along where it would be left behind, which a sync would refuse.
        """
        return int(self._ring.head)

    @head.setter
    def head(self, index: int) -> None:
        self._check(index, "head")
        ring, n = self._ring, self.num_slots
        if (ring.cur - ring.head) % n < (index - ring.head) % n:
            ring.cur = index
        ring.head = index

    @property
    def cur(self) -> int:
        """The first slot the program has not looked at. Settable like ``head``."""
        return int(self._ring.cur)

    @cur.setter
    def cur(self, index: int) -> None:
        self._check(index, "cur")
        self._ring.cur = index

    @property
    def tail(self) -> int:
        """The first slot that is not the program's."""
        return int(self._ring.tail)

    @property
    def flags(self) -> int:
        """``NR_TIMESTAMP`` and ``NR_FORWARD``."""
        return int(self._ring.flags)

    @flags.setter
    def flags(self, flags: int) -> None:
        self._ring.flags = number(flags, f"{self._name}: flags", 0, 2**32 - 1)

    @property
    def ts(self) -> tuple[int, int]:
        """When the ring was last synced for receiving: seconds since the epoch, and microseconds."""
        return int(self._ring.ts.tv_sec), int(self._ring.ts.tv_usec)

    @property
    def space(self) -> int:
        """How many slots are the program's: free ones to send from, or received ones."""
        ring = self._ring
        return int((ring.tail - ring.head) % self.num_slots)

    @property
    def empty(self) -> bool:
        """Whether no slot is the program's."""
        return bool(self._ring.head == self._ring.tail)

    @property
    def tx_pending(self) -> bool:
        """Whether slots have been handed over for sending that have not come back."""
        return self.next(self._ring.tail) != self.head

    def next(self, index: int) -> int:
        """The slot after ``index``."""
        return 0 if index + 1 == self.num_slots else index + 1

    def advance(self, count: int = 1) -> int:
        """Move ``head`` and ``cur`` over ``count`` of the program's slots; returns the new ``head``.

        UsageError, and nothing moves, if the program has fewer.
        """
        if not 0 <= count <= self.space:
            raise UsageError(f"{self._name}: advancing by {count} slots of {self.space}")
        ring = self._ring
        ring.head = ring.cur = (ring.head + count) % self.num_slots
        return int(ring.head)

    def owned(self) -> Iterator[Slot]:
        """The program's slots at this moment, in order. DeviceError (EIO) if head or tail is garbage."""
        head, tail, n = self._ring.head, self._ring.tail, self.num_slots
        if head >= n or tail >= n:  # others who have the region mapped can write them
            raise DeviceError(EIO, f"{self._name} of {n} slots: head {head} or tail {tail} lies outside it")
        return (Slot(self, (head + i) % n) for i in range((tail - head) % n))

    def forward(self, to: Ring, limit: int | None = None) -> int:
        """Move whole packets from this rx ring to a tx ring; returns how many.

        Within one region buffers change places and nothing is copied. Stops where this ring has no more
        packets, the other no more room, or after ``limit``. Neither ring is synced.
        """
        instance(to, Ring, f"{self._name}: where to forward")
        if limit is not None:
            number(limit, f"{self._name}: packets to forward", 0, 2**32 - 1)
        if self.tx or not to.tx:
            raise UsageError(f"{self._name}: forwarding to {to._name}: it goes from an rx to a tx ring")
        moved = ffi.new("uint32_t *")
        source, sink = self._desc._open("forward"), to._desc._open("forward")
        count = 0xFFFFFFFF if limit is None else limit
        error = lib.nm_desc_forward(source, self._index, sink, to._index, count, moved)
        if error and not moved[0]:
            raise to._desc._error(error, "forward")
        return int(moved[0])

    def __len__(self) -> int:
        return self.num_slots

    def __repr__(self) -> str:
        if isinstance(self._ring, Closed):
            return f"<{self._name}, closed>"
        return f"<{self._name} of {self.num_slots} slots, head {self.head} cur {self.cur} tail {self.tail}>"

    def _check(self, index: int, what: str) -> None:
        ring = self._ring
        n = self.num_slots
        if not 0 <= index < n or (index - ring.head) % n > (ring.tail - ring.head) % n:
            raise UsageError(
                f"{self._name} of {n} slots: {what} cannot be {index}, "
                f"only from head {ring.head} to tail {ring.tail}"
            )

    def _view(self, index: int, buf_idx: int, skip: int, length: int) -> memoryview:
        """A view that ends with the sync that takes slot ``index`` away."""
        self._ring.head  # noqa: B018  # raises on a closed port
        view = self._desc._buffer_view(self._buffers, self.buf_size, buf_idx, skip, length)
        self._views.append((index, view))
        return view

    def _end_views(self) -> None:
        """Before a sync: ends the views of slots that will not be the program's any more."""
        if self._views:
            head, space, n = self._ring.head, self.space, self.num_slots
            stays = [(i, view) for i, view in self._views if (i - head) % n < space]
            for index, view in self._views:
                if (index - head) % n >= space:
                    end_view(view)
            self._views = stays

    def _close(self) -> None:
        for _, view in self._views:
            end_view(view)
        self._views = []
        self._ring = self._slot = Closed(self._desc.spec)


def end_view(view: memoryview) -> None:
    """End a view; what a program has built on it (an array, a cast) cannot be taken back and goes stale."""
    with suppress(BufferError):
        view.release()


class Slots(Sequence["Slot"]):
    """The slots of a ring, by number."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def __len__(self) -> int:
        return self._ring.num_slots

    @overload
    def __getitem__(self, index: int) -> Slot: ...
    @overload
    def __getitem__(self, index: slice) -> list[Slot]: ...
    def __getitem__(self, index: int | slice) -> Slot | list[Slot]:
        if isinstance(index, slice):
            return [Slot(self._ring, i) for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"{self._ring._name} has {len(self)} slots")
        return Slot(self._ring, index)


class Slot:
    """One slot, in shared memory: which buffer, how many bytes of it, and ``NS_*`` flags."""

    __slots__ = ("_ring", "index")

    def __init__(self, ring: Ring, index: int) -> None:
        self._ring = ring
        self.index = index

    @property
    def buf_idx(self) -> int:
        """The buffer's number. Setting it sets NS_BUF_CHANGED too; UsageError if there is no such buffer."""
        return int(self._ring._slot[self.index].buf_idx)

    @buf_idx.setter
    def buf_idx(self, buf_idx: int) -> None:
        self._ring._desc._check_buffer(buf_idx)
        slot = self._ring._slot[self.index]
        slot.buf_idx = buf_idx
        slot.flags |= lib.NS_BUF_CHANGED

    @property
    def len(self) -> int:
        """Bytes of the packet in this slot, or to be sent from it."""
        return int(self._ring._slot[self.index].len)

    @len.setter
    def len(self, length: int) -> None:
        if not 0 <= length <= 0xFFFF:
            raise UsageError(
                f"{self._ring._name}: slot {self.index}: a length of {length} bytes, at most 65535 fit"
            )
        self._ring._slot[self.index].len = length

    @property
    def flags(self) -> int:
        """``NS_*``; test bits, a packet from a switch carries its number of slots in the upper byte."""
        return int(self._ring._slot[self.index].flags)

    @flags.setter
    def flags(self, flags: int) -> None:
        try:
            self._ring._slot[self.index].flags = flags
        except OverflowError as error:
            raise UsageError(f"{self._ring._name}: slot {self.index}: flags {flags:#x}: {error}") from None

    @property
    def ptr(self) -> int:
        """A user address (``NS_INDIRECT``) or the offset of the packet in its buffer (offsets option)."""
        return int(self._ring._slot[self.index].ptr)

    @ptr.setter
    def ptr(self, ptr: int) -> None:
        try:
            self._ring._slot[self.index].ptr = ptr
        except OverflowError as error:
            raise UsageError(f"{self._ring._name}: slot {self.index}: ptr {ptr:#x}: {error}") from None

    @property
    def buf(self) -> memoryview:
        """The whole buffer, from the packet's offset on, writable.

        Valid until the sync that takes the slot away, or close; used later, it raises ValueError. What
        has been built on it (slices, arrays) cannot be taken back: copy what is to last.
        """
        return self._buf(self._ring.buf_size)

    @property
    def data(self) -> memoryview:
        """The first ``len`` bytes of ``buf``: the packet's. Valid as long."""
        return self._buf(self._ring._slot[self.index].len)

    def swap(self, other: Slot) -> None:
        """Exchange the buffers of two slots of one region, with lengths and offsets; marks both as changed.

        Nothing is copied. UsageError (a ValueError) if the slots are in different regions.
        """
        instance(other, Slot, "swap: other")
        ours, theirs = self._ring, other._ring
        if not lib.nm_desc_same_region(ours._desc._open("swap"), theirs._desc._open("swap")):
            raise UsageError(
                f"swapping buffers of {ours._name} and {theirs._name}: they are in different regions"
            )
        a, b = ours._slot[self.index], theirs._slot[other.index]
        mask = ours._offset_mask & theirs._offset_mask
        moved = (a.ptr ^ b.ptr) & mask
        a.buf_idx, b.buf_idx = b.buf_idx, a.buf_idx
        a.len, b.len = b.len, a.len
        a.ptr ^= moved
        b.ptr ^= moved
        a.flags |= lib.NS_BUF_CHANGED
        b.flags |= lib.NS_BUF_CHANGED

    def __repr__(self) -> str:
        if isinstance(self._ring._ring, Closed):
            return f"<slot {self.index} of a closed port>"
        return f"<slot {self.index}: buffer {self.buf_idx}, {self.len} bytes, flags {self.flags:#06x}>"

    def _buf(self, length: int) -> memoryview:
        ring = self._ring
        slot = ring._slot[self.index]
        skip = min(slot.ptr & ring._offset_mask, ring.buf_size)
        return ring._view(self.index, slot.buf_idx, skip, min(length, ring.buf_size - skip))


@dataclass(frozen=True)
class PktHdr:
    """What nm_nextpkt and nm_dispatch tell of a packet.

    ``ts_ns`` is since the epoch. ``caplen`` bytes are in ``buf``, ``len`` the packet had. ``flags`` is
    NM_MORE_PKTS or 0. ``slot`` is its first slot. ``buf`` ends with the next sync.
    """

    ts_ns: int
    caplen: int
    len: int
    flags: int
    slot: Slot
    buf: memoryview
