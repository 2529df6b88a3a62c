"""netmap_user.h's functions in Python, on user-space and on kernel netmap."""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import threading
import time

import pytest

from nmpcap import vale
from nmpcap.errors import DeviceError, PcapError, PortNameError, UsageError
from nmpcap.netmap import (
    NETMAP_NO_TX_POLL,
    NM_MORE_PKTS,
    NM_OPEN_ARG2,
    NM_OPEN_ARG3,
    NM_OPEN_IFNAME,
    NM_OPEN_NO_MMAP,
    NM_OPEN_RING_CFG,
    NR_MONITOR_RX,
    NR_REG_ONE_NIC,
    NR_REG_PIPE_SLAVE,
    NS_MOREFRAG,
    NmRequest,
    PortName,
    nm_close,
    nm_dispatch,
    nm_inject,
    nm_inject_many,
    nm_mmap,
    nm_nextpkt,
    nm_open,
    parse_port_name,
)


def frame(number: int, length: int = 60) -> bytes:
    """A broadcast frame with a number in it."""
    head = b"\xff" * 6 + b"\2\0\0\0\0\1" + b"\x88\xb5" + number.to_bytes(4, "big")
    return head + bytes((number + i) % 256 for i in range(length - len(head)))


@pytest.fixture
def pipe(netmap: str, pipe_name):
    """The two ends of a pipe."""
    master, slave = pipe_name("1")
    with nm_open(master) as a, nm_open(slave) as b:
        yield a, b


@pytest.fixture
def ports(netmap: str, port_name):
    """Two ports of a switch."""
    with nm_open(port_name("a")) as a, nm_open(port_name("b")) as b:
        yield a, b


# ---- open and close ----------------------------------------------------------------------


def test_an_open_port_tells_what_it_is(netmap: str, port_name) -> None:
    name = port_name("a")
    with nm_open(name, tx_slots=64, rx_slots=128, tx_rings=2) as desc:
        assert (desc.name, desc.spec, desc.netmap) == (name, name, netmap)
        req = desc.req
        assert (req.tx_slots, req.rx_slots, req.tx_rings, req.rx_rings) == (64, 128, 2, 1)
        assert req.mem_id == desc.mem_id > 0
        assert (len(desc.tx_rings), len(desc.rx_rings)) == (2, 1)
        assert desc.nifp
        assert (desc.nifp.tx_rings, desc.nifp.rx_rings) == (2, 1)
        assert desc.nifp.name == name[:15]
        assert desc.mem
        assert len(desc.mem) == desc.memsize
        assert desc.fileno() >= 0
        assert not desc.closed
        assert netmap in repr(desc)
    assert desc.closed
    assert "closed" in repr(desc)


def test_a_name_says_more_than_the_keywords(netmap: str, port_name) -> None:
    with nm_open(port_name("a@conf:rx-rings=2,slots=32"), tx_slots=64, rx_slots=64) as desc:
        assert (desc.req.tx_slots, desc.req.rx_slots, desc.req.rx_rings) == (32, 32, 2)


def test_one_ring(netmap: str, port_name) -> None:
    with nm_open(port_name("a"), tx_rings=3, rx_rings=3), nm_open(port_name("a-2")) as one:
        assert [ring.ringid for ring in one.tx_rings + one.rx_rings] == [2, 2]
    with nm_open(port_name("b/R"), tx_rings=2) as receiver:
        assert receiver.tx_rings == ()
        assert len(receiver.rx_rings) == 1
        with pytest.raises(UsageError, match="without tx rings"):
            nm_inject(receiver, frame(1))


@pytest.mark.parametrize(
    ("spec", "errnumber", "text"),
    [
        ("{switch}:a-1", errno.EINVAL, "open"),
        ("{switch}:a^", errno.EINVAL, "open"),
        ("{switch}:a@60000", errno.EINVAL, "open"),
        ("{switch}:a/r", errno.EINVAL, "open"),
        ("netmap:nonesuch0", errno.ENXIO, "open"),
        ("{switch}:a@share=netmap:nonesuch0", errno.ENXIO, "region of 'nonesuch0'"),
        ("{switch}:a@extmem=/nonesuch/file", errno.ENOENT, "/nonesuch/file"),
    ],
)
def test_ports_that_cannot_be_opened(netmap: str, switch: str, spec: str, errnumber: int, text: str) -> None:
    spec = spec.format(switch=switch)
    with pytest.raises(DeviceError) as caught:
        nm_open(spec)
    assert caught.value.errno == errnumber
    assert spec in str(caught.value)
    assert text in str(caught.value)
    assert vale.list_ports(switch) == []


def test_names_that_are_none() -> None:
    with pytest.raises(PortNameError, match=r"'vale0:a/q'.*character 9.*flag letter") as caught:
        nm_open("vale0:a/q")
    assert (caught.value.position, caught.value.foreign, caught.value.errno) == (8, False, errno.EINVAL)
    with pytest.raises(PortNameError, match=r"'eth0'.*netmap:.*vale") as caught:
        nm_open("eth0")
    assert caught.value.foreign
    with pytest.raises(PortNameError, match="NUL"):
        nm_open("vale0:a\0b")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, PcapError)


def test_port_names_are_readable_without_opening() -> None:
    assert parse_port_name("vale0:a{1-2/r@3") == PortName("vale0:a{1", NR_REG_ONE_NIC, 2, NR_MONITOR_RX, 3)
    assert parse_port_name("netmap:x}2", legacy=True) == PortName("x", NR_REG_PIPE_SLAVE, 2, 0, 0)


def test_exclusive(netmap: str, port_name) -> None:
    with nm_open(port_name("a/x")), pytest.raises(DeviceError, match=port_name("a")) as caught:
        nm_open(port_name("a"))
    assert caught.value.errno == errno.EBUSY


def test_legacy_request(netmap: str, pipe_name) -> None:
    master, slave = pipe_name("3")
    with nm_open(master, legacy=True) as a, nm_open(slave) as b:
        assert a.name == master.removeprefix("netmap:")
        nm_inject(a, frame(7))
        a.txsync()
        assert b.wait(2) == select.POLLIN
        packet = nm_nextpkt(b)
        assert packet
        assert packet.buf == frame(7)


def test_parent(netmap: str, port_name) -> None:
    """The child shares the parent's region and mapping, and survives it."""
    parent = nm_open(port_name("a"), tx_slots=32, rx_slots=32, extra_bufs=2)
    child = nm_open(port_name("b"), parent=parent, flags=NM_OPEN_ARG2 | NM_OPEN_ARG3 | NM_OPEN_RING_CFG)
    assert child.mem_id == parent.mem_id
    assert (child.req.tx_slots, child.req.rx_slots) == (32, 32)
    nm_inject(parent, frame(1))
    parent.txsync()
    assert child.wait(2)
    parent.close()
    packet = nm_nextpkt(child)
    assert packet
    assert packet.buf == frame(1)
    child.close()
    gc.collect()
    assert vale.list_ports(port_name("").rstrip(":")) == []


def test_parents_name(netmap: str, port_name) -> None:
    with nm_open(port_name("a")) as parent, nm_open("", parent=parent, flags=NM_OPEN_IFNAME) as child:
        assert child.name == parent.name
        assert child.mem_id == parent.mem_id
    with pytest.raises(DeviceError, match="NM_OPEN_IFNAME"):
        nm_open("", flags=NM_OPEN_IFNAME)


def test_map_later(netmap: str, port_name) -> None:
    with nm_open(port_name("a"), flags=NM_OPEN_NO_MMAP) as desc:
        assert desc.mem is None
        assert desc.nifp is None
        assert desc.tx_rings == ()
        nm_mmap(desc)
        nm_mmap(desc)
        assert len(desc.tx_rings) == 1
        assert nm_inject(desc, frame(1)) == 60


def test_closed_port(netmap: str, port_name) -> None:
    desc = nm_open(port_name("a"), extra_bufs=1)
    ring, slot = desc.tx_rings[0], desc.tx_rings[0].slots[0]
    nm_close(desc)
    nm_close(desc)
    for use in (
        desc.txsync,
        desc.rxsync,
        desc.wait,
        desc.wake,
        desc.fileno,
        desc.extra_pop,
        desc.__enter__,
        lambda: desc.nifp,
        lambda: desc.mem,
        lambda: desc.buffer(2),
        lambda: nm_inject(desc, b"x"),
        lambda: nm_inject_many(desc, [b"x"]),
        lambda: nm_nextpkt(desc),
        lambda: nm_dispatch(desc, 1, print, None),
        lambda: nm_open(port_name("b"), parent=desc),
        lambda: ring.head,
        lambda: ring.space,
        lambda: setattr(ring, "cur", 0),
        lambda: slot.len,
        lambda: setattr(slot, "flags", 0),
        lambda: slot.buf,
        lambda: slot.swap(slot),
        ring.advance,
    ):
        with pytest.raises(UsageError, match="closed"):
            use()
    assert "closed" in repr(ring)
    assert "closed" in repr(slot)


def test_a_forgotten_port_is_closed(netmap: str, switch: str, port_name) -> None:
    desc = nm_open(port_name("a"))
    assert [port.name for port in vale.list_ports(switch)] == [desc.name]
    del desc
    gc.collect()
    assert vale.list_ports(switch) == []


# ---- injecting and receiving -------------------------------------------------------------


def drain(desc, wait: float = 2) -> list[bytes]:
    """Every packet that waits, whole."""
    got: list[bytes] = []
    desc.wait(wait)
    nm_dispatch(desc, -1, lambda into, hdr, data: into.append(bytes(data)), got)
    return got


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview], ids=lambda kind: kind.__name__)
def test_inject_takes_any_buffer(pipe, kind: type) -> None:
    a, b = pipe
    assert nm_inject(a, kind(frame(3))) == 60
    a.txsync()
    assert drain(b) == [frame(3)]


def test_inject_sends_with_the_next_sync(ports) -> None:
    a, b = ports
    for number in range(5):
        nm_inject(a, frame(number))
    assert b.wait(0) == 0
    a.txsync()
    assert drain(b) == [frame(number) for number in range(5)]
    assert a.stats.sent == b.stats.received == 5
    assert b.stats.bytes == 300


def test_inject_until_full(pipe) -> None:
    """A pipe blocks: nothing is lost, and room comes back with the reader's release."""
    a, b = pipe
    room = a.tx_rings[0].num_slots - 1
    assert [nm_inject(a, frame(i)) for i in range(room)] == [60] * room
    assert nm_inject(a, frame(room)) == 0
    assert a.stats.unsent == 1
    a.txsync()
    assert nm_inject(a, frame(room)) == 0
    assert a.wait(0, select.POLLOUT) == 0
    assert drain(b) == [frame(i) for i in range(room)]
    b.rxsync()
    assert a.wait(2, select.POLLOUT) == select.POLLOUT
    assert nm_inject(a, frame(room)) == 60


def test_frames_that_can_never_be_sent(pipe) -> None:
    a, _ = pipe
    ring = a.tx_rings[0]
    largest = (ring.num_slots - 1) * ring.buf_size
    with pytest.raises(UsageError, match=f"{largest + 1} bytes never fits.*{largest}"):
        nm_inject(a, bytes(largest + 1))
    with pytest.raises(UsageError, match="empty"):
        nm_inject(a, b"")
    assert nm_inject(a, bytes(largest)) == largest
    with pytest.raises(UsageError, match="empty"):
        nm_inject(a, b"")
    with pytest.raises(TypeError):
        nm_inject(a, "text")


def test_a_switch_takes_255_slots_at_most(ports) -> None:
    a, _ = ports
    with pytest.raises(UsageError, match="never fits"):
        nm_inject(a, bytes(255 * 2048 + 1))


def test_long_frames_arrive_whole(ports) -> None:
    a, b = ports
    for number, length in enumerate([2047, 2048, 2049, 4096, 9000, 60000, 60]):
        assert nm_inject(a, frame(number, length)) == length
        a.txsync()
        assert drain(b) == [frame(number, length)]
        b.rxsync()


def test_nextpkt_gives_slots(ports) -> None:
    a, b = ports
    nm_inject(a, frame(1, 5000))
    a.txsync()
    b.wait(2)
    parts = []
    while packet := nm_nextpkt(b):
        assert packet.len == packet.caplen == len(packet.buf) == packet.slot.len
        assert abs(packet.ts_ns - time.time_ns()) < 60e9
        parts.append((bytes(packet.buf), bool(packet.slot.flags & NS_MOREFRAG)))
    assert [(len(data), more) for data, more in parts] == [(2048, True), (2048, True), (904, False)]
    assert b"".join(data for data, _ in parts) == frame(1, 5000)


def test_inject_many(pipe) -> None:
    a, b = pipe
    frames = [frame(i, 60 + i) for i in range(100)]
    assert nm_inject_many(a, frames) == 100
    assert drain(b) == frames
    assert nm_inject_many(a, []) == 0


def test_inject_many_stops_where_it_must(pipe) -> None:
    a, b = pipe
    room = a.tx_rings[0].num_slots - 1
    with pytest.raises(UsageError, match="empty"):
        nm_inject_many(a, [frame(0), frame(1), b"", frame(3)])
    assert drain(b) == [frame(0), frame(1)]
    b.rxsync()
    assert nm_inject_many(a, [frame(i) for i in range(room + 5)]) == room
    assert len(drain(b)) == room


def test_dispatch_counts_and_tells_of_more(pipe) -> None:
    a, b = pipe
    nm_inject_many(a, [frame(i) for i in range(5)])
    b.wait(2)
    seen: list[int] = []
    assert nm_dispatch(b, 3, lambda into, hdr, data: into.append(hdr.flags), seen) == 3
    assert seen == [NM_MORE_PKTS, NM_MORE_PKTS, 0]
    assert nm_dispatch(b, 0, lambda into, hdr, data: into.append(hdr.flags), seen) == 2
    assert seen[3:] == [NM_MORE_PKTS, 0]
    assert nm_dispatch(b, -1, lambda *_: pytest.fail("nothing is there"), None) == 0


def test_what_a_callback_raises_loses_nothing(pipe) -> None:
    a, b = pipe
    nm_inject_many(a, [frame(i) for i in range(4)])
    b.wait(2)

    def stop(got: list[bytes], hdr, data) -> None:
        got.append(bytes(data))
        if len(got) == 2:
            raise KeyError("enough")

    got: list[bytes] = []
    with pytest.raises(KeyError):
        nm_dispatch(b, -1, stop, got)
    assert got == [frame(0), frame(1)]
    nm_dispatch(b, -1, lambda into, hdr, data: into.append(bytes(data)), got)
    assert got == [frame(i) for i in range(4)]


def test_a_packets_view_ends_with_the_sync(pipe) -> None:
    a, b = pipe
    nm_inject_many(a, [frame(0), frame(1)])
    b.wait(2)
    first, second = nm_nextpkt(b), nm_nextpkt(b)
    assert first
    assert second
    a.txsync()
    b.txsync()  # of the other direction: no slot of ours goes
    assert first.buf == frame(0)
    b.rxsync()
    for packet in (first, second):
        with pytest.raises(ValueError, match="released"):
            packet.buf[0]


# ---- waiting -----------------------------------------------------------------------------


def test_wait_sends_on_the_way(ports) -> None:
    a, b = ports
    nm_inject(a, frame(1))
    assert a.wait(0) == 0
    assert drain(b) == [frame(1)]


def test_no_tx_poll(netmap: str, port_name) -> None:
    with nm_open(port_name("a"), flags=NETMAP_NO_TX_POLL) as a, nm_open(port_name("b")) as b:
        nm_inject(a, frame(1))
        a.wait(0)
        assert b.wait(0) == 0
        assert a.wait(0, select.POLLOUT) == select.POLLOUT
        assert drain(b) == [frame(1)]


def test_wait_times_out_and_is_woken(pipe) -> None:
    _, b = pipe
    start = time.monotonic()
    assert b.wait(0.03) == 0
    assert 0.029 < time.monotonic() - start < 2
    timer = threading.Timer(0.05, b.wake)
    timer.start()
    assert b.wait(10) == 0
    assert time.monotonic() - start < 5
    timer.join()


def test_wait_is_interrupted(pipe) -> None:
    _, b = pipe
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        b.wait(10)
    timer.join()
    assert b.wait(0) == 0


def test_wait_tells_that_a_monitored_port_has_gone(netmap: str, port_name) -> None:
    with nm_open(port_name("a")) as target, nm_open(port_name("a/r")) as monitor:
        assert monitor.wait(0) == 0
        target.close()
        with pytest.raises(DeviceError, match="a/r") as caught:
            monitor.wait(2)
        assert caught.value.errno == errno.EIO


def test_a_second_thread_is_sent_away(pipe) -> None:
    a, b = pipe
    results = []
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        results.append(b.wait(10))

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        waiting.wait()
        time.sleep(0.2)
        for use in (b.rxsync, b.close, b.fileno, lambda: nm_inject(b, frame(0)), lambda: b.wait(0)):
            with pytest.raises(UsageError, match="another thread") as caught:
                use()
            assert b.spec in str(caught.value)
    finally:
        nm_inject_many(a, [frame(1)])
        thread.join()
    assert results == [select.POLLIN]


# ---- more memory -------------------------------------------------------------------------


def test_extra_buffers(netmap: str, port_name) -> None:
    with nm_open(port_name("a"), extra_bufs=4) as desc:
        assert desc.req.extra_bufs == 4
        extra = desc.extra_buffers
        assert len(set(extra)) == 4
        first = desc.extra_pop()
        assert first == extra[0]
        assert desc.extra_buffers == extra[1:]
        desc.buffer(first)[:3] = b"abc"
        slot = desc.tx_rings[0].slots[0]
        was, slot.buf_idx = slot.buf_idx, first
        assert bytes(slot.buf[:3]) == b"abc"
        desc.extra_push(was)
        assert desc.extra_buffers == [was, *extra[1:]]
        for _ in range(4):
            desc.extra_pop()
        with pytest.raises(DeviceError, match="none is left") as caught:
            desc.extra_pop()
        assert caught.value.errno == errno.ENOBUFS
        for wrong in (0, 1, 10**6):
            with pytest.raises(UsageError, match=f"no buffer {wrong}"):
                desc.extra_push(wrong)
            with pytest.raises(UsageError, match=f"no buffer {wrong}"):
                desc.buffer(wrong)
        for buf_idx in [was, *extra[1:]]:
            desc.extra_push(buf_idx)


def test_region_of_another_port(netmap: str, port_name) -> None:
    with nm_open(port_name("a")) as a:
        with nm_open(port_name(f"b@{a.mem_id}")) as b:
            assert b.mem_id == a.mem_id
        with nm_open(port_name(f"c@share={port_name('a')}")) as c:
            assert c.mem_id == a.mem_id
        with nm_open(port_name("d"), req=NmRequest(mem_id=a.mem_id)) as d:
            assert d.mem_id == a.mem_id


# ---- beyond the kernel's -------------------------------------------------------------------


def test_timestamps_are_the_senders(port_name) -> None:
    with (
        nm_open(port_name("a"), netmap="user") as a,
        nm_open(port_name("b"), netmap="user", timestamps=True) as b,
    ):
        times = []
        for number in range(3):
            before = time.time_ns()
            nm_inject(a, frame(number))
            a.txsync()
            times.append((before, time.time_ns()))
            time.sleep(0.002)
        b.wait(2)
        got: list[int] = []
        nm_dispatch(b, -1, lambda into, hdr, data: into.append(hdr.ts_ns), got)
        assert all(before <= ts <= after for (before, after), ts in zip(times, got, strict=True))


def test_backpressure_loses_nothing(port_name) -> None:
    with (
        nm_open(port_name("a"), netmap="user", backpressure=True) as a,
        nm_open(port_name("b"), netmap="user", rx_slots=16) as b,
    ):
        sent, got = [frame(number) for number in range(200)], []
        left = list(sent)
        while left or len(got) < len(sent):
            left = left[nm_inject_many(a, left) :]
            a.txsync()
            got += drain(b, 0)
        assert got == sent


@pytest.mark.parametrize("netmap", ["kernel"], indirect=True)
def test_the_kernel_has_neither(netmap: str, port_name) -> None:
    for option in ("timestamps", "backpressure"):
        with pytest.raises(DeviceError, match="kernel's netmap has neither") as caught:
            nm_open(port_name("a"), **{option: True})
        assert caught.value.errno == errno.EOPNOTSUPP
