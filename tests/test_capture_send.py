"""Sending to a scripted source: order, room, what does not fit."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable

import pytest

from nmpcap.errors import DeviceError
from nmpcap.packet import Packet

from .fake_source import fake_capture
from .later import Later
from .timing import PROMPT


class Odd(Exception):
    pass


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
    assert stats.unsent == 1
    with pytest.raises(DeviceError, match="fake:0: no room to send") as caught:
        capture.inject(FRAMES[room])
    assert caught.value.errno == errno.EAGAIN
    assert capture.stats().unsent == 2


def test_sending_waits_for_room_until_its_deadline() -> None:
    capture, port = fake_capture(room=2, per_flush=0)
    begin = time.monotonic()
    assert capture.inject_many(FRAMES[:3], timeout=0.2) == 2
    assert 0.2 <= time.monotonic() - begin < 0.2 + PROMPT

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


@pytest.mark.parametrize(
    "frames", [None, 5, "text", ["text"], [b"x" * 60, None], [memoryview(b"abcdef")[::2]]]
)
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


def test_frames_are_let_go_of() -> None:
    capture, _ = fake_capture(max_frame=100)
    frames = [bytes(range(60)), bytearray(60), Packet(bytes(61)), bytes(200)]
    before = [sys.getrefcount(frame) for frame in frames]
    for _ in range(10):
        capture.inject(frames[0])
        assert capture.inject_many(frames) == 3
        assert capture.inject_many(iter(frames)) == 3
        with pytest.raises(DeviceError):
            capture.inject(frames[3])
        with pytest.raises(TypeError):
            capture.inject_many([*frames, None])
    assert [sys.getrefcount(frame) for frame in frames] == before
    frames[1].append(1)  # a bytearray that is still lent cannot grow


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
