"""Capture on netmap's own ports, user-space and kernel's: switches, pipes, monitors."""

from __future__ import annotations

import errno
import random
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import nmpcap
from nmpcap.capture import Capture
from nmpcap.errors import DeviceError, PcapError
from nmpcap.packet import Packet

from .later import Later
from .timing import PROMPT

Opener = Callable[..., Capture]
BROADCAST = b"\xff" * 6


@pytest.fixture
def opened(netmap: str) -> Iterator[Opener]:
    """``open`` on the netmap under test, closed when the test ends."""
    with ExitStack() as stack:
        yield lambda name, **options: stack.enter_context(nmpcap.open(name, netmap=netmap, **options))


@pytest.fixture
def pair(opened: Opener, port_name: Callable[[str], str]) -> tuple[Capture, Capture]:
    """Two ports of one switch."""
    return opened(port_name("a"), timeout=2), opened(port_name("b"), timeout=2)


@pytest.fixture
def pipe(opened: Opener, pipe_name: Callable[[str], tuple[str, str]]) -> tuple[Capture, Capture]:
    """Two ends of a pipe."""
    master, slave = pipe_name("1")
    return opened(master, timeout=2), opened(slave, timeout=2)


@pytest.fixture(params=["pair", "pipe"])
def ends(request: pytest.FixtureRequest, opened: Opener, port_name: Callable, pipe_name: Callable) -> tuple:
    """Two ports that lead to each other."""
    names = (port_name("a"), port_name("b")) if request.param == "pair" else pipe_name("1")
    return tuple(opened(name, timeout=2) for name in names)


def frame(i: int, size: int = 60) -> bytes:
    head = BROADCAST + b"\x02\x00\x00\x00\x00\x01" + i.to_bytes(4, "big")
    return head + bytes((i + k) & 0xFF for k in range(size - len(head)))


def test_frames_cross_a_switch_in_order(pair: tuple[Capture, Capture], rng: random.Random) -> None:
    sender, receiver = pair
    frames = [frame(i, rng.choice([60, 61, 1514, rng.randrange(16, 2000)])) for i in range(3000)]
    got: list[Packet] = []
    sent = 0
    while sent < len(frames):
        went = sender.inject_many(frames[sent : sent + 200], timeout=1)
        assert receiver.loop(went, got.append) == went
        sent += went
    assert [p.data for p in got] == frames
    assert all(p.caplen == p.len == len(f) and p.linktype == 1 for p, f in zip(got, frames, strict=True))
    assert sender.stats().sent == receiver.stats().received == 3000
    assert receiver.stats().dropped == sender.stats().dropped == 0


def test_frames_cross_a_pipe_both_ways(pipe: tuple[Capture, Capture]) -> None:
    for sender, receiver in (pipe, pipe[::-1]):
        frames = [frame(i, 60 + i) for i in range(200)]
        assert sender.inject_many(frames) == 200
        assert [receiver.next().data for _ in frames] == frames
        assert receiver.next(timeout=0) is None


@pytest.mark.parametrize("size", [2048, 2049, 4096, 9000, 40000])
def test_packets_of_several_slots_arrive_whole(size: int, pair: tuple[Capture, Capture]) -> None:
    sender, receiver = pair
    frames = [frame(i, size) for i in range(20)]
    for one in frames:
        assert sender.inject(one) == size
        packet = receiver.next()
        assert (packet.data, packet.caplen, packet.len) == (one, size, size)


def test_each_packet_has_its_own_time(opened: Opener, port_name: Callable, netmap: str) -> None:
    sender, receiver = opened(port_name("a")), opened(port_name("b"), timeout=2)
    before = time.time_ns()
    sender.inject(frame(0))
    time.sleep(0.05)
    sender.inject(frame(1))
    after = time.time_ns()
    first, second = receiver.next(), receiver.next()
    if netmap == "user":
        assert receiver.explain().timestamps == "each packet's own, nanoseconds"
        assert before <= first.ts_ns <= second.ts_ns - 50_000_000 <= after - 50_000_000
    else:
        assert receiver.explain().timestamps == "of the sync that brought it, microseconds"
        assert before - 10**9 <= first.ts_ns <= second.ts_ns <= time.time_ns() + 10**9


def test_what_a_full_ring_loses_is_counted(pair: tuple[Capture, Capture], netmap: str) -> None:
    sender, receiver = pair
    assert sender.inject_many([frame(i) for i in range(3000)]) == 3000
    got = 0
    while receiver.next(timeout=0.2) is not None:
        got += 1
    assert 1000 < got < 3000
    if netmap == "user":
        assert receiver.stats().dropped == 3000 - got
    assert receiver.stats().received == got


def test_a_full_pipe_reports_what_did_not_fit(pipe: tuple[Capture, Capture]) -> None:
    sender, receiver = pipe
    frames = [frame(i) for i in range(5000)]
    went = sender.inject_many(frames)
    assert 1000 < went < 5000
    with pytest.raises(DeviceError, match="no room") as caught:
        sender.inject(frames[went])
    assert caught.value.errno == errno.EAGAIN
    assert sender.drain(0.05) is False
    later = Later(0.05, lambda: receiver.loop(5000, ignore))
    assert sender.inject_many(frames[went:], timeout=5) == 5000 - went
    later.join()
    assert receiver.stats().received == 5000
    assert receiver.next(timeout=0) is None
    assert sender.drain(1) is True


def test_slots_go_back_before_all_of_a_full_ring_is_read(pipe: tuple[Capture, Capture]) -> None:
    sender, receiver = pipe
    assert sender.inject_many([frame(i) for i in range(1023)]) == 1023
    assert receiver.loop(300, ignore) == 300
    assert sender.inject_many([frame(i) for i in range(1023)]) == 256


def ignore(packet: Packet) -> None:
    pass


@pytest.mark.parametrize("seconds", [0, 0.01, 0.3])
def test_a_deadline_is_kept_on_an_idle_port(seconds: float, ends: tuple[Capture, Capture]) -> None:
    _, receiver = ends
    begin = time.monotonic()
    assert receiver.next(timeout=seconds) is None
    assert seconds <= time.monotonic() - begin < seconds + PROMPT


@pytest.mark.parametrize("how", ["breakloop", "close"])
def test_a_waiting_call_ends_promptly(how: str, ends: tuple[Capture, Capture]) -> None:
    sender, receiver = ends
    later = Later(0.1, getattr(receiver, how))
    begin = time.monotonic()
    assert receiver.loop(-1, ignore) == 0
    assert time.monotonic() - begin < PROMPT
    later.join()
    if how == "breakloop":
        sender.inject(frame(1))
        assert receiver.next().data == frame(1)


def test_a_sleeping_receiver_is_woken(pair: tuple[Capture, Capture]) -> None:
    sender, receiver = pair
    for i in range(20):
        later = Later(0.02, lambda i=i: sender.inject(frame(i)))
        begin = time.monotonic()
        assert receiver.next(timeout=PROMPT + 30).data == frame(i)
        assert time.monotonic() - begin < PROMPT
        later.join()


def test_the_descriptor_is_readable_while_packets_wait(pair: tuple[Capture, Capture]) -> None:
    sender, receiver = pair
    fd = receiver.fileno()
    assert receiver.next(timeout=0) is None
    assert select.select([fd], [], [], 0)[0] == []
    for i in range(5):
        sender.inject_many([frame(i), frame(i + 1)])
        assert select.select([fd], [], [], 1)[0] == [fd]
        got = []
        while (packet := receiver.next(timeout=0)) is not None:
            got.append(packet.data)
        assert got == [frame(i), frame(i + 1)]
        assert select.select([fd], [], [], 0)[0] == []


def test_async_iteration_over_a_port(pair: tuple[Capture, Capture]) -> None:
    import asyncio

    sender, receiver = pair

    async def main() -> list[bytes]:
        async def send() -> None:
            for i in range(10):
                sender.inject(frame(i))
                await asyncio.sleep(0.01)

        sending = asyncio.ensure_future(send())
        got: list[bytes] = []
        async for packet in receiver:
            got.append(packet.data)
            if len(got) == 10:
                break
        await sending
        return got

    assert asyncio.run(asyncio.wait_for(main(), 10)) == [frame(i) for i in range(10)]


def test_a_monitor_sees_both_directions(opened: Opener, port_name: Callable) -> None:
    a, b = opened(port_name("a"), timeout=2), opened(port_name("b"), timeout=2)
    monitor = opened(port_name("a") + "/rt", timeout=2)
    a.inject(frame(1))
    b.inject(frame(2))
    assert a.next().data == frame(2)
    seen = [monitor.next(), monitor.next()]
    assert sorted((p.data, p.outgoing) for p in seen) == sorted([(frame(1), True), (frame(2), False)])


def test_snaplen_cuts_but_tells_the_length(opened: Opener, port_name: Callable) -> None:
    sender, receiver = opened(port_name("a")), opened(port_name("b"), snaplen=64, timeout=2)
    sender.inject(frame(1, 1000))
    packet = receiver.next()
    assert (packet.data, packet.len) == (frame(1, 1000)[:64], 1000)


def test_batches_of_a_port(pair: tuple[Capture, Capture]) -> None:
    sender, receiver = pair
    sender.inject_many([frame(i) for i in range(100)])
    batch = receiver.next_batch(60)
    assert [p.data for p in batch] == [frame(i) for i in range(60)]
    assert len(receiver.next_batch(60)) == 40
    assert receiver.next_batch(60, timeout=0) is None


def test_a_callback_may_answer(pair: tuple[Capture, Capture]) -> None:
    asker, answerer = pair
    asker.inject_many([frame(i) for i in range(50)])
    answerer.loop(50, lambda packet: answerer.inject(packet[6:12] + packet[:6] + packet[12:]))
    answers = [asker.next().data for _ in range(50)]
    assert answers == [frame(i)[6:12] + frame(i)[:6] + frame(i)[12:] for i in range(50)]


def test_explain_says_which_netmap(pair: tuple[Capture, Capture], netmap: str) -> None:
    explanation = pair[0].explain()
    assert explanation.name == pair[0].name
    assert explanation.source == "netmap"
    assert explanation.backend == f"{netmap} netmap"
    assert explanation.rings.startswith("1 to receive, of 1024 slots; 1 to send, of 1024 slots")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vale0", "not a port name, character"),
        ("vale0:a-x", "not a port name, character"),
        ("netmap:", "not a port name, character"),
        ("vale0:a\0b", "zero character"),
        ("eth0:1", "not the name of a port"),
        ("", "not the name of a port"),
    ],
)
def test_names_that_are_none_are_refused_by_name(name: str, reason: str, netmap: str) -> None:
    with pytest.raises(PcapError, match=reason) as caught:
        nmpcap.open(name, netmap=netmap)
    assert repr(name)[1:-1] in str(caught.value)


@pytest.mark.parametrize("snaplen", [0, -1, 262145])
def test_impossible_snaplens_are_refused(snaplen: int, netmap: str, port_name: Callable) -> None:
    with pytest.raises(PcapError, match=f"invalid snapshot length {snaplen}"):
        nmpcap.open(port_name("a"), netmap=netmap, snaplen=snaplen)


def test_frames_that_never_fit_are_refused(pair: tuple[Capture, Capture]) -> None:
    sender, _ = pair
    for bad, code in ((b"", errno.EINVAL), (bytes(1 << 20), errno.EMSGSIZE)):
        with pytest.raises(DeviceError, match=sender.name) as caught:
            sender.inject(bad)
        assert caught.value.errno == code


def test_a_port_is_free_again_after_close(opened: Opener, port_name: Callable, netmap: str) -> None:
    for _ in range(3):
        with nmpcap.open(port_name("a") + "/x", netmap=netmap) as capture:
            with pytest.raises(DeviceError) as caught:
                nmpcap.open(port_name("a"), netmap=netmap)
            assert caught.value.errno == errno.EBUSY
            assert capture.next(timeout=0) is None


def test_another_process_receives(opened: Opener, port_name: Callable, netmap: str, tmp_path: Path) -> None:
    receiver = f"""
import nmpcap
with nmpcap.open({port_name("b")!r}, netmap={netmap!r}, timeout=10) as capture:
    print("ready", flush=True)
    for _ in range(500):
        print(capture.next().data.hex())
"""
    sender = opened(port_name("a"))
    child = subprocess.Popen(
        [sys.executable, "-c", receiver], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert child.stdout.readline() == "ready\n"
    assert sender.inject_many([frame(i) for i in range(500)]) == 500
    output, _ = child.communicate(timeout=30)
    assert output.split() == [frame(i).hex() for i in range(500)]


def test_dump_of_a_count_does_not_wait_for_one_more(pipe: tuple[Capture, Capture], tmp_path: Path) -> None:
    master, slave = pipe
    master.inject_many([BROADCAST * 10] * 3)
    with slave.dump_open(tmp_path / "three.pcap") as writer:
        started = time.monotonic()
        assert slave.dump(writer, 3) == 3
    assert time.monotonic() - started < 1, "the handle's time-out is 2 s"


# ---- what stats() tells of both ends -------------------------------------------------------------


def stations(number: int) -> bytes:
    return b"\x02\0\0\0\0" + bytes([number])


def test_what_waits_is_told_before_the_first_read(ends: tuple[Capture, Capture], netmap: str) -> None:
    a, b = ends
    if netmap == "kernel":
        pytest.skip(
            "only user-space netmap tells what waits; to run it: nothing, the module has no call for it"
        )
    a.inject_many([frame(i) for i in range(5)])
    assert (b.stats().unread, b.stats().received) == (5, 0)
    b.next(1)
    assert (b.stats().unread, b.stats().received, b.stats().waiting) == (0, 5, 4)
    a.inject(frame(5))
    assert (b.stats().unread, b.stats().waiting) == (1, 4)
    assert len(list(zip(range(5), b, strict=False))) == 5
    assert (b.stats().unread, b.stats().received) == (0, 6)
    a.inject(frame(6))
    b.close()
    assert b.stats().unread == 1


def test_a_monitor_tells_what_waits_too(port_name: Callable) -> None:
    with (
        nmpcap.open(port_name("a"), netmap="user") as a,
        nmpcap.open(f"{port_name('a')}/t", netmap="user") as monitor,
    ):
        a.inject_many([frame(i) for i in range(3)])
        assert monitor.stats().unread == 3
        assert len(list(zip(range(3), monitor, strict=False))) == 3
        assert monitor.stats().unread == 0


def test_a_sender_learns_what_became_of_its_frames(port_name: Callable) -> None:
    with (
        nmpcap.open(port_name("a"), netmap="user") as a,
        nmpcap.open(port_name("b"), netmap="user") as b,
    ):
        one, two = stations(1), stations(2)
        a.inject(BROADCAST + one + bytes(48))
        b.inject(one + two + bytes(48))
        a.inject_many([two + one + bytes(48)] * 3)
        a.inject(one + one + bytes(48))  # to where it comes from
        a.inject(bytes(13))
        stats = a.stats()
        assert (stats.sent, stats.flooded, stats.forwarded, stats.discarded) == (6, 1, 3, 2)
        assert (b.stats().sent, b.stats().forwarded, b.stats().unread) == (1, 1, 4)
    assert a.stats().forwarded == 3  # as they were at the end


def test_counters_begin_with_the_handle(port_name: Callable) -> None:
    nmpcap.vale.create("p0", netmap="user")
    nmpcap.vale.attach(port_name("p0"), netmap="user")
    for _ in range(2):
        with nmpcap.open(port_name("p0"), netmap="user") as port:
            port.inject_many([frame(0)] * 4)
            assert port.stats().flooded == 4
    nmpcap.vale.detach(port_name("p0"), netmap="user")
    nmpcap.vale.destroy("p0", netmap="user")
