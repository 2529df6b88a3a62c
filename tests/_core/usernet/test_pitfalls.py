"""What people trip over with netmap, as it is in user space: each surprise is netmap's, and stays one.

Those of single requests and indexes are in tests/conformance, those of the calls in tests/test_netmap.py.
"""

from __future__ import annotations

import errno
import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from nmpcap import vale
from nmpcap.errors import DeviceError, UsageError
from nmpcap.netmap import NS_MOREFRAG, NmDesc, nm_dispatch, nm_inject, nm_inject_many, nm_nextpkt, nm_open

SMALL = {"tx_slots": 16, "rx_slots": 16}
NS_NO_LEARN = 0x8


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")


@pytest.fixture
def opened() -> Iterator[Callable[..., NmDesc]]:
    with ExitStack() as stack:
        yield lambda name, **keywords: stack.enter_context(nm_open(name, **(SMALL | keywords)))


def frame(number: int, to: bytes = b"\xff" * 6, by: int = 1, length: int = 60) -> bytes:
    return (to + b"\2\0\0\0\0" + bytes([by]) + b"\x88\xb5" + number.to_bytes(4, "big")).ljust(length, b".")


def drain(desc: NmDesc) -> list[bytes]:
    got: list[bytes] = []
    desc.rxsync()
    nm_dispatch(desc, -1, lambda into, hdr, data: into.append(bytes(data)), got)
    desc.rxsync()
    return got


def test_flags_of_a_forwarded_packet_are_not_0(opened) -> None:
    """3: the upper byte counts the slots of a packet that came by way of a switch."""
    a, b = opened("vale1:a"), opened("vale1:b")
    nm_inject_many(a, [frame(0), frame(1, length=5000)])
    b.rxsync()
    assert [slot.flags for slot in b.rx_rings[0].owned()] == [0x100, 0x320, 0x320, 0x300]


def test_empty_slots_arrive(opened) -> None:
    """4: a packet may have slots without bytes, at its beginning too."""
    a, b = opened("vale1:a"), opened("vale1:b")
    ring = a.tx_rings[0]
    for place, (length, flags) in enumerate([(0, NS_MOREFRAG), (60, NS_MOREFRAG), (0, 0)]):
        ring.slots[place].buf[:60] = frame(0)
        ring.slots[place].len, ring.slots[place].flags = length, flags
    ring.advance(3)
    a.txsync()
    b.rxsync()
    assert [slot.len for slot in b.rx_rings[0].owned()] == [0, 60, 0]
    assert drain(b) == [frame(0)]


@pytest.mark.parametrize(
    "names", [("vale1:a", "vale1:b"), ("netmap:x{1", "netmap:x}1")], ids=["vale", "pipe"]
)
def test_slots_are_used_again_with_what_the_last_packet_left(opened, names) -> None:
    """9, 10: inject clears stale flags and looks up the buffer anew; a program's own stay as it set them."""
    a, b = (opened(name) for name in names)
    for slot in a.tx_rings[0].slots:
        slot.flags = NS_MOREFRAG
    for i in range(40):
        nm_inject(a, frame(i))
        a.txsync()
        b.rxsync()
        header = nm_nextpkt(b)
        assert header
        assert bytes(header.buf) == frame(i)
        assert not header.slot.flags & NS_MOREFRAG


def test_buffers_0_and_1_belong_to_nobody(opened) -> None:
    """11"""
    a = opened("vale1:a", extra_bufs=3)
    used = {slot.buf_idx for ring in a.tx_rings + a.rx_rings for slot in ring.slots}
    assert not {0, 1} & (used | set(a.extra_buffers))
    for index in (0, 1):
        with pytest.raises(UsageError, match=f"no buffer {index}"):
            a.tx_rings[0].slots[0].buf_idx = index


@pytest.mark.parametrize("slots", [2, 3, 7, 100])
@pytest.mark.parametrize(
    "names", [("vale1:a", "vale1:b"), ("netmap:x{1", "netmap:x}1")], ids=["vale", "pipe"]
)
def test_a_ring_of_n_slots_holds_n_minus_1_packets(opened, names, slots: int) -> None:
    """12: and n is any number."""
    a, b = (opened(name, tx_slots=slots, rx_slots=slots) for name in names)
    for turn in range(3 * slots):
        frames = [frame(turn * slots + i) for i in range(slots)]
        for count in range(slots - 1):
            assert nm_inject(a, frames[count])
        assert not nm_inject(a, frames[-1])
        a.txsync()
        assert drain(b) == frames[:-1]
        a.txsync()


def test_a_ring_that_was_not_asked_for_is_not_there(opened) -> None:
    """13"""
    opened("vale1:a", tx_rings=3, rx_rings=3)
    one = opened("vale1:a-1")
    assert [ring.ringid for ring in one.tx_rings] == [1]
    assert [ring.ringid for ring in one.rx_rings] == [1]


def test_host_rings_are_counted_where_there_are_none(opened) -> None:
    """14"""
    a = opened("vale1:a")
    assert (a.nifp.host_tx_rings, a.nifp.host_rx_rings) == (1, 1)
    assert len(a.tx_rings) == len(a.rx_rings) == 1


def test_switches_drop_pipes_block_and_monitors_keep_the_newest(opened) -> None:
    """15: but here a switch counts what it drops."""
    frames = [frame(i) for i in range(15)]
    a, b, monitor = opened("vale1:a"), opened("vale1:b", rx_slots=4), opened("vale1:a/t", rx_slots=4)
    assert nm_inject_many(a, frames) == 15
    assert drain(b) == frames[:3]
    assert vale.counters("vale1:b").dropped == 12
    assert drain(monitor) == frames[-3:]
    master, slave = opened("netmap:x{1", tx_slots=4, rx_slots=4), opened("netmap:x}1")
    assert nm_inject_many(master, frames) == 3
    assert drain(slave) == frames[:3]


def test_the_other_end_of_a_pipe_goes_without_a_word(opened) -> None:
    """16: what it had sent stays, and a full pipe stays full until somebody comes to read it."""
    master = opened("netmap:x{1", tx_slots=4, rx_slots=4)
    with nm_open("netmap:x}1") as slave:
        nm_inject_many(slave, [frame(0)])
    assert drain(master) == [frame(0)]
    assert master.wait(0.02) == 0
    assert nm_inject_many(master, [frame(i) for i in range(5)]) == 3
    assert master.wait(0.02, select.POLLOUT) == 0
    assert drain(opened("netmap:x}1")) == [frame(i) for i in range(3)]
    assert master.wait(5, select.POLLOUT) == select.POLLOUT


def test_a_monitor_needs_its_port_goes_with_it_and_cannot_send(opened) -> None:
    """17"""
    with pytest.raises(DeviceError, match="open the port first") as info:
        nm_open("vale1:a/t")
    assert info.value.errno == errno.EINVAL
    with nm_open("vale1:a", **SMALL):
        monitor = opened("vale1:a/rt")
        with pytest.raises(DeviceError):
            monitor.wait(0, select.POLLOUT)
        assert monitor.wait(0) == 0
    with pytest.raises(DeviceError, match="has failed"):
        monitor.wait(5)


def test_who_opens_a_port_twice_has_the_same_rings_twice(opened) -> None:
    """19"""
    one, two, other = opened("vale1:a"), opened("vale1:a"), opened("vale1:b")
    nm_inject(one, frame(0))
    assert two.tx_rings[0].head == one.tx_rings[0].head == 1
    two.txsync()
    assert drain(other) == [frame(0)]
    assert vale.list_ports("vale1") == [vale.find("vale1:a"), vale.find("vale1:b")]


def test_ports_of_a_switch_share_no_memory_unless_told_to(opened) -> None:
    """20"""
    a, b = opened("vale1:a"), opened("vale1:b")
    assert a.mem_id != b.mem_id
    assert opened(f"vale1:c@{a.mem_id}").mem_id == a.mem_id


def test_flags_that_say_not_to_learn_change_nothing(opened) -> None:
    """25: NS_NO_LEARN is documented, and ignored."""
    a, b, c = opened("vale1:a"), opened("vale1:b"), opened("vale1:c")
    nm_inject(a, frame(0, by=1))
    a.tx_rings[0].slots[0].flags |= NS_NO_LEARN
    a.txsync()
    for port in (b, c):
        drain(port)
    nm_inject_many(b, [frame(1, to=b"\2\0\0\0\0\1", by=2)])
    assert drain(a) == [frame(1, to=b"\2\0\0\0\0\1", by=2)]
    assert drain(c) == []


def test_extra_buffers_not_given_back_are_gone_until_the_region_is(opened) -> None:
    """27"""
    keeper = opened("vale1:keeper")
    free = 10_000_000

    def available() -> int:
        with nm_open(f"vale1:probe@{keeper.mem_id}", extra_bufs=free, tx_slots=2, rx_slots=2) as probe:
            return len(probe.extra_buffers)

    before = available()
    with nm_open(f"vale1:a@{keeper.mem_id}", extra_bufs=5, **SMALL) as a:
        a.extra_pop()
        a.extra_push(a.extra_pop())
    assert available() == before - 1


def test_times_are_those_of_the_last_sync(opened) -> None:
    """28: unless packets carry their own."""
    a, b = opened("vale1:a"), opened("vale1:b")
    nm_inject_many(a, [frame(0)])
    time.sleep(0.02)
    synced = time.time_ns()
    b.rxsync()
    header = nm_nextpkt(b)
    assert header
    assert header.ts_ns >= synced - 1000, "microseconds, cut"


def test_waiting_looks_at_cur_and_room_at_head(opened) -> None:
    """29"""
    a, b = opened("vale1:a"), opened("vale1:b")
    nm_inject_many(a, [frame(0), frame(1)])
    assert b.wait(0) == select.POLLIN
    ring = b.rx_rings[0]
    ring.cur = ring.tail
    assert b.wait(0) == 0, "all has been looked at"
    assert ring.space == 2, "and nothing released"
    nm_inject_many(a, [frame(2)])
    assert b.wait(5) == select.POLLIN


def test_asking_about_a_port_leaves_nothing(opened) -> None:
    """36"""
    opened("vale1:a")
    assert vale.port_info("vale1:b").tx_slots == 1024
    assert vale.find("vale1:b") is None


@pytest.mark.parametrize("name", ["vale1:" + "x" * 16, "vale" + "1" * 12 + ":a", "netmap:vale1"])
def test_a_switch_s_port_that_cannot_be_is_no_memory(name: str) -> None:
    """37"""
    with pytest.raises(DeviceError, match="at most 15 characters on either side of the colon") as info:
        nm_open(name)
    assert info.value.errno == errno.ENOMEM


def test_a_packet_without_an_end_is_cut_on_a_switch_and_held_in_a_pipe(opened) -> None:
    """39"""
    a, b, master, slave = (opened(name) for name in ("vale1:a", "vale1:b", "netmap:x{1", "netmap:x}1"))
    for sender in (a, master):
        ring = sender.tx_rings[0]
        ring.slots[0].buf[:60], ring.slots[0].len, ring.slots[0].flags = frame(0), 60, NS_MOREFRAG
        ring.advance(1)
        sender.txsync()
    assert drain(b) == [frame(0)]
    slave.rxsync()
    assert slave.rx_rings[0].empty
    ring = master.tx_rings[0]
    ring.slots[1].len, ring.slots[1].flags = 0, 0
    ring.advance(1)
    master.txsync()
    assert drain(slave) == [frame(0)]
