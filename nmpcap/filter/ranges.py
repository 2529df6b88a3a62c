"""Sets of 32-bit numbers as sorted, disjoint, inclusive ranges that do not touch."""

from __future__ import annotations

from collections.abc import Iterable

from nmpcap.filter.ir import TOP, Ranges

__all__ = ["EVERYTHING", "complement", "contains", "disjoint", "intersect", "normalize", "subset", "union"]

EVERYTHING: Ranges = ((0, TOP),)


def normalize(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Sort pairs, and join those that overlap or touch."""
    joined: list[tuple[int, int]] = []
    last_low, last_high = -1, -2
    for low, high in sorted(pairs):
        if low <= last_high + 1:
            if high > last_high:
                last_high = high
                joined[-1] = (last_low, high)
        else:
            last_low, last_high = low, high
            joined.append((low, high))
    return tuple(joined)


def union(first: Ranges, second: Ranges) -> Ranges:
    """Return what is in one of them."""
    return first if first == second else normalize([*first, *second])


def complement(ranges: Ranges) -> Ranges:
    """Return what is not in them."""
    gaps, start = [], 0
    for low, high in ranges:
        if low > start:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= TOP:
        gaps.append((start, TOP))
    return tuple(gaps)


def intersect(first: Ranges, second: Ranges) -> Ranges:
    """Return what is in both."""
    common, at, other = [], 0, 0
    while at < len(first) and other < len(second):
        low, high = max(first[at][0], second[other][0]), min(first[at][1], second[other][1])
        if low <= high:
            common.append((low, high))
        if first[at][1] < second[other][1]:
            at += 1
        else:
            other += 1
    return tuple(common)


def disjoint(first: Ranges, second: Ranges) -> bool:
    """Return whether they have nothing in common."""
    if len(first) == 1 == len(second):
        return first[0][1] < second[0][0] or second[0][1] < first[0][0]
    return not intersect(first, second)


def subset(first: Ranges, second: Ranges) -> bool:
    """Return whether all of the first is in the second."""
    if len(first) == 1 == len(second):
        return second[0][0] <= first[0][0] and first[0][1] <= second[0][1]
    return intersect(first, second) == first


def contains(ranges: Ranges, number: int) -> bool:
    """Return whether the number is in them."""
    return any(low <= number <= high for low, high in ranges)
