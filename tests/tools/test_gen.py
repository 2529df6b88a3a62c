"""Frames, judged by scapy; a generator and a sink over pipes, switches and lo."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import nmpcap
from nmpcap.errors import UsageError
from nmpcap.netmap import NmDesc, nm_open
from nmpcap.tools.frames import Frames, Stream, ends, mac
from nmpcap.tools.gen import Generator, gen
from nmpcap.tools.sink import Gap, Sink


@pytest.fixture
def pipe(runtime_dir: Path) -> Iterator[tuple[NmDesc, NmDesc]]:
    with contextlib.ExitStack() as stack:
        a, b = (
            stack.enter_context(nm_open(f"netmap:gen{side}1", netmap="user", tx_slots=256, rx_slots=256))
            for side in "{}"
        )
        yield a, b


# ---- frames ----------------------------------------------------------------------------


def judged(frame: bytes):  # type: ignore[no-untyped-def]  # scapy's
    """The frame as scapy reads it; its lengths and checksums are those that scapy computes."""
    layers = pytest.importorskip("scapy.layers.all", reason="needs scapy: pip install '.[test]'")
    seen = layers.Ether(frame)
    again = seen.copy()
    for layer in (layers.IP, layers.IPv6, layers.UDP):
        if layer in again:
            for name in ("len", "plen", "chksum"):
                if name in again[layer].fields:
                    delattr(again[layer], name)
    assert bytes(again) == frame
    return seen


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("10.0.0.1:1-10.0.0.3:4", "10.255.0.254:65534-10.255.1.1:65535"),
        ("[fd00::ffff:fffe]:7-[fd00::1:0:1]:8", "fd00::1"),
    ],
)
def test_checksums_and_lengths_of_everything_that_changes(
    source: str, destination: str, random: bool
) -> None:
    frames = Frames(
        ends(source),
        ends(destination),
        size=201,
        shortest=66,
        sequence=True,
        random_source=random,
        random_destination=random,
        source_mac=mac("2:0:0:0:0:9"),
    )
    stream, sizes = Stream(frames), set()
    for i in range(300):
        seen = judged(frame := stream.next())
        ip = seen.payload
        assert (seen.src, seen.dst) == ("02:00:00:00:00:09", "ff:ff:ff:ff:ff:ff")
        assert bytes(ip.payload.payload)[:4] == i.to_bytes(4, "big")
        for side, address in ((frames.source, ip.src), (frames.destination, ip.dst)):
            assert side.low <= ipaddress.ip_address(address) <= side.high
        sizes.add(len(frame))
    assert min(sizes) >= 66
    assert max(sizes) <= 201
    assert len(sizes) > 50


def test_ranges_are_swept_like_digits() -> None:
    stream = Stream(Frames(ends("10.0.0.1:1-10.0.0.2:2"), ends("10.1.0.1:8-10.1.0.2:9")))
    found = []
    for _ in range(17):
        ip = judged(stream.next()).payload
        found.append((ip.dst[-1], ip.payload.dport, ip.src[-1], ip.payload.sport))
    wanted = list(itertools.product("12", (8, 9), "12", (1, 2)))
    assert found == [*wanted, wanted[0]]


def test_a_checksum_that_comes_out_as_zero_is_sent_as_ones() -> None:
    """Among all ports one has such a checksum; none may be sent as 0, which says that there is none."""
    stream = Stream(Frames(ends("10.0.0.1:0-10.0.0.1:65535")))
    ones = [
        frame for frame in (stream.next() for _ in range(65536)) if frame[40:42] in (b"\xff\xff", bytes(2))
    ]
    assert {judged(frame).payload.payload.chksum for frame in ones} == {0xFFFF}


def test_a_frame_that_is_given_is_sent_as_it_is() -> None:
    stream = Stream(Frames(template=bytes(range(70)), header=12))
    assert stream.next() == bytes(12) + bytes(range(70))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": 20}, "size"),
        ({"size": 60, "shortest": 61}, "shortest"),
        ({"source": ends("fd00::1")}, "do not go together"),
        ({"source": ends("10.0.0.9-10.0.0.1")}, "ends before it begins"),
        ({"template": b""}, "0 bytes"),
        ({"template": bytes(60), "sequence": True}, "sequence"),
    ],
)
def test_frames_that_cannot_be(wrong: dict[str, object], said: str) -> None:
    with pytest.raises((UsageError, ValueError), match=said):
        Frames(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["10.0.0", "10.0.0.1:70000", "fd00::g", "", "[10.0.0.1]:3", "10.0.0.1:x"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises((UsageError, ValueError)):
        ends(text)


# ---- over ports ------------------------------------------------------------------------


def together(
    port: nmpcap.capture.Capture | NmDesc, taker: Sink, frames: Frames, count: int, **how: object
) -> None:
    """A generator in a thread of its own, and a sink that has all of it."""
    sender = threading.Thread(target=gen, args=(port, frames), kwargs={"count": count, **how})
    sender.start()
    assert taker.run(20)
    sender.join()


@pytest.mark.parametrize(
    "frames", [Frames(), Frames(sequence=True), Frames(size=1500, shortest=60, sequence=True)]
)
def test_over_a_pipe_nothing_is_lost(pipe, frames: Frames) -> None:
    taker = Sink(pipe[1], count=100_000, sequence=frames.sequence)
    together(pipe[0], taker, frames, 100_000, burst=100)
    report = taker.report()
    assert report.received == 100_000
    assert (report.gaps, report.missing, report.not_numbered, report.damaged) == (0, 0, 0, 0)
    if frames == Frames():
        assert report.bytes == 6_000_000


def test_buffers_are_filled_once_and_again_when_they_are_others(pipe) -> None:
    sender, receiver = pipe
    generator = Generator(sender, burst=100, count=100_000)

    def round_trip(swapped: bool = False) -> int:
        """A ring full of frames, given back; how many buffers had to be filled for them."""
        before = generator.report()
        generator.run(0.01)
        receiver.rxsync()
        ring = receiver.rx_rings[0]
        assert generator.report().sent - before.sent == 255 == len(list(ring.owned()))
        assert all(bytes(slot.buf[:6]) == b"\xff" * 6 for slot in ring.owned())
        if swapped:
            a, b, *_ = ring.owned()
            a.buf_idx, b.buf_idx = b.buf_idx, a.buf_idx
        ring.advance(255)
        receiver.rxsync()
        return generator.report().filled - before.filled

    assert round_trip() == 255
    assert round_trip() == 1  # the slot that was left out
    assert round_trip() == 0
    assert round_trip(swapped=True) == 0
    assert round_trip() >= 1


def test_frames_over_several_slots(runtime_dir: Path) -> None:
    with nm_open("netmap:big{1", netmap="user") as sender, nmpcap.open("netmap:big}1", netmap="user") as end:
        generators = [
            Generator(sender, Frames(size=5000, sequence=True), count=3),
            Generator(sender, Frames(size=300), count=2, fragment=100),
        ]
        assert all(generator.run(5) for generator in generators)
        packets = [end.next(timeout=5) for _ in range(5)]
    assert [len(packet) for packet in packets if packet] == [5000] * 3 + [300] * 2
    for packet in packets:
        judged(bytes(packet or b""))


def test_a_rate_is_kept(pipe) -> None:
    taker = Sink(pipe[1], count=500)
    together(pipe[0], taker, Frames(), 500, pps="2.5k")
    report = Generator(pipe[0], count=1, pps=10)
    assert taker.report().seconds >= 499 / 2500 - 0.05
    assert report.run(5)


def test_a_switch(runtime_dir: Path) -> None:
    with nm_open("vale3:a", netmap="user", backpressure=True) as a, nm_open("vale3:b", netmap="user") as b:
        taker = Sink(b, count=20_000, sequence=True)
        together(a, taker, Frames(sequence=True), 20_000)
        report = taker.report()
    assert (report.received, report.bytes, report.missing) == (20_000, 1_200_000, 0)


def test_gaps_are_found_where_packets_are_dropped(pipe) -> None:
    stream = Stream(Frames(sequence=True))
    frames = [stream.next() for _ in range(100)]
    order = [*range(10), *range(13, 20), 11, 11, *range(21, 30), *range(95, 100), 40]
    assert pipe[0].inject_many([frames[i] for i in order] + [bytes(60)]) == len(order) + 1
    taker = Sink(pipe[1], count=len(order) + 1, sequence=True)
    assert taker.run(5)
    assert taker.gaps() == [Gap(10, 3), Gap(20, 1), Gap(30, 65)]
    assert taker.gaps() == []
    report = taker.report()
    assert (report.gaps, report.missing, report.reordered, report.duplicates) == (3, 69 - 2, 2, 1)
    assert (report.not_numbered, report.stale) == (1, 0)


def test_an_end_that_nobody_reads_keeps_the_generator_waiting(pipe) -> None:
    generator = Generator(pipe[0], count=1000)
    assert not generator.run(0.05)
    report = generator.report()
    assert report.sent == 255
    assert report.waited >= 1
    assert report.filled == 255


def test_what_cannot_be_is_named(pipe) -> None:
    with pytest.raises(UsageError, match="more slots"):
        Generator(pipe[0], Frames(size=65535), fragment=100)
    with pytest.raises((UsageError, ValueError), match="burst"):
        Generator(pipe[0], burst=0)
    with pytest.raises(UsageError, match="nothing would ever leave"):
        Generator(pipe[0], pps=0)
    with pytest.raises(TypeError, match="NmDesc or a Capture"):
        Generator("vale0:a")  # type: ignore[arg-type]
    generator, taker = Generator(pipe[0]), Sink(pipe[1])
    pipe[0].close()
    pipe[1].close()
    with pytest.raises(UsageError, match="closed"):
        generator.run(1)
    with pytest.raises(UsageError, match="closed"):
        taker.run(1)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs packet sockets: run as root")
def test_lo() -> None:
    frames = Frames(ends("127.0.0.1:9"), ends("127.0.0.1:9"), destination_mac=bytes(6), sequence=True)
    with nmpcap.open("lo") as port, nmpcap.open("lo") as end:
        end.setdirection("in")
        end.setfilter("udp port 9 and src port 9")
        taker = Sink(end, count=1000, sequence=True)
        together(port, taker, frames, 1000, burst=50)
        report = taker.report()
    assert (report.received, report.missing, report.not_numbered) == (1000, 0, 0)
