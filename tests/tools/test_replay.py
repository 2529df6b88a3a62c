"""Replay over a pipe: every packet, in order, at its time; times against fractions."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

import nmpcap
from nmpcap import Packet
from nmpcap.capture import Capture
from nmpcap.errors import DeviceError, PcapError, UsageError
from nmpcap.tools.replay import Timing, replay

BEGIN = 1_700_000_000 * 10**9


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, runtime_dir: Path) -> Iterator[tuple[Capture, Capture]]:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")
    with contextlib.ExitStack() as stack:
        a = stack.enter_context(nmpcap.open("netmap:replay{1", tx_slots=256, rx_slots=256))
        yield a, stack.enter_context(nmpcap.open("netmap:replay}1", timeout=10, timestamps=True))


def file_of(path: Path, lengths: list[int], gap_ns: int = 1_000_000) -> Path:
    with nmpcap.open_writer(path, nano=True) as writer:
        for i, length in enumerate(lengths):
            writer.write(Packet(i.to_bytes(4, "big") + bytes(length - 4), BEGIN + i * gap_ns))
    return path


class Receiver(threading.Thread):
    """Takes so many packets, in a thread of its own."""

    def __init__(self, port: Capture, count: int) -> None:
        super().__init__()
        self.port, self.count, self.got = port, count, list[Packet]()
        self.start()

    def run(self) -> None:
        until = time.monotonic() + 20
        while len(self.got) < self.count and time.monotonic() < until:
            packet = self.port.next(timeout=1)
            if packet is not None:
                self.got.append(packet)

    def numbers(self) -> list[int]:
        self.join()
        return [int.from_bytes(packet[:4], "big") for packet in self.got]


def test_at_once_loses_nothing_of_more_than_a_ring(ends, tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [60] * 3000)
    receiver = Receiver(ends[1], 3000)
    report = replay(source, ends[0], Timing())
    assert receiver.numbers() == list(range(3000))
    assert (report.sent, report.bytes, report.failed, report.cut, report.rounds) == (3000, 180_000, 0, 0, 1)
    assert sum(report.lateness.below) == 0


@pytest.mark.parametrize(
    ("timing", "seconds"),
    [
        (Timing(speed=1), Fraction(99, 1000)),
        (Timing(speed="0.5"), Fraction(198, 1000)),
        (Timing(speed=3), Fraction(33, 1000)),
        (Timing(pps=1000), Fraction(99, 1000)),
        (Timing(pps="0.5k"), Fraction(198, 1000)),
        (Timing(rate="1M"), Fraction(99 * 100 * 8, 10**6)),
        (Timing(rate="1M", overhead=24), Fraction(99 * 124 * 8, 10**6)),
    ],
)
def test_packets_leave_when_they_are_due(ends, tmp_path: Path, timing: Timing, seconds: Fraction) -> None:
    """None too early, by the time each was sent; and no later than it says itself."""
    source = file_of(tmp_path / "in.pcap", [100] * 100)
    receiver = Receiver(ends[1], 100)
    report = replay(source, ends[0], timing)
    assert receiver.numbers() == list(range(100))
    first = receiver.got[0].ts_ns
    for i, packet in enumerate(receiver.got):
        early = float(seconds) * i / 99 - (packet.ts_ns - first) / 1e9
        assert early < report.lateness.latest_ns / 1e9 + 1e-4, i  # the first may itself have been late
    assert report.seconds >= float(seconds) - 1e-4
    assert sum(report.lateness.below) == 100
    assert report.lateness.quantile_ns(1) <= report.lateness.latest_ns


def test_every_round_keeps_the_times(ends, tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [60] * 50)
    receiver = Receiver(ends[1], 150)
    report = replay(source, ends[0], Timing(speed=1), loops=3, pause="20ms")
    assert receiver.numbers() == list(range(50)) * 3
    assert report.rounds == 3
    assert report.seconds >= 3 * 0.049 + 2 * 0.02 - 1e-4


def test_a_filter_chooses_and_the_times_stay(ends, tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [60] * 100)
    receiver = Receiver(ends[1], 50)
    report = replay(source, ends[0], Timing(speed=1), filter="ether[3] & 1 = 1")
    assert receiver.numbers() == list(range(1, 100, 2))
    assert report.seconds >= 0.098 - 1e-4


def test_a_limit_ends_it_in_mid_round(ends, tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [60] * 40)
    receiver = Receiver(ends[1], 100)
    report = replay(source, ends[0], Timing(), loops=0, limit=100)
    assert receiver.numbers() == [*range(40), *range(40), *range(20)]
    assert (report.sent, report.rounds) == (100, 3)


def test_what_the_port_refuses_is_counted_and_the_rest_sent(ends, tmp_path: Path) -> None:
    lengths = [60] * 20
    lengths[7] = 200_000
    lengths[19] = 200_000
    source = file_of(tmp_path / "in.pcap", lengths)
    with (
        nmpcap.open("netmap:small{1", tx_slots=16, rx_slots=16) as port,
        nmpcap.open("netmap:small}1") as end,
    ):
        receiver = Receiver(end, 18)
        report = replay(source, port, Timing(pps=100_000))
        assert receiver.numbers() == [i for i in range(20) if i not in (7, 19)]
    assert (report.sent, report.failed) == (18, 2)


def test_compressed_files(ends, tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap.gz", [60] * 500)
    receiver = Receiver(ends[1], 500)
    assert replay(source, ends[0], Timing()).sent == 500
    assert receiver.numbers() == list(range(500))


def test_a_damaged_end_comes_after_the_good_packets(ends, tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [60] * 10)
    source.write_bytes(source.read_bytes()[:-30])
    receiver = Receiver(ends[1], 9)
    with pytest.raises(PcapError):
        replay(source, ends[0], Timing())
    assert receiver.numbers() == list(range(9))


def test_an_empty_file_is_no_loop_without_end(ends, tmp_path: Path) -> None:
    report = replay(file_of(tmp_path / "in.pcap", []), ends[0], loops=0)
    assert (report.sent, report.pps) == (0, 0)


def test_a_port_that_is_closed_meanwhile(ends, tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [60] * 1000)
    threading.Timer(0.1, ends[0].close).start()
    with pytest.raises(PcapError, match="replay"):
        replay(source, ends[0], Timing(pps=1000))


def test_what_cannot_be_is_named(ends, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="speed and pps exclude each other"):
        Timing(speed=1, pps=10)
    for wrong in ({"speed": 0}, {"pps": "fast"}, {"rate": "5furlongs"}, {"overhead": -1}, {"speed": -1}):
        with pytest.raises(UsageError):
            Timing(**wrong)
    with pytest.raises(DeviceError):
        replay(tmp_path / "none.pcap", ends[0])
    with pytest.raises(TypeError, match="must be a Capture"):
        replay(tmp_path / "none.pcap", "vale0:a")  # type: ignore[arg-type]
