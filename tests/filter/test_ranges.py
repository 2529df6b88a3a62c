"""Range arithmetic against Python's sets, at both ends of the number line."""

from __future__ import annotations

import random
from itertools import pairwise

from nmpcap.filter import ranges
from nmpcap.filter.ir import TOP, Ranges

WIDTH = 12
LINE = [*range(WIDTH), *range(TOP - WIDTH, TOP + 1)]  # what lies between is all in or all out


def make_ranges(rng: random.Random) -> Ranges:
    pairs = []
    for _ in range(rng.randrange(4)):
        low, high = sorted(rng.choices(LINE, k=2))
        pairs.append((low, high))
    return ranges.normalize(pairs)


def members(found: Ranges) -> set[int]:
    return {number for number in LINE if ranges.contains(found, number)}


def test_against_sets(rng: random.Random) -> None:
    for _ in range(3000):
        first, second = make_ranges(rng), make_ranges(rng)
        one, other = members(first), members(second)
        assert members(ranges.union(first, second)) == one | other
        assert members(ranges.intersect(first, second)) == one & other
        assert members(ranges.complement(first)) == set(LINE) - one
        assert ranges.complement(ranges.complement(first)) == first
        assert ranges.subset(first, second) == (ranges.intersect(first, second) == first)
        assert ranges.disjoint(first, second) == (not ranges.intersect(first, second))


def test_normal_form_is_sorted_and_does_not_touch(rng: random.Random) -> None:
    for _ in range(1000):
        found = make_ranges(rng)
        assert all(low <= high for low, high in found)
        assert all(end + 1 < start for (_, end), (start, _) in pairwise(found))


def test_ends_of_the_line() -> None:
    assert ranges.complement(()) == ranges.EVERYTHING
    assert ranges.complement(ranges.EVERYTHING) == ()
    assert ranges.normalize([(TOP, TOP), (0, 0), (1, 5), (6, 6)]) == ((0, 6), (TOP, TOP))
