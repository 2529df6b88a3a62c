"""Consecutive rows told as one: equal but for labels whose trailing numbers all count up or stay.

p0 p1 p2     ->  p0-2, n 3
zeros zeros  ->  zeros, n 2
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]

_NUMBERED = re.compile(r"(.*?)(\d{1,6})")


def merge(rows: Iterable[Row], labels: Collection[str]) -> list[Row]:
    """The rows as runs: ``at`` becomes a range, counting labels too, and ``n`` says how many rows.

    ``labels`` names the fields that may count; all others except ``at`` must be equal in a run.
    """
    runs: list[_Run] = []
    for row in rows:
        if not (runs and runs[-1].takes(row)):
            runs.append(_Run(row, labels))
    return [run.told() for run in runs]


def _split(label: str) -> tuple[str, int | None]:
    match = _NUMBERED.fullmatch(label)
    return (match[1], int(match[2])) if match else (label, None)


@dataclass
class _Run:
    first: Row
    labels: Collection[str]
    last: Row = field(init=False)
    length: int = 1
    counting: set[str] | None = None  # decided by the second row, then kept to

    def __post_init__(self) -> None:
        self.last = self.first

    def takes(self, row: Row) -> bool:
        """Whether the row continues the run, which then includes it."""
        counting = self._counting(row)
        if counting is None or self.counting not in (None, counting):
            return False
        self.counting, self.last = counting, row
        self.length += 1
        return True

    def _counting(self, row: Row) -> set[str] | None:
        """The labels that count up from the last row to this one, or None if it is no neighbour."""
        counting = set()
        for name, value in row.items():
            before = self.last[name]
            if name == "at":
                if value != before + 1:
                    return None
            elif name not in self.labels:
                if value != before:
                    return None
            elif value != before:
                (prefix, number), (old_prefix, old) = _split(value), _split(before)
                if prefix != old_prefix or number is None or old is None or number != old + 1:
                    return None
                counting.add(name)
        return counting

    def told(self) -> Row:
        told = dict(self.first)
        if "at" in told:
            told["at"] = str(told["at"])
        if self.length > 1:
            for name in (self.counting or set()) | ({"at"} & told.keys()):
                number = self.last[name] if name == "at" else _split(self.last[name])[1]
                told[name] = f"{told[name]}-{number}"
        told["n"] = self.length
        return told


def ranges(numbers: Iterable[int]) -> str:
    """``0-2,5`` for 0, 1, 2, 5."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)
