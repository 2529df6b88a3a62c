"""What a benchmark is made of: cases, each our work beside a peer's, and the figure they end in.

A file in this folder holds the benchmarks of one theme. Each is a function of its own name that
yields cases, one after the other; what a case needs may live in the function's frame, and is
released when the function is asked for the next one.

    @benchmark(reach=3.0)
    def filter_jit():
        packets = make_packets()
        yield Case("udp port 53", items=len(packets), ours=..., peer=..., peer_name="bpf_filter")

The figure is that of the worst case:
    ratio   the peer's time over ours           (more is better)
    mpps    millions of items a second, ours    (more is better)
    ms      milliseconds a run, ours            (less is better)
    us      microseconds an item, ours          (less is better)

A peer that is not installed is yielded as Missing, and named in the report: a figure that it has
no part in is not the whole one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TypeVar

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "Case",
    "Missing",
    "Outcome",
    "Result",
    "Took",
    "Unavailable",
    "benchmark",
    "measure",
]

RUNS = 7
LESS_IS_BETTER = ("ms", "us")
LEAST_SECONDS = 0.02  # a run shorter than this is repeated within the clock's two readings


class Unavailable(Exception):
    """A benchmark cannot run here: the reason, and after "to run it:" what to do about it."""


@dataclass(frozen=True)
class Case:
    """One comparison: two pieces of work on the same ``items``, of which ours is measured.

    Both are called without arguments, alternately, and do all of their work in the call.

    after: called after each call of either, outside the clock. reach: of this case, where it is
    not the benchmark's. A call that cannot be timed from outside, or does not always do all items,
    returns a Took.
    """

    label: str
    items: int
    ours: Callable[[], object]
    peer: Callable[[], object] | None = None
    peer_name: str = ""
    after: Callable[[], object] | None = None
    reach: float | None = None


@dataclass(frozen=True)
class Took:
    """What a call says of itself: its time, and what to print beside it."""

    seconds: float
    items: int
    beside: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """A peer that could not be compared with, and why."""

    peer: str
    reason: str


@dataclass(frozen=True)
class Result:
    """Medians of one case, in nanoseconds an item, with the spread of our runs (max over min)."""

    label: str
    ours_ns: float
    peer_ns: float | None
    peer_name: str
    items: int
    spread: float
    reach: float | None = None
    beside: dict[str, list[float]] = field(default_factory=dict)
    """What calls said beside their time: medians, ours and the peer's."""

    def figure(self, kind: str) -> float:
        """The case's figure of the benchmark's kind."""
        if kind == "ratio":
            if self.peer_ns is None:
                raise ValueError(f"case {self.label!r} has no peer to make a ratio with")
            return self.peer_ns / self.ours_ns
        if kind == "mpps":
            return 1000 / self.ours_ns
        return self.ours_ns / 1000 if kind == "us" else self.ours_ns * self.items / 1e6


@dataclass(frozen=True)
class Outcome:
    """What a benchmark came to."""

    results: list[Result]
    missing: list[Missing]


@dataclass(frozen=True)
class Benchmark:
    """A named benchmark: what its figure is, and what it should reach."""

    name: str
    cases: Callable[[], Iterator[Case | Missing]]
    figure: str
    reach: float

    def run(self) -> Outcome:
        """Measure all cases; Unavailable where every peer, or a tool, is missing."""
        outcome = Outcome([], [])
        for case in self.cases():
            if isinstance(case, Missing):
                outcome.missing.append(case)
            else:
                outcome.results.append(measure(case))
        if not outcome.results:
            raise Unavailable("; ".join(f"{missing.peer}: {missing.reason}" for missing in outcome.missing))
        return outcome

    def worst(self, results: list[Result]) -> float:
        """The benchmark's figure."""
        figures = [result.figure(self.figure) for result in results]
        return max(figures) if self.figure in LESS_IS_BETTER else min(figures)

    def reached(self, results: list[Result]) -> bool:
        """Whether every case is as good as it should be."""
        return all(self._reached(result) for result in results)

    def _reached(self, result: Result) -> bool:
        figure, reach = result.figure(self.figure), result.reach or self.reach
        return figure <= reach if self.figure in LESS_IS_BETTER else figure >= reach

    def as_json(self, outcome: Outcome) -> dict[str, object]:
        """What ``run.py --json`` prints."""
        results = outcome.results
        return {
            "name": self.name,
            "figure": self.figure,
            "value": self.worst(results),
            "reach": self.reach,
            "reached": self.reached(results),
            "cases": [asdict(result) | {"value": result.figure(self.figure)} for result in results],
            "missing": [asdict(missing) for missing in outcome.missing],
        }


BENCHMARKS: dict[str, Benchmark] = {}
Cases = TypeVar("Cases", Callable[[], Iterator[Case]], Callable[[], Iterator[Case | Missing]])


def benchmark(*, reach: float, figure: str = "ratio") -> Callable[[Cases], Cases]:
    """Register a function that yields cases under its name."""
    if figure not in ("ratio", "mpps", "ms", "us"):
        raise ValueError(f"a benchmark's figure is 'ratio', 'mpps', 'ms' or 'us', not {figure!r}")

    def register(cases: Cases) -> Cases:
        name = cases.__name__.rstrip("_")  # import_ is "import"
        if name in BENCHMARKS:
            raise ValueError(f"there are two benchmarks called {name!r}")
        BENCHMARKS[name] = Benchmark(name, cases, figure, reach)
        return cases

    return register


def measure(case: Case, runs: int = RUNS) -> Result:
    """Time a case's two sides in turn, after one run of each to warm up, and take the medians."""
    sides = [case.ours] + ([case.peer] if case.peer else [])
    repeats = [_repeats(case, side) for side in sides]
    took: list[list[Took]] = [[] for _ in sides]
    for _ in range(runs):
        for side, repeat, all_of_it in zip(sides, repeats, took, strict=True):
            all_of_it.append(_time(case, side, repeat))
    times = [[one.seconds / one.items for one in all_of_it] for all_of_it in took]
    medians = [statistics.median(seconds) * 1e9 for seconds in times]
    return Result(
        label=case.label,
        ours_ns=medians[0],
        peer_ns=medians[1] if case.peer else None,
        peer_name=case.peer_name,
        items=case.items,
        spread=max(times[0]) / min(times[0]),
        reach=case.reach,
        beside={
            name: [statistics.median(one.beside[name] for one in all_of_it) for all_of_it in took]
            for name in took[0][0].beside
        },
    )


def _repeats(case: Case, work: Callable[[], object]) -> int:
    """How often a run has to do the work to last long enough, once it has warmed up."""
    said = work()
    if case.after is not None:
        case.after()
    if isinstance(said, Took):
        return 1
    return max(1, round(LEAST_SECONDS / max(_time(case, work, 1).seconds, 1e-9)))


def _time(case: Case, work: Callable[[], object], repeat: int) -> Took:
    seconds = 0.0
    said: object = None
    if case.after is None:
        start = time.perf_counter()
        for _ in range(repeat):
            said = work()
        seconds = time.perf_counter() - start
    else:
        for _ in range(repeat):
            start = time.perf_counter()
            said = work()
            seconds += time.perf_counter() - start
            case.after()
    return said if isinstance(said, Took) else Took(seconds, case.items * repeat)
