from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, SupportsFloat, SupportsIndex, final, overload

from typing_extensions import Buffer, Self, disjoint_base

def bind(address: int, /) -> None: ...

@final
class Packet:
    """One packet: its bytes and what was known of it when it was captured. Immutable.

    It stands for its captured bytes wherever a buffer is taken (``memoryview(p)``, ``bytes(p)``,
    ``file.write(p)``, ``struct.unpack_from``); ``len(p)`` is ``caplen``; ``p[12]`` is a byte and ``p[12:14]``
    are bytes, without a copy of the rest. A packet of no bytes is true like any other. Two packets are
    equal when their bytes and all of their fields are, a packet and bytes when the captured bytes are those.
    ``str(p)`` is a readable line.

    ``len`` is what the packet had on the wire, by default as many bytes as ``data``; some files say less
    than they hold. ``linktype`` is a DLT_* number.
    """
    def __new__(
        cls,
        data: Buffer,
        ts_ns: int = 0,
        len: int | None = None,
        linktype: int = 1,
        interface: int = 0,
        outgoing: bool = False,
        _origin: int = 0,
    ) -> Self: ...
    @property
    def ts_ns(self) -> int:
        """When: nanoseconds since the epoch, UTC."""
    @property
    def caplen(self) -> int:
        """Bytes captured: those that are there."""
    @property
    def len(self) -> int:
        """Bytes the packet had on the wire."""
    @property
    def linktype(self) -> int:
        """DLT_* number: what the bytes begin with."""
    @property
    def _origin(self) -> int: ...
    @property
    def interface(self) -> int:
        """Which interface of the source it came from: an index, 0 where there is one only."""
    @property
    def outgoing(self) -> bool:
        """Whether it was being sent by the host or port observed."""
    @property
    def data(self) -> bytes:
        """The captured bytes, as a new bytes object."""
    @property
    def time(self) -> datetime:
        """When: a datetime in UTC, cut to microseconds; ``ts_ns`` has the rest."""
    def hex(self, sep: str | bytes = ..., bytes_per_sep: SupportsIndex = ...) -> str:
        """The captured bytes in hexadecimal, as bytes.hex() writes them."""
    def dpkt(self) -> Any:
        """Return dpkt's object for the packet's link type, made of its captured bytes.

        PcapError for a link type that dpkt has no class for; dpkt's own errors for bytes that it cannot read.
        """
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    @overload
    def __getitem__(self, key: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any, /) -> Self: ...

@final
class Pkthdr:
    """When a packet was captured, how many of its bytes, and how many it had. Immutable.

    sec, usec: seconds since the epoch, and microseconds from 0 to 999999. caplen, len: bytes captured, and
    on the wire. Two headers are equal when all four are.
    """
    def __new__(cls, sec: int, usec: int, caplen: int, len: int) -> Self: ...
    def getts(self) -> tuple[int, int]:
        """Return when: (seconds since the epoch, microseconds)."""
    def getcaplen(self) -> int:
        """Return the bytes captured."""
    def getlen(self) -> int:
        """Return the bytes the packet had on the wire."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Slab:
    """Memory that packets of a batch lie in; it stays theirs for as long as this lives."""
    def __buffer__(self, flags: int, /) -> memoryview: ...

@disjoint_base
class Recorder:
    """The part of a Writer that takes Packets. Calls back ``_write`` for what is more than putting one
    behind the others.
    """
    def write(
        self, packet: Any, *, ts_ns: int | None = None, len: int | None = None, comment: str | None = None
    ) -> None:
        """Append one packet.

        packet: a Packet, anything else with ``ts_ns``, ``data`` and ``len``, or a buffer. ts_ns: where another
        time than the packet's is wanted; a buffer's is now. len: bytes the packet had on the wire, where the
        packet does not say. comment: pcapng only, as is that a packet may say its ``linktype``,
        ``interface`` and whether it is ``outgoing``: each pair of the former is an interface of the file.

        Raises DeviceError (ENOSPC, EPIPE ...) where earlier packets could not be written out to
        make room for this one: it is then not taken, they are kept, and the call may be
        repeated. Raises PcapError for a time that the format cannot hold.
        """
    def _enter(self) -> bool:
        """Take the writer for this call, unless another is in it: whether it did."""
    def _leave(self) -> None:
        """Undo _enter."""
    def _lend(self, address: int = 0, linktype: int = 0, /) -> None:
        """Has Packets appended to the nm_writer at ``address``; 0: to none any longer. For the thread that has entered.

        ``linktype``: of packets that come as a Pkthdr and bytes.
        """
    def _record(self, header: Any, data: Any, /) -> None:
        """Append a packet given as pcapy's two; ``_unrecorded`` is called back where there is more to it."""

@disjoint_base
class Handle:
    """The part of a Capture that touches packets, over the core's nm_capture at ``address`` (now its own).

    Calls back ``_feed()`` where a source wants more bytes, ``_ended()`` where it has come to its end, and
    ``_error(errno, message)`` for the exception to raise.
    """

    timeout: float | None
    _nonblock: bool
    _origin: int
    @property
    def _status(self) -> int: ...
    def __init__(self, address: int, savefile: bool) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Packet: ...
    def next(self, timeout: SupportsFloat | None = ...) -> Packet | None:
        """The next Packet, or None when none came within ``timeout`` seconds.

        ``timeout`` is a deadline, kept on an idle port, too: 0 does not wait, None waits for ever, and without
        it the handle's own ``timeout`` counts. None is also the answer at the end of a savefile and when
        breakloop() or close() ended the call.
        """
    def dispatch(
        self, cnt: SupportsIndex, callback: Callable[..., object], args: tuple[Any, ...] = ()
    ) -> int:
        """Wait for packets until the handle's ``timeout`` and calls ``callback(packet)`` for those that are there.

        args: what the callback gets behind the packet. At most ``cnt`` of them; 0 or less stands for all that came at once, and for the rest of a savefile.
        Returns how many the callback got: 0 at the deadline, at the end of a savefile, or when breakloop()
        came first. An exception of the callback ends the call and comes out; its packet counts as delivered,
        the next call goes on with the one after it.
        """
    def loop(self, cnt: SupportsIndex, callback: Callable[..., object], args: tuple[Any, ...] = ()) -> int:
        """Call ``callback(packet)`` for ``cnt`` packets, or without end where ``cnt`` is 0 or less.

        Returns how many the callback got, which is ``cnt`` unless the savefile ended or breakloop() or close()
        came before. The handle's ``timeout`` does not end it. Exceptions as for dispatch.
        """
    def _next_batch(
        self, max: SupportsIndex, timeout: SupportsFloat | None = ...
    ) -> tuple[int, bytes, Buffer] | None:
        """Up to ``max`` packets as (count, columns, data), or None; next_batch makes a Batch of it."""
    def _next_records(
        self, max: SupportsIndex, timeout: SupportsFloat | None = ...
    ) -> tuple[bytes, bytes] | None:
        """Up to ``max`` packets as (data, records), or None; four uint32 a record: seconds, microseconds, offset, caplen."""
    def _deliver_as(
        self, fields: tuple[str | type[tuple[Any, ...]], ...], empty: Any = None, nano: bool = False
    ) -> None:
        """Give packets as a tuple of fields from now on, or as the one field alone, and to callbacks as so many arguments.

        fields, a tuple of up to three: ``packet``, a Packet; ``header``, a Pkthdr; ``data``, bytes; ``len``, on the
        wire; ``caplen``; ``time``, seconds as a float, ``sec + frac * 1e-9``; ``time_us``, the same of whole
        microseconds, ``sec + usec / 1e6``; ``decimal``, the same as a Decimal, to the nanosecond; ``ts_ns``, an int;
        ``sec``, an int. A class of tuples is a field that is one of them: (seconds, microseconds, len, caplen), or
        nanoseconds with ``nano``. empty: what next returns where no packet comes. Not while the handle is being read.
        """
    def _fill(self, timeout: SupportsFloat | None = ...) -> int:
        """How many packets wait in the window, after a wait for the first where there are none."""
    def inject(self, frame: Buffer, timeout: SupportsFloat | None = 0) -> int:
        """Send one frame, link-layer header and all, from any bytes-like object; returns its length.

        The frame is on its way when this returns: there is nothing to flush. Where there is no room, it waits
        up to ``timeout`` seconds (None: for ever) and then raises DeviceError (EAGAIN); a frame that never
        fits is DeviceError (EMSGSIZE).
        """
    def inject_many(self, frames: Iterable[Buffer], timeout: SupportsFloat | None = 0) -> int:
        """Send frames, any iterable of bytes-like objects, in their order; returns how many have been accepted.

        Fewer than all: no room was left for the next one within ``timeout`` seconds, or it was refused;
        sending it again gives the reason. An error is raised only when nothing has been sent. Of an iterator
        that is no sequence, up to 255 frames may have been drawn beyond those that were sent.
        """
