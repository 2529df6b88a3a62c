"""Every way of reading a Capture to its end, as functions that give the packets."""

from __future__ import annotations

from collections.abc import Callable

from nmpcap.packet import Packet


def ignore(packet: Packet) -> None:
    pass


READERS = {
    "next": lambda capture: list(iter(capture.next, None)),
    "iteration": list,
    "loop": lambda capture: _called(capture.loop, -1),
    "dispatch": lambda capture: _called_until_0(capture.dispatch),
    "batches": lambda capture: [packet for batch in capture.batches() for packet in batch],
    "small batches": lambda capture: [packet for batch in capture.batches(7) for packet in batch],
    "next_batch": lambda capture: [p for batch in iter(lambda: capture.next_batch(100), None) for p in batch],
}


def _called(method: Callable[[int, Callable[[Packet], object]], int], cnt: int) -> list[Packet]:
    got: list[Packet] = []
    assert method(cnt, got.append) == len(got)
    return got


def _called_until_0(method: Callable[[int, Callable[[Packet], object]], int]) -> list[Packet]:
    got: list[Packet] = []
    while method(11, got.append):
        pass
    return got
