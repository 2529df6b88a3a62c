"""Reading goes on while lines wait: in its order, within its bound, and with what went wrong behind it."""

import itertools
import threading

import pytest

from nmpcap import Packet
from nmpcap.cli.ahead import Ahead

SIZE = 100


def packet(number: int) -> Packet:
    return Packet(number.to_bytes(SIZE, "big"), number)


def nothing_due() -> None:
    return None


def test_packets_come_in_their_order_and_polls_between_them():
    polls = itertools.count()
    arriving = iter([(which, [packet(which)]) for which in range(50)])
    with Ahead(arriving) as ahead:
        found = [(which, list(packets)) for which, packets in ahead.packets(lambda: next(polls) * 0.0)]
    assert [which for which, packets in found if packets] == list(range(50))
    assert [packets[0].ts_ns for _, packets in found if packets] == list(range(50))
    assert next(polls) >= 50


def test_what_went_wrong_is_raised_behind_what_was_read():
    def arriving():
        yield 0, [packet(1)]
        raise OSError("the port has gone")

    with Ahead(arriving()) as ahead:
        packets = ahead.packets(nothing_due)
        assert [packet.ts_ns for packet in next(packets)[1]] == [1]
        with pytest.raises(OSError, match="the port has gone"):
            next(packets)


def test_memory_has_a_bound():
    read = 0
    full = threading.Event()

    def arriving():
        nonlocal read
        while True:
            read += 1
            if read == 12:  # the one that is not taken before there is room
                full.set()
            yield 0, [packet(read)]

    with Ahead(arriving(), most_bytes=10 * SIZE) as ahead:
        assert not full.wait(0.5)
        at_most = read
        packets = ahead.packets(nothing_due)
        while not full.is_set():
            next(packets)
    assert at_most <= 11


def test_leaving_ends_a_thread_that_waits_for_room():
    before = threading.active_count()
    with Ahead(((0, [packet(number)]) for number in itertools.count()), most_bytes=SIZE):
        pass
    assert threading.active_count() == before
