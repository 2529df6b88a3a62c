"""Rotation by size, count and time: names, sizes, and that nothing is lost between two files."""

import struct
import time

import pytest

import nmpcap

from .programs import CAPTURES, both, nmdump

SIZE = 1000


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """4 MB of packets, each with its number in it."""
    path = tmp_path_factory.mktemp("long") / "long.pcap"
    with nmpcap.open_dead(nmpcap.DLT_EN10MB) as handle, handle.dump_open(path, nano=False) as writer:
        for number in range(4000):
            writer.write(struct.pack("!14xI", number) + bytes(SIZE - 18), ts_ns=number * 1000)
    return path


def numbers(paths) -> list[int]:
    found = []
    for path in paths:
        with nmpcap.open_offline(path) as capture:
            found += [struct.unpack_from("!I", packet.data, 14)[0] for packet in capture]
    return found


@pytest.mark.parametrize("ring", [[], ["-W", "5"], ["-W", "11"], ["-W", "2"], ["-W", "1"]], ids=" ".join)
def test_files_are_named_as_tcpdump_names_them(tmp_path, long_file, ring):
    ours, theirs = both(tmp_path, "-r", str(long_file), "-w", "x", "-C", "1", *ring)
    assert (ours.err, ours.status) == (theirs.err, theirs.status)
    assert list(ours.files) == list(theirs.files)
    assert all(len(data) <= 1_000_000 for data in ours.files.values())


def test_no_packet_is_lost_between_files(tmp_path, long_file):
    assert nmdump("-r", str(long_file), "-w", str(tmp_path / "x"), "-C", "500k", "-W", "100").status == 0
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"x{number:02d}" for number in range(len(files))]
    assert all(file.stat().st_size <= 500 * 1024 for file in files)
    assert numbers(files) == list(range(4000))


def test_so_many_packets_a_file(tmp_path, long_file):
    ours = nmdump("-r", str(long_file), "-w", str(tmp_path / "x"), "--per-file", "1500", "-c", "3500")
    assert ours.status == 0
    counts = {file.name: len(numbers([file])) for file in tmp_path.iterdir()}
    assert counts == {"x": 1500, "x1": 1500, "x2": 500}


@pytest.mark.parametrize("suffix", ["pcapng", "pcap.gz"])
def test_every_file_is_of_the_kind_the_name_says(tmp_path, long_file, suffix):
    name = str(tmp_path / f"x.{suffix}")
    assert nmdump("-r", str(long_file), "-w", name, "--per-file", "2000").status == 0
    assert numbers([name, f"{name}1"]) == list(range(4000))
    magic = (tmp_path / f"x.{suffix}1").read_bytes()[:2]
    assert magic == (b"\x0a\x0d" if suffix == "pcapng" else b"\x1f\x8b")


def test_a_command_gets_each_file_that_is_whole(tmp_path, long_file):
    script = tmp_path / "z"
    script.write_text(f'#!/bin/sh\nmv "$1" {tmp_path}/done-$(basename "$1")\n')
    script.chmod(0o755)
    words = ["-r", str(long_file), "-w", str(tmp_path / "x"), "--per-file", "1500", "-z", str(script)]
    assert nmdump(*words).status == 0
    until = time.monotonic() + 20  # nobody waits for the command
    while len(list(tmp_path.glob("done-*"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    assert numbers([tmp_path / "done-x", tmp_path / "done-x1", tmp_path / "x2"]) == list(range(4000))


def test_a_command_that_is_missing_is_told_and_nothing_is_lost(tmp_path, long_file):
    words = ["-r", str(long_file), "-w", str(tmp_path / "x"), "--per-file", "2000", "-z", "/nonexistent"]
    ours = nmdump(*words)
    assert ours.status == 0
    assert "execlp(/nonexistent, " in ours.err
    assert numbers([tmp_path / "x", tmp_path / "x1"]) == list(range(4000))


def test_printing_and_rotating_go_together(tmp_path):
    name = str(tmp_path / "x")
    ours = nmdump("-ntr", str(CAPTURES / "tls.pcap"), "--print", "-w", name, "--per-file", "3", "tcp")
    assert ours.status == 0
    files = sorted(tmp_path.iterdir(), key=lambda file: int(file.name[1:] or 0))
    assert len(ours.out.splitlines()) == sum(
        int(nmdump("--count", "-r", str(file)).out.split()[0]) for file in files
    )
