"""``NmDesc``: an open port, its rings, and the calls that sync and wait. ``netmap.nm_open`` makes it."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from errno import EBADF, EBUSY, EINTR, EINVAL, EIO, EMSGSIZE
from types import TracebackType
from typing import Any

from nmpcap._core import ffi, lib
from nmpcap._device import Mapping, make_mapping, milliseconds_until
from nmpcap._rings import Ring, end_view
from nmpcap.errors import DeviceError, UsageError

__all__ = ["NetmapIf", "NmDesc", "NmRequest", "NmStats"]


@dataclass(frozen=True)
class NmRequest:
    """What a port is asked for, and after opening what it has. 0 asks for the port's default.

    ``extra_bufs`` are buffers beyond those of the rings; fewer may be given. ``mem_id`` is a memory
    region: buffers can be exchanged between ports of one region. ``flags`` are ``NR_*`` flags.
    ``pipes`` is nr_arg1 of a legacy request and means something only there.
    """

    tx_slots: int = 0
    rx_slots: int = 0
    tx_rings: int = 0
    rx_rings: int = 0
    host_tx_rings: int = 0
    host_rx_rings: int = 0
    mem_id: int = 0
    extra_bufs: int = 0
    flags: int = 0
    pipes: int = 0


@dataclass(frozen=True)
class NetmapIf:
    """A copy of a port's ``struct netmap_if``. Host ring counts are 1 even where there are none."""

    name: str
    version: int
    flags: int
    tx_rings: int
    rx_rings: int
    bufs_head: int
    host_tx_rings: int
    host_rx_rings: int


@dataclass(frozen=True)
class NmStats:
    """Counters of one descriptor, since it was opened.

    ``received`` packets (slots, by nm_nextpkt), ``bytes`` in all. ``damaged``: buffers whose index was
    outside the region, or that were shorter than their packet. ``sent`` frames were queued, for
    ``unsent`` there was no room.
    """

    received: int
    bytes: int
    damaged: int
    sent: int
    unsent: int


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
        self.spec = text(info.spec)
        self.name = text(info.name)
        self.netmap = text(info.netmap)
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
            text(nifp.ni_name),
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
        """The whole region, writable; None if it is not mapped. Ends with close."""
        self._open("mem")
        return None if self._mapping is None else self._lend(memoryview(self._mapping))

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
        """Returns a descriptor for select and its kin: readable while packets wait."""
        fd = lib.nm_desc_fileno(self._open("fileno"))
        if fd < 0:
            raise self._error(EBUSY, "fileno")
        return int(fd)

    # ---- sync and wait

    def txsync(self) -> None:
        """Hands over the slots before head for sending, and takes back those that are done."""
        desc = self._open("txsync")
        self._end_views(self.tx_rings)
        self._check(lib.nm_desc_txsync(desc), "txsync")

    def rxsync(self) -> None:
        """Releases the received slots before head, and shows what has come since."""
        desc = self._open("rxsync")
        self._end_views(self.rx_rings)
        self._check(lib.nm_desc_rxsync(desc), "rxsync")

    def wait(self, timeout: float | None = None, events: int = select.POLLIN) -> int:
        """Syncs, and waits until one of ``events`` (POLLIN: packets; POLLOUT: free slots) has come.

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
            raise DeviceError(EIO, text(lib.nm_desc_msg(self._desc)))
        return int(revents[0])

    def wake(self) -> None:
        """Makes the wait in progress, or else the next one, return 0. From any thread or signal handler."""
        # If it is taken, the port is being woken or closed already, perhaps by what a signal interrupted.
        if self._waking.acquire(blocking=False):
            try:
                desc = self._open("wake")
                self._woken = True
                lib.nm_desc_wake(desc)
            finally:
                self._waking.release()

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
        """Takes a buffer from the list of extra ones. DeviceError (ENOBUFS) if none is left.

        It, or one it was exchanged for, has to be back by extra_push before close; else it is lost to
        the region until its last user has gone.
        """
        buf_idx = ffi.new("uint32_t *")
        self._check(lib.nm_desc_extra_pop(self._open("extra_pop"), buf_idx), "extra_pop")
        return int(buf_idx[0])

    def extra_push(self, buf_idx: int) -> None:
        """Puts a buffer on the list of extra ones. UsageError if it is none of the region's."""
        desc = self._open("extra_push")
        self._check_buffer(buf_idx)
        self._check(lib.nm_desc_extra_push(desc, buf_idx), "extra_push")

    def buffer(self, buf_idx: int) -> memoryview:
        """A buffer of the region by its number, writable. Ends with close."""
        self._open("buffer")
        self._check_buffer(buf_idx)
        ring = (self.tx_rings or self.rx_rings)[0]
        return self._lend(self._buffer_view(ring._buffers, ring.buf_size, buf_idx, 0, ring.buf_size))

    # ---- the end

    def close(self) -> None:
        """Ends everything nm_open began. Frames queued and never synced are not sent. Twice is allowed."""
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
        reason = text(lib.nm_desc_msg(self._desc)) or f"{self.spec}: {what}: {os.strerror(error)}"
        return UsageError(reason) if error in (EBADF, EINVAL, EMSGSIZE) else DeviceError(error, reason)

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
        """Builds rings and memory from what the core has mapped."""
        info = self._info()
        if self._mapping is not None or info.mapping == ffi.NULL:
            return
        self._mapping = make_mapping(lib.nm_mapping_ref(info.mapping))
        self._memory = memoryview(self._mapping)
        self._base = int(ffi.cast("intptr_t", lib.nm_mapping_mem(info.mapping)))
        self._num_bufs = info.num_bufs
        self.tx_rings = self._rings(lib.nm_desc_tx_ring, info.tx_rings, tx=True)
        self.rx_rings = self._rings(lib.nm_desc_rx_ring, info.rx_rings, tx=False)

    def _rings(self, find: Callable[[Any, int], Any], count: int, *, tx: bool) -> tuple[Ring, ...]:
        return tuple(Ring(self, find(self._desc, i), i, tx=tx) for i in range(count))

    def _buffer_view(self, buffers: int, buf_size: int, buf_idx: int, skip: int, length: int) -> memoryview:
        self._check_buffer(buf_idx)
        start = buffers + buf_idx * buf_size + skip
        return self._memory[start : start + length]

    def _lend(self, view: memoryview) -> memoryview:
        self._views.append(view)
        return view

    def _end_views(self, rings: tuple[Ring, ...]) -> None:
        for ring in rings:
            ring._end_views()


def text(string: Any) -> str:
    """A C string as Python has it."""
    return str(ffi.string(string).decode(errors="surrogateescape"))
