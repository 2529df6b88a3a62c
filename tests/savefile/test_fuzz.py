"""Any bytes at all: a reader gives packets, or a PcapError, and nothing else.

The C half is fuzzed harder, under sanitizers, by tests/c/savefile_fuzz.c.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmpcap import PcapError, open_offline
from nmpcap.savefile import Reader, open_writer, read_blocks

from .pcapfiles import LAYOUTS, some_packets
from .pcapngfiles import BIG, LITTLE, rich_file

ROUNDS = 300


def damage(contents: bytes, rng: random.Random) -> bytes:
    """A few of the things that happen to files."""
    damaged = bytearray(contents)
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(damaged) + 1)
        match rng.randrange(5):
            case 0:
                del damaged[at:]
            case 1:
                del damaged[at : at + rng.randrange(50)]
            case 2:
                damaged[at:at] = rng.randbytes(rng.randrange(50))
            case 3:
                damaged[at : at + 4] = rng.choice([bytes(4), b"\xff" * 4, b"\x7f" * 4])
            case 4:
                damaged[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(damaged)


def read_every_way(contents: bytes) -> None:
    for salvage in (False, True):
        with contextlib.suppress(PcapError), Reader(io.BytesIO(contents), salvage=salvage) as reader:
            for record in reader:
                assert record.interface < len(reader.interfaces)
            assert reader.damage[1] <= reader.offset
        with contextlib.suppress(PcapError):
            for block in read_blocks(io.BytesIO(contents), salvage=salvage):
                look_at(block)
        read_through_a_handle(contents, salvage)


def read_through_a_handle(contents: bytes, salvage: bool) -> None:
    ours, theirs = [], []
    with contextlib.suppress(PcapError), Reader(io.BytesIO(contents), salvage=salvage) as reader:
        theirs.extend((r.ts_ns, r.data, r.len, r.interface, r.linktype, r.outgoing) for r in reader)
    with contextlib.suppress(PcapError), open_offline(io.BytesIO(contents), salvage=salvage) as capture:
        for batch in capture.batches(3):
            ours.extend((p.ts_ns, p.data, p.len, p.interface, p.linktype, p.outgoing) for p in batch)
    assert ours == theirs


def look_at(block) -> None:
    for attribute in ("options", "comments"):
        with contextlib.suppress(PcapError):
            getattr(block, attribute)
    for attribute in ("names", "data", "len", "pen", "secrets_type"):
        with contextlib.suppress(PcapError, ValueError):  # ValueError: not of this type of block
            getattr(block, attribute)


@pytest.mark.parametrize("name", LAYOUTS)
def test_damaged_pcap(name: str, rng: random.Random) -> None:
    contents = LAYOUTS[name].file(some_packets(rng, 20))
    for _ in range(ROUNDS // 10):
        read_every_way(damage(contents, rng))


@pytest.mark.parametrize("maker", [LITTLE, BIG], ids=["little", "big"])
def test_damaged_pcapng(maker, rng: random.Random) -> None:
    contents = rich_file(maker) + rich_file(BIG)
    for _ in range(ROUNDS):
        read_every_way(damage(contents, rng))


@pytest.mark.parametrize("module", [gzip, lzma, bz2], ids=lambda module: module.__name__)
def test_damaged_compression(module, rng: random.Random) -> None:
    contents = module.compress(LAYOUTS["micro-little"].file(some_packets(rng, 50)))
    for _ in range(ROUNDS // 10):
        read_every_way(damage(contents, rng))


@given(st.binary(max_size=200))
def test_any_bytes(contents: bytes) -> None:
    for start in (b"", LAYOUTS["micro-big"].header(), LITTLE.section() + LITTLE.interface()):
        read_every_way(start + contents)


def test_blocks_that_can_be_read_can_be_written(rng: random.Random) -> None:
    contents = rich_file(LITTLE) + rich_file(BIG)
    for _ in range(ROUNDS):
        blocks = []
        with contextlib.suppress(PcapError):
            for block in read_blocks(io.BytesIO(damage(contents, rng))):
                blocks.append(block)
        out = io.BytesIO()
        with open_writer(out, format="pcapng") as writer:
            for block in blocks:
                writer.write_block(block)
        if blocks:
            assert out.getvalue() == b"".join(block.raw for block in blocks)
