"""What the writers wrote, read by programs that others wrote: tcpdump, Wireshark's, scapy."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

import nmpcap
from nmpcap import Packet
from nmpcap.savefile import Option, Reader, open_writer, pcapng, read_blocks

from .pcapfiles import NANO, Layout, some_packets

COUNT = 200
KEY_LOG = 0x544C534B
COUNTERS = [Option(4, (COUNT).to_bytes(8, "little")), Option(5, (7).to_bytes(8, "little"))]


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}; to run it: apt-get install {package}")
    return found


def run(*command: str | Path) -> bytes:
    return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout


@pytest.fixture
def packets(rng: random.Random) -> list[Packet]:
    layout = Layout(magic=NANO)
    return [
        Packet(p.data, layout.ts_ns(p), p.len, outgoing=bool(rng.randrange(2)))
        for p in some_packets(rng, COUNT, nano=True)
    ]


@pytest.fixture(params=["pcap", "pcapng"])
def plain(request: pytest.FixtureRequest, tmp_path: Path, packets: list[Packet]) -> Path:
    path = tmp_path / f"out.{request.param}"
    with open_writer(path, nano=True, snaplen=9000) as writer:
        writer.write_many(packets)
    return path


@pytest.fixture
def rich(tmp_path: Path, packets: list[Packet]) -> Path:
    """A pcapng file with a block of every kind that the writer makes."""
    path = tmp_path / "rich.pcapng"
    with open_writer(
        path, nano=True, options=[Option(4, b"a test"), *pcapng.make_comments(["whole"])]
    ) as writer:
        writer.describe_interface(0, name="eth0", description="die erste", options=[Option(11, b"\0tcp")])
        writer.write_block(pcapng.make_name_resolution([("192.0.2.1", ["host.example"])]))
        writer.write_block(pcapng.make_secrets(KEY_LOG, b"CLIENT_RANDOM 00 00\n"))
        for number, packet in enumerate(packets):
            writer.write(packet, comment=f"number {number}")
        writer.write_block(pcapng.make_statistics(0, packets[-1].ts_ns, COUNTERS))
        writer.write_block(pcapng.make_custom(32473, b"ours"))
    return path


def test_tcpdump_writes_the_same_file_again(plain: Path) -> None:
    tcpdump = program("tcpdump", "tcpdump")
    copy = plain.with_name("copy.pcap")
    run(tcpdump, "-r", plain, "-w", copy, "--time-stamp-precision=nano")
    if plain.suffix == ".pcap":
        assert copy.read_bytes() == plain.read_bytes()
    with Reader(plain) as ours, Reader(copy) as theirs:
        assert [r[:3] for r in theirs] == [r[:3] for r in ours]
        assert (theirs.linktype, theirs.snaplen) == (ours.linktype, ours.snaplen)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst", ".lz4"])
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_tshark_sees_every_packet(form: str, suffix: str, tmp_path: Path, packets: list[Packet]) -> None:
    tshark = program("tshark", "tshark")
    path = tmp_path / f"out.{form}{suffix}"
    with open_writer(path, nano=True) as writer:
        writer.write_many(packets)
    fields = ("frame.time_epoch", "frame.len", "frame.cap_len")
    out = run(tshark, "-r", path, "-T", "fields", *(part for field in fields for part in ("-e", field)))
    rows = [line.split("\t") for line in out.decode().splitlines()]
    seen = [(int(row[0].replace(".", "")), int(row[1]), int(row[2])) for row in rows]
    assert seen == [(p.ts_ns, p.len, p.caplen) for p in packets]


def test_tshark_sees_what_blocks_and_options_say(rich: Path, packets: list[Packet]) -> None:
    tshark = program("tshark", "tshark")
    fields = ("frame.interface_name", "frame.comment", "frame.packet_flags_direction")
    out = run(tshark, "-r", rich, "-T", "fields", *(part for field in fields for part in ("-e", field)))
    rows = [line.split("\t") for line in out.decode().splitlines() if line.strip()]  # custom blocks: empty
    assert [row[:2] for row in rows] == [["eth0", f"number {i}"] for i in range(COUNT)]
    directions = [int(row[2], 0) if row[2] else 0 for row in rows]
    assert directions == [2 if packet.outgoing else 0 for packet in packets]


def test_capinfos_sums_it_up(rich: Path) -> None:
    out = run(program("capinfos", "wireshark-common"), "-M", rich).decode()
    for said in ("pcapng", f"Number of packets = {COUNT}", "Name = eth0", "Description = die erste"):
        assert said in out
    for said in ("Filter string = tcp", "Time precision = nanoseconds (9)", "Number of stat entries = 1"):
        assert said in out


def test_editcap_keeps_what_it_can(rich: Path) -> None:
    copy = rich.with_name("copy.pcapng")
    run(program("editcap", "wireshark-common"), "-F", "pcapng", rich, copy)
    ours, theirs = list(read_blocks(rich)), list(read_blocks(copy))

    def packets(blocks: list[pcapng.Block]) -> list[tuple]:
        return [(b.ts_ns, b.data, b.len, b.comments) for b in blocks if b.is_packet]

    assert packets(theirs) == packets(ours)
    assert [b.data for b in theirs if b.type == pcapng.DECRYPTION_SECRETS] == [b"CLIENT_RANDOM 00 00\n"]
    with nmpcap.open_offline(copy) as capture:
        assert len(list(capture)) == COUNT
        [interface] = capture.interfaces
        assert (interface.name, interface.description, interface.filter) == ("eth0", "die erste", "tcp")


def test_scapy_reads_the_same(plain: Path, packets: list[Packet]) -> None:
    scapy = pytest.importorskip("scapy.utils", reason="no scapy; to run it: pip install scapy")
    reader = scapy.RawPcapReader if plain.suffix == ".pcap" else scapy.RawPcapNgReader
    with reader(str(plain)) as theirs:
        seen = [(data, metadata) for data, metadata in theirs]
    assert [data for data, _ in seen] == [packet.data for packet in packets]
    assert [metadata.wirelen for _, metadata in seen] == [packet.len for packet in packets]
