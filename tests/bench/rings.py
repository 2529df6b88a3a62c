"""Rings: what netmap in user space moves between two processes, and what the machine allows.

Sender and receiver are two processes, each on a core of its own where there are two; the loops are C,
over the installed core. The peer of each case is a bare exchange between two processes, of slots
and buffers of the same sizes without anything of netmap around them.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from measure import Case, Unavailable, benchmark

from nmpcap._core import ffi, lib
from nmpcap.netmap import NmDesc, nm_open

HERE = Path(__file__).parent
FRAME = bytes.fromhex("020000000002 020000000001 88b5") + bytes(range(46))
FLOOD = bytes.fromhex("ffffffffffff 020000000001 88b5") + bytes(range(46))
BATCH = 256
OPTIONS = ("-O3", "-D_GNU_SOURCE", "-shared", "-fPIC", "-fno-strict-aliasing")
PIPE = ("netmap:bench{1", "netmap:bench}1")
MANY = 4_000_000  # packets a run, where the loops are C
CORES = sorted(os.sched_getaffinity(0))
PR_SET_PDEATHSIG = 1  # prctl(2)
GO, QUIT = b".", b"q"


class End(ctypes.Structure):
    """struct end of rings.c"""

    _fields_ = (*((name, ctypes.c_void_p) for name in ("device", "txsync", "rxsync", "poll", "tx", "rx")),)


def _function(name: str) -> int:
    return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))


def end_of(port: NmDesc) -> End:
    """What the loops need of an open port."""

    def ring(rings: Any) -> int:
        return int(ffi.cast("uintptr_t", rings[0]._ring)) if len(rings) else 0

    return End(
        int(ffi.cast("uintptr_t", lib.nm_desc_device(port._desc))),
        *(_function(f"nm_device_{call}") for call in ("txsync", "rxsync", "poll")),
        ring(port.tx_rings),
        ring(port.rx_rings),
    )


class Partner:
    """Another process, on the second core: sets something up once, then works between go and stop."""

    def __init__(self, prepare: Callable[[], Callable[[ctypes.c_void_p], object]]) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self._stop = ctypes.c_uint32.from_buffer(self._page)
        self._go_read, self._go_write = os.pipe()
        self._done_read, self._done_write = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            self._serve(prepare)
        os.close(self._go_read)
        os.close(self._done_write)
        self._answer()

    def _serve(self, prepare: Callable[[], Callable[[ctypes.c_void_p], object]]) -> None:
        try:
            _die_with_parent()
            os.close(self._go_write)
            _pin(1)
            work = prepare()
            os.write(self._done_write, b".")
            while os.read(self._go_read, 1) == GO:
                work(ctypes.c_void_p(ctypes.addressof(self._stop)))
                os.write(self._done_write, b".")
        finally:
            os._exit(0)

    def _answer(self) -> None:
        if not os.read(self._done_read, 1):
            raise RuntimeError("the other process of the benchmark has failed")

    def during(self, work: Callable[[], object]) -> None:
        """Do ``work`` while the partner does its own."""
        self._stop.value = 0
        os.write(self._go_write, GO)
        try:
            work()
        finally:
            self._stop.value = 1
            self._answer()

    def __enter__(self) -> Partner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._go_write, QUIT)  # its end of the pipe alone says nothing: later partners have it too
        os.close(self._go_write)
        os.close(self._done_read)
        os.waitpid(self.pid, 0)


def _pin(core: int) -> None:
    os.sched_setaffinity(0, {CORES[core]})


def _die_with_parent() -> None:
    """A partner that spins would outlive a benchmark that is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Loops:
    """rings.c, compiled for this run; and a runtime directory of the run's own."""

    def __enter__(self) -> Any:
        compiler = shutil.which("cc")
        if not compiler:
            raise Unavailable("no C compiler for the loops; to run it: apt-get install gcc libc6-dev")
        if len(CORES) < 2:
            raise Unavailable("one core; to run it: use a machine with two, and nothing else on them")
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._folder = tempfile.mkdtemp(prefix="nmpcap-bench-", dir=shared)
        self._before = os.environ.get("NMPCAP_RUNTIME_DIR")
        os.environ["NMPCAP_RUNTIME_DIR"] = self._folder
        _pin(0)
        library = Path(self._folder, "rings.so")
        core = HERE.parent.parent / "nmpcap" / "_core"
        subprocess.run(
            [compiler, *OPTIONS, f"-I{core}", "-o", library, HERE / "rings.c"],
            check=True,
        )
        loops = ctypes.CDLL(str(library))
        loops.bare_size.restype = ctypes.c_uint64
        for name in ("receive_loop", "receive_many", "bare_receive"):
            getattr(loops, name).restype = ctypes.c_uint64
        return loops

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.sched_setaffinity(0, CORES)
        if self._before is None:
            del os.environ["NMPCAP_RUNTIME_DIR"]
        else:
            os.environ["NMPCAP_RUNTIME_DIR"] = self._before
        shutil.rmtree(self._folder)


def _user(name: str, **options: Any) -> NmDesc:
    return nm_open(name, netmap="user", **options)


class Bare:
    """Memory that two processes share, with nothing in it; page-aligned, alive as long as this."""

    def __init__(self, loops: Any) -> None:
        self._memory = mmap.mmap(-1, loops.bare_size())
        self._first = ctypes.c_char.from_buffer(self._memory)
        self.address = ctypes.c_void_p(ctypes.addressof(self._first))


def _sender(loops: Any, name: str, frame: bytes | None, batch: int, **options: Any) -> Partner:
    def prepare() -> Callable[[ctypes.c_void_p], object]:
        port = _user(name, **options)
        end = end_of(port)
        return lambda stop, _port=port: loops.send_loop(ctypes.byref(end), frame, batch, stop)  # type: ignore[misc]

    return Partner(prepare)


@contextmanager
def bare_exchange(
    loops: Any, frame: bytes | None, batch: int, items: int = MANY
) -> Iterator[Callable[[], None]]:
    """Work for a peer: as many packets through bare shared memory, from another process."""
    memory = Bare(loops)
    with Partner(lambda: lambda stop: loops.bare_send(memory.address, frame, batch, stop)) as sender:
        count = ctypes.c_uint64(items)
        yield lambda: sender.during(lambda: loops.bare_receive(memory.address, frame is not None, count))


def _exchange(
    loops: Any, names: tuple[str, str], label: str, frame: bytes | None, batch: int
) -> Iterator[Case]:
    """One sender, one receiver, over netmap and bare."""
    touch, count = frame is not None, ctypes.c_uint64(MANY)
    with (
        _user(names[1]) as port,
        _sender(loops, names[0], frame, batch) as sender,
        bare_exchange(loops, frame, batch) as bare,
    ):
        end = end_of(port)
        receive = loops.receive_loop
        yield Case(
            label, MANY, lambda: sender.during(lambda: receive(ctypes.byref(end), touch, count)), bare, "bare"
        )


@benchmark(reach=300, figure="mpps")
def pipe() -> Iterator[Case]:
    """A netmap pipe between two processes: descriptors only."""
    with Loops() as loops:
        yield from _exchange(loops, PIPE, f"slots, batch {BATCH}", None, BATCH)


@benchmark(reach=120, figure="mpps")
def pipe_touch() -> Iterator[Case]:
    """The same, 60 bytes written by the sender and read by the receiver."""
    with Loops() as loops:
        yield from _exchange(loops, PIPE, f"60 bytes, batch {BATCH}", FRAME, BATCH)


@benchmark(reach=1, figure="mpps")
def pipe_batch() -> Iterator[Case]:
    """The rate of a pipe by how many packets the sender hands over at once."""
    with Loops() as loops:
        for shift in range(10):
            yield from _exchange(loops, PIPE, f"slots, batch {1 << shift}", None, 1 << shift)


@benchmark(reach=40, figure="mpps")
def vale() -> Iterator[Case]:
    """A switch: one sender, one receiver, 60-byte frames, copied."""
    with Loops() as loops:
        yield from _exchange(loops, ("valeB:s", "valeB:r"), f"60 bytes, batch {BATCH}", FLOOD, BATCH)


@benchmark(reach=20, figure="mpps")
def vale_flood() -> Iterator[Case]:
    """One sender, one to eight receivers of every packet, all drained by one process: packets received."""
    with Loops() as loops, bare_exchange(loops, FLOOD, BATCH) as bare:
        for receivers in (1, 2, 4, 8):
            yield from _flood(loops, receivers, bare)


def _flood(loops: Any, receivers: int, bare: Callable[[], None]) -> Iterator[Case]:
    count = ctypes.c_uint64(MANY)
    with ExitStack() as stack:
        ports = [stack.enter_context(_user(f"valeB:r{i}")) for i in range(receivers)]
        ends = (End * receivers)(*(end_of(port) for port in ports))
        sender = stack.enter_context(_sender(loops, "valeB:s", FLOOD, BATCH))
        work = loops.receive_many
        yield Case(
            f"to {receivers}", MANY, lambda: sender.during(lambda: work(ends, receivers, count)), bare, "bare"
        )


@contextmanager
def _spinning_peer(loops: Any, trips: int) -> Iterator[Callable[[], None]]:
    memory = Bare(loops)
    with Partner(lambda: lambda stop: loops.bare_echo(memory.address, stop)) as echo:
        yield lambda: echo.during(lambda: loops.bare_ping(memory.address, ctypes.c_uint64(trips)))


@contextmanager
def _sleeping_peer(loops: Any, trips: int) -> Iterator[Callable[[], None]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with (
        ours,
        theirs,
        Partner(lambda: lambda stop: loops.asleep_echo(theirs.fileno(), stop)) as echo,
    ):
        yield lambda: echo.during(lambda: loops.asleep_ping(ours.fileno(), ctypes.c_uint64(trips)))


def _round_trips(loops: Any, asleep: bool, trips: int) -> Iterator[Case]:
    def prepare() -> Callable[[ctypes.c_void_p], object]:
        port = _user(PIPE[1])
        end = end_of(port)
        return lambda stop, _port=port: loops.echo_loop(ctypes.byref(end), asleep, stop)  # type: ignore[misc]

    peer = (_sleeping_peer if asleep else _spinning_peer)(loops, trips)
    with peer as bare, _user(PIPE[0]) as port, Partner(prepare) as echo:
        end = end_of(port)
        work = loops.ping_loop
        yield Case(
            "asleep, poll" if asleep else "spinning",
            trips,
            lambda: echo.during(lambda: work(ctypes.byref(end), asleep, ctypes.c_uint64(trips))),
            bare,
            "bare",
        )


@benchmark(reach=100, figure="us")
def latency() -> Iterator[Case]:
    """A round trip of one packet over a pipe, with both ends spinning, then with both asleep."""
    with Loops() as loops:
        yield from _round_trips(loops, False, 20_000)
        yield from _round_trips(loops, True, 2_000)
