"""Classic pcap, written: read back by others, and no packet lost silently when writing fails."""

from __future__ import annotations

import errno
import gc
import io
import os
import random
import select
import signal
import struct
import threading
import time
from array import array
from pathlib import Path
from typing import NamedTuple

import dpkt
import pcapy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmpcap import DeviceError, PcapError, UsageError
from nmpcap._core import ffi, lib
from nmpcap.savefile import Option, Reader, Record, Writer, open_writer

from . import libpcap
from .pcapfiles import NANO, Layout, some_packets

NO_SPACE = "/dev/full"


class Packet(NamedTuple):
    """The least a packet has to have."""

    ts_ns: int
    data: bytes
    len: int


def make_packets(rng: random.Random, count: int) -> list[Packet]:
    return [Packet(Layout(magic=NANO).ts_ns(p), p.data, p.len) for p in some_packets(rng, count, nano=True)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.pcap"


# ---- read back ------------------------------------------------------------------------


@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("linktype", [1, 12, 113, 147])
def test_libpcap_reads_what_was_written(nano: bool, linktype: int, path: Path, rng: random.Random) -> None:
    packets = make_packets(rng, 500)
    with open_writer(path, linktype=linktype, snaplen=9000, nano=nano) as writer:
        assert writer.write_many(packets) == writer.packets == 500
        assert writer.position == 24 + sum(16 + len(packet.data) for packet in packets)
    theirs = libpcap.read(libpcap.library(), path)
    unit = 1 if nano else 1000
    assert theirs.packets == [(p.ts_ns // unit * unit, p.data, p.len) for p in packets]
    assert (theirs.linktype, theirs.snaplen, theirs.error) == (linktype, 9000, "")
    assert path.stat().st_size == 24 + sum(16 + len(packet.data) for packet in packets)


def test_pcapy_reads_what_was_written(path: Path, rng: random.Random) -> None:
    packets = make_packets(rng, 100)
    with open_writer(path) as writer:
        writer.write_many(packets)
    peer = pcapy.open_offline(str(path))
    theirs = []
    while (packet := peer.next())[0] is not None:
        theirs.append((*packet[0].getts(), packet[1], packet[0].getlen()))
    assert theirs == [(p.ts_ns // 10**9, p.ts_ns % 10**9 // 1000, p.data, p.len) for p in packets]


@pytest.mark.parametrize("nano", [False, True])
def test_dpkt_reads_what_was_written(nano: bool, path: Path, rng: random.Random) -> None:
    packets = make_packets(rng, 100)
    with open_writer(path, nano=nano) as writer:
        writer.write_many(packets)
    with path.open("rb") as file:
        assert [data for _, data in dpkt.pcap.Reader(file)] == [packet.data for packet in packets]


def test_a_file_is_what_pcapy_writes_of_it(tmp_path: Path, rng: random.Random) -> None:
    source, theirs, ours = tmp_path / "in", tmp_path / "theirs", tmp_path / "ours"
    source.write_bytes(Layout().file(some_packets(rng, 300)))
    peer = pcapy.open_offline(str(source))
    dumper = peer.dump_open(str(theirs))
    while (packet := peer.next())[0] is not None:
        dumper.dump(*packet)
    dumper.close()
    with Reader(source) as reader, open_writer(ours, snaplen=reader.snaplen, nano=False) as writer:
        writer.write_many(reader)
    assert ours.read_bytes() == theirs.read_bytes()


@given(
    st.lists(
        st.builds(
            Packet,
            st.sampled_from([0, 1, 999, 10**9 - 1, 2**31 * 10**9, 2**32 * 10**9 - 1])
            | st.integers(0, 2**32 * 10**9 - 1),
            st.binary(max_size=300),
            st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 1]),
        )
    )
)
def test_written_and_read_is_the_same(packets: list[Packet]) -> None:
    file = io.BytesIO()
    with open_writer(file, nano=True) as writer:
        writer.write_many(packets)
    with Reader(io.BytesIO(file.getvalue())) as reader:
        assert [(r.ts_ns, r.data, r.len) for r in reader] == packets


# ---- what write takes -----------------------------------------------------------------


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_a_packet_of_now(kind, path: Path) -> None:
    before = time.time_ns()
    with open_writer(path, nano=True) as writer:
        writer.write(kind(b"packet"))
        writer.write(kind(b"packet"), ts_ns=5, len=60)
    with Reader(path) as reader:
        first, second = reader
    assert before <= first.ts_ns <= time.time_ns()
    assert (first.data, first.len) == (b"packet", 6)
    assert (second.ts_ns, second.data, second.len) == (5, b"packet", 60)


def test_longer_packets_are_cut_to_the_snaplen(path: Path) -> None:
    with open_writer(path, snaplen=10) as writer:
        writer.write(b"0123456789abc", ts_ns=0)
        assert writer.snaplen == 10
    with Reader(path) as reader:
        assert [(r.data, r.len) for r in reader] == [(b"0123456789", 13)]


@pytest.mark.parametrize("size", [256 * 1024 - 41, 256 * 1024 - 40, 256 * 1024 - 39, 262144])
def test_packets_about_as_large_as_the_buffer(size: int, path: Path) -> None:
    with open_writer(path) as writer:
        for _ in range(3):
            writer.write(bytes(size), ts_ns=0)
            writer.write(b"small", ts_ns=0)
    with Reader(path) as reader:
        assert [len(r.data) for r in reader] == [size, 5] * 3


@pytest.mark.parametrize("ts_ns", [-1, 2**32 * 10**9])
def test_a_time_that_the_format_cannot_hold_is_refused(ts_ns: int, path: Path) -> None:
    with open_writer(path) as writer:
        with pytest.raises(PcapError, match="from 1970 to 2106"):
            writer.write(b"packet", ts_ns=ts_ns)
        assert writer.packets == 0


def test_a_packet_of_another_link_type_is_refused(path: Path) -> None:
    with open_writer(path, linktype=1) as writer:
        with pytest.raises(
            PcapError, match=r"out\.pcap: a packet of link type 113 does not fit .* link type 1;"
        ):
            writer.write(Record(0, b"x", 1, 0, 113, 0))
        assert writer.packets == 0


def test_a_link_type_without_a_number_in_files_is_refused(path: Path) -> None:
    with pytest.raises(PcapError, match=r"out\.pcap: link-layer type 18 isn't supported in savefiles"):
        open_writer(path, linktype=18)


def test_views_are_written_as_they_lie(tmp_path: Path, rng: random.Random) -> None:
    source, copy = tmp_path / "in", tmp_path / "copy"
    source.write_bytes(Layout().file(some_packets(rng, 1000)))
    views = ffi.new("struct nm_view[64]")
    with Reader(source) as reader, open_writer(copy, snaplen=reader.snaplen, nano=False) as writer:
        while (count := lib.nm_savefile_fill(reader.source, views, 64)) > 0:
            writer.write_views(views, count)
    assert copy.read_bytes() == source.read_bytes()


class Columns:
    """Packets as a batch has them."""

    def __init__(self, packets: list[Packet], linktype: int = 1) -> None:
        self.data = b"".join(packet.data for packet in packets)
        caplens = [len(packet.data) for packet in packets]
        self.ts_ns = array("q", [packet.ts_ns for packet in packets])
        self.offsets = array("q", [sum(caplens[:i]) for i in range(len(packets))])
        self.caplens = array("I", caplens)
        self.lens = array("I", [packet.len for packet in packets])
        self.interfaces = array("I", bytes(4 * len(packets)))
        self.linktypes = array("H", [linktype] * len(packets))
        self.flags = array("H", bytes(2 * len(packets)))


@pytest.mark.parametrize("target", ["file", "file object"])
def test_a_batch_is_written_as_its_packets_would_be(target: str, tmp_path: Path, rng: random.Random) -> None:
    packets = make_packets(rng, 1000)
    one, many = tmp_path / "one", tmp_path / "many"
    with open_writer(one) as writer:
        writer.write_many(packets)
    with many.open("wb") as file, open_writer(many if target == "file" else file) as writer:
        assert writer.write_many(Columns(packets)) == 1000
        assert writer.write_many(Columns([])) == 0
    assert many.read_bytes() == one.read_bytes()


@pytest.mark.parametrize(("offset", "caplen"), [(-1, 1), (0, 7), (6, 1), (7, 0), (2**62, 1), (3, 2**32 - 1)])
def test_a_batch_that_reaches_outside_its_data_is_refused(offset: int, caplen: int, path: Path) -> None:
    batch = Columns([Packet(0, b"packet", 6), Packet(1, b"", 0)])
    batch.offsets[1], batch.caplens[1] = offset, caplen
    with open_writer(path) as writer:
        with pytest.raises(PcapError, match="packet 1 of the batch lies outside its data"):
            writer.write_many(batch)
        assert writer.packets == 1


def test_a_batch_of_unequal_columns_is_refused(path: Path) -> None:
    batch = Columns([Packet(0, b"packet", 6)])
    batch.lens.append(1)
    with (
        open_writer(path) as writer,
        pytest.raises(ValueError, match=r"columns of different lengths: \[1, 2\]"),
    ):
        writer.write_many(batch)


@pytest.mark.parametrize(
    "arguments",
    [
        {"linktype": 18},
        {"snaplen": -1},
        {"format": "erf"},
        {"compression": "rar"},
        {"options": [Option(0, b"")]},
        {"linktype": 1 << 20},
    ],
    ids=str,
)
def test_a_refused_writer_leaves_the_file_as_it_is(arguments: dict[str, object], path: Path) -> None:
    path.write_bytes(b"precious")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(ValueError, match=r"."):
        open_writer(path, **arguments)
    assert path.read_bytes() == b"precious"
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize(("ts_ns", "length"), [(2**63, 1), (-(2**63) - 1, 1), (0, -1), (0, 2**32)])
def test_numbers_that_no_file_holds_are_refused(ts_ns: int, length: int, path: Path) -> None:
    with open_writer(path) as writer:
        with pytest.raises(UsageError, match=r"out\.pcap: "):
            writer.write(b"packet", ts_ns=ts_ns, len=length)
        assert writer.packets == 0


# ---- where the bytes go ---------------------------------------------------------------


def test_a_file_object_is_flushed_and_left_open(rng: random.Random) -> None:
    file, packets = io.BytesIO(), make_packets(rng, 1000)
    with open_writer(file, nano=True) as writer:
        writer.write_many(packets)
        writer.flush()
        assert len(file.getvalue()) == writer.position
    assert not file.closed


def test_a_pipe_gets_packets_when_they_are_flushed() -> None:
    out, into = os.pipe()
    try:
        with open_writer(into) as writer:
            writer.write(b"packet", ts_ns=0)
            writer.flush()
            assert os.read(out, 1000)[24 + 16 :] == b"packet"
            writer.write(b"more", ts_ns=0)
        assert os.read(out, 1000)[16:] == b"more"
    finally:
        os.close(out)
        os.close(into)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_packets_go_out_as_late_as_allowed(compression: str | None, path: Path) -> None:
    for flush_after, written in ((None, False), (0, True), (3600, False)):
        with open_writer(path, compression=compression, flush_after=flush_after) as writer:
            writer.write(b"packet", ts_ns=0)
            size = path.stat().st_size
            assert (size > 0) is written
            assert size == writer.position or compression or not written


def test_packets_go_out_in_time_without_another(path: Path) -> None:
    with open_writer(path, flush_after=0.05) as writer:
        writer.write(b"packet", ts_ns=0)
        time.sleep(0.06)
        writer.flush_if_due()
        assert path.stat().st_size == writer.position


def test_standard_output_is_called_minus(run_python) -> None:
    program = (
        "from nmpcap.savefile import open_writer\nwith open_writer('-') as w: w.write(b'packet', ts_ns=0)"
    )
    out = run_python("-c", program, encoding="latin-1").stdout
    assert out.encode("latin-1")[24 + 16 :] == b"packet"


def test_a_file_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="missing/out: No such file or directory"):
        open_writer(tmp_path / "missing" / "out")
    with pytest.raises(DeviceError, match="Is a directory"):
        open_writer(tmp_path)


def test_a_closed_writer_says_so(path: Path) -> None:
    writer = open_writer(path)
    writer.close()
    writer.close()
    for use in (lambda: writer.write(b"x"), writer.flush, lambda: writer.packets):
        with pytest.raises(PcapError, match=r"out\.pcap: the writer is closed"):
            use()


def test_a_second_thread_is_refused_and_harms_nothing() -> None:
    out, into = os.pipe()
    writer = open_writer(into)
    caught: list[BaseException] = []

    def write_until_the_pipe_is_full() -> None:
        try:
            for number in range(1000):
                writer.write(number.to_bytes(1000, "big"), ts_ns=0)
            writer.flush()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=write_until_the_pipe_is_full)
    thread.start()
    wait_until_full(into)
    for use in (lambda: writer.write(b"x"), writer.flush, writer.close):
        with pytest.raises(UsageError, match="another thread is writing this savefile"):
            use()
    os.close(into)
    with Reader(out) as reader:
        records = iter(reader)
        assert [int.from_bytes(next(records).data, "big") for _ in range(1000)] == list(range(1000))
        thread.join()
        writer.close()
        assert list(records) == []
    os.close(out)
    assert caught == []


def wait_until_full(pipe: int) -> None:
    deadline = time.monotonic() + 20
    while select.select([], [pipe], [], 0)[1] and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_writer_that_is_forgotten_writes_what_it_has_and_says_so(path: Path) -> None:
    def forget() -> None:
        open_writer(path).write(b"packet", ts_ns=0)
        gc.collect()

    with pytest.warns(ResourceWarning, match=r"out\.pcap was not closed"):
        forget()
    with Reader(path) as reader:
        assert [record.data for record in reader] == [b"packet"]


# ---- when writing fails ---------------------------------------------------------------


def test_a_full_disk_is_told_by_the_call_that_meets_it() -> None:
    with open(NO_SPACE, "wb", buffering=0) as full:
        writer = open_writer(full.fileno())
        writer.write(b"packet", ts_ns=0)
        with pytest.raises(
            DeviceError, match=r"error writing dump file: No space left .* \(at byte 0, 46 bytes"
        ) as caught:
            writer.flush()
        assert caught.value.errno == errno.ENOSPC
        with pytest.raises(DeviceError, match="closed without the last 1 packets"):
            writer.close()


def test_a_packet_that_finds_no_room_is_not_taken_and_the_others_are_kept(tmp_path: Path) -> None:
    """A disk that is full for a while: every packet that was taken arrives, none twice."""
    out, into = os.pipe()
    os.set_blocking(into, False)
    file = os.fdopen(into, "wb", buffering=0)
    writer = open_writer(file)
    sent, got, refusals = 0, bytearray(), set()
    while sent < 2000:
        try:
            writer.write(struct.pack("<I", sent) + bytes(1000), ts_ns=0)
            sent += 1
        except DeviceError as error:
            refusals.add((error.errno, writer.packets - sent))
            got += os.read(out, 1 << 20)
    assert refusals == {(errno.EAGAIN, 0)}

    def drain() -> None:
        while block := os.read(out, 1 << 20):
            got.extend(block)

    drainer = threading.Thread(target=drain)
    os.set_blocking(into, True)
    drainer.start()
    writer.close()
    file.close()
    drainer.join()
    os.close(out)
    with Reader(io.BytesIO(bytes(got))) as reader:
        assert [struct.unpack("<I", r.data[:4])[0] for r in reader] == list(range(2000))


def test_what_is_kept_for_a_file_that_takes_nothing_is_bounded() -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    writer, refused, kinds = open_writer(Full()), 0, set()
    for _ in range(5000):
        try:
            writer.write(bytes(1000), ts_ns=0)
        except OSError as error:
            kinds.add(type(error))
            refused += 1
    assert kinds == {OSError}  # the file object's own, as they were
    assert writer.packets == 5000 - refused
    assert writer.packets * 1016 < 3 * 256 * 1024
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
        writer.close()


LIMITED = """
import os, resource, signal, sys
from nmpcap import DeviceError
from nmpcap.savefile import open_writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, resource.RLIM_INFINITY))
writer = open_writer(sys.argv[1])
taken = 0
try:
    for taken in range(10_000):
        writer.write(bytes(1000), ts_ns=taken * 1000)
except DeviceError as error:
    print(error.errno, taken, writer.packets)
if sys.argv[2] == "again":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try:
    writer.close()
except DeviceError as error:
    print(error)
"""


def test_a_file_that_may_not_grow_ends_at_a_whole_packet(path: Path, run_python) -> None:
    first, second = run_python("-c", LIMITED, path, "never").stdout.splitlines()
    number, taken, packets = map(int, first.split())
    assert (number, taken) == (errno.EFBIG, packets)
    assert path.stat().st_size <= 700_000
    with Reader(path) as reader:
        found = [record.ts_ns // 1000 for record in reader]
    assert found == list(range(len(found)))
    assert f"closed without the last {packets - len(found)} packets" in second
    assert 700_000 - path.stat().st_size < 1016


def test_what_could_not_be_written_is_written_when_there_is_room(path: Path, run_python) -> None:
    _, _, packets = map(int, run_python("-c", LIMITED, path, "again").stdout.split())
    with Reader(path) as reader:
        assert [record.ts_ns // 1000 for record in reader] == list(range(packets))


def test_a_reader_that_goes_away_is_an_error(rng: random.Random) -> None:
    out, into = os.pipe()
    os.close(out)
    writer = open_writer(into)
    os.close(into)
    with pytest.raises(DeviceError) as caught:
        writer.write_many(make_packets(rng, 2000))
    assert caught.value.errno == errno.EPIPE
    with pytest.raises(DeviceError):
        writer.close()


def test_a_signal_ends_a_write_that_waits(rng: random.Random) -> None:
    class Alarm(Exception):
        pass

    def ring(*_: object) -> None:
        raise Alarm

    out, into = os.pipe()
    writer = open_writer(into)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Alarm):
            writer.write_many(make_packets(rng, 2000))
    finally:
        signal.signal(signal.SIGALRM, before)
        os.close(out)
        os.close(into)
        with pytest.raises(DeviceError):
            writer.close()


# ---- manners ------------------------------------------------------------------------------


def test_nanoseconds_are_kept_unless_told_otherwise(tmp_path: Path) -> None:
    for options, kept in (({}, 1_234_567_891), ({"nano": False}, 1_234_567_000)):
        with open_writer(tmp_path / "out", **options) as writer:
            writer.write(b"x", ts_ns=1_234_567_891)
        with Reader(tmp_path / "out") as reader:
            assert [record.ts_ns for record in reader] == [kept]


def test_repr_names_the_file(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.pcapng", 113)
    assert repr(writer) == f"<Writer {tmp_path}/a.pcapng, pcapng, link type 113>"
    writer.close()
    assert repr(writer) == f"<Writer {tmp_path}/a.pcapng, closed>"


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"linktype": "EN10MB"}, TypeError, "linktype must be an int, not str"),
        ({"linktype": 1 << 16}, UsageError, "linktype 65536: 0 .. 65535"),
        ({"snaplen": "96"}, TypeError, "snaplen must be an int, not str"),
        ({"snaplen": -1}, UsageError, "snaplen -1: 0"),
        ({"flush_after": "1"}, TypeError, "flush_after must be seconds, not str"),
        ({"flush_after": -1}, UsageError, "flush_after -1: seconds from 0 up"),
        ({"flush_after": float("nan")}, UsageError, "flush_after nan"),
        ({"max_bytes": "1M"}, TypeError, "max_bytes must be an int, not str"),
        ({"max_packets": -1}, UsageError, "max_packets -1: 0"),
    ],
)
def test_an_argument_of_a_wrong_kind_is_named(
    arguments: dict, kind: type[Exception], says: str, path: Path
) -> None:
    with pytest.raises(kind, match=says):
        Writer(path, **arguments)
    assert not path.exists()


@pytest.mark.parametrize("packet", ["abc", 5, None])
def test_what_is_no_packet_is_named(packet: object, path: Path) -> None:
    with open_writer(path) as writer:
        says = f"{path}: a packet must be a Packet or its bytes, not {type(packet).__name__}"
        with pytest.raises(TypeError, match=says):
            writer.write(packet)
        assert writer.packets == 0
