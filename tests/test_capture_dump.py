"""What a handle gives, written to savefiles: interfaces described, snaplen and precision kept."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nmpcap
from nmpcap import Packet, RotatingWriter, UsageError, Writer
from nmpcap.savefile import Reader, read_blocks

from .fake_source import fake_capture, packets
from .later import Later
from .network import Network, frame, read
from .savefile import libpcap
from .savefile.pcapfiles import NANO, Given, Layout, some_packets
from .savefile.pcapngfiles import BIG, LITTLE, rich_file
from .timing import PROMPT

DBUS = 231


def save_one_by_one(capture: nmpcap.Capture, writer: Writer) -> None:
    for packet in capture:
        writer.write(packet)


def save_batches(capture: nmpcap.Capture, writer: Writer) -> None:
    for batch in capture.batches(2):
        writer.write_many(batch)


WAYS = {"dump": lambda c, w: c.dump(w), "write": save_one_by_one, "write_many": save_batches}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Callable[[nmpcap.Capture, Writer], object]:
    return WAYS[request.param]


def facts(path: Path) -> tuple[list[tuple], list[tuple]]:
    with Reader(path) as reader:
        found = [(r.ts_ns, r.data, r.len, r.interface, r.linktype, r.flags) for r in reader]
        return found, [(i.name, i.description, i.filter, i.linktype, i.snaplen) for i in reader.interfaces]


# ---- interfaces of a pcapng file -------------------------------------------------------


def test_a_port_is_described_by_its_name_and_filter(way: Callable, tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    capture, _ = fake_capture(name="vale7:ä", available=10, end_at=10, snaplen=96)
    capture.setfilter("greater 1")
    with capture.dump_open(path) as writer:
        way(capture, writer)
    found, interfaces = facts(path)
    assert interfaces[0] == ("vale7:ä", None, "greater 1", 1, 96)
    assert [packet[0] for packet in found] == [p.ts_ns for p in packets(10)]
    with Reader(path) as reader:
        assert reader.interfaces[0].ts_units == 10**9


def test_tshark_sees_the_interface(tmp_path: Path) -> None:
    if not shutil.which("tshark"):
        pytest.skip("no tshark; to run it: apt-get install tshark")
    path = tmp_path / "a.pcapng"
    with nmpcap.open_dead(1, 128) as dead, dead.dump_open(path) as writer:
        writer.write(Packet(bytes(60), 1_234_567_890_123_456_789))
    command = ["tshark", "-r", path, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.time_epoch"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert out.split() == ["open_dead", "1234567890.123456789"]


def test_interfaces_of_a_file_are_kept_with_all_that_is_said_of_them(
    way: Callable, save: Callable, tmp_path: Path
) -> None:
    # The second section's interfaces are met only after packets of the first.
    path, copy = save(rich_file(LITTLE) + rich_file(BIG)), tmp_path / "copy.pcapng"
    with nmpcap.open_offline(path) as capture, capture.dump_open(copy) as writer:
        way(capture, writer)
    assert facts(copy) == facts(path)
    kept = {1, 2, 3, 11}  # not the resolution and offset, which are the writer's own
    for block in read_blocks(copy):
        if block.type == 1:
            assert {option.code for option in block.options} <= kept | {9}
    originals = [b for b in read_blocks(path) if b.type == 1]
    copies = [b for b in read_blocks(copy) if b.type == 1]
    assert [b.comments for b in copies] == [b.comments for b in originals]


def test_each_of_a_row_of_files_describes_its_interfaces(save: Callable, tmp_path: Path) -> None:
    with (
        nmpcap.open_offline(save(rich_file(LITTLE))) as capture,
        RotatingWriter(str(tmp_path / "{number}.pcapng"), max_packets=1, nano=True) as writer,
    ):
        assert capture.dump(writer) == 4
    for path in writer.files:
        assert [interface[0] for interface in facts(path)[1]] == ["eth0", "tun0"]


def test_an_interface_cut_by_the_handle_says_so(save: Callable, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcapng"
    path = save(rich_file(LITTLE))
    with nmpcap.open_offline(path, snaplen=4) as capture, capture.dump_open(copy) as writer:
        capture.dump(writer)
    found, interfaces = facts(copy)
    assert [interface[4] for interface in interfaces] == [4, 4]
    assert {len(packet[1]) for packet in found} == {4}


def test_what_was_described_by_hand_stays(way: Callable, tmp_path: Path) -> None:
    capture, _ = fake_capture(available=3, end_at=3)
    with capture.dump_open(tmp_path / "a.pcapng") as writer:
        writer.describe_interface(name="mine")
        way(capture, writer)
    assert [interface[0] for interface in facts(tmp_path / "a.pcapng")[1]][:1] == ["mine"]
    assert "fake:0" not in [interface[0] for interface in facts(tmp_path / "a.pcapng")[1]]


def test_packets_may_be_written_after_the_handle_is_closed(save: Callable, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcapng"
    with nmpcap.open_offline(save(rich_file(LITTLE))) as capture:
        writer = capture.dump_open(copy)
        got = list(capture)
    with writer:
        writer.write_many(got)
    assert [packet[1] for packet in facts(copy)[0]] == [packet.data for packet in got]
    assert [interface[3] for interface in facts(copy)[1]] == [1, 12]


def test_another_thread_may_write_what_this_one_waits_for(tmp_path: Path) -> None:
    capture, port = fake_capture(available=1)
    first = capture.next()
    with capture.dump_open(tmp_path / "a.pcapng") as writer:
        reader = threading.Thread(target=lambda: capture.next(timeout=10))
        reader.start()
        while port.control.waits == 0:
            pass
        writer.write(first)
        port.push(1)
        reader.join()
    assert facts(tmp_path / "a.pcapng")[1][0][0] == "fake:0"


def test_an_interface_of_the_system_is_described(network: Network, tmp_path: Path) -> None:
    one, other = network.veth()
    path = tmp_path / "a.pcapng"
    with nmpcap.open(one, snaplen=100, timeout=5) as capture, network.raw(other) as sender:
        capture.setfilter("ether proto 0x88b5")
        sender.send(frame(1))
        with capture.dump_open(path) as writer:
            assert capture.dump(writer, 1) == 1
    assert facts(path)[1] == [(one, None, "ether proto 0x88b5", 1, 100)]


def test_each_interface_of_any_is_described(network: Network, tmp_path: Path) -> None:
    one, other = network.veth()
    path = tmp_path / "a.pcapng"
    with nmpcap.open("any", timeout=5) as capture, network.raw(other) as sender:
        sender.send(frame(1))
        with capture.dump_open(path) as writer:
            seen = read(capture, 2)
            writer.write_many(seen)
        names = [interface.name for interface in capture.interfaces]
    found, interfaces = facts(path)
    assert {interfaces[packet[3]][0] for packet in found} >= {one, other}
    assert [interfaces[packet[3]][0] for packet in found] == [names[packet.interface] for packet in seen]


def test_packets_reach_the_file_in_time_while_no_others_come(tmp_path: Path) -> None:
    capture, port = fake_capture(available=3)
    path = tmp_path / "a.pcap"
    with capture.dump_open(path, flush_after=0.05) as writer:
        dumping = Later(0, lambda: capture.dump(writer))
        until = time.monotonic() + PROMPT
        while not path.exists() or path.stat().st_size < 24 + 3 * 76:
            assert time.monotonic() < until
            time.sleep(0.005)
        capture.breakloop()
        dumping.join()
        assert port.control.violations == 0
    assert len(facts(path)[0]) == 3


def test_a_period_ends_in_time_while_no_packets_come(tmp_path: Path) -> None:
    capture, _ = fake_capture(available=3)
    writer = RotatingWriter(str(tmp_path / "{number}.pcap"), max_seconds=1, background=False)
    dumping = Later(0, lambda: capture.dump(writer))
    until = time.monotonic() + 1 + PROMPT
    while not writer.files:
        assert time.monotonic() < until
        time.sleep(0.01)
    capture.breakloop()
    dumping.join()
    writer.close()
    assert sum(len(facts(path)[0]) for path in writer.files) == 3


# ---- snaplen, precision, append --------------------------------------------------------


@pytest.mark.parametrize("precision", ["micro", "nano"])
def test_libpcap_reads_a_dump_in_the_precision_asked_for(
    precision: str, save: Callable, tmp_path: Path, rng: random.Random
) -> None:
    layout, copy = Layout(magic=NANO, snaplen=2000), tmp_path / "copy.pcap"
    path = save(layout.file(some_packets(rng, 100, nano=True)))
    with nmpcap.open_offline(path, tstamp_precision=precision) as capture:
        assert capture.get_tstamp_precision() == (precision == "nano")
        with capture.dump_open(copy) as writer:
            capture.dump(writer)
    pcap, unit = libpcap.library(), 1 if precision == "nano" else 1000
    original, theirs = libpcap.read(pcap, path), libpcap.read(pcap, copy)
    assert theirs.packets == [(ts // unit * unit, data, length) for ts, data, length in original.packets]
    assert (theirs.snaplen, theirs.linktype) == (2000, 1)
    assert copy.read_bytes()[:4] == {"nano": b"\x4d\x3c\xb2\xa1", "micro": b"\xd4\xc3\xb2\xa1"}[precision]


def test_other_precisions_are_refused(tmp_path: Path) -> None:
    for opener in (
        lambda: nmpcap.open_dead(1, tstamp_precision="pico"),
        lambda: nmpcap.open_offline(tmp_path, tstamp_precision="pico"),
        lambda: nmpcap.open("vale0:a", tstamp_precision="pico"),
        lambda: nmpcap.create("vale0:a").set_tstamp_precision("pico"),
    ):
        with pytest.raises(UsageError, match="precision 'pico': there are micro and nano"):
            opener()


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_a_dump_goes_on_in_its_file(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{form}"
    for _ in range(2):
        capture, _ = fake_capture(available=3, end_at=3)
        with capture.dump_open_append(path) as writer:
            capture.dump(writer)
    assert [packet[0] for packet in facts(path)[0]] == [p.ts_ns for p in packets(3)] * 2
    if form == "pcapng":
        assert [interface[0] for interface in facts(path)[1]].count("fake:0") == 2


@pytest.mark.parametrize("size", [262144, 262145, 1 << 20])
def test_packets_of_link_types_without_a_limit_are_not_cut(size: int, save: Callable, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcap"
    path = save(Layout(linktype=DBUS, snaplen=0).file([Given(1, 2, bytes(size), size)]))
    with nmpcap.open_offline(path) as capture, capture.dump_open(copy) as writer:
        capture.dump(writer)
    theirs = libpcap.read(libpcap.library(), path)
    assert [len(data) for _, data, _ in theirs.packets] == [size]
    assert libpcap.read(libpcap.library(), copy) == theirs


def test_a_pcap_file_made_of_pcapng_tells_the_interfaces_own_snaplen(tmp_path: Path) -> None:
    source, copy = tmp_path / "in.pcapng", tmp_path / "out.pcap"
    source.write_bytes(
        LITTLE.section() + LITTLE.interface(snaplen=96) + LITTLE.packet(bytes(96), 1_000_000, length=1500)
    )
    for append in (False, True):
        with nmpcap.open_offline(source) as capture, capture.dump_open(copy, append=append) as writer:
            assert capture.dump(writer) == 1
    theirs = libpcap.read(libpcap.library(), copy)
    assert (theirs.snaplen, len(theirs.packets), theirs.error) == (96, 2, "")


def test_a_longer_packet_of_another_interface_is_refused_and_not_cut(tmp_path: Path) -> None:
    source, copy = tmp_path / "in.pcapng", tmp_path / "out.pcap"
    interfaces = LITTLE.interface(snaplen=96) + LITTLE.interface(snaplen=200)
    source.write_bytes(
        LITTLE.section() + interfaces + LITTLE.packet(bytes(96)) + LITTLE.packet(bytes(97), interface=1)
    )
    with nmpcap.open_offline(source) as capture, capture.dump_open(copy) as writer:
        with pytest.raises(UsageError, match="97 bytes is longer than the snapshot length of 96"):
            capture.dump(writer)
        assert writer.packets == 1
    with nmpcap.open_offline(source) as capture, capture.dump_open(copy, snaplen=200) as writer:
        assert capture.dump(writer) == 2
    assert [len(record.data) for record in Reader(copy)] == [96, 97]
