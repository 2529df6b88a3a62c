"""Reading from a scripted source: whatever happens, every packet once, in order, in time.

Run with the compiled delivery and, by test_plain.py, with the plain one.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nmpcap.capture import Capture
from nmpcap.errors import DeviceError, PcapError, UsageError
from nmpcap.packet import Packet

from .fake_source import FakePort, expected, fake_capture, first_of_ten, packets
from .later import Later
from .readers import READERS, ignore
from .timing import PROMPT, best


class Odd(Exception):
    pass


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
    [
        ((), {}),
        ((1,), {}),
        ((1, None), {}),
        (("1", ignore), {}),
        ((1, ignore, 2), {}),
        ((1,), {"call": ignore}),
        ((1, ignore), {"cnt": 2}),
    ],
)
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
        with pytest.raises(UsageError, match="timeout"):
            call(timeout=timeout)
    with pytest.raises(UsageError, match="timeout"):
        capture.timeout = timeout


@pytest.mark.parametrize("size", [0, -1, (1 << 20) + 1])
def test_impossible_batches_are_refused(size: int) -> None:
    capture, _ = fake_capture(available=1)
    with pytest.raises(UsageError, match="batch"):
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
    assert seconds <= time.monotonic() - begin < seconds + PROMPT
    capture.close()
    assert port.control.violations == 0


def test_a_deadline_is_kept_to_the_millisecond() -> None:
    capture, _ = fake_capture()

    def overshoot() -> float:
        begin = time.monotonic()
        assert capture.next(timeout=0.03) is None
        return time.monotonic() - begin - 0.03

    assert 0 <= best(overshoot, 0.002) < 0.002


def _with_timeout(capture, timeout: float, call: Callable[[], object]) -> object:
    capture.timeout = timeout
    return call()


def test_a_deadline_is_kept_while_the_filter_refuses_everything() -> None:
    capture, port = fake_capture()
    capture.setfilter(first_of_ten(0))
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.01):
            port.push(1)

    feeder = Later(0, trickle)
    try:
        begin = time.monotonic()
        assert capture.next(timeout=0.3) is None
        assert 0.3 <= time.monotonic() - begin < 0.3 + PROMPT
    finally:
        stop.set()
        feeder.join()
    stats = capture.stats()
    assert stats.filtered == stats.received > 10


def test_a_packet_that_comes_in_time_is_delivered_at_once() -> None:
    capture, port = fake_capture(timeout=PROMPT + 30)
    begin = time.monotonic()
    later = Later(0.1, lambda: port.push(2))
    assert capture.next() == expected(0)
    assert time.monotonic() - begin < PROMPT
    later.join()


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_a_deadline_is_kept_while_packets_nobody_wants_keep_coming(timeout: float) -> None:
    capture, port = fake_capture(available=10**12, per_fill=10)
    capture.setfilter("len < 10")
    stop = threading.Timer(5, capture.breakloop)
    stop.start()
    started = time.monotonic()
    assert capture.next(timeout=timeout) is None
    assert time.monotonic() - started < timeout + PROMPT
    assert port.control.fills > 1
    stop.cancel()


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
    capture, _ = fake_capture(available=1, timeout=PROMPT + 30)
    capture.setnonblock(True)
    assert capture.getnonblock() is True
    begin = time.monotonic()
    assert [capture.next(), capture.next(), capture.dispatch(1, ignore), capture.next_batch()] == [
        expected(0), None, 0, None,
    ]  # fmt: skip
    assert time.monotonic() - begin < PROMPT
    assert capture.next(timeout=0.05) is None
    assert time.monotonic() - begin >= 0.05
    capture.setnonblock(False)
    assert capture.getnonblock() is False


def test_savefiles_cannot_be_non_blocking() -> None:
    capture, _ = fake_capture(savefile=True)
    with pytest.raises(PcapError, match="fake:0: Savefiles cannot be put into non-blocking mode"):
        capture.setnonblock(True)


# ---- exceptions ------------------------------------------------------------------------


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
        capture.loop(-1, got.append)
    assert caught.value.errno == errno.EIO
    assert got == packets(10)
    assert READERS[reader](capture) == packets(10, first=10)


# ---- from within a callback ------------------------------------------------------------


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
            capture.setfilter(first_of_ten(2))

    capture.loop(-1, callback)
    assert [p.ts_ns // 1000 for p in got] == [0, 1, 2, 3, 4, 10, 11, 20, 21]
    stats = capture.stats()
    assert (stats.received, stats.filtered, stats.delivered) == (30, 21, 9)


def test_a_filter_is_set_and_taken_away() -> None:
    capture, _ = fake_capture(available=60, end_at=60, per_fill=20)
    assert capture.explain().filter == "none"
    capture.setfilter(first_of_ten(1))
    assert capture.explain().filter.startswith("in user space, ")
    assert [capture.next().ts_ns, capture.next().ts_ns, capture.next().ts_ns] == [0, 10000, 20000]
    assert capture.next().caplen == 20
    capture.setfilter(None)
    assert [packet.ts_ns for packet in capture] == [1000 * i for i in range(31, 60)]
    stats = capture.stats()
    assert stats.received == stats.filtered + stats.delivered == 60


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


# ---- memory and names ------------------------------------------------------------------


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
    with pytest.raises(UsageError, match=r"^fäke\\xff:1: "):
        capture.next()


def test_a_capture_is_not_made_by_hand() -> None:
    with pytest.raises(TypeError):
        Capture()
    empty = Capture.__new__(Capture)
    for call in (empty.next, lambda: iter(empty), lambda: next(empty), lambda: empty.inject(b"")):
        with pytest.raises(TypeError, match=r"nmpcap.open\(\)"):
            call()
    with pytest.raises(UsageError):
        empty.timeout = -1
    port = FakePort()
    assert Capture(port).datalink() == 1
