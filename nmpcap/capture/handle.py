"""Capture: the one handle on anything that packets come from or go to.

libpcap's verbs with libpcap's meaning, without its traps: a timeout is a deadline, Ctrl-C and
breakloop() work at once, an exception in a callback loses no packet, times are integer
nanoseconds, and counters do not wrap.
"""

from __future__ import annotations

import enum
import errno as errnos
import warnings
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, SupportsFloat

from nmpcap._arguments import instance, number
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._core.deadline import timeout_ns
from nmpcap._core.delivery import Handle
from nmpcap._core.turns import enter_aside
from nmpcap._printable import printable
from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.capture.dump import PacketSink, describe_port, dump_window, with_filter, within
from nmpcap.capture.filter import Filter, linktype_name
from nmpcap.errors import DeviceError, PcapError, UsageError
from nmpcap.packet import Batch, Explanation, Packet, Stats
from nmpcap.ports import Port
from nmpcap.savefile import Interface, Option, Writer
from nmpcap.savefile.origins import new_origin
from nmpcap.savefile.output import Target

if TYPE_CHECKING:
    from nmpcap.capture.awaiting import Sleeper
    from nmpcap.filter import Program

__all__ = ["Capture", "Direction"]

_UNSET: Any = object()


class Direction(enum.IntEnum):
    """Which packets are delivered; libpcap's PCAP_D_*."""

    INOUT = 0
    IN = 1
    OUT = 2


class Capture(Handle):
    """An open port: packets out of it, and frames into it.

    From open(), open_offline() and their kin; ``with`` closes it. Reading: ``next``, ``next_ex``,
    ``dispatch``, ``loop``, iteration, ``async for``, ``next_batch``, ``batches``, ``dump``. Sending:
    ``inject``, ``inject_many``, ``sendpacket``, ``drain``.

    One thread reads: a second one gets UsageError. Meanwhile others may send, in turns, set filter, direction
    or link type, and ask: the reader passes the handle on between two packets, or out of its wait. Where
    it is in a callback they wait for that, 5 seconds at most. Within a callback the same thread may call
    anything. ``breakloop``, ``close``, ``stats`` and ``explain`` may be called from any thread, signal
    handler or callback, at any moment.
    """

    def __init__(
        self,
        port: Port,
        *,
        snaplen: int = MAXIMUM_SNAPLEN,
        timeout: float | None = None,
        nano: bool = True,
    ) -> None:
        """For open() and its kin, which make the port."""
        instance(port, Port, "nmpcap.open(name) makes a Capture; what it is made over")
        self._port = port
        self._name = port.name
        self._sleepers: dict[Sleeper, None] = {}  # in the order of their coming
        capture = ffi.new("struct nm_capture **")
        source = port.take_source()
        error = lib.nm_capture_new(source, port.name.encode(errors="surrogateescape"), snaplen, capture)
        if error:
            port.close()
            raise port.error(-error, "")
        self._core = capture[0]
        self._filter = Filter(port, self._core)
        super().__init__(int(ffi.cast("uintptr_t", self._core)), port.savefile)
        self._origin = new_origin(self)
        self.timeout = timeout
        self._nano = nano

    # ---- what the compiled half calls back ------------------------------------------

    def _feed(self) -> None:
        if not self._filter.extend():
            self._port.feed()

    def _ended(self) -> None:
        self._port.ended()

    def _error(self, errno: int, message: str) -> Exception:
        if errno == errnos.EBADF and self.closed:
            return UsageError(f"{self._name}: this handle has been closed", name=self._name)
        if errno == errnos.EBUSY and not message:
            return UsageError(
                f"{self._name}: another thread is using this handle; one reads, and lets those in that send "
                "or set something between its packets, but not out of a callback"
            )
        if errno == errnos.EAGAIN:
            return DeviceError(errno, f"{self._name}: no room to send; {self._port.no_room}", self._name)
        return self._port.error(errno, message)

    # ---- reading --------------------------------------------------------------------

    # Compiled, and Handle's; named here so that help() shows them among their own kind.
    next = Handle.next
    dispatch = Handle.dispatch
    loop = Handle.loop

    def next_ex(self) -> tuple[int, Packet | None]:
        """Return (1, packet); (0, None) at the handle's ``timeout``; (-2, None) at the end or by breakloop.

        libpcap's pcap_next_ex, but that errors are raised.
        """
        packet = self.next()
        if packet is not None:
            return 1, packet
        return (-2 if self._status else 0), None

    def next_batch(self, max: int = 1024, timeout: SupportsFloat | None = _UNSET) -> Batch | None:
        """Return what is there, up to ``max`` packets, as one Batch; None where ``next`` would give None.

        Waits for the first packet only. A savefile gives at least one packet until its end.
        """
        batch = self._next_batch(max) if timeout is _UNSET else self._next_batch(max, timeout)
        return None if batch is None else Batch(*batch, self._origin)

    def batches(self, max: int = 1024) -> Iterator[Batch]:
        """Iterate over all packets in Batches of up to ``max``, until the end, breakloop() or close()."""
        while (batch := self._next_batch(max, None)) is not None:
            yield Batch(*batch, self._origin)
            if self.closed:
                return

    def dump(self, writer: PacketSink, cnt: int = -1) -> int:
        """Write ``cnt`` packets, or all where ``cnt`` is 0 or less, to a savefile; return how many.

        writer: a Writer or RotatingWriter; a pcapng file gets the interfaces described as by dump_open.
        Ends as ``loop`` does, and no packet passes through Python. Where the writer fails, what it has
        not taken stays in the handle: once there is room again, call this again.
        """
        if not hasattr(writer, "write_views"):
            raise TypeError(f"{printable(self._name)}: dump writes to a Writer, not {type(writer).__name__}")
        cnt = index(cnt)
        writer.describe_from(self._interfaces_from, self._origin)
        with self._entered():
            return dump_window(self._core, self._fill_until, writer, cnt, self._origin)

    def _fill_until(self, timeout: float | None) -> int | None:
        return self._fill(timeout) or (0 if self._status else None)

    def __aiter__(self) -> AsyncIterator[Packet]:
        """Iterate without blocking asyncio's event loop, by any number of tasks: each packet goes to one.

        A wait that is cancelled loses no packet and does not end the iteration: one packet with a deadline
        is ``await asyncio.wait_for(anext(packets), 1.0)`` of ``packets = aiter(capture)``.
        """
        from nmpcap.capture.awaiting import Packets  # asyncio is a third of all that is imported

        return Packets(self)

    def _wake_sleepers(self) -> None:
        for sleeper in list(self._sleepers):
            sleeper.wake()

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

    def __del__(self) -> None:
        # What __init__ has not got to is not open; a port of nothing holds nothing.
        if hasattr(self, "_filter") and self._port.holds and not self.closed:
            text = f"capture {printable(self._name)} was not closed"
            warnings.warn(text, ResourceWarning, source=self, stacklevel=1)
            self.close()

    async def __aenter__(self) -> Capture:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- sending --------------------------------------------------------------------

    inject = Handle.inject
    inject_many = Handle.inject_many

    def sendpacket(self, frame: Any) -> None:
        """Send one frame as ``inject`` does; libpcap's pcap_sendpacket."""
        self.inject(frame)

    def drain(self, timeout: SupportsFloat | None = None) -> bool:
        """Wait until every accepted frame has left the rings; False where the deadline came first.

        A frame has left when the device, or the program at the other end of a pipe, has taken it.
        """
        deadline = ffi.new("struct nm_deadline *", [timeout_ns(timeout), 0])
        with self._aside():
            while True:
                error = lib.nm_capture_drain(self._core, deadline)
                if error != -errnos.EINTR:
                    break
            if error in (-errnos.EAGAIN, lib.NM_CAPTURE_STOPPED):
                return False
            if error:
                raise self._error(-error, cstring(lib.nm_capture_msg(self._core)))
        return True

    async def wait_for_room(self, timeout: float | None = None) -> bool:
        """Wait, without blocking asyncio's event loop, until ``inject`` would find room for a frame.

        timeout: seconds, None for ever. False where the deadline came first. Where several tasks send,
        another may have been quicker: then ``inject`` raises as ever.
        """
        from nmpcap.capture.awaiting import wait_for_room

        return await wait_for_room(self, timeout)

    def _has_room(self) -> bool:
        with self._aside():
            room = int(lib.nm_capture_room(self._core))
            if room < 0:
                raise self._error(-room, cstring(lib.nm_capture_msg(self._core)))
        return room > 0

    # ---- settings -------------------------------------------------------------------

    def setnonblock(self, nonblock: bool) -> None:
        """Make next, dispatch and next_batch return at once where nothing is there, or wait again.

        loop and iteration wait all the same, and so does a call that is given a ``timeout``.
        """
        if self._port.savefile:
            raise PcapError(f"{self._name}: Savefiles cannot be put into non-blocking mode", name=self._name)
        self._nonblock = bool(nonblock)

    def getnonblock(self) -> bool:
        """Return what setnonblock has set."""
        return self._nonblock

    def setdirection(self, direction: Direction | int | str) -> None:
        """Deliver only packets that come in (``in``), only those that go out (``out``), or both (``inout``).

        A packet goes out where Packet.outgoing is true: monitors and interfaces see both kinds, other
        netmap ports only what comes in. A frame on ``lo`` is had
        once, coming in. Savefiles do not know: PcapError.
        """
        if self._port.savefile:
            raise PcapError(f"{self._name}: Setting direction is not supported on savefiles", name=self._name)
        try:
            wanted = Direction[direction.upper()] if isinstance(direction, str) else Direction(direction)
        except (KeyError, ValueError):
            raise UsageError(f"{self._name}: direction {direction!r}: there are in, out and inout") from None
        with self._aside():
            lib.nm_capture_direction(self._core, wanted)

    def set_datalink(self, linktype: int) -> None:
        """Have packets in another of ``list_datalinks()`` from now on; those in the handle keep theirs.

        A filter that was set as text is compiled anew. Raises PcapError, and leaves everything as it was,
        for a link type that is not in the list, FilterError if the text means nothing there, and
        PcapError if a compiled program has been set, which is for one link type.
        """
        number(linktype, f"{self._name}: link type", 0, 0xFFFF)
        if linktype not in self.list_datalinks():
            chosen = linktype_name(linktype)
            text = f"{self._name}: {chosen} is not one of the DLTs supported by this device"
            raise PcapError(text, name=self._name)
        with self._aside():
            if linktype != self._port.linktype:
                program = self._filter.prepare(linktype)
                self._port.set_linktype(linktype)
                self._filter.follow(program)

    def setfilter(
        self, filter: str | Program | None, *, optimize: bool = True, netmask: int | None = None
    ) -> None:
        """Deliver only packets that a pcap-filter expression, or a compiled program, accepts.

        ``None`` and the empty expression accept everything. netmask: what ``ip broadcast`` goes by, an
        int in host byte order. Packets that the program has not had yet, in the handle or in a ring, are
        judged by the new filter, whatever the one before said of them, by the bytes as they came; only what
        the kernel refused for it has gone. Where a pcapng file holds several link types, an expression is
        compiled for each as it is met; of a link type that it means nothing for no packet passes, and
        explain() says so. A compiled program refuses packets of other link types than its own.

        On a Linux interface the kernel drops what the filter refuses, so that it takes no room in the
        ring; what the kernel cannot run is judged here alone, and explain() says why. Expressions are
        about packets as the kernel has them, as in libpcap: the outermost VLAN tag of a frame is beside
        it, so that ``ip`` finds IP behind it and ``vlan`` the tag. So are programs compiled with
        ``live``; others are about the frame as it is delivered, with the tag in it.

        Raises FilterError for an expression that cannot be compiled, PcapError for a program compiled
        for another link type than this handle's, or in need of metadata that the port does not hand over;
        the filter before it then stays.
        """
        if filter is not None and not isinstance(filter, str):
            from nmpcap.filter import Program

            instance(filter, Program, f"{self._name}: a filter that is no str or None")
        with self._aside():
            if isinstance(filter, str):
                self._filter.set_text(filter, optimize, netmask)
            else:
                self._filter.set_program(filter)

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
        with self._aside():
            fd: int = lib.nm_capture_fileno(self._core)
        if fd < 0:
            raise DeviceError(errnos.EBADF, f"{self._name}: there is no descriptor to wait on", self._name)
        return fd

    def datalink(self) -> int:
        """Return the link type, a DLT_* number; of a pcapng file, its first interface's."""
        return self._port.linktype

    def list_datalinks(self) -> list[int]:
        """Return the link types that packets of this port can come in: DLT_* numbers."""
        return list(self._port.linktypes)

    def get_tstamp_precision(self) -> int:
        """Return the precision of the savefiles that dump_open makes: 1 for nano-, 0 for microseconds.

        Times in packets are nanoseconds always.
        """
        return int(self._nano)

    def snapshot(self) -> int:
        """Return how many bytes are kept of each packet at most: the file's own limit where that is less."""
        kept = int(lib.nm_capture_snaplen(self._core))
        return min(kept, self._port.snaplen)

    def is_swapped(self) -> bool:
        """Return whether a savefile has the other byte order than this machine; no other port has."""
        return self._port.swapped

    def major_version(self) -> int:
        """Return the major version of a savefile's format; 0 for other ports, as in libpcap."""
        return self._port.version[0]

    def minor_version(self) -> int:
        """Return the minor version of a savefile's format; 0 for other ports, as in libpcap."""
        return self._port.version[1]

    def datalink_ext(self) -> int:
        """Return what a pcap file's link type says of frame check sequences; 0 where it says nothing.

        Bit 26: their length is known; bits 28 to 31: that length, in units of 16 bits.
        """
        return self._port.datalink_ext

    @property
    def damage(self) -> tuple[int, int]:
        """Of a savefile opened with ``salvage``: how many damaged places, and bytes, were passed over."""
        with self._aside():
            return self._port.damage

    @property
    def position(self) -> int | None:
        """Of a savefile: bytes of it that have been taken, compressed as it may be; None for other ports.

        Packets that wait in the handle count as taken. With ``size``: how far the reading has come.
        """
        with self._aside():
            return self._port.position

    @property
    def size(self) -> int | None:
        """Of a savefile: its bytes as it is now, compressed or not; None for other ports and pipes."""
        with self._aside():
            return self._port.size

    # ---- to savefiles ---------------------------------------------------------------

    def dump_open(
        self,
        target: Target,
        *,
        linktype: int | None = None,
        snaplen: int | None = None,
        nano: bool | None = None,
        format: str = "auto",
        compression: str | None = "auto",
        options: Iterable[Option] = (),
        append: bool = False,
        flush_after: float | None = None,
        max_bytes: int = 0,
        max_packets: int = 0,
    ) -> Writer:
        """Open a savefile for what this handle gives: its link type, snaplen and time stamp precision.

        The rest is as for open_writer; what is not None wins. In a pcapng file the interfaces are described
        as the handle knows them when the first packet of each comes: a port by its name and filter, those of
        a pcapng file by all that it says of them. Once the handle is closed, or while another thread is in
        it, a new one is described by its link type and snaplen alone.
        """
        kept, told = self.snapshot(), 0
        if self._port.mixed and snaplen is None:
            # The next interface's may be longer, and a pcap file has room for one.
            kept, told = int(lib.nm_capture_snaplen(self._core)), kept
        writer = Writer(
            target,
            linktype=self.datalink() if linktype is None else linktype,
            snaplen=kept if snaplen is None else snaplen,
            told_snaplen=told,
            nano=self._nano if nano is None else nano,
            format=format,
            compression=compression,
            options=options,
            append=append,
            flush_after=flush_after,
            max_bytes=max_bytes,
            max_packets=max_packets,
        )
        writer.describe_from(self._interfaces_from, self._origin)
        return writer

    def dump_open_append(self, target: Target, **options: Any) -> Writer:
        """Go on in a savefile of the same kind, or begin one: dump_open with ``append=True``."""
        return self.dump_open(target, **{**options, "append": True})

    def _interfaces_from(self, first: int) -> Sequence[Interface]:
        """What a savefile should say of interfaces, from number ``first`` on."""
        text = self._filter.expression
        if not self._port.has_interfaces:
            return [describe_port(self._name, self.datalink(), self.snapshot(), text)][first:]
        try:
            with self._aside():
                found = self._port.interfaces_from(first)
        except UsageError:  # closed, or in use: the source's list is for whoever is in the handle
            return ()
        if not self._port.savefile:
            return [with_filter(interface, text) for interface in found]
        return [within(interface, int(lib.nm_capture_snaplen(self._core))) for interface in found]

    @property
    def interfaces(self) -> Sequence[Interface]:
        """The interfaces met so far, which Packet.interface counts; empty for netmap's ports.

        Of a savefile, those it tells of; of a Linux interface, itself; of ``any``, each in the order of
        its first packet, with the name it had then.
        """
        with self._aside():
            return self._port.interfaces_from(0)

    def stats(self) -> Stats:
        """Return the counters since the opening; after close, as they were then."""
        stats = ffi.new("struct nm_stats *")
        lib.nm_capture_stats(self._core, stats)
        return Stats(*(getattr(stats, field) for field in Stats.__slots__))

    def explain(self) -> Explanation:
        """Return what the name turned out to be: backend, rings, where the filter runs, whose times."""
        return self._port.explain(str(self._filter))

    def __repr__(self) -> str:
        return f"<Capture {printable(self._name)}{' (closed)' if self.closed else ''}>"

    def _entered(self) -> _Entered:
        """Take the handle to read."""
        return _Entered(self)

    def _aside(self) -> _Aside:
        """Take the handle to send, set or ask something: a thread that reads passes it on for that."""
        return _Aside(self)


class _Entered:
    """Takes a handle for this thread while a ``with`` lasts."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def __enter__(self) -> None:
        error = lib.nm_capture_enter(self._capture._core)
        while error == -errnos.EINTR:
            error = lib.nm_capture_await(self._capture._core)
        if error:
            raise self._capture._error(-error, "")

    def __exit__(self, *exception: object) -> None:
        lib.nm_capture_leave(self._capture._core)


class _Aside(_Entered):
    def __enter__(self) -> None:
        enter_aside(self._capture._core, self._capture._error)
