"""What user-space netmap offers beyond the module: counters, back-pressure, times; parameters and limits."""

from __future__ import annotations

import errno
import random
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nmpcap import vale
from nmpcap.errors import DeviceError
from nmpcap.netmap import NS_MOREFRAG, NmDesc, nm_dispatch, nm_inject, nm_inject_many, nm_nextpkt, nm_open

SMALL = {"tx_slots": 32, "rx_slots": 64}
EVERYBODY = b"\xff" * 6
SWITCHES, SWITCH_PORTS = 8, 252


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")


def station(number: int) -> bytes:
    return b"\2\0\0\0\0" + bytes([number])


def frame(number: int, to: bytes = EVERYBODY, by: int = 1, length: int = 60) -> bytes:
    head = to + station(by) + b"\x88\xb5" + number.to_bytes(4, "big")
    return head + bytes((number + i) % 251 for i in range(length - len(head)))


def drain(desc: NmDesc) -> list[bytes]:
    """Every packet that is there, whole."""
    got: list[bytes] = []
    desc.rxsync()
    nm_dispatch(desc, -1, lambda into, hdr, data: into.append(bytes(data)), got)
    desc.rxsync()
    return got


@pytest.fixture
def opened() -> Iterator[Callable[..., NmDesc]]:
    """``opened(name, ...)`` is nm_open, small, and closed at the end."""
    with ExitStack() as stack:
        yield lambda name, **keywords: stack.enter_context(nm_open(name, **(SMALL | keywords)))


# ---- counters ------------------------------------------------------------------------------


def test_every_packet_sent_is_forwarded_flooded_or_discarded(opened) -> None:
    a, b, c = opened("vale1:a"), opened("vale1:b"), opened("vale1:c")
    nm_inject_many(b, [frame(0, by=2)])  # the switch learns where 2 is
    nm_inject_many(a, [frame(1, station(2)), frame(2, station(9)), frame(3), frame(4, station(1)), b"short"])
    counters = vale.counters("vale1:a")
    assert (counters.sent, counters.forwarded, counters.flooded, counters.discarded) == (5, 1, 2, 2)
    assert [vale.counters(port.name).received for port in (a, b, c)] == [1, 3, 3]
    assert [len(drain(port)) for port in (a, b, c)] == [1, 3, 3]


def test_a_packet_of_many_slots_counts_once(opened) -> None:
    a, b = opened("vale1:a"), opened("vale1:b")
    nm_inject_many(a, [frame(0, length=9000)] * 3)
    assert vale.counters("vale1:a").sent == 3
    assert vale.counters("vale1:b").received == 3
    assert drain(b) == [frame(0, length=9000)] * 3


def test_what_a_full_ring_loses_is_counted_to_the_packet(opened, rng: random.Random) -> None:
    a, b = opened("vale1:a"), opened("vale1:b")
    sent = got = 0
    for _ in range(200):
        sent += nm_inject_many(a, [frame(sent, length=rng.choice((60, 3000)))] * rng.randrange(1, 8))
        if not rng.randrange(10):
            got += len(drain(b))
    got += len(drain(b))
    counters = vale.counters("vale1:b")
    assert counters.dropped > 0
    assert counters.received == got
    assert counters.received + counters.dropped == sent == vale.counters("vale1:a").sent


def test_a_monitor_counts_what_it_missed(opened) -> None:
    a, b = opened("vale1:a"), opened("vale1:b")
    monitor = opened("vale1:a/t", rx_slots=8)
    for i in range(20):
        nm_inject_many(a, [frame(i)])
    name = monitor.nifp.name
    assert len(drain(monitor)) == 7
    assert (vale.counters(name).received, vale.counters(name).dropped) == (7, 13)
    assert len(drain(b)) == 20


def test_counters_begin_anew_with_the_port(opened) -> None:
    opened("vale1:a")
    with nm_open("vale1:b", **SMALL) as b:
        nm_inject_many(b, [frame(0)])
        assert vale.counters("vale1:b").sent == 1
    opened("vale1:b")
    assert vale.counters("vale1:b").sent == 0


def test_counters_of_nobody() -> None:
    with pytest.raises(DeviceError, match="asking for the counters of 'vale1:a'") as info:
        vale.counters("vale1:a")
    assert info.value.errno == errno.ENXIO


# ---- back-pressure -------------------------------------------------------------------------


def receive(desc: NmDesc, count: int, into: list[bytes], pause: float = 0.0) -> threading.Thread:
    """Takes so many packets in another thread, resting now and then."""

    def run() -> None:
        while len(into) < count and desc.wait(20):
            nm_dispatch(desc, 10, lambda got, hdr, data: got.append(bytes(data)), into)
            time.sleep(pause)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def send(desc: NmDesc, frames: list[bytes]) -> None:
    """Sends all of them, waiting for room with POLLOUT alone."""
    left = frames
    while left:
        left = left[nm_inject_many(desc, left) :]
        assert desc.wait(20, select.POLLOUT) == select.POLLOUT
    while desc.tx_rings[0].tx_pending:
        desc.wait(0.01, 0)


def test_a_slow_receiver_loses_nothing(opened) -> None:
    a, b = opened("vale1:a", backpressure=True), opened("vale1:b", rx_slots=16)
    frames = [frame(i, length=60 if i % 7 else 5000) for i in range(600)]
    got: list[bytes] = []
    thread = receive(b, len(frames), got, pause=0.001)
    send(a, frames)
    thread.join()
    assert got == frames
    assert vale.counters("vale1:b").dropped == 0


def test_a_flooded_packet_goes_to_all_or_waits(opened) -> None:
    a = opened("vale1:a", backpressure=True)
    fast, slow = opened("vale1:b"), opened("vale1:c", rx_slots=8)
    frames = [frame(i) for i in range(300)]
    got: tuple[list[bytes], list[bytes]] = ([], [])
    threads = [receive(fast, len(frames), got[0]), receive(slow, len(frames), got[1], pause=0.002)]
    send(a, frames)
    for thread in threads:
        thread.join()
    assert got == (frames, frames)


def test_a_sender_that_waits_uses_no_processor(opened) -> None:
    a, _full = opened("vale1:a", backpressure=True), opened("vale1:b", rx_slots=4)
    while nm_inject(a, frame(0)):
        a.txsync()
    began = time.process_time()
    assert a.wait(0.5, select.POLLOUT) == 0
    assert time.process_time() - began < 0.2


def test_a_receiver_that_closes_lets_its_sender_go(opened) -> None:
    a = opened("vale1:a", backpressure=True)
    with nm_open("vale1:b", rx_slots=4):
        while nm_inject(a, frame(0)):
            a.txsync()
        assert a.wait(0, select.POLLOUT) == 0
    assert a.wait(20, select.POLLOUT) == select.POLLOUT


def test_a_packet_no_ring_can_take_does_not_wait_for_ever(opened) -> None:
    a, b = opened("vale1:a", backpressure=True), opened("vale1:b", rx_slots=4)
    send(a, [frame(0, length=9000), frame(1)])
    assert drain(b) == [frame(1)]
    assert vale.counters("vale1:b").dropped == 1


# ---- times ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [("vale1:a", "vale1:b"), ("netmap:x{1", "netmap:x}1"), ("vale1:a", "vale1:a/t")],
    ids=["switch", "pipe", "monitor"],
)
def test_packets_carry_the_time_they_were_sent(opened, sender: str, receiver: str) -> None:
    a = opened(sender)
    b = opened(receiver, timestamps=True)
    spans, times = [], []
    for i in range(4):
        before = time.time_ns()
        nm_inject(a, frame(i, length=60 if i % 2 else 5000))
        a.txsync()
        spans.append((before, time.time_ns()))
        time.sleep(0.002)
    b.rxsync()
    nm_dispatch(b, -1, lambda into, hdr, data: into.append(hdr.ts_ns), times)
    assert len(times) == 4
    for (before, after), ts in zip(spans, times, strict=True):
        assert before <= ts <= after


# ---- parameters ----------------------------------------------------------------------------


def test_a_parameter_shapes_the_regions_made_after_it(opened) -> None:
    before = opened("vale1:a")
    usual = vale.get_parameter("priv_buf_size")
    vale.set_parameter("priv_buf_size", 4096)
    after = opened("vale1:b")
    vale.set_parameter("priv_buf_size", usual)
    assert (before.tx_rings[0].buf_size, after.tx_rings[0].buf_size) == (2048, 4096)
    nm_inject_many(before, [frame(0, length=2048)])
    assert drain(after) == [frame(0, length=2048)]
    nm_inject_many(after, [frame(0, length=4000)])
    assert drain(before) == [], "a fragment longer than the buffer it would go into has no length there"


def test_a_parameter_keeps_the_directory_until_it_is_put_back(runtime_dir: Path) -> None:
    usual = vale.get_parameter("bridge_batch")
    assert list(runtime_dir.iterdir()) == []
    vale.set_parameter("bridge_batch", 17)
    assert [file.name for file in runtime_dir.iterdir()] == ["nmpcap-registry"]
    assert vale.get_parameter("bridge_batch") == 17
    vale.set_parameter("bridge_batch", usual)
    assert list(runtime_dir.iterdir()) == []


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_any_batch_forwards_everything(opened, batch: int) -> None:
    usual = vale.get_parameter("bridge_batch")
    a, b = opened("vale1:a"), opened("vale1:b")
    vale.set_parameter("bridge_batch", batch)
    try:
        frames = [frame(i, length=60 + 3000 * (i % 3 == 0)) for i in range(20)]
        nm_inject_many(a, frames)
        assert drain(b) == frames
    finally:
        vale.set_parameter("bridge_batch", usual)


# ---- limits --------------------------------------------------------------------------------


def test_a_switch_holds_252_ports(opened) -> None:
    tiny = {"tx_slots": 4, "rx_slots": 4}
    ports = [opened(f"vale1:{i}", **tiny) for i in range(SWITCH_PORTS)]
    with pytest.raises(DeviceError, match="has 252 ports, as many as it can have") as info:
        nm_open("vale1:more", **tiny)
    assert info.value.errno == errno.ENOMEM
    nm_inject_many(ports[100], [frame(7)])
    assert all(drain(port) == [frame(7)] for port in ports if port is not ports[100])
    ports[5].close()
    opened("vale1:more", **tiny)
    assert len(vale.list_ports("vale1")) == SWITCH_PORTS


def test_there_are_eight_switches(opened) -> None:
    ports = [opened(f"vale{i}:a") for i in range(SWITCHES)]
    with pytest.raises(DeviceError, match="there are 8 switches already") as info:
        nm_open("vale8:a", **SMALL)
    assert info.value.errno == errno.ENOMEM
    ports[3].close()
    opened("vale8:a")
    assert {port.name.partition(":")[0] for port in vale.list_ports()} == {
        f"vale{i}" for i in range(SWITCHES + 1) if i != 3
    }


def test_a_packet_of_256_slots_is_counted_and_goes_nowhere(opened) -> None:
    a, b = opened("vale1:a", tx_slots=512), opened("vale1:b", rx_slots=512)
    ring = a.tx_rings[0]
    for place in range(257):
        slot = ring.slots[place]
        slot.len = 60
        slot.flags = NS_MOREFRAG if place < 255 else 0
        slot.buf[:60] = frame(place)
    ring.advance(257)
    a.txsync()
    assert vale.counters("vale1:a").discarded == 1
    assert drain(b) == [frame(256)]
    assert nm_nextpkt(b) is None
