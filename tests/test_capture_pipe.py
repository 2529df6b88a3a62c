"""Capture over pipes, FIFOs and sockets: a writer that stalls is waited for no longer than wanted."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nmpcap
from nmpcap import SavefileError

from .later import Later
from .savefile.pcapfiles import Given, Layout
from .savefile.pcapngfiles import LITTLE
from .timing import PROMPT

LAYOUT = Layout()
RECORDS = [LAYOUT.record(Given(i, 0, bytes([i]) * 60, 60)) for i in range(20)]


class Writing:
    """The writing end of a pipe, into which a test puts bytes when it wants them to come."""

    def __init__(self) -> None:
        self.out, self._into = os.pipe()

    def put(self, *pieces: bytes) -> None:
        os.write(self._into, b"".join(pieces))

    def end(self) -> None:
        if self._into >= 0:
            os.close(self._into)
        self._into = -1


@pytest.fixture
def pipe() -> Iterator[Writing]:
    writing = Writing()
    writing.put(LAYOUT.header(), RECORDS[0], RECORDS[1][:20])
    yield writing
    writing.end()
    os.close(writing.out)


def seconds(capture: nmpcap.Capture) -> list[int]:
    return [packet.ts_ns // 10**9 for packet in capture]


def test_a_deadline_is_kept_inside_a_record(pipe: Writing) -> None:
    with nmpcap.open_offline(pipe.out) as capture:
        capture.timeout = 0.05
        assert capture.next().ts_ns == 0
        begin = time.monotonic()
        assert capture.next_ex() == (0, None)
        assert capture.dispatch(-1, print) == 0
        assert 0.1 <= time.monotonic() - begin < PROMPT
        pipe.put(RECORDS[1][20:])
        assert capture.next_ex()[0] == 1
        pipe.end()
        assert capture.next_ex() == (-2, None)


@pytest.mark.parametrize("how", ["breakloop", "close"])
def test_a_stalled_writer_is_left_at_once(how: str, pipe: Writing) -> None:
    capture = nmpcap.open_offline(pipe.out)
    later = Later(0.1, getattr(capture, how))
    begin = time.monotonic()
    assert capture.loop(-1, lambda packet: None) == 1
    assert time.monotonic() - begin < PROMPT
    later.join()
    if how == "breakloop":
        pipe.put(RECORDS[1][20:], *RECORDS[2:])
        pipe.end()
        assert seconds(capture) == list(range(1, 20))
        capture.close()


@pytest.mark.parametrize("written", ["", "header"])
def test_ctrl_c_ends_the_wait_for_a_writer(written: str, run_python: Callable, tmp_path: Path) -> None:
    program = """
import os, signal, sys, threading, time
import nmpcap
from nmpcap import Packet

os.mkfifo("fifo")
keep = os.open("fifo", os.O_RDWR)
if sys.argv[1]:
    with nmpcap.open_writer(keep) as writer:
        pass
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    nmpcap.open_offline("fifo").loop(-1, print)
except KeyboardInterrupt:
    print("interrupted")
"""
    assert run_python("-c", program, written).stdout == "interrupted\n"


def test_a_cancelled_iteration_loses_nothing(pipe: Writing) -> None:
    async def main() -> list[int]:
        got: list[int] = []

        async def read() -> None:
            async for packet in capture:
                got.append(packet.ts_ns // 10**9)

        with nmpcap.open_offline(pipe.out) as capture:
            for piece in (RECORDS[1][20:] + RECORDS[2][:5], RECORDS[2][5:]):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(read(), 0.05)
                pipe.put(piece)
            pipe.end()
            await asyncio.wait_for(read(), PROMPT)
        return got

    assert asyncio.run(main()) == [0, 1, 2]


def test_a_pipe_that_ends_inside_a_record(pipe: Writing) -> None:
    pipe.end()
    with nmpcap.open_offline(pipe.out) as capture:
        assert capture.next().ts_ns == 0
        with pytest.raises(SavefileError, match="tried to read 60 captured bytes, only got 4") as caught:
            capture.next()
        assert caught.value.offset == 24 + 76
        assert capture.next() is None


def test_a_socket_gives_packets_as_they_come() -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:
        theirs.sendall(LITTLE.section() + LITTLE.interface() + LITTLE.packet(b"first"))
        with nmpcap.open_offline(ours.fileno()) as capture:
            assert capture.fileno() >= 0
            assert capture.next(timeout=PROMPT).data == b"first"
            assert capture.next(timeout=0.02) is None
            later = Later(0.05, lambda: theirs.sendall(LITTLE.packet(b"second")))
            assert capture.next(timeout=PROMPT + 30).data == b"second"
            later.join()
            theirs.shutdown(socket.SHUT_WR)
            assert capture.next(timeout=PROMPT) is None
            assert capture.next_ex() == (-2, None)


def test_a_file_that_grows_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "growing.pcap"
    path.write_bytes(LAYOUT.header() + RECORDS[0])
    with nmpcap.open_offline(path) as capture, path.open("ab", buffering=0) as file:
        assert seconds(capture) == [0]
        assert capture.next_ex() == (-2, None)
        file.write(RECORDS[1] + RECORDS[2])
        assert seconds(capture) == [1, 2]
