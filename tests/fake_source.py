"""A Capture over the scripted source of fake_source.c: faults at will, and a record of what was asked."""

from __future__ import annotations

import ctypes
import functools
import itertools
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from nmpcap._core import ffi
from nmpcap.bpf.program import Program
from nmpcap.capture import Capture
from nmpcap.dlt import DLT_DOCSIS, DLT_EN10MB
from nmpcap.packet import Explanation, Packet
from nmpcap.ports import Port

CORE = Path(__file__).parents[1] / "nmpcap" / "_core"
NEVER = 2**64 - 1
LOG_SIZE = 1 << 20

WISHES = (
    "available end_at per_fill min_size spread fail_at fail_errno interrupts hungry room per_flush max_frame "
    "dropped if_dropped apart tags refuse"
)
RECORD = "read fills waits wakes flushes closes logged queued filtering violations"


_FIELDS: Any = [
    *((name, ctypes.c_uint64) for name in WISHES.split()),
    ("log", ctypes.c_void_p),
    ("log_size", ctypes.c_uint64),
    *((name, ctypes.c_uint64) for name in RECORD.split()),
]


class Control(ctypes.Structure):
    _fields_ = _FIELDS


@functools.cache
def library() -> ctypes.CDLL:
    if not shutil.which("cc"):
        import pytest

        pytest.skip("no C compiler; to run it: apt-get install gcc libc6-dev")
    with tempfile.TemporaryDirectory(prefix="nmpcap-fake-") as folder:
        shared = Path(folder) / "fake.so"
        source = Path(__file__).with_name("fake_source.c")
        options = ["-std=gnu11", "-O1", "-g", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-I{CORE}"]
        subprocess.run(["cc", *options, "-o", shared, source], check=True)
        loaded = ctypes.CDLL(str(shared))
    loaded.fake_new.restype = ctypes.c_void_p
    loaded.fake_new.argtypes = [ctypes.c_void_p]
    loaded.fake_push.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
    return loaded


def expected(i: int, min_size: int = 60, spread: int = 0, tags: int = 0) -> Packet:
    """Packet i, from first principles."""
    size = min_size + (i % spread if spread else 0)
    data = bytearray((i + k * 7) & 0xFF for k in range(size))
    if tags and i % tags == 0:
        data[12:16] = struct.pack("!HH", 0x8100, i & 0xFFF)
    return Packet(bytes(data), 1000 * i, size + 10, 1, i % 3, i % 2 == 1)


_KEPT: list[Control] = []
"""What C sources write to. In a circle of garbage a port may go before its source, which still does so."""


class FakePort(Port):
    """``fed`` counts calls of feed; what ``on_feed`` holds is called each time."""

    metadata = frozenset(("type", "ifidx", "vlanp", "vlan_tci", "vlan_tpid"))
    linktypes: Any = ()

    def __init__(
        self, name: str = "fake:0", savefile: bool = False, live: bool = False, **wishes: int
    ) -> None:
        self.name = name
        self.savefile = savefile
        self.live = live
        self.linktypes = (DLT_EN10MB, DLT_DOCSIS) if live else (DLT_EN10MB,)
        self.log = ctypes.create_string_buffer(LOG_SIZE)
        settled = {
            "end_at": NEVER, "per_fill": NEVER, "min_size": 60, "fail_at": NEVER, "room": NEVER,
            "per_flush": NEVER, "max_frame": 1514, **wishes,
        }  # fmt: skip
        self.control = Control(**settled, log=ctypes.addressof(self.log), log_size=LOG_SIZE)
        _KEPT.append(self.control)
        self.address = library().fake_new(ctypes.byref(self.control))
        self.fed = 0
        self.on_feed: Any = lambda: None
        self.on_end: Any = lambda: None
        self.closes = 0

    def take_source(self) -> Any:
        return ffi.cast("struct nm_source *", self.address)

    def push(self, n: int) -> None:
        library().fake_push(self.address, n)

    def set_linktype(self, linktype: int) -> None:
        self.linktype = linktype

    def feed(self) -> None:
        self.fed += 1
        self.on_feed()

    def ended(self) -> None:
        self.on_end()

    def explain(self, filter: str) -> Explanation:
        return Explanation(self.name, "fake", "test", "none", filter, "counted")

    def close(self) -> None:
        self.closes += 1

    def frames(self) -> list[bytes]:
        """What has been injected."""
        raw = self.log.raw[: self.control.logged]
        frames = []
        while raw:
            (size,) = struct.unpack_from("I", raw)
            frames.append(raw[4 : 4 + size])
            raw = raw[4 + size :]
        return frames


def first_of_ten(n: int) -> Program:
    """A filter that passes packets 0 .. n-1 of every ten, of the first 250, and cuts them to 20 bytes."""
    # The first byte of packet i is i.
    load, modulo, jump_if_ge, give = 0x30, 0x94, 0x35, 0x06
    judge = [(load, 0, 0, 0), (modulo, 0, 0, 10), (jump_if_ge, 0, 1, n)]
    return Program([*judge, (give, 0, 0, 0), (give, 0, 0, 20)])


def fake_capture(
    timeout: float | None = None, snaplen: int = 262144, **wishes: Any
) -> tuple[Capture, FakePort]:
    port = FakePort(**wishes)
    return Capture(port, snaplen=snaplen, timeout=timeout), port


def packets(n: int, first: int = 0, **sizes: int) -> list[Packet]:
    return [expected(i, **sizes) for i in itertools.islice(itertools.count(first), n)]
