"""Sending on interfaces, seen by sockets that are not ours: every frame whole, in order, once, counted."""

from __future__ import annotations

import errno
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import nmpcap
from nmpcap import Capture
from nmpcap.errors import DeviceError, UsageError

from ...later import Later
from ...network import ETHERTYPE, Network, frame

SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SO_RCVBUFFORCE = 33


class Receiver:
    """A packet socket at the other end, read by a thread; what it had no room for is counted."""

    def __init__(self, name: str, room: int = 64 << 20) -> None:
        self.frames: list[bytes] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, room)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.bind((name, ETHERTYPE))
        self._socket.settimeout(0.2)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                self.frames.append(self._socket.recv(1 << 17))
            except TimeoutError:
                if self._stopped.is_set():
                    return

    def stop(self) -> int:
        """Read what is still there; how many were dropped."""
        if self._stopped.is_set():
            return self._dropped
        self._stopped.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self._dropped = int(struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1])
        self._socket.close()
        return self._dropped


@pytest.fixture
def veth(network: Network) -> tuple[str, str]:
    return network.veth()


@pytest.fixture
def receiver(veth: tuple[str, str]) -> Iterator[Receiver]:
    found = Receiver(veth[1])
    yield found
    found.stop()


@pytest.fixture(params=[False, True], ids=["blocks", "frames"])
def capture(request: pytest.FixtureRequest, veth: tuple[str, str]) -> Iterator[Capture]:
    with nmpcap.open(veth[0], immediate=request.param) as opened:
        yield opened


def transmitted(network: Network, name: str) -> int:
    return int(network.show(name)["stats64"]["tx"]["packets"])


# ---- what arrives --------------------------------------------------------------------------


def test_frames_arrive_as_they_were_sent(capture: Capture, receiver: Receiver, rng: random.Random) -> None:
    frames = [frame(i, rng.randrange(18, 1515)) for i in range(2000)]
    assert capture.inject(frames[0]) == len(frames[0])
    assert capture.sendpacket(frames[1]) is None
    assert capture.inject_many(frames[2:1000], timeout=10) == 998
    for data in frames[1000:1100]:
        capture.inject(memoryview(data), timeout=10)
    assert capture.inject_many(iter(frames[1100:]), timeout=10) == 900
    assert receiver.stop() == 0
    assert receiver.frames == frames
    stats = capture.stats()
    assert (stats.sent, stats.unsent) == (2000, 0)


@pytest.mark.parametrize("count", [200_000])
def test_counts_are_exact(network: Network, veth: tuple[str, str], count: int) -> None:
    """sent = what the interface transmitted = received + dropped by the receiver's socket."""
    before = transmitted(network, veth[0])
    receiver = Receiver(veth[1], room=1 << 20)  # too little
    with nmpcap.open(veth[0]) as capture:
        sent = capture.inject_many((frame(i) for i in range(count)), timeout=30)
        assert capture.drain(10)
        stats = capture.stats()
    dropped = receiver.stop()
    assert sent == stats.sent == count
    assert transmitted(network, veth[0]) - before == count
    assert len(receiver.frames) + dropped == count
    numbers = [struct.unpack_from("!I", data, 14)[0] for data in receiver.frames]
    assert numbers == sorted(set(numbers))


def test_its_own_frames_are_not_captured(capture: Capture, veth: tuple[str, str], receiver: Receiver) -> None:
    with nmpcap.open(veth[0]) as second:
        assert capture.inject_many([frame(i) for i in range(100)]) == 100
        assert capture.next(0.1) is None
        others = [second.next(1) for _ in range(100)]
        assert [bytes(p.data) for p in others if p] == [frame(i) for i in range(100)]
        assert all(p.outgoing for p in others if p)


def test_reading_goes_on_between_sending(capture: Capture, network: Network, receiver: Receiver) -> None:
    with network.raw("vb") as sender:
        for i in range(50):
            sender.send(frame(i))
            capture.inject(frame(1000 + i))
            packet = capture.next(1)
            assert packet
            assert bytes(packet.data) == frame(i)
    assert receiver.stop() == 0
    assert receiver.frames == [frame(1000 + i) for i in range(50)]


# ---- sizes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [14, 1514])
def test_smallest_and_largest(capture: Capture, receiver: Receiver, size: int) -> None:
    data = frame(1, 1514)[:size]
    assert capture.inject(data) == size
    receiver.stop()
    assert receiver.frames == [data]


def test_a_vlan_tag_comes_on_top_of_the_mtu(capture: Capture, veth: tuple[str, str]) -> None:
    data = frame(1, 1514, tags=((0x8100, 5),))
    with nmpcap.open(veth[1]) as other:
        assert capture.inject(data) == 1518
        packet = other.next(1)
        assert packet
        assert bytes(packet.data) == data


@pytest.mark.parametrize(
    ("size", "number", "words"),
    [
        (1515, errno.EMSGSIZE, "va: sending a frame of 1515 bytes: the limit is 1514, an MTU of 1500"),
        (70_000, errno.EMSGSIZE, "va: sending a frame of 70000 bytes: the limit is 1514, an MTU of 1500"),
        (300_000, errno.EMSGSIZE, "va: sending a frame of 300000 bytes"),
        (13, errno.EINVAL, "va: sending a frame of 13 bytes: its link-layer header alone has 14"),
        (0, errno.EINVAL, "va: sending a frame of 0 bytes"),
    ],
)
def test_impossible_sizes(capture: Capture, receiver: Receiver, size: int, number: int, words: str) -> None:
    bad = frame(0, 1514).ljust(size, b"\0")[:size]
    with pytest.raises(DeviceError, match=words) as caught:
        capture.inject(bad)
    assert caught.value.errno == number
    assert capture.stats().sent == 0
    # Those before it go, those after it do not; and the next call says why.
    assert capture.inject_many([frame(1), frame(2), bad, frame(3)]) == 2
    with pytest.raises(DeviceError, match=words):
        capture.inject_many([bad, frame(3)])
    assert capture.inject(frame(4)) == 60
    receiver.stop()
    assert receiver.frames == [frame(1), frame(2), frame(4)]
    assert capture.stats().sent == 3


def test_the_limit_is_the_mtu_of_the_moment(capture: Capture, network: Network, receiver: Receiver) -> None:
    assert capture.inject(frame(1, 1514)) == 1514
    for name in ("va", "vb"):
        network.ip("link", "set", name, "mtu", "9000")
    assert capture.inject(frame(2, 9014)) == 9014
    network.ip("link", "set", "va", "mtu", "1000")
    with pytest.raises(DeviceError, match="the limit is 1014, an MTU of 1000"):
        capture.inject(frame(3, 1015))
    receiver.stop()
    assert receiver.frames == [frame(1, 1514), frame(2, 9014)]


def test_jumbo_frames_on_lo(network: Network) -> None:
    sizes = [60, 40_000, 65_549, 65_550]
    with nmpcap.open("lo") as other, nmpcap.open("lo") as capture:
        assert capture.inject_many([frame(i, size) for i, size in enumerate(sizes)], timeout=5) == 4
        for i, size in enumerate(sizes):
            packet = other.next(1)
            assert packet
            assert bytes(packet.data) == frame(i, size)


# ---- what cannot send ----------------------------------------------------------------------


def test_any_does_not_send(network: Network) -> None:
    with nmpcap.open("any") as capture:
        for send in (lambda: capture.inject(frame(1)), lambda: capture.inject_many([frame(1)])):
            with pytest.raises(
                DeviceError, match='Sending packets isn\'t supported on the "any" device'
            ) as caught:
                send()
            assert caught.value.errno == errno.ENOTSUP


# ---- room ----------------------------------------------------------------------------------


@pytest.fixture
def slow(network: Network, veth: tuple[str, str]) -> None:
    """16 Mbit/s, and a queue of ten frames in front of it."""
    if not shutil.which("tc"):
        pytest.skip("no tc(8); to run it: apt-get install iproute2")
    tbf = ["qdisc", "add", "dev", "va", "root", "tbf", "rate", "16mbit", "burst", "3000", "limit", "15000"]
    done = subprocess.run(["tc", *tbf], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no queueing discipline tbf ({done.stderr.strip()}); to run it: modprobe sch_tbf")


def test_waiting_for_room(slow: None, capture: Capture, receiver: Receiver) -> None:
    frames = [frame(i, 1500) for i in range(600)]
    assert capture.inject_many(frames, timeout=20) == 600
    assert capture.drain(5)
    assert receiver.stop() == 0
    assert receiver.frames == frames


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_what_finds_no_room_is_not_sent(
    slow: None, capture: Capture, receiver: Receiver, timeout: float
) -> None:
    frames = [frame(i, 1500) for i in range(600)]
    sent = capture.inject_many(frames, timeout=timeout)
    assert 0 < sent < 600
    assert capture.stats().sent == sent
    assert capture.stats().unsent == 1, "those behind it do not count"
    time.sleep(0.1)
    assert receiver.stop() == 0
    assert receiver.frames == frames[:sent]


def test_one_frame_without_room(slow: None, capture: Capture, receiver: Receiver) -> None:
    went = 0

    def send_on() -> None:
        nonlocal went
        while went < 1000:
            went += capture.inject(frame(went, 1500)) == 1500

    with pytest.raises(DeviceError, match=r"no room to send; .*timeout= to wait") as caught:
        send_on()
    assert caught.value.errno == errno.EAGAIN
    assert capture.stats().sent == went
    receiver.stop()
    assert receiver.frames == [frame(i, 1500) for i in range(went)]


def test_a_break_ends_waiting_for_room(slow: None, capture: Capture) -> None:
    later = Later(0.1, capture.breakloop)
    started = time.monotonic()
    sent = capture.inject_many([frame(i, 1500) for i in range(60_000)], timeout=None)
    later.join()
    assert time.monotonic() - started < 2
    assert 0 < sent < 60_000


def test_what_an_interrupted_call_left_is_refused_later(
    slow: None, network: Network, capture: Capture
) -> None:
    def interrupt(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(InterruptedError):
            capture.inject_many([frame(i, 1500) for i in range(60_000)], timeout=None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    sent = capture.stats().sent
    network.take_down("va")
    with pytest.raises(DeviceError, match="The interface went down"):
        capture.inject_many([frame(1)], timeout=0)
    assert capture.stats().sent < sent, "what was left has been taken back"


def test_bypassing_the_queueing_discipline(slow: None, veth: tuple[str, str], receiver: Receiver) -> None:
    frames = [frame(i, 1500) for i in range(600)]
    with nmpcap.open(veth[0], qdisc_bypass=True) as capture:
        started = time.monotonic()
        assert capture.inject_many(frames, timeout=20) == 600
        assert time.monotonic() - started < 0.2  # through the queue it takes 450 ms
        assert "past the queueing discipline" in capture.explain().rings
    assert receiver.stop() == 0
    assert receiver.frames == frames


# ---- failing, closing ----------------------------------------------------------------------


def test_an_interface_going_down_while_sending(
    network: Network, capture: Capture, receiver: Receiver
) -> None:
    sent = 0

    def send_on() -> None:
        nonlocal sent
        while True:
            sent += capture.inject_many([frame(sent + i) for i in range(100)], timeout=5)

    down = Later(0.1, lambda: subprocess.run(["ip", "link", "set", "va", "down"], check=True))
    with pytest.raises(DeviceError, match="The interface went down") as caught:
        send_on()
    down.join()
    assert caught.value.errno == errno.ENETDOWN
    assert capture.stats().sent == sent
    with pytest.raises(DeviceError, match="The interface went down"):
        capture.next(5)  # the reader hears of it, too
    network.ip("link", "set", "va", "up")
    network.wait_for("va", "UP")
    assert capture.inject(frame(sent)) == 60
    receiver.stop()
    assert receiver.frames[-1] == frame(sent)
    assert len(receiver.frames) <= sent + 1


def test_an_interface_that_is_gone(network: Network, capture: Capture) -> None:
    network.ip("link", "del", "va")
    for _ in range(2):
        with pytest.raises(DeviceError, match="The interface disappeared") as caught:
            capture.inject(frame(1))
        assert caught.value.errno == errno.ENODEV


def test_what_was_accepted_leaves_when_it_is_closed(veth: tuple[str, str], receiver: Receiver) -> None:
    frames = [frame(i) for i in range(1000)]
    with nmpcap.open(veth[0]) as capture:
        assert capture.inject_many(frames, timeout=5) == 1000
    with pytest.raises(UsageError):
        capture.inject(frame(0))
    assert receiver.stop() == 0
    assert receiver.frames == frames


# ---- system calls --------------------------------------------------------------------------

COUNTER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>

int calls;

int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    int (*next)(int, struct mmsghdr *, unsigned, int);

    *(void **)&next = dlsym(RTLD_NEXT, "sendmmsg");
    calls++;
    return next(fd, messages, n, flags);
}
"""

PROGRAM = """
    import ctypes, nmpcap

    calls = ctypes.c_int.in_dll(ctypes.CDLL(None), "calls")
    with nmpcap.open("va") as capture:
        assert capture.inject_many([bytes(range(60))] * 1024, timeout=5) == 1024
        many = calls.value
        capture.inject(bytes(range(60)))
        print(many, calls.value - many)
"""


def test_a_batch_is_one_system_call(veth: tuple[str, str], tmp_path: Path) -> None:
    if not shutil.which("cc"):
        pytest.skip("no C compiler; to run it: apt-get install gcc libc6-dev")
    source, shared = tmp_path / "counter.c", tmp_path / "counter.so"
    source.write_text(COUNTER)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shared, source, "-ldl"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        check=True,
        capture_output=True,
        text=True,
        env={"LD_PRELOAD": str(shared), "PATH": ""},
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["4", "1"]  # 256 frames a batch
