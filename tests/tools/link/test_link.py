"""The link in real time, between two pipes: it does what the function says, and tells what else happened."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import nmpcap
from nmpcap.capture import Capture
from nmpcap.errors import PcapError, UsageError
from nmpcap.tools.link import Direction, Fate, Impairments, Link, Step, Wire

SLOTS = 4096
Ports = tuple[Capture, Capture, Capture, Capture]


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch, runtime_dir: Path) -> Iterator[Ports]:
    """Host A, the link's two ports, host B, with room for all that a test sends."""
    monkeypatch.setenv("NMPCAP_NETMAP", "user")
    with contextlib.ExitStack() as stack:
        yield tuple(
            stack.enter_context(nmpcap.open(name, timeout=10, tx_slots=SLOTS, rx_slots=SLOTS))
            for name in ("netmap:link1{1", "netmap:link1}1", "netmap:link2{1", "netmap:link2}1")
        )  # type: ignore[misc]


def frame(number: int, length: int = 60) -> bytes:
    return (number.to_bytes(4, "big") * (length // 4 + 1))[:length]


def numbers(port: Capture, count: int, seconds: float = 10) -> list[int]:
    """The numbers of so many frames, or of those that come in time."""
    got: list[int] = []
    until = time.monotonic() + seconds
    while len(got) < count and (left := until - time.monotonic()) > 0:
        packet = port.next(timeout=left)
        if packet is not None:
            got.append(int.from_bytes(packet[:4], "big"))
    return got


def expected(setting: Impairments, n: int, direction: int = 0, seed: int = 11) -> list[int]:
    verdicts = Wire(setting, seed=seed, direction=direction).offer(range(n), [60] * n)
    return [verdict.index for verdict in verdicts for _ in range(verdict.copies)]


def send(port: Capture, n: int, batch: int) -> None:
    for at in range(0, n, batch):
        port.inject_many([frame(i) for i in range(at, min(n, at + batch))], timeout=10)


@pytest.mark.parametrize("batch", [1, 256])
def test_it_loses_the_packets_that_virtual_time_loses(ports: Ports, batch: int) -> None:
    a, first, second, b = ports
    setting = Impairments(loss=0.1, duplicate=0.05, burst=(0.02, 0.3))
    there, back = expected(setting, 2000), expected(setting, 2000, direction=1)
    with Link(first, second, setting, seed=11) as link:
        senders = [threading.Thread(target=send, args=(port, 2000, batch)) for port in (a, b)]
        for sender in senders:
            sender.start()
        assert numbers(b, len(there)) == there
        assert numbers(a, len(back)) == back
        for sender in senders:
            sender.join()
    report = link.report(Direction.THERE)
    assert (report.received, report.sent, report.unsent, report.waiting) == (2000, len(there), 0, 0)
    assert report.counts.fates[Fate.BURST] > 0
    assert sum(report.lateness.below) == report.sent


def test_packets_are_on_their_way_for_the_delay(ports: Ports) -> None:
    a, first, second, b = ports
    with Link(first, second, Impairments(delay="100ms"), Impairments()):
        begin = time.monotonic()
        a.inject(frame(1))
        assert numbers(b, 1) == [1]
        assert time.monotonic() - begin >= 0.1
        begin = time.monotonic()
        b.inject(frame(2))
        assert numbers(a, 1) == [2]


def test_a_rate_is_not_exceeded(ports: Ports) -> None:
    """800 frames of 100 bytes at 3.2 Mbit/s take 200 ms; the function's last departure is exact."""
    a, first, second, b = ports
    with Link(first, second, Impairments(rate="3.2M")) as link:
        begin = time.monotonic()
        a.inject_many([frame(i, 100) for i in range(800)])
        assert numbers(b, 800) == list(range(800))
        assert time.monotonic() - begin >= 0.2
        assert link.report(Direction.THERE).counts.bytes == 80_000


def test_a_filter_lets_the_rest_pass(ports: Ports) -> None:
    a, first, second, b = ports
    with Link(first, second, Impairments(loss=1), filter="ether[3] & 1 = 1") as link:
        send(a, 100, 10)
        assert numbers(b, 50) == list(range(0, 100, 2))
        report = link.report(Direction.THERE)
    assert (report.passed, report.counts.offered, report.counts.lost) == (50, 50, 50)


def test_it_changes_while_it_runs(ports: Ports) -> None:
    a, first, second, b = ports
    with Link(first, second, Impairments(down=True)) as link:
        a.inject(frame(1))
        while link.report(Direction.THERE).counts.fates[Fate.DOWN] < 1:
            time.sleep(0.001)
        link.configure(Impairments(), [Direction.THERE])
        a.inject(frame(2))
        assert numbers(b, 1) == [2]
        b.inject(frame(3))
        while link.report(Direction.BACK).counts.fates[Fate.DOWN] < 1:
            time.sleep(0.001)


def test_a_profile_is_carried_out_in_time(ports: Ports) -> None:
    a, first, second, b = ports
    link = Link(first, second, Impairments(down=True))
    up = Step(0.2, Impairments(), (Direction.THERE,))
    sender = threading.Timer(0.4, a.inject, [frame(5)])
    sender.start()
    link.run(0.8, profile=[up])
    sender.join()
    assert numbers(b, 1) == [5]
    assert link.report(Direction.BACK).impairments.down
    assert 0.7 < link.report(Direction.BACK).seconds < 5


def test_what_finds_no_room_is_counted(ports: Ports) -> None:
    a, first, second, _ = ports
    slots = SLOTS - 1
    with Link(first, second, Impairments()) as link:
        for _ in range(3):
            a.inject_many([frame(i) for i in range(slots)], timeout=10)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            report = link.report(Direction.THERE)
            if report.sent + report.unsent == 3 * slots:
                break
            time.sleep(0.01)
    assert (report.received, report.sent, report.unsent) == (3 * slots, slots, 2 * slots)


def test_what_there_is_no_memory_for_is_counted(ports: Ports) -> None:
    a, first, second, _ = ports
    with Link(first, second, Impairments(delay="100s"), memory=600) as link:
        send(a, 20, 20)
        while link.report(Direction.THERE).received < 20:
            time.sleep(0.001)
    report = link.report(Direction.THERE)
    assert (report.no_memory, report.waiting, report.sent) == (10, 10, 0)


def test_every_decision_can_be_traced(ports: Ports, tmp_path: Path) -> None:
    a, first, second, b = ports
    setting = Impairments(loss=0.5, corrupt=0.5)
    fds = [os.open(tmp_path / name, os.O_CREAT | os.O_WRONLY) for name in ("there", "back")]
    link = Link(first, second, setting, seed=11, trace=fds)
    there = expected(setting, 300)
    with link:
        send(a, 300, 30)
        assert len(numbers(b, len(there))) == len(there)
    del link  # what is left is written
    for fd in fds:
        os.close(fd)
    lines = [line.split() for line in (tmp_path / "there").read_text().splitlines()]
    assert [int(line[0]) for line in lines] == list(range(300))
    assert {line[3] for line in lines} == {"delivered", "loss"}
    assert [int(line[0]) for line in lines if line[3] == "delivered"] == there
    assert all(int(line[4]) >= int(line[1]) for line in lines if line[3] == "delivered")
    assert {len(line) for line in lines if line[3] == "loss"} == {4}
    assert (tmp_path / "back").read_bytes() == b""


def test_a_port_that_is_closed_ends_it_with_an_error(ports: Ports) -> None:
    _, first, second, _ = ports
    link = Link(first, second, Impairments())
    threading.Timer(0.1, second.close).start()
    with pytest.raises(PcapError, match=second.name):
        link.run(10)


def test_two_links_in_a_row_and_one_that_runs_already(ports: Ports) -> None:
    a, first, second, b = ports
    link = Link(first, second, Impairments())
    for i in range(3):
        with link:
            a.inject(frame(i))
            assert numbers(b, 1) == [i]
            with pytest.raises(UsageError, match="runs already"):
                link.start()
    link.stop()


def test_a_link_has_two_ends(ports: Ports) -> None:
    _, first, second, _ = ports
    with pytest.raises(UsageError, match="two ends"):
        Link(first, first, Impairments())
    with pytest.raises(TypeError, match="a port must be a Capture"):
        Link(first, "vale0:a", Impairments())  # type: ignore[arg-type]
    with pytest.raises(PcapError):
        Link(first, second, Impairments(), filter="udpp")


def test_order_stays_when_a_delay_becomes_shorter(ports: Ports) -> None:
    a, first, second, b = ports
    with Link(first, second, Impairments(delay="200ms")) as link:
        a.inject(frame(1))
        while link.report(Direction.THERE).received < 1:
            time.sleep(0.001)
        link.configure(Impairments())
        a.inject(frame(2))
        assert numbers(b, 2) == [1, 2]
