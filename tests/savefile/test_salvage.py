"""Salvage: what is found, lost and made up, over damage of every kind."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import pytest

from nmpcap.savefile import Reader

from .damage import KINDS, pcap, pcapng, salvage
from .pcapfiles import LAYOUTS, some_packets
from .reading import Trickle, read

FILES = 25


@pytest.mark.parametrize("form", [pcap, pcapng])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_damage_has_not_touched_is_found(
    form: Callable[[list[bytes]], tuple[bytes, list[int]]],
    kind: Callable[[bytearray, int, int, random.Random], None],
    rng: random.Random,
) -> None:
    outcomes = [salvage(form, kind, rng) for _ in range(FILES)]
    # In a packet that holds another capture, damage may make that one's last record look like the true one.
    assert sum(outcome.lost for outcome in outcomes) <= FILES // 2
    # The record that the damage lies in may come out altered, and one more where it ran into the next; of
    # one that lost its header and holds another capture, whose last record ends with it, that one's nineteen.
    assert max(outcome.invented for outcome in outcomes) <= 21
    assert sum(outcome.invented for outcome in outcomes) <= 5 * FILES


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_sound_file_is_read_as_without_salvage(name: str, rng: random.Random) -> None:
    layout = LAYOUTS[name]
    contents = layout.file(some_packets(rng, 300, nano=name.startswith("nano")))
    with Reader(io.BytesIO(contents), salvage=True) as reader:
        found = [(record.ts_ns, record.data, record.len) for record in reader]
        assert reader.damage == (0, 0)
    assert (found, "") == read(io.BytesIO(contents))


def test_it_finds_the_same_however_the_bytes_arrive(rng: random.Random) -> None:
    for kind in KINDS:
        contents, places = pcap([rng.randbytes(300) for _ in range(100)])
        damaged = bytearray(contents)
        kind(damaged, places[40], places[41], rng)
        results = []
        for source in (io.BytesIO(damaged), Trickle(bytes(damaged))):
            with Reader(source, salvage=True) as reader:
                results.append(([record.data for record in reader], reader.damage))
        assert results[0] == results[1]
