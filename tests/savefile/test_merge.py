"""Packets of several sources in one file: each keeps its own interfaces."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nmpcap
from nmpcap.savefile import Reader, RotatingWriter, Writer

from .pcapngfiles import LITTLE


def source(path: Path, name: bytes, snaplen: int, first: int) -> Path:
    option = LITTLE.option
    blocks = [LITTLE.section(), LITTLE.interface(1, snaplen, option(2, name) + option(0))]
    for number in range(first, first + 10, 2):
        blocks.append(LITTLE.packet(bytes([number]) * snaplen, 1_000_000 * number))
    path.write_bytes(b"".join(blocks))
    return path


def dump(captures: list[nmpcap.Capture], writer: Any) -> None:
    for capture in captures:
        assert capture.dump(writer) == 5


def dump_in_turns(captures: list[nmpcap.Capture], writer: Any) -> None:
    for _ in range(5):
        for capture in captures:
            capture.dump(writer, 1)


def write_by_time(captures: list[nmpcap.Capture], writer: Any) -> None:
    for packet in heapq.merge(*captures, key=lambda packet: packet.ts_ns):
        writer.write(packet)


def write_batches(captures: list[nmpcap.Capture], writer: Any) -> None:
    for capture in captures:
        for batch in capture.batches(2):
            writer.write_many(batch)


def write_out_of_batches(captures: list[nmpcap.Capture], writer: Any) -> None:
    for capture in captures:
        for batch in capture.batches(3):
            writer.write(batch[0])
            writer.write_many(list(batch[1:]))


WAYS = [dump, dump_in_turns, write_by_time, write_batches, write_out_of_batches]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("opened", ["open_writer", "dump_open", "rotating"])
def test_interfaces_belong_to_their_source(
    way: Callable[[list[nmpcap.Capture], Any], None], opened: str, tmp_path: Path
) -> None:
    paths = [
        source(tmp_path / "a.pcapng", b"small", 60, 0),
        source(tmp_path / "b.pcapng", b"large", 2000, 1),
    ]
    captures = [nmpcap.open_offline(path) for path in paths]
    target = tmp_path / "merged.pcapng"
    writer: Writer | RotatingWriter
    if opened == "rotating":
        writer = RotatingWriter(str(target))
    else:
        writer = captures[0].dump_open(target) if opened == "dump_open" else nmpcap.open_writer(target)
    with writer:
        way(captures, writer)
    for capture in captures:
        capture.close()
    with Reader(target) as reader:
        found = [(record.data, record.interface) for record in reader]
        names = [interface.name for interface in reader.interfaces]
        snaplens = [interface.snaplen for interface in reader.interfaces]
    assert sorted(zip(names, snaplens, strict=True)) == [("large", 2000), ("small", 60)]
    for data, interface in found:
        assert names[interface] == ("small" if data[0] % 2 == 0 else "large")
    assert sorted(data[0] for data, _ in found) == list(range(10))


def test_records_of_several_readers(tmp_path: Path) -> None:
    paths = [
        source(tmp_path / "a.pcapng", b"small", 60, 0),
        source(tmp_path / "b.pcapng", b"large", 2000, 1),
    ]
    target = tmp_path / "merged.pcapng"
    with Reader(paths[0]) as a, Reader(paths[1]) as b, nmpcap.open_writer(target) as writer:
        for records in zip(a, b, strict=True):
            writer.write_many(records)
    with Reader(target) as reader:
        names = {record.data[0]: reader.interfaces[record.interface].name for record in reader}
    assert names == {number: "large" if number % 2 else "small" for number in range(10)}


def test_what_is_described_by_hand_is_everybodys(tmp_path: Path) -> None:
    path = source(tmp_path / "a.pcapng", b"small", 60, 0)
    target = tmp_path / "copy.pcapng"
    with nmpcap.open_offline(path) as capture, nmpcap.open_writer(target) as writer:
        writer.describe_interface(0, name="by hand")
        for packet in capture:
            writer.write(packet)
        writer.write(bytes(60))
    with Reader(target) as reader:
        assert [record.interface for record in reader] == [0] * 6
        assert [interface.name for interface in reader.interfaces] == ["by hand"]


def test_a_source_that_is_gone_is_one_of_its_own(tmp_path: Path) -> None:
    packets = []
    for name in (b"first", b"second"):
        with nmpcap.open_offline(source(tmp_path / "a.pcapng", name, 60, 0)) as capture:
            packets.append(capture.next())
    del capture
    target = tmp_path / "merged.pcapng"
    with nmpcap.open_writer(target) as writer:
        for packet in packets:
            writer.write(packet)
    with Reader(target) as reader:
        assert [record.interface for record in reader] == [0, 1]
