"""Capture: the one handle on anything that packets come from or go to.

libpcap's verbs with libpcap's meaning, without its traps: a timeout is a deadline, Ctrl-C and
breakloop() work at once, an exception in a callback loses no packet, times are integer
nanoseconds, and counters do not wrap.
"""

from __future__ import annotations

import asyncio
import errno as errnos
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, SupportsFloat

from nmpcap._core import ffi, lib
from nmpcap._core.deadline import timeout_ns
from nmpcap._core.delivery import Handle
from nmpcap.errors import DeviceError, PcapError, UsageError
from nmpcap.packet import Batch, Explanation, Packet, Stats
from nmpcap.ports import Options, Port, SavefilePort, open_port
from nmpcap.savefile import Interface, Reader
from nmpcap.savefile.input import Source

__all__ = ["MAXIMUM_SNAPLEN", "Capture", "open", "open_offline"]

MAXIMUM_SNAPLEN = 262144
"""libpcap's MAXIMUM_SNAPLEN: more than any packet has."""

_UNSET: Any = object()
_FAIR = 64  # packets an async iteration delivers before it lets other tasks run
_NO_DESCRIPTOR_POLL = 0.01


class Capture(Handle):
    """An open port: packets out of it, and frames into it.

    From open(), open_offline() and their kin; ``with`` closes it. Reading: ``next``, ``dispatch``,
    ``loop``, iteration, ``async for``, ``next_batch``, ``batches``. Sending: ``inject``,
    ``inject_many``, ``drain``.

    One thread at a time reads or sends: a second one gets UsageError. Within a callback
    the same thread may call anything. ``breakloop``, ``close``, ``stats`` and ``explain``
    may be called from any thread, signal handler or callback, at any moment.
    """

    def __init__(self, port: Port, *, snaplen: int = MAXIMUM_SNAPLEN, timeout: float | None = None) -> None:
        self._port = port
        self._name = port.name
        self._sleepers: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._filter: Any = None
        capture = ffi.new("struct nm_capture **")
        source = port.take_source()
        error = lib.nm_capture_new(source, port.name.encode(errors="surrogateescape"), snaplen, capture)
        if error:
            port.close()
            raise port.error(-error, "")
        self._core = capture[0]
        super().__init__(int(ffi.cast("uintptr_t", self._core)), port.savefile)
        self.timeout = timeout

    # ---- what the compiled half calls back ------------------------------------------

    def _feed(self) -> None:
        self._port.feed()

    def _ended(self) -> None:
        self._port.ended()

    def _error(self, errno: int, message: str) -> Exception:
        if errno == errnos.EBADF and self.closed:
            return UsageError(f"{self._name}: this handle has been closed")
        if errno == errnos.EBUSY and not message:
            return UsageError(f"{self._name}: another thread is using this handle; one at a time may")
        if errno == errnos.EAGAIN:
            return DeviceError(errno, f"{self._name}: no room to send; does the other end receive?")
        return self._port.error(errno, message)

    # ---- reading --------------------------------------------------------------------

    def next_batch(self, max: int = 1024, timeout: SupportsFloat | None = _UNSET) -> Batch | None:
        """Return what is there, up to ``max`` packets, as one Batch; None where ``next`` would give None.

        Waits for the first packet only. A savefile gives at least one packet until its end.
        """
        batch = self._next_batch(max) if timeout is _UNSET else self._next_batch(max, timeout)
        return None if batch is None else Batch(*batch)

    def batches(self, max: int = 1024) -> Iterator[Batch]:
        """Iterate over all packets in Batches of up to ``max``, until the end, breakloop() or close()."""
        while (batch := self._next_batch(max, None)) is not None:
            yield Batch(*batch)
            if self.closed:
                return

    def __aiter__(self) -> AsyncIterator[Packet]:
        """Iterate without blocking the event loop; a cancelled iteration loses no packet."""
        return self._packets()

    async def _packets(self) -> AsyncIterator[Packet]:
        delivered = 0
        while not self.closed:
            packet = self.next(0)
            if packet is not None:
                yield packet
                delivered += 1
                if delivered % _FAIR == 0:
                    await asyncio.sleep(0)
            elif self._status:
                return
            else:
                await self._readable()

    async def _readable(self) -> None:
        """Sleep until packets may be there, or breakloop or close has been called."""
        loop = asyncio.get_running_loop()
        awake = loop.create_future()
        with self._entered():
            fd = lib.nm_capture_fileno(self._core)
        self._sleepers[awake] = loop
        try:
            if fd < 0:
                await asyncio.wait([awake], timeout=_NO_DESCRIPTOR_POLL)
                return
            loop.add_reader(fd, _awaken, awake)
            try:
                await awake
            finally:
                loop.remove_reader(fd)
        finally:
            del self._sleepers[awake]

    def _wake_sleepers(self) -> None:
        for sleeper, loop in list(self._sleepers.items()):
            loop.call_soon_threadsafe(_awaken, sleeper)

    # ---- stopping -------------------------------------------------------------------

    def breakloop(self) -> None:
        """End the call that reads or waits now, in whatever thread, or else the next one.

        That call returns what it has: dispatch and loop their count so far, next None; an iteration
        ends. One break ends one call, and reading can go on with the next one.
        """
        lib.nm_capture_break(self._core)
        self._wake_sleepers()

    def close(self) -> None:
        """Let go of the port. May be repeated.

        A call in progress in another thread ends as by breakloop, and the port is let go of when that
        thread is out of the handle. Calls that begin later raise UsageError, but stats() goes
        on telling the last figures. Frames accepted by inject have left or will leave; see drain.
        """
        lib.nm_capture_close(self._core)
        self._wake_sleepers()
        if lib.nm_capture_is_released(self._core):
            self._port.close()

    @property
    def closed(self) -> bool:
        """Whether close() has been called."""
        return bool(lib.nm_capture_is_closed(self._core))

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- sending --------------------------------------------------------------------

    def drain(self, timeout: SupportsFloat | None = None) -> bool:
        """Wait until every accepted frame has left the rings; False where the deadline came first.

        A frame has left when the device, or the program at the other end of a pipe, has taken it.
        """
        deadline = ffi.new("struct nm_deadline *", [timeout_ns(timeout), 0])
        with self._entered():
            while True:
                error = lib.nm_capture_drain(self._core, deadline)
                if error != -errnos.EINTR:
                    break
            if error in (-errnos.EAGAIN, lib.NM_CAPTURE_STOPPED):
                return False
            if error:
                raise self._error(-error, _text(lib.nm_capture_msg(self._core)))
        return True

    # ---- settings -------------------------------------------------------------------

    def setnonblock(self, nonblock: bool) -> None:
        """Make next, dispatch and next_batch return at once where nothing is there, or wait again.

        loop and iteration wait all the same, and so does a call that is given a ``timeout``.
        """
        if self._port.savefile:
            raise PcapError(f"{self._name}: Savefiles cannot be put into non-blocking mode")
        self._nonblock = bool(nonblock)

    def getnonblock(self) -> bool:
        """Return what setnonblock has set."""
        return self._nonblock

    def setfilter(self, program: Any) -> None:
        """Deliver only packets that a filter accepts; None takes it away.

        Packets that wait in the handle already are judged by the new filter, too.
        """
        with self._entered():
            keep, data = (ffi.NULL, ffi.NULL) if program is None else (program.keep, program.data)
            lib.nm_capture_filter(self._core, keep, data)
            self._filter = program

    # ---- what it is -----------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the port or file."""
        return self._name

    def fileno(self) -> int:
        """Return a descriptor for select and its kin: readable while packets wait in the port.

        Packets may also wait in the handle (``stats().waiting``): read until next(timeout=0) gives None
        before sleeping on it. Raises DeviceError where there is none: savefiles mostly have none.
        """
        with self._entered():
            fd: int = lib.nm_capture_fileno(self._core)
        if fd < 0:
            raise DeviceError(errnos.EBADF, f"{self._name}: there is no descriptor to wait on")
        return fd

    def datalink(self) -> int:
        """Return the link type, a DLT_* number; of a pcapng file, its first interface's."""
        return self._port.linktype

    @property
    def snapshot(self) -> int:
        """Bytes kept of each packet at most."""
        return int(lib.nm_capture_snaplen(self._core))

    @property
    def interfaces(self) -> Sequence[Interface]:
        """Of a savefile: the interfaces met so far, which Packet.interface counts; else empty."""
        with self._entered():
            return self._port.interfaces

    def stats(self) -> Stats:
        """Return the counters since the opening; after close, as they were then."""
        stats = ffi.new("struct nm_stats *")
        lib.nm_capture_stats(self._core, stats)
        return Stats(*(getattr(stats, field) for field in Stats.__slots__))

    def explain(self) -> Explanation:
        """Return what the name turned out to be: backend, rings, where the filter runs, whose times."""
        return self._port.explain(filter="none" if self._filter is None else "in user space")

    def __repr__(self) -> str:
        return f"<Capture {self._name}{' (closed)' if self.closed else ''}>"

    def _entered(self) -> _Entered:
        return _Entered(self)


class _Entered:
    """Takes a handle for this thread while a ``with`` lasts."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def __enter__(self) -> None:
        error = lib.nm_capture_enter(self._capture._core)
        if error:
            raise self._capture._error(-error, "")

    def __exit__(self, *exception: object) -> None:
        lib.nm_capture_leave(self._capture._core)


def _awaken(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


def _text(chars: Any) -> str:
    return str(ffi.string(chars).decode(errors="surrogateescape"))


def open(
    name: str,
    *,
    snaplen: int = MAXIMUM_SNAPLEN,
    promisc: bool = True,
    timeout: float | None = None,
    netmap: str | None = None,
) -> Capture:
    """Open a port by its name, for capture and injection.

    snaplen: bytes kept of each packet, 1 .. 262144. timeout: seconds that a reading call waits at
    most; None: for ever. promisc: see frames for others, too, where the port is an interface.
    netmap: ``auto``, ``kernel`` or ``user``; None leaves it to the environment's NMPCAP_NETMAP.

    Raises DeviceError naming the port, what was tried and why it failed.
    """
    options = Options(snaplen=_check_snaplen(name, snaplen), promisc=promisc, netmap=netmap)
    return Capture(open_port(name, options), snaplen=snaplen, timeout=timeout)


def open_offline(path: Source, *, snaplen: int = MAXIMUM_SNAPLEN, salvage: bool = False) -> Capture:
    """Open a pcap or pcapng file, compressed or not: a path, ``-``, a descriptor or a binary file object.

    salvage: pass over damaged places instead of ending there. Raises DeviceError for what cannot
    be opened or read, SavefileError for what is no savefile.
    """
    reader = Reader(path, salvage=salvage)
    return Capture(SavefilePort(reader), snaplen=_check_snaplen(reader.name, snaplen))


def _check_snaplen(name: str, snaplen: int) -> int:
    if not 1 <= snaplen <= MAXIMUM_SNAPLEN:
        raise UsageError(f"{name}: invalid snapshot length {snaplen}: 1 .. {MAXIMUM_SNAPLEN}")
    return snaplen
