"""Damage of every kind to savefiles, and what salvage makes of it.

``python -m tests.savefile.damage [COUNT]`` prints the table. Each packet tells its number in its bytes, so
that it is known which were found, which lost, and what was given out that never was in the file.
"""

from __future__ import annotations

import io
import random
import struct
import sys
from collections.abc import Callable
from typing import NamedTuple

from nmpcap.savefile import Reader

from .pcapfiles import Given, Layout
from .pcapngfiles import LITTLE

COUNT = 200


def packets(rng: random.Random) -> list[bytes]:
    """Numbered packets of random lengths; one in eight holds the beginning of another capture."""
    found = []
    for number in range(COUNT):
        size = rng.choice([60, 64, 90, 590, 1514])
        body = (
            rng.randbytes(size)
            if number % 8
            else Layout().file(
                [Given(1_700_000_000 + i, i, rng.randbytes(60), 60) for i in range(size // 76)]
            )
        )
        found.append(struct.pack(">I", number) + body[: size - 4])
    return found


def pcap(given: list[bytes]) -> tuple[bytes, list[int]]:
    """A file, and where each of its records begins and the last one ends."""
    layout = Layout(snaplen=262144)
    return _joined(
        layout.header(),
        [layout.record(Given(1_700_000_000 + i, i, data, len(data))) for i, data in enumerate(given)],
    )


def pcapng(given: list[bytes]) -> tuple[bytes, list[int]]:
    """The same as pcapng."""
    start = LITTLE.section() + LITTLE.interface()
    return _joined(start, [LITTLE.packet(data, 1_700_000_000_000_000 + i) for i, data in enumerate(given)])


def _joined(start: bytes, records: list[bytes]) -> tuple[bytes, list[int]]:
    places = [len(start)]
    for record in records:
        places.append(places[-1] + len(record))
    return start + b"".join(records), places


def flip_header(contents: bytearray, at: int, end: int, rng: random.Random) -> None:
    """One bit of a record's header."""
    contents[at + rng.randrange(16)] ^= 1 << rng.randrange(8)


def flip_data(contents: bytearray, at: int, end: int, rng: random.Random) -> None:
    """One bit of a record's bytes."""
    contents[rng.randrange(at + 32, end)] ^= 1 << rng.randrange(8)


def overwrite(contents: bytearray, at: int, end: int, rng: random.Random) -> None:
    """A stretch of up to 4 KiB of noise."""
    size = min(rng.randrange(1, 4096), len(contents) - at)
    contents[at : at + size] = rng.randbytes(size)


def zero_sector(contents: bytearray, at: int, end: int, rng: random.Random) -> None:
    """A sector of zeros."""
    sector = at // 512 * 512
    sector = max(sector, 512)
    size = min(512, len(contents) - sector)
    contents[sector : sector + size] = bytes(size)


def remove(contents: bytearray, at: int, end: int, rng: random.Random) -> None:
    """A few bytes inside a record are missing."""
    place = rng.randrange(at + 16, end - 8)
    del contents[place : place + rng.choice([1, 2, 3, 4, 8])]


def remove_much(contents: bytearray, at: int, end: int, rng: random.Random) -> None:
    """Up to 4 KiB are missing."""
    place = rng.randrange(at, end)
    del contents[place : place + rng.randrange(1, 4096)]


def insert(contents: bytearray, at: int, end: int, rng: random.Random) -> None:
    """Up to 64 bytes more."""
    place = rng.randrange(at, end)
    contents[place:place] = rng.randbytes(rng.randrange(1, 64))


def wrong_time(contents: bytearray, at: int, end: int, rng: random.Random) -> None:
    """A record's time, and then the length of the next one."""
    contents[at : at + 4] = rng.randbytes(4)
    contents[end + 8 : end + 12] = b"\xff" * 4


KINDS: list[Callable[[bytearray, int, int, random.Random], None]] = [
    flip_header,
    flip_data,
    overwrite,
    zero_sector,
    remove,
    remove_much,
    insert,
    wrong_time,
]


class Outcome(NamedTuple):
    """Of one damaged file, in packets."""

    found: int
    touched: int  # whose own bytes, or headers, the damage lies in
    lost: int  # beside those
    invented: int  # given out, and never in the file


def salvage(
    form: Callable[[list[bytes]], tuple[bytes, list[int]]],
    kind: Callable[[bytearray, int, int, random.Random], None],
    rng: random.Random,
) -> Outcome:
    """Damage one file in one place and read what is left."""
    given = packets(rng)
    contents, places = form(given)
    victim = rng.randrange(2, COUNT - 2)
    damaged = bytearray(contents)
    kind(damaged, places[victim], places[victim + 1], rng)
    with Reader(io.BytesIO(damaged), salvage=True) as reader:
        got = [record.data for record in reader]
    # What stands in front of the first difference and behind the last one is untouched.
    least = min(len(contents), len(damaged))
    front = next((i for i in range(least) if contents[i] != damaged[i]), least)
    back = next((i for i in range(least - front) if contents[-1 - i] != damaged[-1 - i]), least - front)
    whole = [
        data
        for data, start, end in zip(given, places, places[1:], strict=False)
        if end <= front or start >= len(contents) - back
    ]
    expected = set(given)
    present = set(got)
    lost = sum(data not in present for data in whole)
    # A flipped bit inside a packet gives that packet, altered: nobody can tell.
    invented = sum(data not in expected for data in got)
    return Outcome(sum(data in present for data in given), COUNT - len(whole), lost, invented)


def table(count: int, seed: int) -> str:
    """What becomes of ``count`` damaged files of each kind and format."""
    lines = [f"{'format':8}{'damage':14}{'packets':>9}{'touched':>9}{'found':>9}{'lost':>7}{'invented':>10}"]
    for form in (pcap, pcapng):
        for kind in KINDS:
            rng = random.Random(f"{seed} {form.__name__} {kind.__name__}")
            outcomes = [salvage(form, kind, rng) for _ in range(count)]
            sums = [sum(column) for column in zip(*outcomes, strict=True)]
            found, touched, lost, invented = sums
            name = kind.__name__
            lines.append(
                f"{form.__name__:8}{name:14}{count * COUNT:9}{touched:9}{found:9}{lost:7}{invented:10}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 200, 1))
