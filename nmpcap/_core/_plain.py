"""Packet, Pkthdr, Handle and Recorder in Python over cffi: what _core/python/ is for CPython.

For PyPy, whose compiler sees through all of it. _core/python/*.c and this module say the same
things in the same order: a change to one is a change to both.
"""

from __future__ import annotations

import errno
import operator
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, SupportsFloat, SupportsIndex, final

from nmpcap._core import ffi, lib, told
from nmpcap._core.deadline import timeout_ns
from nmpcap._core.turns import enter_aside
from nmpcap.errors import UsageError

__all__ = ["Handle", "Packet", "Pkthdr", "Recorder"]

_OUT = 0x0001  # NM_VIEW_OUT
_CHUNK = 256
_MICROSECONDS = 1_000_000
_SECOND = 1_000_000_000
_FORM_FIELDS = 3
_UNSET: Any = object()


@final
class Packet(bytes):
    """One packet: its bytes and what was known of it when it was captured. Immutable.

    Deriving from bytes is how a class of Python's own exports a buffer before Python 3.12.
    """

    ts_ns: int
    len: int
    linktype: int
    interface: int
    outgoing: bool
    _origin: int

    def __new__(
        cls,
        data: Any,
        ts_ns: int = 0,
        len: int | None = None,
        linktype: int = 1,
        interface: int = 0,
        outgoing: bool = False,
        _origin: int = 0,
    ) -> Packet:
        with memoryview(data) as view:
            self = super().__new__(cls, view)
        caplen = bytes.__len__(self)
        length = caplen if len is None else operator.index(len)
        if caplen > 0xFFFFFFFF or not 0 <= length <= 0xFFFFFFFF:
            raise ValueError(f"Packet: len {length} is not in 0 .. 4294967295")
        if not 0 <= operator.index(linktype) <= 0xFFFF:
            raise ValueError(f"Packet: linktype {linktype} is not in 0 .. 65535")
        if not 0 <= operator.index(interface) <= 0xFFFFFFFF:
            raise ValueError(f"Packet: interface {interface} is not in 0 .. 4294967295")
        if not -(1 << 63) <= operator.index(ts_ns) < 1 << 63:
            raise OverflowError(f"Packet: ts_ns {ts_ns} does not fit 64 bits")
        self.__dict__.update(
            ts_ns=ts_ns,
            len=length,
            linktype=linktype,
            interface=interface,
            outgoing=bool(outgoing),
            _origin=_origin,
        )
        return self

    @property
    def caplen(self) -> int:
        """Bytes captured: those that are there."""
        return bytes.__len__(self)

    @property
    def data(self) -> bytes:
        """The captured bytes, as a new bytes object."""
        return bytes(memoryview(self))

    def __bool__(self) -> bool:
        return True

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Packet is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Packet is immutable: {name} cannot be deleted")

    def _fields(self) -> tuple[bytes, int, int, int, int, bool]:
        return self.data, self.ts_ns, self.len, self.linktype, self.interface, self.outgoing

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packet):
            return self._fields() == other._fields()
        return self.data == other if isinstance(other, (bytes, bytearray)) else False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def _unordered(self, other: object) -> Any:
        return NotImplemented

    __lt__ = __le__ = __gt__ = __ge__ = _unordered

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return (
            f"<Packet ts_ns={self.ts_ns} caplen={self.caplen} len={self.len} linktype={self.linktype} "
            f"interface={self.interface}{' outgoing' if self.outgoing else ''}>"
        )

    def __str__(self) -> str:
        return told.line(self)

    @property
    def time(self) -> datetime:
        """When: a datetime in UTC, cut to microseconds; ``ts_ns`` has the rest."""
        return told.time(self)

    def dpkt(self) -> Any:
        """Return dpkt's object for the packet's link type, made of its captured bytes."""
        return told.dpkt(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Packet, self._fields()

    def __copy__(self) -> Packet:
        return self

    def __deepcopy__(self, memo: object) -> Packet:
        return self


Packet.__module__ = "nmpcap.packet"


def _packet(view: Any) -> Packet:
    return Packet(
        ffi.buffer(view.data, view.caplen),
        view.ts_ns,
        view.len,
        view.linktype,
        view.ifindex,
        bool(view.flags & _OUT),
    )


@final
class Pkthdr:
    """When a packet was captured, how many of its bytes, and how many it had. Immutable."""

    __slots__ = ("_caplen", "_len", "_ts_us")

    _caplen: int
    _len: int
    _ts_us: int

    def __new__(cls, sec: int, usec: int, caplen: int, len: int) -> Pkthdr:
        if not -9223372036 <= operator.index(sec) <= 9223372035:
            raise ValueError(f"Pkthdr: sec {sec} is not in -9223372036 .. 9223372035")
        if not 0 <= operator.index(usec) < _MICROSECONDS:
            raise ValueError(f"Pkthdr: usec {usec} is not in 0 .. 999999")
        if not (0 <= operator.index(caplen) <= 0xFFFFFFFF and 0 <= operator.index(len) <= 0xFFFFFFFF):
            raise ValueError(f"Pkthdr: caplen {caplen}, len {len}: not in 0 .. 4294967295")
        self = super().__new__(cls)
        for name, value in (("_ts_us", sec * _MICROSECONDS + usec), ("_caplen", caplen), ("_len", len)):
            object.__setattr__(self, name, value)
        return self

    def getts(self) -> tuple[int, int]:
        """Return when: (seconds since the epoch, microseconds)."""
        return divmod(self._ts_us, _MICROSECONDS)

    def getcaplen(self) -> int:
        """Return the bytes captured."""
        return self._caplen

    def getlen(self) -> int:
        """Return the bytes the packet had on the wire."""
        return self._len

    def _fields(self) -> tuple[int, int, int, int]:
        return *self.getts(), self._caplen, self._len

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Pkthdr is immutable: {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return self._fields() == other._fields() if isinstance(other, Pkthdr) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        sec, usec = self.getts()
        return f"<Pkthdr sec={sec} usec={usec} caplen={self._caplen} len={self._len}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Pkthdr, self._fields()


Pkthdr.__module__ = "nmpcap.packet"


def _header(view: Any) -> Pkthdr:
    sec, usec = divmod(view.ts_ns // 1000, _MICROSECONDS)
    return Pkthdr(sec, usec, view.caplen, view.len)


def _time(view: Any) -> float:
    sec, nsec = divmod(view.ts_ns, _SECOND)
    return float(sec + nsec * 1e-9)


def _time_us(view: Any) -> float:
    sec, nsec = divmod(view.ts_ns, _SECOND)
    return float(sec + nsec // 1000 / 1e6)


def _decimal(view: Any) -> Any:
    from decimal import Decimal

    sec, nsec = divmod(view.ts_ns, _SECOND)
    return sec + nsec / Decimal("1E9")


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "packet": _packet,
    "header": _header,
    "data": lambda view: bytes(ffi.buffer(view.data, view.caplen)),
    "len": lambda view: int(view.len),
    "caplen": lambda view: int(view.caplen),
    "time": _time,
    "time_us": _time_us,
    "decimal": _decimal,
    "ts_ns": lambda view: int(view.ts_ns),
    "sec": lambda view: view.ts_ns // _SECOND,
}


def _field(name: str | type[tuple[Any, ...]], fraction_ns: int) -> Callable[[Any], Any]:
    if isinstance(name, str) and name in _FIELDS:
        return _FIELDS[name]
    if not isinstance(name, type) or not issubclass(name, tuple):
        raise UsageError(f"_deliver_as: there is no field {name!r}")

    def record(view: Any) -> Any:
        sec, nsec = divmod(view.ts_ns, _SECOND)
        return tuple.__new__(name, (sec, nsec // fraction_ns, int(view.len), int(view.caplen)))

    return record


def _releaser(slab: Any) -> Callable[[Any], None]:
    """What lets go of a slab when the memory in it is not referred to any longer."""
    return lambda memory: lib.nm_slab_release(slab)


class Handle:
    """The part of a Capture that touches packets, over the core's nm_capture at ``address`` (now its own)."""

    def __init__(self, address: int, savefile: bool) -> None:
        self._capture = ffi.gc(ffi.cast("struct nm_capture *", address), lib.nm_capture_free)
        self._window = lib.nm_capture_window(self._capture)
        self._status = 0
        self._savefile = savefile

    @property
    def timeout(self) -> float | None:
        """Seconds that next, dispatch and next_batch wait at most unless told otherwise; None: for ever."""
        return None if self._timeout < 0 else self._timeout / 1e9

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._timeout = timeout_ns(seconds)

    _capture: Any = None
    _timeout = -1
    _nonblock = False
    _origin = 0
    _form: tuple[Callable[[Any], Any], ...] = (_packet,)
    _empty: Any = None

    def _deliver_as(
        self, fields: tuple[str | type[tuple[Any, ...]], ...], empty: Any = None, nano: bool = False
    ) -> None:
        if not isinstance(fields, tuple) or not 1 <= len(fields) <= _FORM_FIELDS:
            raise UsageError(f"_deliver_as: fields must be a tuple of 1 to {_FORM_FIELDS}")
        self._form = tuple(_field(name, 1 if nano else 1000) for name in fields)
        self._empty = empty

    def _enter(self) -> None:
        if self._capture is None:
            raise TypeError("a Capture comes from nmpcap.open() and its kin")
        error = lib.nm_capture_enter(self._capture)
        while error == -errno.EINTR:
            error = lib.nm_capture_await(self._capture)
        if error:
            raise self._error(-error, "")

    def _enter_aside(self) -> None:
        if self._capture is None:
            raise TypeError("a Capture comes from nmpcap.open() and its kin")
        enter_aside(self._capture, self._error)

    def _leave(self) -> None:
        lib.nm_capture_leave(self._capture)

    def _raise(self, error: int) -> Exception:
        message = ffi.string(lib.nm_capture_msg(self._capture))
        return self._error(-error, message.decode(sys.getfilesystemencoding(), "surrogateescape"))

    def _deadline(self, timeout: Any = _UNSET) -> Any:
        if timeout is _UNSET:
            return ffi.new("struct nm_deadline *", [0 if self._nonblock else self._timeout, 0])
        return ffi.new("struct nm_deadline *", [timeout_ns(timeout), 0])

    # ---- reading

    def _stopped(self) -> bool:
        if not self._window.stop or not lib.nm_capture_stopped(self._capture):
            return False
        self._status = lib.NM_CAPTURE_STOPPED
        return True

    def _waiting(self) -> int:
        return int(self._window.passed - self._window.taken)

    def _refill(self, deadline: Any) -> int:
        """What nm_capture_refill says once there is something to say: a count, 0, END or STOPPED."""
        while True:
            n = int(lib.nm_capture_refill(self._capture, deadline))
            self._status = min(n, 0)
            if n >= 0 or n == lib.NM_CAPTURE_STOPPED:
                return n
            if n == lib.NM_CAPTURE_END:
                self._ended()
                return n
            if n == -errno.EAGAIN:
                self._feed()
            elif n != -errno.EINTR:
                raise self._raise(n)

    def _take(self) -> tuple[Any, ...]:
        window = self._window
        fields = tuple(make(window.next) for make in self._form)
        for field in fields:
            if isinstance(field, Packet):
                field.__dict__["_origin"] = self._origin
        window.next += 1
        window.taken += 1
        return fields

    def _next_packet(self, deadline: Any) -> Any:
        if self._stopped():
            return None
        if not self._waiting() and self._refill(deadline) <= 0:
            return None
        fields = self._take()
        return fields if len(fields) > 1 else fields[0]

    def next(self, timeout: SupportsFloat | None = _UNSET) -> Any:
        """The next Packet, or None when none came within ``timeout`` seconds."""
        packet = self._next_entered(self._deadline(timeout))
        return self._empty if packet is None else packet

    def _next_entered(self, deadline: Any) -> Any:
        self._enter()
        try:
            return self._next_packet(deadline)
        finally:
            self._leave()

    def __iter__(self) -> Iterator[Packet]:
        self._enter()
        self._leave()
        return self

    def __next__(self) -> Any:
        if self._capture is not None and lib.nm_capture_is_closed(self._capture):
            raise StopIteration
        try:
            packet = self._next_entered(self._deadline(None))
        except UsageError:
            if not lib.nm_capture_is_closed(self._capture):
                raise
            raise StopIteration from None  # closed while this thread waited for its turn
        if packet is None:
            raise StopIteration
        return packet

    def _run(
        self, cnt: int, callback: Callable[..., object], args: Any, deadline: Any, one_buffer: bool
    ) -> int:
        done = 0
        while True:
            while self._waiting():
                if self._stopped():
                    return done
                callback(*self._take(), *args)
                done += 1
                if done == cnt:
                    return done
            if one_buffer and done:
                if cnt <= 0 and not self._savefile:
                    return done
                deadline.timeout_ns = 0
            if self._refill(deadline) <= 0:
                return done

    def _run_method(
        self, function: str, cnt: Any, callback: Any, args: Any, deadline: Any, one_buffer: bool
    ) -> int:
        cnt = operator.index(cnt)
        if not callable(callback):
            raise TypeError(f"{function}(): callback must be callable, not {type(callback).__name__}")
        if not isinstance(args, tuple):
            raise TypeError(f"{function}(): args must be a tuple, not {type(args).__name__}")
        self._enter()
        try:
            return self._run(cnt, callback, args, deadline, one_buffer)
        finally:
            self._leave()

    def dispatch(
        self, cnt: SupportsIndex, callback: Callable[..., object], args: tuple[Any, ...] = ()
    ) -> int:
        """Wait until the handle's ``timeout`` and calls back for the packets that are there; how many."""
        return self._run_method("dispatch", cnt, callback, args, self._deadline(), True)

    def loop(self, cnt: SupportsIndex, callback: Callable[..., object], args: tuple[Any, ...] = ()) -> int:
        """Call back for ``cnt`` packets, or without end where ``cnt`` is 0 or less; how many."""
        return self._run_method("loop", cnt, callback, args, self._deadline(None), False)

    def _fill(self, timeout: SupportsFloat | None = _UNSET) -> int:
        deadline = self._deadline(timeout)
        self._enter()
        try:
            if self._stopped() or (not self._waiting() and self._refill(deadline) <= 0):
                return 0
            return self._waiting()
        finally:
            self._leave()

    def _next_batch(
        self, max: SupportsIndex, timeout: SupportsFloat | None = _UNSET
    ) -> tuple[int, bytes, memoryview] | None:
        found: tuple[int, bytes, memoryview] | None = self._next_many(max, timeout, self._take_batch)
        return found

    def _next_records(
        self, max: SupportsIndex, timeout: SupportsFloat | None = _UNSET
    ) -> tuple[bytes, bytes] | None:
        found: tuple[bytes, bytes] | None = self._next_many(max, timeout, self._take_records)
        return found

    def _next_many(self, max: Any, timeout: Any, take: Callable[[int], Any]) -> Any:
        most = operator.index(max)
        if not 1 <= most <= 1 << 20:
            raise UsageError(f"max {most}: a batch has 1 .. 1048576 packets")
        deadline = self._deadline(timeout)
        self._enter()
        try:
            lib.nm_capture_reserve(self._capture, most)
            if self._stopped() or (not self._waiting() and self._refill(deadline) <= 0):
                return None
            return take(min(most, self._waiting()))
        finally:
            self._leave()

    def _take_batch(self, n: int) -> tuple[int, bytes, memoryview]:
        data, copy = self._batch_data(n)
        columns = ffi.new("int64_t[]", n * lib.NM_COLUMNS_SIZE // 8)
        lib.nm_capture_take(self._capture, n, copy, columns)
        return n, bytes(ffi.buffer(columns)), data

    def _take_records(self, n: int) -> tuple[bytes, bytes]:
        views = [self._window.next[i] for i in range(n)]
        data = [bytes(ffi.buffer(view.data, view.caplen)) for view in views]
        records, offset = [], 0
        for view in views:
            sec, nsec = divmod(view.ts_ns, _SECOND)
            records.append(struct.pack("=IIII", sec & 0xFFFFFFFF, nsec // 1000, offset, view.caplen))
            offset += view.caplen
        self._window.next += n
        self._window.taken += n
        return b"".join(data), b"".join(records)

    def _batch_data(self, n: int) -> tuple[memoryview, Any]:
        """Memory for the bytes of the n oldest packets: their own, or new, to be copied to."""
        first = self._window.next.data
        size = ffi.new("uint64_t *")
        slab = lib.nm_capture_share(self._capture, n, size)
        if slab:
            memory = ffi.gc(ffi.cast("uint8_t *", first), _releaser(slab))
            return memoryview(ffi.buffer(memory, size[0])).toreadonly(), ffi.NULL
        copy = ffi.new("uint8_t[]", lib.nm_capture_measure(self._capture, n))
        return memoryview(ffi.buffer(copy)).toreadonly(), copy

    # ---- sending

    def _send(self, frames: list[Any], deadline: Any) -> tuple[int, int]:
        """The core's result and how many frames were accepted."""
        lent = [ffi.from_buffer(frame) for frame in frames]
        array = ffi.new("struct nm_frame[]", [(frame, len(frame)) for frame in lent])
        sent = ffi.new("uint32_t *")
        try:
            while True:
                error = int(lib.nm_capture_inject(self._capture, array, len(lent), deadline, sent))
                if error != -errno.EINTR:
                    return error, int(sent[0])
        finally:
            for frame in lent:
                ffi.release(frame)

    def inject(self, frame: Any, timeout: SupportsFloat | None = 0) -> int:
        """Send one frame from any bytes-like object; returns its length."""
        deadline = self._deadline(timeout)
        with memoryview(frame) as view:
            size = view.nbytes
        self._enter_aside()
        try:
            error, _ = self._send([frame], deadline)
            if error:
                raise self._raise(-errno.ECANCELED if error == lib.NM_CAPTURE_STOPPED else error)
        finally:
            self._leave()
        return size

    def inject_many(self, frames: Iterable[Any], timeout: SupportsFloat | None = 0) -> int:
        """Send frames in their order; returns how many have been accepted."""
        deadline = self._deadline(timeout)
        rest = iter(frames)
        total = 0
        self._enter_aside()
        try:
            while chunk := list(islice(rest, _CHUNK)):
                error, sent = self._send(chunk, deadline)
                total += sent
                if error and not total and error not in (-errno.EAGAIN, lib.NM_CAPTURE_STOPPED):
                    raise self._raise(error)
                if error or len(chunk) < _CHUNK:
                    break
        finally:
            self._leave()
        return total

    # ---- what Capture fills in

    def _feed(self) -> None:
        raise NotImplementedError

    def _ended(self) -> None:
        raise NotImplementedError

    def _error(self, errno: int, message: str) -> Exception:
        raise NotImplementedError


class Recorder:
    """The part of a Writer that takes Packets. Here it has no shorter way than ``_write``."""

    def __new__(cls, *arguments: Any, **keywords: Any) -> Recorder:
        self = super().__new__(cls)
        self._busy = threading.Lock()
        return self

    _busy: threading.Lock

    def write(
        self, packet: Any, *, ts_ns: int | None = None, len: int | None = None, comment: str | None = None
    ) -> None:
        """Append one packet."""
        self._write(packet, ts_ns=ts_ns, len=len, comment=comment)

    def _enter(self) -> bool:
        return self._busy.acquire(blocking=False)

    def _leave(self) -> None:
        self._busy.release()

    def _lend(self, address: int = 0, linktype: int = 0) -> None:
        pass

    def _record(self, header: Any, data: Any) -> None:
        self._unrecorded(header, data)

    def _unrecorded(self, header: Any, data: Any) -> None:
        raise NotImplementedError

    def _write(
        self, packet: Any, *, ts_ns: int | None = None, len: int | None = None, comment: str | None = None
    ) -> None:
        raise NotImplementedError
