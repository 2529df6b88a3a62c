"""``Device``: the raw interface, on user-space and on kernel netmap."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import struct
import threading
import time

import pytest

from nmpcap.errors import DeviceError, PcapError, UsageError
from nmpcap.netmap import (
    NETMAP_API,
    NETMAP_REQ_PORT_INFO_GET,
    NETMAP_REQ_REGISTER,
    NIOCCTRL,
    NIOCGINFO,
    NIOCREGIF,
    NIOCRXSYNC,
    NIOCTXSYNC,
    NR_REG_ALL_NIC,
    Device,
)

# Layouts of netmap(4)'s structures, packed here by hand so that nothing of the library's is believed.
HEADER = struct.Struct("=HHI64sQQ")
REGISTER = struct.Struct("=QQIIHHHHHHIIIQ")
LEGACY = struct.Struct("=16sIIIIIHHHHHHIII")


def register(device: Device, name: str) -> tuple[int, int]:
    """REGISTER with all rings; returns where the netmap_if is, and the region's size."""
    body = (ctypes.c_char * REGISTER.size)()
    REGISTER.pack_into(body, 0, *[0] * 10, NR_REG_ALL_NIC, 0, 0, 0)
    header = bytearray(
        HEADER.pack(NETMAP_API, NETMAP_REQ_REGISTER, 0, name.encode(), 0, ctypes.addressof(body))
    )
    device.ioctl(NIOCCTRL, header)
    return REGISTER.unpack_from(body)[:2]


def u32(memory, at: int) -> int:
    return struct.unpack_from("=I", memory, at)[0]


def ring_at(memory, nifp: int, number: int) -> int:
    """Offset of a ring by its place in ring_ofs; with one ring a direction 0 is tx, 2 is rx (1, 3: host)."""
    return nifp + struct.unpack_from("=q", memory, nifp + 56 + 8 * number)[0]


def test_a_frame_by_hand(netmap: str, port_name) -> None:
    """From one port of a switch to another, with nothing but requests and memory."""
    frame = b"\xff" * 6 + b"\2\0\0\0\0\1" + b"\x88\xb5" + bytes(range(46))
    with Device.open() as a, Device.open() as b:
        assert a.name == b.name == netmap
        a_nifp, a_size = register(a, port_name("a"))
        b_nifp, b_size = register(b, port_name("b"))
        with a.mmap(a_size) as a_memory, b.mmap(b_size) as b_memory:
            tx = ring_at(a_memory, a_nifp, 0)
            buf = tx + struct.unpack_from("=q", a_memory, tx)[0] + 2048 * u32(a_memory, tx + 256)
            a_memory[buf : buf + 60] = frame
            struct.pack_into("=HH", a_memory, tx + 256 + 4, 60, 0)
            struct.pack_into("=II", a_memory, tx + 20, 1, 1)
            a.ioctl(NIOCTXSYNC)
            assert b.poll(select.POLLIN, 2000) == select.POLLIN
            rx = ring_at(b_memory, b_nifp, 2)
            assert (u32(b_memory, rx + 20), u32(b_memory, rx + 28)) == (0, 1)
            buf = rx + struct.unpack_from("=q", b_memory, rx)[0] + 2048 * u32(b_memory, rx + 256)
            assert bytes(b_memory[buf : buf + 60]) == frame
            struct.pack_into("=II", b_memory, rx + 20, 1, 1)
            b.rxsync()
            assert b.poll(select.POLLIN, 0) == 0


def test_legacy_requests(netmap: str, port_name) -> None:
    with Device.open() as device:
        asked = LEGACY.pack(port_name("a").encode(), NETMAP_API, *[0] * 13)
        info, req = bytearray(asked), bytearray(asked)
        device.ioctl(NIOCGINFO, info)
        assert LEGACY.unpack(info)[4:8] == (1024, 1024, 1, 1)
        device.ioctl(NIOCREGIF, req)
        fields = LEGACY.unpack(req)
        assert fields[4:8] == (1024, 1024, 1, 1)
        with device.mmap(fields[3]) as memory:
            assert len(memory) == fields[3]


def test_answers_of_an_unbound_descriptor(netmap: str) -> None:
    with Device.open() as device:
        for call in (device.txsync, device.rxsync, lambda: device.ioctl(NIOCRXSYNC)):
            with pytest.raises(DeviceError) as caught:
                call()
            assert caught.value.errno == errno.ENXIO
        assert device.poll(select.POLLIN, 0) == select.POLLERR
        with pytest.raises(DeviceError) as caught:
            device.mmap(4096)
        assert caught.value.errno == errno.EINVAL


def test_a_request_that_fails_names_it_and_the_port(netmap: str) -> None:
    with Device.open() as device, pytest.raises(DeviceError, match=r"REGISTER on 'nonesuch0'") as caught:
        register(device, "nonesuch0")
    assert caught.value.errno == errno.ENXIO
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, PcapError)
    assert netmap in str(caught.value)


def test_a_failed_request_leaves_the_buffer_readable(netmap: str, port_name) -> None:
    body = (ctypes.c_char * 32)()
    header = bytearray(
        HEADER.pack(
            NETMAP_API - 1, NETMAP_REQ_PORT_INFO_GET, 0, port_name("a").encode(), 0, ctypes.addressof(body)
        )
    )
    before = bytes(header)
    with Device.open() as device, pytest.raises(DeviceError) as caught:
        device.ioctl(NIOCCTRL, header)
    assert caught.value.errno == errno.EINVAL
    assert header == before


@pytest.mark.parametrize("kind", ["bytearray", "ctypes", "memoryview", "array"])
def test_any_writable_buffer(netmap: str, port_name, kind: str) -> None:
    import array

    packed = LEGACY.pack(port_name("a").encode(), NETMAP_API, *[0] * 13)
    buffer = {
        "bytearray": bytearray,
        "ctypes": lambda data: (ctypes.c_char * len(data)).from_buffer_copy(data),
        "memoryview": lambda data: memoryview(bytearray(data)),
        "array": lambda data: array.array("B", data),
    }[kind](packed)
    with Device.open() as device:
        device.ioctl(NIOCGINFO, buffer)
    assert LEGACY.unpack(bytes(buffer))[4] == 1024


def test_buffers_that_cannot_be(netmap: str) -> None:
    with Device.open() as device:
        with pytest.raises((TypeError, BufferError, ValueError)):
            device.ioctl(NIOCGINFO, bytes(60))
        with pytest.raises(UsageError, match="59 bytes, not of 60"):
            device.ioctl(NIOCGINFO, bytearray(59))
        with pytest.raises(DeviceError, match="60 bytes") as caught:
            device.ioctl(NIOCGINFO)
        assert caught.value.errno == errno.EINVAL
        with pytest.raises(UsageError, match=r"mapping, in bytes: 0: 1 \.\."):
            device.mmap(0)


def test_a_mapping_keeps_the_port(netmap: str, port_name) -> None:
    """netmap(4): the binding lasts until the descriptor and all its mappings have gone."""
    device = Device.open()
    nifp, size = register(device, port_name("a"))
    memory = device.mmap(size)
    device.close()
    assert device.closed
    with Device.open() as other:
        body = (ctypes.c_char * 8)()
        header = bytearray(HEADER.pack(NETMAP_API, 5, 0, port_name("a").encode(), 0, ctypes.addressof(body)))
        other.ioctl(NIOCCTRL, header)  # VALE_LIST
        assert u32(body, 4) != 255
        assert u32(memory, ring_at(memory, nifp, 0) + 28) == 1023
        memory.close()
        with pytest.raises(DeviceError) as caught:
            other.ioctl(NIOCCTRL, header)
        assert caught.value.errno == errno.ENOENT


def test_closed_device(netmap: str) -> None:
    device = Device.open()
    device.close()
    device.close()
    for call in (
        device.txsync,
        device.wake,
        device.fileno,
        device.__enter__,
        lambda: device.poll(select.POLLIN, 0),
        lambda: device.mmap(4096),
        lambda: device.ioctl(NIOCTXSYNC),
    ):
        with pytest.raises(UsageError, match="closed"):
            call()


def test_fileno_is_readable_while_packets_wait(netmap: str, pipe_name) -> None:
    master, slave = (name.removeprefix("netmap:") for name in pipe_name("1"))
    with Device.open() as a, Device.open() as b:
        nifp, size = register(a, master)
        register(b, slave)
        memory = a.mmap(size)
        watched = select.poll()
        watched.register(b.fileno(), select.POLLIN)
        assert watched.poll(0) == []
        tx = ring_at(memory, nifp, 0)
        struct.pack_into("=HH", memory, tx + 256 + 4, 60, 0)
        struct.pack_into("=II", memory, tx + 20, 1, 1)
        a.txsync()
        assert [events & select.POLLIN for _, events in watched.poll(2000)] == [select.POLLIN]
        memory.close()


# ---- waiting ---------------------------------------------------------------------------


@pytest.fixture
def bound(netmap: str, port_name):
    with Device.open() as device:
        register(device, port_name("a"))
        yield device


def test_poll_times_out(bound: Device) -> None:
    start = time.monotonic()
    assert bound.poll(select.POLLIN, 30) == 0
    assert 0.029 < time.monotonic() - start < 2


def test_wake_ends_a_poll(bound: Device) -> None:
    timer = threading.Timer(0.1, bound.wake)
    timer.start()
    start = time.monotonic()
    assert bound.poll(select.POLLIN) == 0
    assert time.monotonic() - start < 5
    timer.join()


def test_wake_before_poll_ends_the_next_one_only(bound: Device) -> None:
    bound.wake()
    bound.wake()
    start = time.monotonic()
    assert bound.poll(select.POLLIN, 2000) == 0
    assert time.monotonic() - start < 1
    start = time.monotonic()
    assert bound.poll(select.POLLIN, 30) == 0
    assert time.monotonic() - start > 0.02


def test_poll_goes_on_after_a_signal(bound: Device) -> None:
    """As PEP 475 has it: the handler runs, the time that is left is waited for."""
    caught = []
    old = signal.signal(signal.SIGALRM, lambda *_: caught.append(time.monotonic()))
    try:
        start = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert bound.poll(select.POLLIN, 200) == 0
        assert 0.19 < time.monotonic() - start < 2
        assert len(caught) == 1
        assert caught[0] - start < 0.15
    finally:
        signal.signal(signal.SIGALRM, old)


def test_interrupt_comes_out_of_poll(bound: Device) -> None:
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        bound.poll(select.POLLIN)
    assert time.monotonic() - start < 5
    timer.join()
    bound.rxsync()


def test_two_threads(bound: Device) -> None:
    """A second poll is refused, and so is closing under a poll; a sync beside it is not."""
    thread = threading.Thread(target=bound.poll, args=(select.POLLIN,))
    thread.start()
    try:
        deadline = time.monotonic() + 5
        while not bound._polling.locked() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.02)
        with pytest.raises(UsageError, match="another thread"):
            bound.poll(select.POLLIN, 0)
        with pytest.raises(UsageError, match="another thread"):
            bound.close()
        bound.txsync()
    finally:
        bound.wake()
        thread.join()


# ---- which netmap ------------------------------------------------------------------------


def test_the_argument_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "nonsense")
    with Device.open("user") as device:
        assert device.name == "user"
    with pytest.raises(UsageError, match=r"NMPCAP_NETMAP='nonsense'.*'auto', 'kernel' and 'user'"):
        Device.open()
    with pytest.raises(UsageError, match="netmap='no'"):
        Device.open("no")


@pytest.mark.skipif(os.path.exists("/dev/netmap"), reason="/dev/netmap exists; to run it: unload netmap")
def test_without_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NMPCAP_NETMAP", raising=False)
    with Device.open() as device:
        assert device.name == "user"
    with pytest.raises(DeviceError, match=r"/dev/netmap.*modprobe.*NMPCAP_NETMAP=user") as caught:
        Device.open("kernel")
    assert caught.value.errno == errno.ENOENT
