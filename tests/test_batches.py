"""Batches of savefiles: their packets stay in the memory they were read to, for as long as anybody looks."""

from __future__ import annotations

import gzip
import os
import random
import resource
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nmpcap
from nmpcap.packet import Batch, Packet

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path, rng: random.Random) -> Make:
    """Makes a pcap file of packets of these sizes, of noise."""

    def make(sizes: list[int], name: str = "some.pcap") -> Path:
        path = tmp_path / name
        records = [
            struct.pack("<IIII", i, 0, size, size) + rng.randbytes(size) for i, size in enumerate(sizes)
        ]
        content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + b"".join(records)
        path.write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
        return path

    return make


def one_by_one(path: Path) -> list[Packet]:
    with nmpcap.open_offline(path) as capture:
        return list(capture)


def packets_of(batches: list[Batch]) -> list[Packet]:
    return [packet for batch in batches for packet in batch]


def extent(batch: Batch) -> int:
    """Of the bytes of the packets alone."""
    return sum(batch.caplens)


SIZES = {
    "small": [60] * 20_000,
    "large": [1500] * 3_000,
    "larger than a block": [200_000, 60, 262_144, 262_144, 0, 14, 200_000] * 3,
    "of all sizes": [i * 37 % 3000 for i in range(4_000)],
}


@pytest.mark.parametrize("name", ["some.pcap", "some.pcap.gz"])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=list(SIZES))
def test_kept_batches_stay_as_they_are(sizes: list[int], name: str, make: Make) -> None:
    path = make(sizes, name)
    with nmpcap.open_offline(path) as capture:
        kept = list(capture.batches())
    assert packets_of(kept) == one_by_one(path)


def test_batches_kept_for_a_while_stay_as_they_are(make: Make, rng: random.Random) -> None:
    path = make(SIZES["large"])
    kept: list[Batch] = []
    got: list[list[Packet]] = []
    with nmpcap.open_offline(path) as capture:
        for batch in capture.batches(rng.choice([100, 1024])):
            kept.append(batch)
            if len(kept) > rng.randrange(8):
                got.append(list(kept.pop(0)))
    got += map(list, kept)
    assert [packet for packets in got for packet in packets] == one_by_one(path)


def test_packets_are_not_copied(make: Make) -> None:
    with nmpcap.open_offline(make(SIZES["large"])) as capture:
        batch = capture.next_batch()
        assert batch is not None
        assert len(batch.data) == extent(batch) + 16 * (len(batch) - 1)  # the record headers between them
        with pytest.raises(TypeError):
            batch.data[0] = 1  # type: ignore[index]


def test_few_packets_are_copied_out_of_a_large_block(make: Make) -> None:
    with nmpcap.open_offline(make(SIZES["small"])) as capture:
        capture.loop(400, lambda packet: None)  # the first block is a small one
        batch = capture.next_batch(100)
    assert batch is not None
    assert len(batch.data) == extent(batch)


def test_packets_that_a_filter_leaves(make: Make) -> None:
    path = make([60, 1400] * 3_000)
    with nmpcap.open_offline(path) as capture:
        capture.setfilter("greater 100")
        kept = list(capture.batches())
    assert packets_of(kept) == [packet for packet in one_by_one(path) if packet.len > 100]
    assert all(len(batch.data) <= 4 * extent(batch) for batch in kept)


def test_what_refers_to_the_bytes_keeps_them(make: Make) -> None:
    path = make(SIZES["large"])
    slices = []
    with nmpcap.open_offline(path) as capture:
        for batch in capture.batches():
            at, caplen = batch.offsets[1], batch.caplens[1]
            slices.append((batch.data[at : at + caplen], batch[1]))
    del batch
    assert all(bytes(data) == packet.data for data, packet in slices)


def test_batches_go_to_other_threads(make: Make) -> None:
    """The reader takes a block again as soon as another thread has let go of it, and no sooner."""
    path = make(SIZES["large"])
    sums: dict[int, int] = {}
    threads = []

    def work(number: int, batch: Batch) -> None:
        sums[number] = sum(map(sum, (packet.data for packet in batch)))

    with nmpcap.open_offline(path) as capture:
        for number, batch in enumerate(capture.batches()):
            threads.append(threading.Thread(target=work, args=(number, batch)))
            threads[-1].start()
    del batch
    for thread in threads:
        thread.join()
    assert sum(sums.values()) == sum(map(sum, (packet.data for packet in one_by_one(path))))


def test_what_is_written_of_a_batch(make: Make, tmp_path: Path) -> None:
    path = make(SIZES["of all sizes"])
    copy = tmp_path / "copy.pcap"
    with nmpcap.open_offline(path) as capture, nmpcap.open_writer(copy, snaplen=262144, nano=False) as writer:
        for batch in capture.batches():
            writer.write_many(batch)
    assert copy.read_bytes() == path.read_bytes()


def test_a_file_that_shrinks_while_a_batch_is_kept(make: Make) -> None:
    path = make(SIZES["large"])
    expected = one_by_one(path)
    with nmpcap.open_offline(path) as capture:
        batch = capture.next_batch()
        os.truncate(path, 0)
        assert batch is not None
        assert list(batch) == expected[: len(batch)]
        with pytest.raises(nmpcap.SavefileError, match="truncated dump file"):
            capture.next_batch()


READ_ALL = """
import resource, sys, nmpcap

before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
with nmpcap.open_offline(sys.argv[1]) as capture:
    for _ in capture.batches():
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_memory_is_used_again(make: Make, run_python: Callable[..., Any]) -> None:
    """Batches that are not kept are read into a few blocks in turn, which the kernel has mapped already."""
    path = make([1500] * 10_000)
    # glibc: a block that is freed is gone, whatever else the program has allocated.
    done = run_python("-c", READ_ALL, path, env={"MALLOC_MMAP_THRESHOLD_": "65536"})
    assert int(done.stdout) < path.stat().st_size / resource.getpagesize() / 4
