"""One thread reads, others send and set: each gets its turn, nothing is lost, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

import nmpcap
from nmpcap import Capture, UsageError

from .fake_source import fake_capture, first_of_ten, packets
from .later import Later

PROMPT = 2.0
WAYS = ("next", "iteration", "loop", "dispatch", "next_batch")


def read(capture: Capture, way: str, wanted: int) -> int:
    """Read so many packets, in one of the ways there are; how many came."""
    got = 0

    def count(packet: object) -> None:
        nonlocal got
        got += 1

    if way == "loop":
        capture.loop(wanted, count)
    elif way == "iteration":
        for packet in capture:
            count(packet)
            if got == wanted:
                break
    while got < wanted and way in ("next", "dispatch", "next_batch"):
        if way == "dispatch":
            capture.dispatch(wanted - got, count)
        elif way == "next_batch":
            batch = capture.next_batch(wanted - got)
            got += 0 if batch is None else len(batch)
        elif capture.next() is not None:
            got += 1
    return got


@pytest.fixture(params=[("vale0:a", "vale0:b"), ("netmap:p{1", "netmap:p}1")])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Capture, Capture]]:
    first, second = request.param
    with nmpcap.open(first) as a, nmpcap.open(second) as b:
        yield a, b


def frame(source: int, number: int) -> bytes:
    return b"\xff" * 6 + bytes([2, 0, 0, 0, 0, source]) + b"\x88\xb5" + number.to_bytes(4, "big") + bytes(46)


@pytest.mark.parametrize("way", WAYS)
def test_many_send_while_one_reads(pair: tuple[Capture, Capture], way: str) -> None:
    """Both handles are read from and sent on, by one and by three threads, at once."""
    here, there = pair
    senders = 3
    count = 300 if here.name.startswith("vale") else 500  # a switch drops what a full ring cannot take
    got: dict[str, int] = {}
    readers = [
        threading.Thread(target=lambda c=c, n=n: got.update({n: read(c, way, count * senders)}))
        for c, n in ((here, "here"), (there, "there"))
    ]
    failed: list[BaseException] = []

    def send(capture: Capture, source: int) -> None:
        try:
            for number in range(count):
                while not capture.inject(frame(source, number), timeout=5):
                    pass
        except BaseException as error:
            failed.append(error)

    threads = [
        threading.Thread(target=send, args=(capture, source + 10 * side))
        for side, capture in enumerate(pair)
        for source in range(1, senders + 1)
    ]
    for thread in readers + threads:
        thread.start()
    for thread in threads + readers:
        thread.join(60)
    assert failed == []
    dropped = there.stats().dropped, here.stats().dropped
    assert not any(thread.is_alive() for thread in readers), (got, dropped)
    assert got == {"here": count * senders, "there": count * senders}


ASIDE: dict[str, Callable[[Capture], object]] = {
    "inject": lambda c: c.inject(b"x" * 60),
    "inject_many": lambda c: c.inject_many([b"x" * 60] * 3),
    "drain": lambda c: c.drain(0),
    "setfilter": lambda c: c.setfilter(None),
    "fileno": lambda c: c.fileno(),
    "interfaces": lambda c: c.interfaces,
    "stats": lambda c: c.stats(),
    "explain": lambda c: c.explain(),
    "setdirection": lambda c: c.setdirection("inout"),
}


@pytest.mark.parametrize("what", ASIDE)
@pytest.mark.parametrize("way", ["next", "loop"])
def test_whoever_does_not_read_gets_a_turn(what: str, way: str) -> None:
    capture, port = fake_capture()
    later = Later(0, lambda: read(capture, way, 1))
    while port.control.waits == 0:
        time.sleep(0.001)
    began = time.monotonic()
    for _ in range(20):
        ASIDE[what](capture)
    assert time.monotonic() - began < PROMPT
    port.push(1)
    later.join()
    assert port.control.violations == 0


def test_packets_that_wait_are_judged_by_a_filter_that_another_thread_sets() -> None:
    capture, port = fake_capture(available=100, end_at=100)
    seen: list[int] = []
    set_it = threading.Event()

    def look(packet: nmpcap.Packet) -> None:
        seen.append(packet.ts_ns)
        if len(seen) == 5:
            set_it.set()
            time.sleep(0.3)  # the other thread asks meanwhile

    later = Later(0, lambda: set_it.wait(10) and capture.setfilter(first_of_ten(2)))
    capture.loop(-1, look)
    later.join()
    passing = [p.ts_ns for p in packets(100) if p.data[0] % 10 < 2]
    assert seen[:5] == [p.ts_ns for p in packets(5)]
    assert seen[5:] == [ts_ns for ts_ns in passing if ts_ns > seen[4]]
    assert port.control.violations == 0


def test_a_sender_that_waits_for_room_lets_a_reader_in() -> None:
    """Both ends of a pipe send more than it holds, and read only in another thread: neither is stuck."""
    count = 3000
    with nmpcap.open("netmap:q{1") as a, nmpcap.open("netmap:q}1") as b:
        readers = [Later(0, lambda c=c: read(c, "next", count)) for c in (a, b)]
        senders = [
            Later(0, lambda c=c: c.inject_many([frame(1, n) for n in range(count)], timeout=30))
            for c in (a, b)
        ]
        for each in senders + readers:
            each.join()
        assert a.stats().delivered == b.stats().delivered == count


def test_a_callback_that_does_not_return_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    capture, port = fake_capture(available=1, end_at=1)
    inside, go_on = threading.Event(), threading.Event()

    def stay(packet: object) -> None:
        inside.set()
        go_on.wait(30)

    later = Later(0, lambda: capture.loop(1, stay))
    inside.wait(10)
    began = time.monotonic()
    with pytest.raises(UsageError, match="not out of a callback"):
        capture.inject(b"x" * 60)
    assert 4 < time.monotonic() - began < 8
    go_on.set()
    later.join()
    assert capture.inject(b"x" * 60) == 60
    assert port.control.violations == 0


def send_for_ever(capture: Capture) -> None:
    while True:
        capture.inject(b"x" * 60)
        for _ in range(20):  # a scripted port remembers so and so many frames
            capture.setdirection("inout")


def test_closing_while_turns_are_taken() -> None:
    for _ in range(50):
        capture, port = fake_capture()

        def use(capture: Capture = capture) -> None:
            with pytest.raises(UsageError, match="closed"):
                send_for_ever(capture)

        reader = Later(0, lambda capture=capture: list(capture))
        while port.control.waits == 0:
            time.sleep(0.001)
        threads = [Later(0, use) for _ in range(3)]
        time.sleep(0.005)
        capture.close()
        for thread in [*threads, reader]:
            thread.join()
        assert port.control.violations == 0
        assert port.control.closes == 1
