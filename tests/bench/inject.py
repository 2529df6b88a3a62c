"""Injection from Python: packets a second into a pipe that a program in C drains."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

from measure import Case, benchmark
from rings import BATCH, FRAME, Loops, Partner, bare_exchange, end_of

import nmpcap
from nmpcap.netmap import nm_open

ONE_BY_ONE = 200_000
AT_ONCE = 512
ROUNDS = 1_000


def _drain(loops: Any) -> Partner:
    def prepare() -> Callable[[ctypes.c_void_p], object]:
        port = nm_open("netmap:bench}1", netmap="user")
        end = end_of(port)
        return lambda stop, _port=port: loops.drain_loop(ctypes.byref(end), stop)  # type: ignore[misc]

    return Partner(prepare)


@benchmark(reach=4, figure="mpps")
def py_inject() -> Iterator[Case]:
    """``inject`` of one packet after the other, each flushed."""
    with (
        Loops() as loops,
        _drain(loops) as drain,
        bare_exchange(loops, FRAME, BATCH, ONE_BY_ONE) as bare,
        nmpcap.open("netmap:bench{1", netmap="user") as port,
    ):

        def work() -> None:
            inject = port.inject
            for _ in range(ONE_BY_ONE):
                try:
                    inject(FRAME)
                except nmpcap.DeviceError:  # the other end has had no time to drain
                    inject(FRAME, timeout=1)

        yield Case("60 bytes, one call each", ONE_BY_ONE, lambda: drain.during(work), bare, "bare")


@benchmark(reach=20, figure="mpps")
def py_inject_many() -> Iterator[Case]:
    """``inject_many`` of a list; what does not fit is offered again."""
    frames = [FRAME] * AT_ONCE
    with (
        Loops() as loops,
        _drain(loops) as drain,
        bare_exchange(loops, FRAME, BATCH, AT_ONCE * ROUNDS) as bare,
        nmpcap.open("netmap:bench{1", netmap="user") as port,
    ):

        def work() -> None:
            for _ in range(ROUNDS):
                sent = port.inject_many(frames)
                while sent < AT_ONCE:
                    sent += port.inject_many(frames[sent:])

        yield Case(f"60 bytes, {AT_ONCE} a call", AT_ONCE * ROUNDS, lambda: drain.during(work), bare, "bare")
