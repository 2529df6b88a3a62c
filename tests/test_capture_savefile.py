"""Capture over savefiles: the same packets as libpcap (through pcapy-ng) and dpkt give."""

from __future__ import annotations

import gzip
import inspect
import io
import pickle
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest

import nmpcap
from nmpcap.errors import DeviceError, PcapError, SavefileError, UsageError
from nmpcap.packet import Packet

from .later import Later
from .readers import READERS
from .savefile import libpcap
from .savefile.pcapfiles import LAYOUTS, Given, Layout
from .timing import PROMPT, best

pcapy = pytest.importorskip("pcapy", reason="no libpcap to compare with; to run it: pip install pcapy-ng")

COUNT = 3000


@pytest.fixture
def savefile(tmp_path: Path, rng: random.Random) -> Path:
    """A pcap file of packets of all sizes, some cut, written by hand."""
    path = tmp_path / "some.pcap"
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(COUNT):
            caplen = rng.choice([0, 14, 60, 64, 1514, rng.randrange(9000)])
            wire = caplen + rng.choice([0, 0, 5])
            file.write(struct.pack("<IIII", 1_700_000_000 + i, rng.randrange(10**6), caplen, wire))
            file.write(rng.randbytes(caplen))
    return path


def by_libpcap(path: Path) -> list[tuple]:
    got: list[tuple] = []

    def callback(header: object, data: bytes) -> None:
        seconds, microseconds = header.getts()
        got.append((seconds * 10**9 + microseconds * 1000, header.getcaplen(), header.getlen(), data))

    pcapy.open_offline(str(path)).loop(-1, callback)
    return got


def facts(packets: list[Packet]) -> list[tuple]:
    return [(p.ts_ns, p.caplen, p.len, p.data) for p in packets]


@pytest.mark.parametrize("reader", READERS)
def test_every_way_of_reading_agrees_with_libpcap(reader: str, savefile: Path) -> None:
    with nmpcap.open_offline(savefile) as capture:
        assert facts(READERS[reader](capture)) == by_libpcap(savefile)
        assert capture.stats().delivered == COUNT
        assert capture.next() is None


@pytest.mark.parametrize("reader", READERS)
def test_lengths_and_times_are_what_the_file_says_however_odd(reader: str, save: Callable) -> None:
    odd = [Given(1, 2, b"hello", 3), Given(2, 1_999_999, b"", 2**32 - 1), Given(2**31 - 1, 0, b"late", 0)]
    path = save(Layout().file(odd))
    with nmpcap.open_offline(path) as capture:
        packets = READERS[reader](capture)
    theirs = libpcap.read(libpcap.library(), path).packets
    assert [(p.ts_ns, p.data, p.len) for p in packets] == theirs
    assert [pickle.loads(pickle.dumps(p)) for p in packets] == packets


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_what_a_handle_says_of_a_file_is_what_libpcap_says(layout: Layout, save: Callable) -> None:
    path = save(layout.file([]))
    theirs = libpcap.describe(libpcap.library(), path)
    with nmpcap.open_offline(path) as capture:
        ours = {name: int(getattr(capture, name)()) for name in theirs}
    assert ours == theirs


def test_other_ports_say_of_files_what_libpcap_says_of_them() -> None:
    with nmpcap.open_dead(1) as capture:
        assert not capture.is_swapped()
        assert (capture.major_version(), capture.minor_version(), capture.datalink_ext()) == (0, 0, 0)
        assert capture.damage == (0, 0)


def test_what_was_passed_over_is_counted(save: Callable) -> None:
    layout = Layout()
    records = [layout.record(Given(1_700_000_000 + i, i, bytes(50), 50)) for i in range(10)]
    records[4] = b"\xff" * 77
    with nmpcap.open_offline(save(layout.header() + b"".join(records)), salvage=True) as capture:
        assert len(list(capture)) == 9
        assert capture.damage == (1, 77)


def test_dpkt_reads_the_same(savefile: Path) -> None:
    with savefile.open("rb") as file, nmpcap.open_offline(savefile) as capture:
        theirs = [(round(ts * 10**6), data) for ts, data in dpkt.pcap.Reader(file)]
        assert [(p.ts_ns // 1000, p.data) for p in capture] == theirs


@pytest.mark.parametrize(
    "opener",
    [str, Path, lambda path: path.open("rb"), lambda path: io.BytesIO(path.read_bytes())],
    ids=["str", "Path", "file", "BytesIO"],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_paths_and_file_objects_compressed_or_not(savefile: Path, opener: Callable, compressed: bool) -> None:
    expected = by_libpcap(savefile)
    if compressed:
        savefile.write_bytes(gzip.compress(savefile.read_bytes()))
    given = opener(savefile)
    with nmpcap.open_offline(given) as capture:
        assert facts(list(capture)) == expected
    if hasattr(given, "close"):
        given.close()


def test_file_names_open_as_devices(savefile: Path) -> None:
    with nmpcap.open(f"file:{savefile}", timeout=1) as capture:
        assert facts(list(capture)) == by_libpcap(savefile)
        assert capture.datalink() == 1
        assert capture.explain().source == "savefile"


def test_dispatch_takes_the_file_to_its_end(savefile: Path) -> None:
    with nmpcap.open_offline(savefile) as capture:
        assert capture.dispatch(-1, id) == COUNT
        assert capture.dispatch(-1, id) == 0


def test_snaplen_cuts_what_a_file_gives(savefile: Path) -> None:
    with nmpcap.open_offline(savefile, snaplen=30) as capture:
        expected = [(ts, min(30, caplen), wire, data[:30]) for ts, caplen, wire, data in by_libpcap(savefile)]
        assert facts(list(capture)) == expected
        assert capture.snapshot() == 30


def test_what_was_readable_comes_before_the_damage(savefile: Path) -> None:
    expected = by_libpcap(savefile)
    cut = savefile.read_bytes()[:-1]
    savefile.write_bytes(cut)
    got: list[Packet] = []
    with nmpcap.open_offline(savefile) as capture:
        with pytest.raises(SavefileError, match="truncated dump file") as caught:
            capture.loop(-1, got.append)
        assert facts(got) == expected[:-1]
        assert str(savefile) in str(caught.value)
        assert caught.value.offset > 0
        assert capture.next() is None


def test_what_was_readable_comes_before_damage_of_the_compression(savefile: Path) -> None:
    expected = by_libpcap(savefile)
    savefile.write_bytes(gzip.compress(savefile.read_bytes())[:-5000])
    got: list[Packet] = []
    with nmpcap.open_offline(savefile) as capture, pytest.raises(SavefileError, match=str(savefile)):
        capture.loop(-1, got.append)
    assert 0 < len(got) < COUNT
    assert facts(got) == expected[: len(got)]


def test_the_interfaces_of_a_file(savefile: Path) -> None:
    with nmpcap.open_offline(savefile) as capture:
        capture.next()
        (interface,) = capture.interfaces
        assert interface.linktype == 1
    with pytest.raises(UsageError, match="closed"):
        _ = capture.interfaces


def test_a_file_cannot_be_waited_for_nor_sent_to(savefile: Path) -> None:
    with nmpcap.open_offline(io.BytesIO(savefile.read_bytes())) as capture:
        with pytest.raises(DeviceError, match="no descriptor"):
            capture.fileno()
        with pytest.raises(PcapError, match="Sending packets isn't supported on savefiles"):
            capture.inject(bytes(60))
        with pytest.raises(PcapError, match="Savefiles cannot be put into non-blocking mode"):
            capture.setnonblock(True)


@pytest.mark.parametrize("opener", [nmpcap.open_offline, lambda path: nmpcap.open(f"file:{path}")])
def test_what_is_no_savefile_is_an_error(opener: Callable, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="missing"):
        opener(tmp_path / "missing")
    with pytest.raises(PcapError, match=str(tmp_path)):
        opener(tmp_path)
    junk = tmp_path / "junk"
    junk.write_bytes(b"not a savefile at all, not a savefile at all")
    with pytest.raises(SavefileError, match="junk"):
        opener(junk)


def test_captured_packets_are_written_and_read_back(savefile: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcap"
    with nmpcap.open_offline(savefile) as capture, nmpcap.open_writer(copy, linktype=1, nano=True) as writer:
        for packet in capture:
            writer.write(packet)
    with nmpcap.open_offline(copy) as capture:
        assert facts(list(capture)) == by_libpcap(savefile)


# ---- a savefile as a device ----------------------------------------------------------------


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """Five packets, 60 ms from one to the next, and one stamped before them all."""
    path = tmp_path / "slow.pcap"
    with nmpcap.open_writer(path, nano=True) as writer:
        for i in (0, 1, 2, 3, 4, -9):
            writer.write(Packet(bytes(60), 10**18 + i * 60_000_000))
    return path


@pytest.mark.parametrize("speed", [1, 3])
def test_a_recording_plays_back_in_its_own_time(slow: Path, speed: float) -> None:
    def lateness() -> float:
        with nmpcap.open(f"file:{slow}", speed=speed) as capture:
            assert "played back" in capture.explain().backend
            begin = time.monotonic()
            came = [(time.monotonic() - begin) * speed for _ in capture]
        assert len(came) == 6
        late = [moment - due for moment, due in zip(came, (0, 0.06, 0.12, 0.18, 0.24, 0.24), strict=True)]
        assert min(late) > -0.002
        return max(late) / speed

    assert best(lateness, 0.01) < 0.01


def test_a_deadline_is_kept_between_played_back_packets(slow: Path) -> None:
    with nmpcap.open(f"file:{slow}", speed=0.001, timeout=0.05) as capture:
        assert capture.next() is not None
        begin = time.monotonic()
        assert capture.next() is None
        assert capture.dispatch(-1, id) == 0
        assert 0.1 <= time.monotonic() - begin < PROMPT
        capture.setnonblock(True)
        assert capture.next() is None


def test_breakloop_ends_the_wait_for_a_played_back_packet(slow: Path) -> None:
    with nmpcap.open(f"file:{slow}", speed=0.001) as capture:
        later = Later(0.05, capture.breakloop)
        begin = time.monotonic()
        assert capture.loop(-1, id) == 1
        assert time.monotonic() - begin < PROMPT
        later.join()


def test_playing_back_a_compressed_recording(slow: Path, tmp_path: Path) -> None:
    packed = tmp_path / "slow.pcap.gz"
    packed.write_bytes(gzip.compress(slow.read_bytes()))
    with nmpcap.open(f"file:{packed}", speed=1000) as capture:
        assert len(list(capture)) == 6


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_impossible_speeds_are_refused(slow: Path, speed: float) -> None:
    with pytest.raises(UsageError, match="speed"):
        nmpcap.open(f"file:{slow}", speed=speed)


def test_a_played_back_file_is_damaged_where_it_is(slow: Path) -> None:
    slow.write_bytes(slow.read_bytes()[:-1])
    with nmpcap.open(f"file:{slow}", speed=100) as capture:
        got: list[Packet] = []
        with pytest.raises(SavefileError, match="truncated dump file"):
            capture.loop(-1, got.append)
        assert len(got) == 5


@pytest.mark.parametrize("opened", [nmpcap.open_offline, lambda path: nmpcap.open(f"file:{path}")])
def test_no_deadline_ends_a_search_in_a_file(save: Callable[[bytes], Path], opened: Callable) -> None:
    header = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    refused = struct.pack("<IIII", 1, 0, 60, 60) + bytes(60)
    wanted = struct.pack("<IIII", 1, 0, 70, 70) + bytes(70)
    path = save(header + refused * 100_000 + wanted)
    with opened(path) as capture:
        capture.timeout = 0
        capture.setfilter("len > 65")
        packet = capture.next()
        assert packet
        assert packet.len == 70


@pytest.mark.parametrize("name", ["x.pcap", "x.pcapng.gz"])
def test_how_far_the_reading_has_come(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with nmpcap.open_writer(path) as writer:
        for i in range(50_000):
            writer.write(i.to_bytes(60, "big"))
    with nmpcap.open_offline(path) as capture:
        assert capture.size == path.stat().st_size
        assert capture.position < capture.size / 2
        seen = [capture.position for _ in capture.batches()]
        assert seen == sorted(seen)
        assert seen[-1] == capture.size
    with nmpcap.open_dead(1) as capture:
        assert (capture.position, capture.size) == (None, None)


def test_the_options_of_dump_open_are_named() -> None:
    names = inspect.signature(nmpcap.Capture.dump_open).parameters
    assert set(names) - {"self"} == set(inspect.signature(nmpcap.open_writer).parameters)
    with nmpcap.open_dead(1) as capture, pytest.raises(TypeError, match="unexpected keyword argument 'snap'"):
        capture.dump_open("x", snap=5)
