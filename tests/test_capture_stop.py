"""Stopping: two threads, breakloop and close from anywhere, signals."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

import nmpcap
from nmpcap.errors import UsageError
from nmpcap.packet import Packet

from .fake_source import expected, fake_capture, packets
from .later import Later
from .readers import ignore
from .timing import PROMPT


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.next(timeout=0),
        next,
        iter,
        lambda c: c.loop(1, ignore),
        lambda c: c.dispatch(1, ignore),
        lambda c: c.next_batch(),
    ],
)
def test_a_second_thread_that_reads_gets_an_error(call: Callable) -> None:
    capture, port = fake_capture()
    later = Later(0, lambda: capture.next(timeout=10))
    while port.control.waits == 0:
        time.sleep(0.001)
    with pytest.raises(UsageError, match="fake:0: another thread is using this handle"):
        call(capture)
    assert capture.stats().received == 0
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
            except UsageError:
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
    assert time.monotonic() - begin < PROMPT
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
            with pytest.raises(UsageError, match="fake:0: this handle has been closed"):
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
    with pytest.raises(UsageError, match="fake:0: this handle has been closed"):
        call(capture)
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
            with pytest.raises(UsageError, match="closed"):
                list(iter(lambda capture=capture: capture.loop(-1, ignore), None))
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
    bootstrap = f"import nmpcap, runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", bootstrap],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=tmp_path,
    )
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
    print("interrupted", time.monotonic() - begin < 5)
port.push(1)
print(capture.next().caplen)
"""
    assert run_script(script, tmp_path) == "interrupted True\n60\n"


def test_control_c_ends_a_call_that_never_waits(tmp_path: Path) -> None:
    script = """
import itertools
from tests.fake_source import first_of_ten
def flood(capture):
    capture.loop(-1, type)
def refused(capture):
    capture.setfilter(first_of_ten(0))
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
        print(call.__name__, time.monotonic() - begin < 5)
"""
    assert run_script(script, tmp_path) == "flood True\nrefused True\nsend True\n"


def test_a_signal_handler_may_break_and_close(tmp_path: Path) -> None:
    script = """
for how in ("breakloop", "close"):
    capture, port = fake_capture()
    signal.signal(signal.SIGINT, lambda *_: getattr(capture, how)())
    after(0.2, interrupt)
    begin = time.monotonic()
    print(how, capture.loop(-1, print), time.monotonic() - begin < 5, port.control.closes)
    assert port.control.violations == 0
"""
    assert run_script(script, tmp_path) == "breakloop 0 True 0\nclose 0 True 1\n"


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


def test_a_capture_left_open_is_told_of(port_name: Callable[[str], str]) -> None:
    name = port_name("a")
    captures = [nmpcap.open(name, netmap="user")]
    with pytest.warns(ResourceWarning, match=f"^capture {name} was not closed$"):
        captures.clear()
    assert nmpcap.vale.find(name, netmap="user") is None


def test_nothing_is_told_of_what_holds_nothing(port_name: Callable[[str], str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nmpcap.open(port_name("a"), netmap="user").close()
        nmpcap.open_dead(1)
        with pytest.raises(TypeError, match="makes a Capture; what it is made over must be a Port, not str"):
            nmpcap.Capture("lo")
        gc.collect()
