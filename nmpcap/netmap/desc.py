"""``NmDesc``: an open port, its rings, and the calls that sync and wait. ``netmap.nm_open`` makes it."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from errno import EAGAIN, EBADF, EBUSY, EINTR, EINVAL, EIO, EMSGSIZE
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from nmpcap._arguments import instance
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap.errors import DeviceError, UsageError
from nmpcap.netmap.device import Mapping, make_mapping, milliseconds_until
from nmpcap.netmap.rings import PktHdr, Ring, Slot, end_view
from nmpcap.netmap.structures import NetmapIf, NmRequest, NmStats

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["NmDesc"]

_T = TypeVar("_T")


class NmDesc:
    """An open port.

    ``tx_rings`` and ``rx_rings`` are the rings this descriptor may use, host rings last. One thread at
    a time uses it, a second one gets a UsageError. After ``close``, using it, its rings or its views raises.
    """

    def __init__(self, desc: Any) -> None:
        self._desc = desc
        self._closed = False
        self._mapping: Mapping | None = None
        self._memory = memoryview(b"")
        self._views: list[memoryview] = []
        self._base = self._num_bufs = 0
        self._woken = False
        self._waking = threading.Lock()
        self._hdr = ffi.new("struct nm_pkthdr *")
        self.tx_rings: tuple[Ring, ...] = ()
        self.rx_rings: tuple[Ring, ...] = ()
        info = self._info()
        self.spec = cstring(info.spec)
        self.name = cstring(info.name)
        self.netmap = cstring(info.netmap)
        self._map()

    # ---- what it is

    @property
    def req(self) -> NmRequest:
        """Rings, slots, region and so on as the port has them."""
        info = self._info()
        reg = info.reg
        return NmRequest(
            reg.nr_tx_slots,
            reg.nr_rx_slots,
            reg.nr_tx_rings,
            reg.nr_rx_rings,
            reg.nr_host_tx_rings,
            reg.nr_host_rx_rings,
            reg.nr_mem_id,
            reg.nr_extra_bufs,
            reg.nr_flags,
            info.pipes,
        )

    @property
    def mem_id(self) -> int:
        """The memory region's number."""
        return int(self._info().reg.nr_mem_id)

    @property
    def memsize(self) -> int:
        """Bytes of the memory region."""
        return int(self._info().reg.nr_memsize)

    @property
    def nifp(self) -> NetmapIf | None:
        """The port's netmap_if as it is now; None if the region is not mapped."""
        self._open("nifp")
        nifp = self._info().nifp
        if nifp == ffi.NULL:
            return None
        return NetmapIf(
            cstring(nifp.ni_name),
            nifp.ni_version,
            nifp.ni_flags,
            nifp.ni_tx_rings,
            nifp.ni_rx_rings,
            nifp.ni_bufs_head,
            nifp.ni_host_tx_rings,
            nifp.ni_host_rx_rings,
        )

    @property
    def mem(self) -> memoryview | None:
        """The whole region, writable; None if it is not mapped. Ends with close.

        All of it is there, which takes its size in shared memory; DeviceError (ENOMEM) without room for it.
        """
        self._open("mem")
        if self._mapping is None:
            return None
        self._back(0, len(self._memory))
        return self._lend(memoryview(self._mapping))

    @property
    def stats(self) -> NmStats:
        """The counters; after close those of its end."""
        stats = ffi.new("struct nm_desc_stats *")
        lib.nm_desc_stats(self._desc, stats)
        return NmStats(stats.received, stats.bytes, stats.damaged, stats.sent, stats.unsent)

    @property
    def closed(self) -> bool:
        """Whether the port has been closed."""
        return self._closed

    def fileno(self) -> int:
        """Return a descriptor for select and its kin: readable while packets wait."""
        fd = lib.nm_desc_fileno(self._open("fileno"))
        if fd < 0:
            raise self._error(EBUSY, "fileno")
        return int(fd)

    # ---- sync and wait

    def txsync(self) -> None:
        """Hand over the slots before head for sending, and takes back those that are done."""
        desc = self._open("txsync")
        self._end_views(self.tx_rings)
        self._check(lib.nm_desc_txsync(desc), "txsync")

    def rxsync(self) -> None:
        """Release the received slots before head, and shows what has come since."""
        desc = self._open("rxsync")
        self._end_views(self.rx_rings)
        self._check(lib.nm_desc_rxsync(desc), "rxsync")

    def wait(self, timeout: float | None = None, events: int = select.POLLIN) -> int:
        """Sync, and waits until one of ``events`` (POLLIN: packets; POLLOUT: free slots) has come.

        ``timeout`` is in seconds, None for ever. Returns what came, 0 when the time is up or after
        ``wake``. What is in the tx rings is sent on the way, unless the port was opened with
        NETMAP_NO_TX_POLL. Goes on waiting after signals, once their handlers have run. DeviceError (EIO)
        when the port has failed: a monitored port has gone, an interface is down or gone, or head and cur
        were found out of bounds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        revents = ffi.new("short *")
        while True:
            desc = self._open("wait")
            self._end_views(self.tx_rings)
            if events & select.POLLIN:
                self._end_views(self.rx_rings)
            error = lib.nm_desc_wait(desc, events, milliseconds_until(deadline), revents)
            if not error:
                break
            if error != EINTR:
                raise self._error(error, "wait")
            if self._woken:
                self._woken = False
                return 0
        if revents[0] & select.POLLERR:
            raise DeviceError(EIO, cstring(lib.nm_desc_msg(self._desc)), self.spec)
        return int(revents[0])

    def wake(self) -> None:
        """Make the wait in progress, or else the next one, return 0. From any thread or signal handler."""
        # If it is taken, the port is being woken or closed already, perhaps by what a signal interrupted.
        if self._waking.acquire(blocking=False):
            try:
                desc = self._open("wake")
                self._woken = True
                lib.nm_desc_wake(desc)
            finally:
                self._waking.release()

    # ---- packets

    def inject(self, frame: Buffer) -> int:
        """Queue one frame, which the next sync sends; return its size, or 0 if the rings are full.

        UsageError for an empty frame and for one larger than the rings could ever take.
        """
        # cffi takes bytes as they are, several times faster than through from_buffer.
        data = frame if type(frame) is bytes else ffi.from_buffer("uint8_t[]", frame)
        size = len(data)
        error = lib.nm_desc_inject(self._open("nm_inject"), data, size)
        if not error:
            return size
        if error == EAGAIN:
            return 0
        raise self._error(error, "nm_inject")

    def inject_many(self, frames: Iterable[Buffer]) -> int:
        """Queue frames and send them; return how many, less than all if the rings stay full after a sync.

        UsageError for an empty or too large frame; those before it are sent.
        """
        held = [ffi.from_buffer("uint8_t[]", frame) for frame in frames]
        array = ffi.new("struct nm_frame[]", [(data, len(data)) for data in held])
        error = ffi.new("int *")
        handle = self._open("nm_inject_many")
        self._end_views(self.tx_rings)
        done = lib.nm_desc_inject_many(handle, array, len(held), error)
        if error[0] not in (0, EAGAIN):
            raise self._error(error[0], f"nm_inject_many, after {done} of {len(held)} frames")
        return int(done)

    def nextpkt(self) -> PktHdr | None:
        """Take one slot of the rx rings; None if there is none: wait.

        A packet of several slots comes slot by slot, all but the last with NS_MOREFRAG in ``slot.flags``.
        """
        hdr = self._hdr
        if lib.nm_desc_nextpkt(self._open("nm_nextpkt"), hdr) == ffi.NULL:
            return None
        return self._header(hdr, 0)

    def dispatch(self, cnt: int, callback: Callable[[_T, PktHdr, memoryview], object], arg: _T) -> int:
        """Call ``callback(arg, hdr, data)`` for up to ``cnt`` whole packets (0 or less: all that are there).

        Return how many. Does not sync or wait. Every call but the last sees NM_MORE_PKTS in ``hdr.flags``.
        What the callback raises comes out of here; the packets after that one stay in the ring.
        """
        hdr = self._hdr
        done = 0
        while cnt <= 0 or done < cnt:
            handle = self._open("nm_dispatch")
            if lib.nm_desc_next(handle, hdr) == ffi.NULL:
                break
            done += 1
            more = done != cnt and lib.nm_desc_pending(handle)
            packet = self._header(hdr, lib.NM_MORE_PKTS if more else 0)
            callback(arg, packet, packet.buf)
        return done

    def mmap(self, parent: NmDesc | None = None) -> None:
        """Map the region of a port opened with NM_OPEN_NO_MMAP, or share ``parent``'s mapping of it."""
        if parent is not None:
            instance(parent, NmDesc, "nm_mmap: parent")
        other = parent._open("nm_mmap") if parent else ffi.NULL
        self._check(lib.nm_desc_mmap(self._open("nm_mmap"), other), "nm_mmap")
        self._map()

    # ---- buffers beyond the rings

    @property
    def extra_buffers(self) -> list[int]:
        """The numbers of the extra buffers on the port's list, in its order: a copy.

        ``extra_pop`` and ``extra_push`` change the list itself.
        """
        desc = self._open("extra_buffers")
        count = lib.nm_desc_extra_list(desc, ffi.NULL, 0)
        indexes = ffi.new("uint32_t[]", count)
        lib.nm_desc_extra_list(desc, indexes, count)
        return list(indexes)

    def extra_pop(self) -> int:
        """Take a buffer from the list of extra ones. DeviceError (ENOBUFS) if none is left.

        It, or one it was exchanged for, has to be back by extra_push before close; else it is lost to
        the region until its last user has gone.
        """
        buf_idx = ffi.new("uint32_t *")
        self._check(lib.nm_desc_extra_pop(self._open("extra_pop"), buf_idx), "extra_pop")
        return int(buf_idx[0])

    def extra_push(self, buf_idx: int) -> None:
        """Put a buffer on the list of extra ones. UsageError if it is none of the region's."""
        desc = self._open("extra_push")
        self._check_buffer(buf_idx)
        self._check(lib.nm_desc_extra_push(desc, buf_idx), "extra_push")

    def buffer(self, buf_idx: int) -> memoryview:
        """A buffer of the region by its number, writable. Ends with close.

        DeviceError (ENOMEM) for one that nobody has, without room for it.
        """
        self._open("buffer")
        self._check_buffer(buf_idx)
        ring = (self.tx_rings or self.rx_rings)[0]
        self._back(ring._buffers + buf_idx * ring.buf_size, ring.buf_size)
        return self._lend(self._buffer_view(ring._buffers, ring.buf_size, buf_idx, 0, ring.buf_size))

    # ---- the end

    def close(self) -> None:
        """End everything nm_open began. Frames queued and never synced are not sent. Twice is allowed."""
        if self._closed:
            return
        # Not for ever: it may be this thread's own, when a signal's handler closes what it was waking.
        if not self._waking.acquire(timeout=1):
            raise self._error(EBUSY, "close")
        try:
            self._check(lib.nm_desc_shut(self._desc), "close")
            self._closed = True
        finally:
            self._waking.release()
        for ring in self.tx_rings + self.rx_rings:
            ring._close()
        for view in self._views:
            end_view(view)
        self._views = []
        self._memory.release()
        self._mapping = None

    def __enter__(self) -> NmDesc:
        self._open("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        desc = getattr(self, "_desc", None)
        if desc is not None:
            lib.nm_desc_free(desc)

    def __repr__(self) -> str:
        state = f"{len(self.tx_rings)} tx and {len(self.rx_rings)} rx rings"
        return f"<NmDesc {self.spec!r}, {self.netmap} netmap, {'closed' if self._closed else state}>"

    # ---- for the functions and rings of this package

    def _open(self, what: str) -> Any:
        """The core's descriptor; UsageError, naming the call, if the port is closed."""
        if self._closed:
            raise UsageError(f"{self.spec}: {what} on a closed port")
        return self._desc

    def _error(self, error: int, what: str) -> DeviceError | UsageError:
        if error == EBUSY:
            return UsageError(f"{self.spec}: {what} while another thread uses the port, or closes it")
        reason = cstring(lib.nm_desc_msg(self._desc)) or f"{self.spec}: {what}: {os.strerror(error)}"
        return (
            UsageError(reason)
            if error in (EBADF, EINVAL, EMSGSIZE)
            else DeviceError(error, reason, self.spec)
        )

    def _check(self, error: int, what: str) -> None:
        if error:
            raise self._error(error, what)

    def _check_buffer(self, buf_idx: int) -> None:
        if not 2 <= buf_idx < self._num_bufs:
            raise UsageError(
                f"{self.spec}: there is no buffer {buf_idx}, the region has 2 to {self._num_bufs - 1}"
            )

    def _info(self) -> Any:
        info = ffi.new("struct nm_desc_info *")
        lib.nm_desc_info(self._desc, info)
        return info

    def _map(self) -> None:
        """Build rings and memory from what the core has mapped."""
        info = self._info()
        if self._mapping is not None or info.mapping == ffi.NULL:
            return
        self._mapping = make_mapping(lib.nm_mapping_ref(info.mapping))
        self._memory = memoryview(self._mapping)
        self._base = int(ffi.cast("intptr_t", lib.nm_mapping_mem(info.mapping)))
        self._num_bufs = info.num_bufs
        self.tx_rings = self._rings(info.tx_rings, tx=True)
        self.rx_rings = self._rings(info.rx_rings, tx=False)

    def _rings(self, count: int, *, tx: bool) -> tuple[Ring, ...]:
        ring = ffi.new("struct nm_desc_ring *")
        rings = []
        for index in range(count):
            lib.nm_desc_ring(self._desc, tx, index, ring)
            rings.append(Ring(self, ring, index, tx=tx))
        return tuple(rings)

    def _header(self, hdr: Any, flags: int) -> PktHdr:
        ring = next(ring for ring in self.rx_rings if ring._ring == hdr.ring)
        index = hdr.slot - ring._slot
        start = int(ffi.cast("intptr_t", hdr.buf)) - self._base
        if 0 <= start <= len(self._memory) - hdr.caplen:
            view = self._memory[start : start + hdr.caplen]
            ring._views.append((index, view))
        else:
            # Joined from several slots: in memory that the next packet will overwrite.
            view = memoryview(ffi.buffer(hdr.buf, hdr.caplen)[:])
        return PktHdr(hdr.ts_ns, hdr.caplen, hdr.len, flags, Slot(ring, index), view)

    def _buffer_view(self, buffers: int, buf_size: int, buf_idx: int, skip: int, length: int) -> memoryview:
        self._check_buffer(buf_idx)
        start = buffers + buf_idx * buf_size + skip
        return self._memory[start : start + length]

    def _back(self, offset: int, length: int) -> None:
        """See to it that memory is there: touching what cannot be had would end the process."""
        error = lib.nm_mapping_back(self._info().mapping, offset, length)
        if error:
            raise DeviceError(
                error, f"{self.spec}: no room for {length} bytes of its region at {offset}", self.spec
            )

    def _lend(self, view: memoryview) -> memoryview:
        self._views.append(view)
        return view

    def _end_views(self, rings: tuple[Ring, ...]) -> None:
        for ring in rings:
            ring._end_views()
