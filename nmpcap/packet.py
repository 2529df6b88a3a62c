"""Values: Packet, Pkthdr, Batch, Stats, Explanation."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import index as as_index
from typing import Any, Literal, SupportsIndex, final, overload

from nmpcap._core.delivery import Packet, Pkthdr

__all__ = ["Batch", "Explanation", "Packet", "Pkthdr", "Stats"]

_OUTGOING = 0x0001
_COLUMNS = ("ts_ns", "offset", "caplen", "len", "interface", "linktype", "flags")


@final
class Batch:
    """Packets in columns: what was there at once, without an object for each.

    Packet ``i`` is ``data[offsets[i] : offsets[i] + caplens[i]]``, ``lens[i]`` bytes long on the wire and
    captured at ``ts_ns[i]`` nanoseconds since the epoch. The bytes and the columns are read-only
    memoryviews; they stay valid, and as they are, as long as anything refers to them, and NumPy takes
    them without a copy: ``numpy.asarray(batch.lens)``. ``batch[i]`` and iteration give Packets,
    ``batch[i:j]`` a Batch over the same bytes. It pickles. ``numpy.asarray(batch)`` is a structured array, a
    copy, with a field a column, ``batch.to_pandas()`` a DataFrame: ts_ns, offset, caplen, len, interface,
    linktype, flags.

    The packets of a savefile stay where they were read to, with what stood between them; kept batches
    hold up to four times the memory that their packets would take alone.
    """

    __slots__ = ("_columns", "_count", "_data", "_origin")

    def __init__(self, count: int, columns: bytes, data: Any, _origin: int = 0) -> None:
        self._origin = _origin
        self._count = count
        self._columns = memoryview(columns)
        self._data = memoryview(data)

    def __len__(self) -> int:
        return self._count

    def _column(self, start: int, size: int, format: Literal["q", "I", "H"]) -> memoryview:
        """``start`` and ``size`` in bytes a packet, as in nm_capture_take."""
        return self._columns[start * self._count : (start + size) * self._count].cast(format)

    @property
    def data(self) -> memoryview:
        """The captured bytes of all packets: one behind the other, but not always one next to the other."""
        return self._data

    @property
    def ts_ns(self) -> memoryview:
        """Times, nanoseconds since the epoch, UTC; format ``q``."""
        return self._column(0, 8, "q")

    @property
    def offsets(self) -> memoryview:
        """Where each packet begins in ``data``; format ``q``."""
        return self._column(8, 8, "q")

    @property
    def caplens(self) -> memoryview:
        """Bytes captured of each; format ``I``."""
        return self._column(16, 4, "I")

    @property
    def lens(self) -> memoryview:
        """Bytes each had on the wire; format ``I``."""
        return self._column(20, 4, "I")

    @property
    def interfaces(self) -> memoryview:
        """Which interface of the source each came from; format ``I``."""
        return self._column(24, 4, "I")

    @property
    def linktypes(self) -> memoryview:
        """DLT_* of each; format ``H``."""
        return self._column(28, 2, "H")

    @property
    def flags(self) -> memoryview:
        """Bit 0: the packet was being sent (Packet.outgoing); format ``H``."""
        return self._column(30, 2, "H")

    @overload
    def __getitem__(self, index: SupportsIndex) -> Packet: ...
    @overload
    def __getitem__(self, index: slice) -> Batch: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Packet | Batch:
        if isinstance(index, slice):
            chosen = [column[index] for column in self._all_columns()]
            return Batch(
                len(chosen[0]), b"".join(part.tobytes() for part in chosen), self._data, self._origin
            )
        index = as_index(index)
        if not -self._count <= index < self._count:
            raise IndexError(f"packet {index} of a batch of {self._count}")
        index %= self._count
        offset = self.offsets[index]
        return Packet(
            self._data[offset : offset + self.caplens[index]],
            self.ts_ns[index],
            self.lens[index],
            self.linktypes[index],
            self.interfaces[index],
            bool(self.flags[index] & _OUTGOING),
            _origin=self._origin,
        )

    def __iter__(self) -> Iterator[Packet]:
        data = self._data
        places = zip(self.offsets, self.caplens, strict=True)
        facts = zip(self.ts_ns, self.lens, self.linktypes, self.interfaces, self.flags, strict=True)
        for (offset, caplen), (ts_ns, length, linktype, interface, flags) in zip(places, facts, strict=True):
            outgoing = bool(flags & _OUTGOING)
            yield Packet(
                data[offset : offset + caplen],
                ts_ns,
                length,
                linktype,
                interface,
                outgoing,
                _origin=self._origin,
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the bytes between packets."""
        columns = self._all_columns()
        columns[_COLUMNS.index("offset")] = array("q", accumulate(self.caplens, initial=0))[: self._count]
        places = zip(self.offsets, self.caplens, strict=True)
        data = b"".join(self._data[offset : offset + caplen] for offset, caplen in places)
        return Batch, (self._count, b"".join(columns), data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return a structured NumPy array of the columns; always a copy of theirs."""
        import numpy  # whoever asks has it

        if copy is False:
            raise ValueError("the columns of a Batch lie one behind the other: an array of all is a copy")
        columns = dict(zip(_COLUMNS, self._all_columns(), strict=True))
        rows = numpy.empty(self._count, [(name, column.format) for name, column in columns.items()])
        for name, column in columns.items():
            rows[name] = column
        return rows if dtype is None else rows.astype(dtype)

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame of the columns, with their types. ImportError without pandas."""
        import pandas

        return pandas.DataFrame.from_records(self.__array__())

    def _all_columns(self) -> list[Any]:
        """In the order in which they lie in memory."""
        packet = [self.ts_ns, self.offsets, self.caplens, self.lens]
        return [*packet, self.interfaces, self.linktypes, self.flags]

    def __repr__(self) -> str:
        return f"<Batch of {self._count} packets, {len(self._data)} bytes>"


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of a Capture, 64 bits each, from its opening on; one a stage, and none counts twice.

    ``received == filtered + delivered + waiting``.

    ``received``  Packets the handle took from its source.
    ``bytes``  Their lengths on the wire, summed.
    ``filtered``  Of these, refused by the filter; less again where a new one passes what an old one refused.
        What the kernel refused for it (see explain()) is counted nowhere.
    ``delivered``  Of these, handed to the program.
    ``waiting``  Of these, in the handle still: the next call that reads gets them.
    ``dropped``  Lost for want of room in a ring or buffer before the handle, after a filter in the kernel.
    ``if_dropped``  Lost by the interface before that: its rx_missed_errors and rx_fifo_errors; of ``any``,
        0.
    ``sent``  Frames accepted by inject and inject_many.
    ``unsent``  Frames that found no room before their deadline; frames behind them in the same call do not
        count.
    ``unread``  In the port still, where the handle has not taken them: before the first read everything that
        has come. Of netmap's ports, slots, of which a large packet has several. Of ``any``, a
        frame on ``lo`` counts twice here. 0 where nobody can tell: the kernel's netmap, savefiles.
    ``forwarded``  On a switch of user-space netmap, of what this port sent: to the one port that has the
        destination address.
    ``flooded``  To every other port: the address is a broadcast's, or nobody's yet.
    ``discarded``  To nobody: shorter than 14 bytes, of 256 slots and more, to the port it came from.
    """

    received: int
    bytes: int
    filtered: int
    delivered: int
    waiting: int
    dropped: int
    if_dropped: int
    sent: int
    unsent: int
    unread: int
    forwarded: int
    flooded: int
    discarded: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a name turned out to be: the answer to Capture.explain(). ``str()`` gives it line by line.

    ``name``  As it was opened.
    ``source``  ``netmap``, ``packet`` or ``savefile``.
    ``backend``  Whose: ``kernel`` or ``user`` netmap, ``linux packet socket``, or the format of a savefile.
    ``rings``  How many rings of how many slots, or what stands in their place.
    ``filter``  Where the filter runs.
    ``timestamps``  Where the times come from, and how fine they are.
    """

    name: str
    source: str
    backend: str
    rings: str
    filter: str
    timestamps: str

    def __str__(self) -> str:
        return "\n".join(f"{field}: {getattr(self, field)}" for field in self.__slots__)
