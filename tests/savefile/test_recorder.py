"""Packets given to ``write`` one by one: those of a handle take a shorter way, to the same bytes."""

from __future__ import annotations

import errno
import os
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import nmpcap
from nmpcap import DeviceError, Packet, UsageError
from nmpcap.savefile import Reader, Writer, open_writer
from nmpcap.savefile.sink import LimitReached

BUFFER = 256 * 1024  # what the writer gathers


@dataclass
class Likeness:
    """A packet like any program may have: not the one that takes the shorter way."""

    packet: Packet

    def __getattr__(self, name: str) -> object:
        return getattr(self.packet, name)


def make_packets(rng: random.Random, count: int, largest: int = 9000) -> list[Packet]:
    packets = []
    for i in range(count):
        data = rng.randbytes(rng.choice([0, 1, 60, 64, 1514, rng.randrange(largest)]))
        packets.append(Packet(data, i * 10**9, len(data) + rng.choice([0, 9]), 1, i % 3, rng.random() < 0.3))
    return packets


@pytest.mark.parametrize("format", ["pcap", "pcapng"])
@pytest.mark.parametrize("snaplen", [0, 100])
@pytest.mark.parametrize("flush_after", [None, 0, 0.001])
def test_both_ways_give_the_same_file(
    format: str, snaplen: int, flush_after: float | None, tmp_path: Path, rng: random.Random
) -> None:
    packets = make_packets(rng, 1000)
    with open_writer(tmp_path / "short", snaplen=snaplen, format=format, flush_after=flush_after) as writer:
        for packet in packets:
            writer.write(packet)
        assert writer.packets == 1000
    with open_writer(tmp_path / "long", snaplen=snaplen, format=format) as writer:
        for packet in packets:
            writer.write(Likeness(packet))
    assert (tmp_path / "short").read_bytes() == (tmp_path / "long").read_bytes()


@pytest.mark.parametrize("comment", [None, "said of it"])
@pytest.mark.parametrize("kind", [lambda packet: packet, Likeness], ids=["Packet", "like it"])
def test_which_way_it_went_is_kept(kind: type, comment: str | None, tmp_path: Path) -> None:
    with open_writer(tmp_path / "out.pcapng") as writer:
        for outgoing in (True, False):
            writer.write(kind(Packet(b"x", outgoing=outgoing)), comment=comment)
    with nmpcap.open_offline(tmp_path / "out.pcapng") as capture:
        assert [packet.outgoing for packet in capture] == [True, False]


def test_a_loop_writes_as_dump_does(tmp_path: Path, rng: random.Random) -> None:
    with open_writer(tmp_path / "in.pcap", nano=True) as writer:
        writer.write_many(make_packets(rng, 2000))
    with nmpcap.open_offline(tmp_path / "in.pcap") as capture, capture.dump_open(tmp_path / "loop") as writer:
        assert capture.loop(-1, writer.write) == 2000
    with nmpcap.open_offline(tmp_path / "in.pcap") as capture, capture.dump_open(tmp_path / "dump") as writer:
        assert capture.dump(writer) == 2000
    assert (tmp_path / "loop").read_bytes() == (tmp_path / "dump").read_bytes()


def test_interfaces_are_described_before_their_first_packet(tmp_path: Path) -> None:
    """Those of the source, met one after the other, and one that only a packet says."""
    with open_writer(tmp_path / "in.pcapng") as writer:
        for number, name in enumerate(("eth0", "eth1", "eth2")):
            writer.describe_interface(number, 1, name=name)
            writer.write(Packet(bytes([number]), interface=number))
    with (
        nmpcap.open_offline(tmp_path / "in.pcapng") as capture,
        capture.dump_open(tmp_path / "out.pcapng") as writer,
    ):
        capture.loop(-1, writer.write)
        for interface in (9, 1, 9):
            writer.write(Packet(b"later", interface=interface))
    with nmpcap.open_offline(tmp_path / "out.pcapng") as capture:
        found = [packet.interface for packet in capture]
        names = [interface.name for interface in capture.interfaces]
    assert [names[interface] for interface in found] == ["eth0", "eth1", "eth2", None, "eth1", None]
    assert found[3] == found[5]


@pytest.mark.parametrize("size", range(BUFFER - 24 - 16 - 300, BUFFER - 24 - 16 + 2, 20))
def test_packets_about_as_large_as_what_is_left_of_the_buffer(size: int, tmp_path: Path) -> None:
    packets = [Packet(bytes([i]) * length, i) for i, length in enumerate([size, 60, 0, BUFFER - 100, 262144])]
    with open_writer(tmp_path / "out.pcap", nano=True, snaplen=262144) as writer:
        for packet in packets:
            writer.write(packet)
    with Reader(tmp_path / "out.pcap") as reader:
        assert [(record.ts_ns, record.data) for record in reader] == [(p.ts_ns, p.data) for p in packets]


def test_what_is_wrong_with_a_packet_is_said(tmp_path: Path) -> None:
    with open_writer(tmp_path / "out.pcap") as writer:
        for packet, message in (
            (Packet(b"x", -1), "1970 to 2106"),
            (Packet(b"x", linktype=113), "link type 113 does not fit"),
        ):
            with pytest.raises(UsageError, match=message):
                writer.write(packet)
        assert writer.packets == 0


def test_arguments_are_checked(tmp_path: Path) -> None:
    with open_writer(tmp_path / "out.pcap") as writer:
        for arguments, keywords in (((), {}), ((b"x", b"y"), {}), ((Packet(b"x"),), {"time": 1})):
            with pytest.raises(TypeError):
                writer.write(*arguments, **keywords)
        writer.write(Packet(b"x", 5 * 10**9), ts_ns=7 * 10**9, len=9)
        writer.write(packet=Packet(b"y", 6 * 10**9))
    with Reader(tmp_path / "out.pcap") as reader:
        assert [(record.ts_ns // 10**9, record.len) for record in reader] == [(7, 9), (6, 1)]


def test_the_limits_hold(tmp_path: Path) -> None:
    packets = [Packet(bytes(100), i) for i in range(5)]
    for limit in ({"max_packets": 3}, {"max_bytes": 24 + 3 * 116}):
        with Writer(tmp_path / "out.pcap", **limit) as writer:
            for packet in packets[:3]:
                writer.write(packet)
            with pytest.raises(LimitReached):
                writer.write(packets[3])
            assert writer.packets == 3


def test_a_closed_writer_says_so(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "out.pcap")
    assert not writer.closed
    writer.close()
    assert writer.closed
    with pytest.raises(UsageError, match="the writer is closed"):
        writer.write(Packet(b"x"))


def test_a_full_disk_is_told_by_the_packet_that_meets_it() -> None:
    writer = open_writer("/dev/full")
    packet = Packet(bytes(60_000))
    with pytest.raises(DeviceError) as caught:
        writer.write_many([packet] * 6)
    assert caught.value.errno == errno.ENOSPC
    assert writer.packets == 4
    with pytest.raises(DeviceError, match="closed without the last 4 packets"):
        writer.close()


def test_a_second_thread_is_refused_while_the_first_waits() -> None:
    out, into = os.pipe()
    writer = open_writer(into, flush_after=None)
    packet = Packet(bytes(60_000))
    started = threading.Event()
    refused: list[BaseException] = []

    def second() -> None:
        started.wait(20)
        deadline = time.monotonic() + 20
        while not refused and time.monotonic() < deadline:
            try:
                writer.write(Packet(b"x"))
            except UsageError as error:
                refused.append(error)
        os.close(out)  # which ends the first one's wait

    thread = threading.Thread(target=second)
    thread.start()
    started.set()
    with pytest.raises(DeviceError) as caught:
        writer.write_many([packet] * 100)
    thread.join()
    assert caught.value.errno == errno.EPIPE
    assert "another thread is writing this savefile" in str(refused[0])
    os.close(into)
    with pytest.raises(DeviceError):
        writer.close()


def test_a_class_of_ones_own(tmp_path: Path) -> None:
    class Counting(Writer):
        count = 0

        def write(self, packet: Packet, **keywords: object) -> None:
            self.count += 1
            super().write(packet, **keywords)

    with Counting(tmp_path / "out.pcap") as writer:
        writer.write(Packet(b"x"))
        writer.write_many([Packet(b"y"), Packet(b"z")])
        assert (writer.count, writer.packets) == (3, 3)
