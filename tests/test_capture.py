"""Capture over a scripted source: everything that may happen between a source and a program.

Run with the compiled delivery and, by test_plain.py, with the plain one.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from nmpcap.errors import DeviceError, PcapError
from nmpcap.packet import Packet

from .fake_source import FakeFilter, FakePort, expected, fake_capture, packets


def ignore(packet: Packet) -> None:
    pass


class Later:
    """Runs something in another thread after a while; join tells how it went."""

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(seconds, action))
        self._thread.start()

    def _run(self, seconds: float, action: Callable[[], object]) -> None:
        time.sleep(seconds)
        try:
            action()
        except BaseException as error:
            self._error = error

    def join(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()
        if self._error:
            raise self._error


# ---- reading ---------------------------------------------------------------------------

READERS = {
    "next": lambda capture: list(iter(capture.next, None)),
    "iteration": list,
    "loop": lambda capture: _called(capture.loop, -1),
    "dispatch": lambda capture: _called_until_0(capture.dispatch),
    "batches": lambda capture: [packet for batch in capture.batches() for packet in batch],
    "small batches": lambda capture: [packet for batch in capture.batches(7) for packet in batch],
    "next_batch": lambda capture: [p for batch in iter(lambda: capture.next_batch(100), None) for p in batch],
}


def _called(method: Callable[[int, Callable], int], cnt: int) -> list[Packet]:
    got: list[Packet] = []
    assert method(cnt, got.append) == len(got)
    return got


def _called_until_0(method: Callable[[int, Callable], int]) -> list[Packet]:
    got: list[Packet] = []
    while method(11, got.append):
        pass
    return got


@pytest.mark.parametrize("per_fill", [1, 2, 3, 100, 10000])
@pytest.mark.parametrize("reader", READERS)
def test_every_way_of_reading_gives_all_packets(reader: str, per_fill: int) -> None:
    capture, port = fake_capture(available=1500, end_at=1500, per_fill=per_fill, min_size=14, spread=90)
    assert READERS[reader](capture) == packets(1500, min_size=14, spread=90)
    stats = capture.stats()
    assert (stats.received, stats.delivered, stats.filtered, stats.waiting) == (1500, 1500, 0, 0)
    assert stats.bytes == sum(p.len for p in packets(1500, min_size=14, spread=90))
    capture.close()
    assert port.control.violations == 0
    assert port.control.closes == 1


def test_ways_of_reading_can_be_mixed() -> None:
    capture, _ = fake_capture(available=100, end_at=100, per_fill=30)
    got = [capture.next(), next(iter(capture))]
    assert capture.dispatch(5, got.append) == 5
    assert capture.loop(10, got.append) == 10
    got += capture.next_batch(3)
    got += list(capture)
    assert got == packets(100)


@pytest.mark.parametrize("reader", READERS)
def test_a_packet_of_no_bytes_ends_nothing(reader: str) -> None:
    capture, _ = fake_capture(available=5, end_at=5, min_size=0)
    assert len(READERS[reader](capture)) == 5


def test_snaplen_cuts_what_is_captured_not_the_length_on_the_wire() -> None:
    capture, _ = fake_capture(snaplen=20, available=3, end_at=3)
    for packet, whole in zip(capture, packets(3), strict=True):
        assert (packet.data, packet.caplen, packet.len) == (whole.data[:20], 20, 70)


def test_packets_outlive_their_source() -> None:
    capture, _ = fake_capture(available=3000, end_at=3000, per_fill=5)
    got = list(capture)
    capture.close()
    del capture
    gc.collect()
    assert got == packets(3000)


def test_dispatch_takes_one_buffer_of_a_port() -> None:
    capture, _ = fake_capture(available=100, per_fill=30)
    got: list[Packet] = []
    assert [capture.dispatch(cnt, got.append) for cnt in (-1, 0, 10, -1)] == [30, 30, 10, 20]
    assert got == packets(90)


def test_dispatch_goes_on_to_cnt_while_packets_are_there_and_waits_only_for_the_first() -> None:
    capture, _ = fake_capture(available=100, per_fill=30)
    assert capture.dispatch(70, ignore) == 70
    assert capture.dispatch(70, ignore) == 30


def test_dispatch_takes_the_rest_of_a_savefile() -> None:
    capture, _ = fake_capture(available=100, end_at=100, per_fill=30, savefile=True)
    assert capture.dispatch(0, ignore) == 100
    assert capture.dispatch(0, ignore) == 0


def test_loop_returns_how_many() -> None:
    capture, _ = fake_capture(available=10, end_at=10)
    assert capture.loop(4, ignore) == 4
    assert capture.loop(cnt=0, callback=ignore) == 6
    assert capture.loop(4, ignore) == 0


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [((), {}), ((1,), {}), ((1, None), {}), (("1", ignore), {}), ((1, ignore, 2), {}), ((1,), {"call": ignore}),
     ((1, ignore), {"cnt": 2})],
)  # fmt: skip
@pytest.mark.parametrize("method", ["loop", "dispatch"])
def test_wrong_arguments_are_a_type_error(method: str, arguments: tuple, keywords: dict) -> None:
    capture, _ = fake_capture(available=1, end_at=1)
    with pytest.raises(TypeError):
        getattr(capture, method)(*arguments, **keywords)
    assert capture.next() == expected(0)


@pytest.mark.parametrize("timeout", [-1, -0.001, float("nan")])
def test_impossible_timeouts_are_refused(timeout: float) -> None:
    capture, _ = fake_capture()
    for call in (capture.next, lambda timeout: capture.next_batch(1, timeout), capture.drain):
        with pytest.raises(ValueError, match="timeout"):
            call(timeout=timeout)
    with pytest.raises(ValueError, match="timeout"):
        capture.timeout = timeout


@pytest.mark.parametrize("size", [0, -1, (1 << 20) + 1])
def test_impossible_batches_are_refused(size: int) -> None:
    capture, _ = fake_capture(available=1)
    with pytest.raises(ValueError, match="batch"):
        capture.next_batch(size)


def test_a_large_batch_comes_in_one_piece() -> None:
    capture, _ = fake_capture(available=5000, end_at=5000)
    assert [len(batch) for batch in capture.batches(4000)] == [4000, 1000]


# ---- deadlines -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda capture, timeout: capture.next(timeout=timeout),
        lambda capture, timeout: capture.next_batch(10, timeout=timeout),
        lambda capture, timeout: _with_timeout(capture, timeout, capture.next),
        lambda capture, timeout: _with_timeout(capture, timeout, capture.next_batch),
        lambda capture, timeout: _with_timeout(capture, timeout, lambda: capture.dispatch(-1, ignore)),
    ],
    ids=["next", "next_batch", "timeout, next", "timeout, next_batch", "timeout, dispatch"],
)
@pytest.mark.parametrize("seconds", [0, 0.001, 0.25])
def test_a_deadline_is_kept_on_an_idle_port(call: Callable, seconds: float) -> None:
    capture, port = fake_capture(interrupts=3)
    begin = time.monotonic()
    assert not call(capture, seconds)
    assert seconds <= time.monotonic() - begin < seconds + 0.2
    capture.close()
    assert port.control.violations == 0


def _with_timeout(capture, timeout: float, call: Callable[[], object]) -> object:
    capture.timeout = timeout
    return call()


def test_a_deadline_is_kept_while_the_filter_refuses_everything() -> None:
    capture, port = fake_capture()
    capture.setfilter(FakeFilter(0))
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.01):
            port.push(1)

    feeder = Later(0, trickle)
    try:
        begin = time.monotonic()
        assert capture.next(timeout=0.3) is None
        assert 0.3 <= time.monotonic() - begin < 0.5
    finally:
        stop.set()
        feeder.join()
    stats = capture.stats()
    assert stats.filtered == stats.received > 10


def test_a_packet_that_comes_in_time_is_delivered_at_once() -> None:
    capture, port = fake_capture(timeout=5)
    begin = time.monotonic()
    later = Later(0.1, lambda: port.push(2))
    assert capture.next() == expected(0)
    assert time.monotonic() - begin < 0.5
    later.join()


def test_loop_and_iteration_do_not_end_at_the_timeout() -> None:
    capture, port = fake_capture(timeout=0.01)
    later = Later(0.15, lambda: port.push(2))
    assert capture.loop(1, ignore) == 1
    later.join()
    assert next(capture) == expected(1)
    later = Later(0.15, lambda: port.push(1))
    assert next(capture) == expected(2)
    later.join()


def test_timeout_reads_back() -> None:
    capture, _ = fake_capture(timeout=1.5)
    assert capture.timeout == 1.5
    capture.timeout = None
    assert capture.timeout is None


def test_non_blocking_calls_return_at_once() -> None:
    capture, _ = fake_capture(available=1)
    capture.setnonblock(True)
    assert capture.getnonblock() is True
    begin = time.monotonic()
    assert [capture.next(), capture.next(), capture.dispatch(1, ignore), capture.next_batch()] == [
        expected(0), None, 0, None,
    ]  # fmt: skip
    assert time.monotonic() - begin < 0.2
    assert capture.next(timeout=0.05) is None
    assert time.monotonic() - begin >= 0.05
    capture.setnonblock(False)
    assert capture.getnonblock() is False


def test_savefiles_cannot_be_non_blocking() -> None:
    capture, _ = fake_capture(savefile=True)
    with pytest.raises(PcapError, match="fake:0: Savefiles cannot be put into non-blocking mode"):
        capture.setnonblock(True)


# ---- exceptions ------------------------------------------------------------------------


class Odd(Exception):
    pass


@pytest.mark.parametrize("method", ["loop", "dispatch"])
@pytest.mark.parametrize("position", range(12))
def test_an_exception_in_a_callback_loses_and_doubles_nothing(method: str, position: int) -> None:
    capture, port = fake_capture(available=12, end_at=12, per_fill=4, savefile=True)
    got: list[Packet] = []
    thrown = Odd("mine")

    def callback(packet: Packet) -> None:
        got.append(packet)
        if len(got) == position + 1:
            raise thrown

    with pytest.raises(Odd) as caught:
        getattr(capture, method)(-1, callback)
    assert caught.value is thrown
    assert len(got) == position + 1
    assert capture.stats().delivered == position + 1
    assert getattr(capture, method)(-1, callback) == 11 - position
    assert got == packets(12)
    capture.close()
    assert port.control.violations == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit])
def test_exceptions_of_every_kind_come_out(error: type) -> None:
    capture, _ = fake_capture(available=2, end_at=2)

    def callback(packet: Packet) -> None:
        raise error

    with pytest.raises(error):
        capture.loop(-1, callback)
    assert capture.next() == expected(1)


@pytest.mark.parametrize("reader", READERS)
def test_what_came_before_a_failure_is_delivered_then_it_is_raised_once(reader: str) -> None:
    capture, _ = fake_capture(available=20, end_at=20, per_fill=6, fail_at=10, fail_errno=errno.EIO)
    got: list[Packet] = []
    with pytest.raises(DeviceError, match="fake: it was told to fail") as caught:
        while (packet := capture.next()) is not None:
            got.append(packet)
    assert caught.value.errno == errno.EIO
    assert got == packets(10)
    assert READERS[reader](capture) == packets(10, first=10)


# ---- re-entry --------------------------------------------------------------------------


def test_a_callback_may_read_send_and_ask() -> None:
    capture, port = fake_capture(available=10, end_at=10, per_fill=4)
    got: list[Packet] = []

    def callback(packet: Packet) -> None:
        got.append(packet)
        capture.inject(packet)
        assert capture.stats().delivered == len(got)
        if len(got) == 2:
            got.append(capture.next())
            capture.dispatch(3, got.append)
            got.extend(capture.next_batch(1))

    assert capture.loop(-1, callback) == 5
    assert got == packets(10)
    assert port.frames() == [got[i].data for i in (0, 1, 7, 8, 9)]


def test_a_callback_may_set_the_filter() -> None:
    capture, _ = fake_capture(available=30, end_at=30)
    got: list[Packet] = []

    def callback(packet: Packet) -> None:
        got.append(packet)
        if len(got) == 5:
            capture.setfilter(FakeFilter(2))

    capture.loop(-1, callback)
    assert [p.ts_ns // 1000 for p in got] == [0, 1, 2, 3, 4, 10, 11, 20, 21]
    stats = capture.stats()
    assert (stats.received, stats.filtered, stats.delivered) == (30, 21, 9)


def test_a_filter_is_set_and_taken_away() -> None:
    capture, _ = fake_capture(available=60, end_at=60, per_fill=20)
    assert capture.explain().filter == "none"
    capture.setfilter(FakeFilter(1))
    assert capture.explain().filter == "in user space"
    assert [capture.next().ts_ns, capture.next().ts_ns, capture.next().ts_ns] == [0, 10000, 20000]
    assert capture.next().caplen == 20
    capture.setfilter(None)
    assert len(list(capture)) == 20
    stats = capture.stats()
    assert stats.received == stats.filtered + stats.delivered == 60


# ---- two threads -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.next(timeout=0),
        next,
        iter,
        lambda c: c.loop(1, ignore),
        lambda c: c.dispatch(1, ignore),
        lambda c: c.next_batch(),
        lambda c: c.inject(b"x" * 60),
        lambda c: c.inject_many([b"x" * 60]),
        lambda c: c.drain(0),
        lambda c: c.setfilter(None),
    ],
)
def test_a_second_thread_gets_an_error(call: Callable) -> None:
    capture, port = fake_capture()
    later = Later(0, lambda: capture.next(timeout=10))
    while port.control.waits == 0:
        time.sleep(0.001)
    with pytest.raises(DeviceError, match="fake:0: another thread is using this handle") as caught:
        call(capture)
    assert caught.value.errno == errno.EBUSY
    assert capture.stats().received == 0
    assert capture.fileno() >= 0
    port.push(1)
    later.join()
    assert port.control.violations == 0
    assert capture.next(timeout=0) is None


def test_many_threads_share_the_packets_without_harm() -> None:
    capture, port = fake_capture(available=20000, end_at=20000, per_fill=10)
    got: list[Packet] = []

    def read() -> None:
        while True:
            try:
                packet = capture.next()
            except DeviceError as error:
                assert error.errno == errno.EBUSY
                continue
            if packet is None:
                return
            got.append(packet)

    readers = [Later(0, read) for _ in range(4)]
    for reader in readers:
        reader.join()
    assert sorted(p.ts_ns for p in got) == [1000 * i for i in range(20000)]
    assert port.control.violations == 0


# ---- breakloop and close ---------------------------------------------------------------

BLOCKING = {
    "next": lambda c: c.next(),
    "iteration": list,
    "loop": lambda c: c.loop(-1, ignore),
    "dispatch": lambda c: c.dispatch(-1, ignore),
    "next_batch": lambda c: c.next_batch(),
    "batches": lambda c: list(c.batches()),
}


@pytest.mark.parametrize("call", BLOCKING)
@pytest.mark.parametrize("how", ["breakloop", "close"])
def test_a_waiting_call_ends_promptly_from_another_thread(call: str, how: str) -> None:
    capture, port = fake_capture()
    later = Later(0.1, getattr(capture, how))
    begin = time.monotonic()
    assert not BLOCKING[call](capture)
    assert time.monotonic() - begin < 0.6
    later.join()
    assert port.control.violations == 0
    assert port.control.closes == (how == "close")
    if how == "breakloop":
        port.push(1)
        assert capture.next() == expected(0)


@pytest.mark.parametrize("call", BLOCKING)
def test_a_break_before_the_call_ends_that_call_and_no_other(call: str) -> None:
    capture, _ = fake_capture(available=5, end_at=5)
    capture.breakloop()
    capture.breakloop()
    assert not BLOCKING[call](capture)
    assert len(list(capture)) == 5


@pytest.mark.parametrize("method", ["loop", "dispatch"])
def test_a_break_in_a_callback_ends_after_its_packet(method: str) -> None:
    capture, _ = fake_capture(available=10, end_at=10, savefile=True)
    got: list[Packet] = []

    def callback(packet: Packet) -> None:
        got.append(packet)
        if len(got) == 3:
            capture.breakloop()

    assert getattr(capture, method)(-1, callback) == 3
    assert getattr(capture, method)(-1, callback) == 7
    assert got == packets(10)


@pytest.mark.parametrize("method", ["loop", "dispatch"])
def test_close_in_a_callback_ends_after_its_packet(method: str) -> None:
    capture, port = fake_capture(available=10, end_at=10, per_fill=4)
    got: list[Packet] = []

    def callback(packet: Packet) -> None:
        got.append(packet)
        if len(got) == 3:
            capture.close()
            with pytest.raises(DeviceError, match="fake:0: this handle has been closed"):
                capture.next()

    assert getattr(capture, method)(-1, callback) == 3
    assert got == packets(3)
    assert port.control.closes == 1
    assert port.control.violations == 0


def test_close_within_an_iteration_ends_it() -> None:
    capture, port = fake_capture(available=10, end_at=10)
    seen = 0
    for _ in capture:
        seen += 1
        if seen == 4:
            capture.close()
    assert seen == 4
    assert port.control.closes == 1


@pytest.mark.parametrize(
    "call",
    [*BLOCKING.values(), iter, lambda c: c.inject(b""), lambda c: c.inject_many([b""]), lambda c: c.drain(),
     lambda c: c.setfilter(None), lambda c: c.fileno(), lambda c: c.interfaces],
)  # fmt: skip
def test_a_closed_handle_says_so(call: Callable) -> None:
    capture, port = fake_capture(available=3)
    capture.next()
    capture.close()
    capture.close()
    assert capture.closed
    with pytest.raises(DeviceError, match="fake:0: this handle has been closed") as caught:
        call(capture)
    assert caught.value.errno == errno.EBADF
    assert port.control.closes == 1
    assert port.closes >= 1
    assert repr(capture) == "<Capture fake:0 (closed)>"


def test_stats_outlive_close() -> None:
    with fake_capture(available=5, dropped=7, if_dropped=2)[0] as capture:
        capture.next()
    stats = capture.stats()
    assert (stats.received, stats.delivered, stats.waiting) == (5, 1, 4)
    assert (stats.dropped, stats.if_dropped) == (7, 2)


def test_breaks_and_packets_race_without_loss() -> None:
    capture, port = fake_capture(timeout=10)
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            capture.breakloop()
            port.push(3)
            time.sleep(0)

    disturber = Later(0, disturb)
    got: list[Packet] = []
    try:
        while len(got) < 3000:
            capture.loop(50, got.append)
    finally:
        stop.set()
        disturber.join()
    assert [p.ts_ns for p in got] == [1000 * i for i in range(len(got))]
    assert port.control.violations == 0


def test_closing_races_with_reading_without_harm() -> None:
    for pause in (0, 0.0001, 0.001):
        for _ in range(60):
            capture, port = fake_capture(available=10**9, per_fill=8, timeout=10)
            later = Later(pause, capture.close)
            with pytest.raises(DeviceError, match="closed"):
                while True:
                    capture.loop(-1, ignore)
            later.join()
            assert port.control.closes == 1
            assert port.control.violations == 0


def test_a_forgotten_handle_closes_its_source() -> None:
    capture, port = fake_capture(available=1)
    gone = weakref.ref(capture)
    del capture
    gc.collect()
    assert gone() is None
    assert port.control.closes == 1


# ---- feeding ---------------------------------------------------------------------------


@pytest.mark.parametrize("reader", READERS)
def test_a_source_that_wants_more_bytes_is_fed(reader: str) -> None:
    capture, port = fake_capture(hungry=1, end_at=50, savefile=True)
    port.on_feed = lambda: port.push(10)
    assert READERS[reader](capture) == packets(50)
    assert port.fed == 5


def test_a_source_is_fed_even_without_waiting() -> None:
    capture, port = fake_capture(hungry=1, end_at=50)
    port.on_feed = lambda: port.push(10)
    assert capture.next(timeout=0) == expected(0)


def test_an_exception_while_feeding_comes_out_and_reading_goes_on() -> None:
    capture, port = fake_capture(available=3, hungry=1, end_at=10)

    def fail() -> None:
        port.on_feed = lambda: port.push(7)
        raise Odd

    port.on_feed = fail
    got: list[Packet] = []
    with pytest.raises(Odd):
        capture.loop(-1, got.append)
    assert got == packets(3)
    capture.loop(-1, got.append)
    assert got == packets(10)


def test_closing_while_feeding_waits_for_the_call_to_end() -> None:
    capture, port = fake_capture(available=3, hungry=1, end_at=10)

    def close() -> None:
        capture.close()
        port.push(1)

    port.on_feed = close
    assert len(list(capture)) == 3
    assert port.control.closes == 1
    assert port.control.violations == 0


def test_what_the_end_was_due_to_is_raised() -> None:
    capture, port = fake_capture(available=3, end_at=3)

    def ended() -> None:
        port.on_end = lambda: None
        raise Odd

    port.on_end = ended
    got: list[Packet] = []
    with pytest.raises(Odd):
        capture.loop(-1, got.append)
    assert got == packets(3)
    assert capture.next() is None


# ---- sending ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, Packet])
def test_any_buffer_is_sent_and_flushed(make: type) -> None:
    capture, port = fake_capture(room=1)
    frame = bytes(range(60))
    assert capture.inject(make(frame)) == 60
    assert capture.inject(frame=make(frame), timeout=None) == 60
    assert capture.inject_many([make(frame)] * 3) == 3
    assert port.frames() == [frame] * 5
    assert port.control.flushes >= 3
    assert port.control.queued == 0
    assert (capture.stats().sent, capture.stats().unsent) == (5, 0)


FRAMES = [bytes([i & 0xFF]) * (14 + i % 50) for i in range(1000)]


@pytest.mark.parametrize("make", [list, tuple, iter, lambda frames: (bytearray(f) for f in frames)])
def test_many_frames_go_in_their_order(make: Callable) -> None:
    capture, port = fake_capture()
    assert capture.inject_many(make(FRAMES)) == 1000
    assert port.frames() == FRAMES
    assert port.control.flushes == 4


def test_none_is_many_too() -> None:
    capture, _ = fake_capture()
    assert capture.inject_many([]) == 0


@pytest.mark.parametrize("room", [0, 1, 255, 256, 257, 700])
def test_frames_without_room_are_reported(room: int) -> None:
    capture, port = fake_capture(room=room, per_flush=0)
    assert capture.inject_many(FRAMES) == room
    assert port.frames() == FRAMES[:room]
    stats = capture.stats()
    assert stats.sent == room
    assert stats.unsent == min(len(FRAMES) - room, 256 - room % 256)
    with pytest.raises(DeviceError, match="fake:0: no room to send") as caught:
        capture.inject(FRAMES[room])
    assert caught.value.errno == errno.EAGAIN
    assert capture.stats().unsent == stats.unsent + 1


def test_sending_waits_for_room_until_its_deadline() -> None:
    capture, port = fake_capture(room=2, per_flush=0)
    begin = time.monotonic()
    assert capture.inject_many(FRAMES[:3], timeout=0.2) == 2
    assert 0.2 <= time.monotonic() - begin < 0.5

    def let_go() -> None:
        port.control.per_flush = 1

    later = Later(0.1, let_go)
    assert capture.inject_many(FRAMES[2:10], timeout=5) == 8
    later.join()
    assert port.frames() == FRAMES[:10]


@pytest.mark.parametrize("how", ["breakloop", "close"])
def test_a_break_ends_the_wait_for_room(how: str) -> None:
    capture, port = fake_capture(room=1, per_flush=0)
    later = Later(0.1, getattr(capture, how))
    assert capture.inject_many(FRAMES, timeout=None) == 1
    later.join()
    assert port.control.violations == 0


def test_a_frame_that_never_fits_is_an_error_and_those_before_it_are_sent() -> None:
    capture, port = fake_capture(max_frame=100)
    with pytest.raises(DeviceError, match="fake: frame too long") as caught:
        capture.inject(bytes(101))
    assert caught.value.errno == errno.EMSGSIZE
    frames = [FRAMES[0], FRAMES[1], bytes(101), FRAMES[2]]
    assert capture.inject_many(frames) == 2
    with pytest.raises(DeviceError, match="fake: frame too long"):
        capture.inject_many(frames[2:])
    assert port.frames() == FRAMES[:2]


@pytest.mark.parametrize("frames", [None, 5, "text", ["text"], [b"x" * 60, None], [memoryview(b"abcdef")[::2]]])
def test_what_is_no_frame_is_refused(frames: object) -> None:
    capture, port = fake_capture()
    with pytest.raises((TypeError, BufferError, ValueError)):
        capture.inject_many(frames)
    assert port.frames() == []


def test_an_exception_of_the_frames_iterator_comes_out() -> None:
    capture, port = fake_capture()

    def frames():
        yield from FRAMES[:300]
        raise Odd

    with pytest.raises(Odd):
        capture.inject_many(frames())
    assert capture.stats().sent == len(port.frames()) == 256


def test_drain_waits_until_everything_has_left() -> None:
    capture, port = fake_capture(per_flush=0)
    assert capture.drain() is True
    capture.inject_many(FRAMES[:5])
    begin = time.monotonic()
    assert capture.drain(0.1) is False
    assert time.monotonic() - begin >= 0.1
    port.control.per_flush = 1
    assert capture.drain(5) is True
    assert port.control.queued == 0


# ---- signals ---------------------------------------------------------------------------

PREAMBLE = """
import os, signal, sys, threading, time
sys.path.insert(0, {root!r})
from tests.fake_source import fake_capture
def after(seconds, action):
    threading.Thread(target=lambda: (time.sleep(seconds), action()), daemon=True).start()
def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
"""


def run_script(text: str, tmp_path: Path) -> str:
    """Runs a program with SIGINT as usual; pytest's own handling would be in the way."""
    root = str(Path(__file__).parents[1])
    script = tmp_path / "script.py"
    script.write_text(PREAMBLE.format(root=root) + text)
    # The source tree is needed for the fake only: nmpcap itself must be the installed one.
    bootstrap = f"import nmpcap.capture, runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", bootstrap], capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path,
        env={**os.environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "call",
    ["capture.next()", "capture.loop(-1, print)", "capture.dispatch(-1, print)", "next(capture)",
     "capture.next_batch()", "list(capture.batches())", "capture.inject_many([b'x' * 60] * 9, timeout=None)",
     "capture.drain()"],
)  # fmt: skip
def test_control_c_ends_a_waiting_call_at_once(call: str, tmp_path: Path) -> None:
    script = f"""
capture, port = fake_capture(room=2, per_flush=0)
if "drain" in {call!r}:
    capture.inject(b"x" * 60)
after(0.2, interrupt)
begin = time.monotonic()
try:
    {call}
    print("went on")
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - begin < 1)
port.push(1)
print(capture.next().caplen)
"""
    assert run_script(script, tmp_path) == "interrupted True\n60\n"


def test_control_c_ends_a_call_that_never_waits(tmp_path: Path) -> None:
    script = """
import itertools
from tests.fake_source import FakeFilter
def flood(capture):
    capture.loop(-1, type)
def refused(capture):
    capture.setfilter(FakeFilter(0))
    capture.next()
def send(capture):
    capture.inject_many(itertools.repeat(b""))
for call in (flood, refused, send):
    capture, port = fake_capture(available=2**60, per_fill=100)
    port.control.log = 0
    after(0.2, interrupt)
    begin = time.monotonic()
    try:
        call(capture)
    except KeyboardInterrupt:
        print(call.__name__, time.monotonic() - begin < 1)
"""
    assert run_script(script, tmp_path) == "flood True\nrefused True\nsend True\n"


def test_a_signal_handler_may_break_and_close(tmp_path: Path) -> None:
    script = """
for how in ("breakloop", "close"):
    capture, port = fake_capture()
    signal.signal(signal.SIGINT, lambda *_: getattr(capture, how)())
    after(0.2, interrupt)
    begin = time.monotonic()
    print(how, capture.loop(-1, print), time.monotonic() - begin < 1, port.control.closes, port.control.violations)
"""
    assert run_script(script, tmp_path) == "breakloop 0 True 0 0\nclose 0 True 1 0\n"


def test_a_signal_that_does_nothing_ends_nothing(tmp_path: Path) -> None:
    script = """
capture, port = fake_capture()
signal.signal(signal.SIGINT, lambda *_: None)
after(0.1, interrupt)
after(0.3, lambda: port.push(1))
print(capture.next(timeout=5).caplen)
"""
    assert run_script(script, tmp_path) == "60\n"


def test_an_interrupted_callback_keeps_the_rest(tmp_path: Path) -> None:
    script = """
capture, port = fake_capture(available=100, end_at=100)
got = []
def callback(packet):
    got.append(packet)
    if len(got) == 10:
        interrupt()
try:
    capture.loop(-1, callback)
except KeyboardInterrupt:
    pass
rest = list(capture)
print([p.ts_ns for p in got + rest] == [1000 * i for i in range(100)], len(got) < 20)
"""
    assert run_script(script, tmp_path) == "True True\n"


# ---- asyncio ---------------------------------------------------------------------------


def test_async_iteration_waits_without_blocking_others() -> None:
    async def main() -> tuple[list[Packet], int]:
        capture, port = fake_capture(available=3, end_at=9)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                if ticks % 5 == 0 and ticks <= 10:
                    port.push(3)
                await asyncio.sleep(0.01)

        ticker = asyncio.ensure_future(tick())
        got = [packet async for packet in capture]
        ticker.cancel()
        return got, ticks

    got, ticks = asyncio.run(main())
    assert got == packets(9)
    assert ticks >= 10


def test_async_iteration_lets_others_run_while_packets_keep_coming() -> None:
    async def main() -> bool:
        capture, _ = fake_capture(available=10**6, end_at=10**6)
        others = asyncio.Event()
        asyncio.get_running_loop().call_soon(others.set)
        count = 0
        async for _ in capture:
            count += 1
            if others.is_set():
                break
        return count < 1000

    assert asyncio.run(main())


@pytest.mark.parametrize("how", ["breakloop", "close"])
def test_async_iteration_ends_by_break_and_close(how: str) -> None:
    async def main() -> int:
        capture, _ = fake_capture(available=3)
        later = Later(0.1, getattr(capture, how))
        got = [packet async for packet in capture]
        later.join()
        return len(got)

    assert asyncio.run(asyncio.wait_for(main(), 5)) == 3


def test_cancelled_async_iteration_loses_nothing() -> None:
    async def main() -> list[Packet]:
        capture, port = fake_capture(available=2)
        got = []

        async def read() -> None:
            async for packet in capture:
                got.append(packet)

        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(read(), 0.05)
            port.push(2)
        port.control.end_at = 8
        await asyncio.wait_for(read(), 5)
        return got

    assert asyncio.run(main()) == packets(8)


# ---- memory ----------------------------------------------------------------------------


def test_nothing_leaks() -> None:
    def use() -> None:
        capture, _ = fake_capture(available=400, end_at=400, per_fill=50)
        capture.loop(100, ignore)
        for _ in zip(range(100), capture, strict=False):
            pass
        capture.next_batch(50)
        while capture.next() is not None:
            pass
        capture.inject_many([b"x" * 60, bytearray(60), Packet(b"y" * 60)])
        with pytest.raises(TypeError):
            capture.inject_many([b"x", 3])

    def resident() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not Path("/proc/self/statm").exists():
        pytest.skip("no /proc/self/statm; to run it: Linux")
    for _ in range(30):
        use()
    before, types = resident(), sys.getrefcount(Packet)
    for _ in range(300):
        use()
    assert resident() - before < 2 << 20
    assert sys.getrefcount(Packet) - types < 50


def test_names_are_in_messages_whatever_they_hold() -> None:
    capture, _ = fake_capture(name="fäke\udcff:1")
    capture.close()
    with pytest.raises(DeviceError, match="fäke\udcff:1"):
        capture.next()


def test_a_capture_is_not_made_by_hand() -> None:
    from nmpcap.capture import Capture

    with pytest.raises(TypeError):
        Capture()
    port = FakePort()
    assert Capture(port).datalink() == 1
