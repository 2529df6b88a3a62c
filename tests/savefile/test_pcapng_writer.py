"""pcapng, written: read back by libpcap, dpkt and Wireshark's tools, and by this project's reader."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nmpcap
from nmpcap import PcapError
from nmpcap.savefile import Option, Reader, Record, open_writer, pcapng, read_blocks

from . import libpcap
from .pcapfiles import NANO, Layout, some_packets
from .pcapngfiles import BIG, rich_file


def make_records(rng: random.Random, count: int) -> list[Record]:
    layout = Layout(magic=NANO)
    return [Record(layout.ts_ns(p), p.data, p.len, 0, 1, 0) for p in some_packets(rng, count, nano=True)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.pcapng"


@pytest.mark.parametrize("nano", [False, True])
def test_libpcap_reads_what_was_written(nano: bool, path: Path, rng: random.Random) -> None:
    records = make_records(rng, 500)
    with open_writer(path, nano=nano, snaplen=9000, options=pcapng.make_comments(["mine"])) as writer:
        writer.write_many(records)
        position = writer.position
    theirs = libpcap.read(libpcap.library(), path)
    unit = 1 if nano else 1000
    assert theirs.packets == [(r.ts_ns // unit * unit, r.data, r.len) for r in records]
    assert (theirs.linktype, theirs.snaplen, theirs.error) == (1, 9000, "")
    assert position == path.stat().st_size


def test_dpkt_reads_what_was_written(path: Path, rng: random.Random) -> None:
    records = make_records(rng, 100)
    with open_writer(path, nano=True) as writer:
        writer.write_many(records)
    with path.open("rb") as file:
        assert [data for _, data in dpkt.pcapng.Reader(file)] == [record.data for record in records]


def test_wireshark_reads_what_was_written(path: Path) -> None:
    if not shutil.which("tshark"):
        pytest.skip("no tshark; to run it: apt-get install tshark")
    with open_writer(path, nano=True) as writer:
        writer.describe_interface(0, 1, name="eth0", description="the first")
        writer.describe_interface(7, 12, name="tun0")
        writer.write(Record(1_234_567_890_123_456_789, bytes(60), 60, 0, 1, 1), comment="tagged")
        writer.write(Record(1_234_567_891_000_000_001, b"\x45" + bytes(19), 20, 7, 12, 0))
    fields = ("frame.time_epoch", "frame.len", "frame.interface_name", "frame.comment")
    command = ["tshark", "-r", path, "-T", "fields", *(part for field in fields for part in ("-e", field))]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0].rstrip("0") for row in rows] == ["1234567890.123456789", "1234567891.000000001"]
    assert [row[1:] for row in rows] == [["60", "eth0", "tagged"], ["20", "tun0", ""]]


records = st.builds(
    Record,
    st.sampled_from([0, 1, 2**32, 2**63 - 1]) | st.integers(0, 2**63 - 1),
    st.binary(max_size=300),
    st.sampled_from([0, 1, 2**31, 2**32 - 1]),
    st.integers(0, 3),
    st.sampled_from([1, 12, 113, 276]),
    st.just(0),
)


@given(st.lists(records))
def test_written_and_read_is_the_same(packets: list[Record]) -> None:
    file = io.BytesIO()
    with open_writer(file, nano=True, format="pcapng") as writer:
        writer.describe_interface()
        writer.write_many(packets)
    with Reader(io.BytesIO(file.getvalue())) as reader:
        found = list(reader)
        described = [interface.linktype for interface in reader.interfaces]
    assert [(r.ts_ns, r.data, r.len, r.linktype) for r in found] == [
        (p.ts_ns, p.data, p.len, p.linktype) for p in packets
    ]
    assert [described[r.interface] for r in found] == [r.linktype for r in found]
    pairs = {(p.interface, p.linktype) for p in packets} | {(0, 1)}
    assert len(described) == len(pairs)


def test_the_padding_is_zero(path: Path) -> None:
    with open_writer(path) as writer:
        for _ in range(10_000):  # over more than one block
            writer.write(b"\xff" * 33, ts_ns=0)
    for block in read_blocks(path):
        if block.is_packet:
            assert block.body[20 + 33 :] == bytes(3)


@pytest.mark.parametrize("comment", [None, "seen"])
@pytest.mark.parametrize("order", [None, BIG], ids=["own order", "big"])
def test_the_direction_is_kept(comment: str | None, order, path: Path) -> None:
    with open_writer(path) as writer:
        if order:
            writer.write_block(next(read_blocks(io.BytesIO(rich_file(order)))))
        for outgoing in (False, True):
            writer.write(nmpcap.Packet(b"packet", 0, outgoing=outgoing), comment=comment)
    with Reader(path) as reader:
        assert [(record.flags, record.outgoing) for record in reader] == [(0, False), (1, True)]
    packets = [block for block in read_blocks(path) if block.is_packet]
    assert [block.comments for block in packets] == [[comment] if comment else []] * 2


def test_a_pcap_file_holds_packets_without_their_direction(tmp_path: Path) -> None:
    with open_writer(tmp_path / "out.pcap") as writer:
        writer.write(nmpcap.Packet(b"packet", 0, outgoing=True))
    with Reader(tmp_path / "out.pcap") as reader:
        assert [(record.data, record.outgoing) for record in reader] == [(b"packet", False)]


def test_comments_and_options_are_kept(path: Path) -> None:
    own = Option(4, b"application")
    with open_writer(path, nano=False, options=[own, *pcapng.make_comments(["eins", "zwei"])]) as writer:
        number = writer.describe_interface(
            3, 1, 96, name="eth3", options=[Option(8, bytes(8)), Option(9, b"\6"), Option(14, bytes(8))]
        )
        writer.write(Record(0, b"x", 1, 3, 1, 0), comment="über")
    section, interface, packet = read_blocks(path)
    assert number == 0
    assert section.options == [own, Option(1, b"eins"), Option(1, b"zwei")]
    assert interface.options == [Option(8, bytes(8)), Option(2, b"eth3")]
    assert interface.fields("HHI") == (1, 0, 96)
    assert packet.comments == ["über"]


def test_interfaces_of_a_source_can_be_described_at_once(path: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.pcapng"
    source.write_bytes(rich_file(BIG))
    with Reader(source) as reader:
        packets = list(reader)
        with open_writer(path, nano=True) as writer:
            writer.describe_interfaces(reader.interfaces)
            writer.write_many(packets)
    with Reader(path) as copy:
        assert [(r.ts_ns, r.data, r.interface, r.linktype) for r in copy] == [
            (r.ts_ns, r.data, r.interface, r.linktype) for r in packets
        ]
        assert [(i.name, i.linktype, i.snaplen) for i in copy.interfaces] == [
            ("eth0", 1, 65535),
            ("tun0", 12, 0),
        ]


def test_times_before_1970_are_refused(path: Path) -> None:
    with open_writer(path) as writer, pytest.raises(PcapError, match="from 1970 on"):
        writer.write(b"x", ts_ns=-1)


def test_longer_packets_are_cut_to_the_snaplen(path: Path) -> None:
    with open_writer(path, snaplen=10) as writer:
        writer.write(b"0123456789abc", ts_ns=0)
    with Reader(path) as reader:
        assert [(r.data, r.len) for r in reader] == [(b"0123456789", 13)]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.pcapng", "pcapng"),
        ("a.ntar.gz", "pcapng"),
        ("a.pcapng.zst", "pcapng"),
        ("a.pcap", "pcap"),
        ("a", "pcap"),
    ],
)
def test_the_name_says_the_format(name: str, form: str, tmp_path: Path) -> None:
    with open_writer(tmp_path / name) as writer:
        assert writer.format == form
    with pytest.raises(PcapError, match="format 'erf' is not one of pcap, pcapng"):
        open_writer(tmp_path / name, format="erf")


def test_a_file_without_packets_can_be_opened_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcapng"
    open_writer(path, nmpcap.DLT_RAW, 1000).close()
    with Reader(path) as reader:
        assert [(each.linktype, each.snaplen) for each in reader.interfaces] == [(nmpcap.DLT_RAW, 1000)]
        assert list(reader) == []
    open_writer(path, append=True).close()
    with Reader(path) as reader:
        assert list(reader) == []
        assert [each.section for each in reader.interfaces] == [0, 1]
    with nmpcap.open_offline(path) as capture, capture.dump_open(tmp_path / "copy.pcapng"):
        pass
    with Reader(tmp_path / "copy.pcapng") as reader:
        assert len(reader.interfaces) == 1
