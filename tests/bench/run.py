"""Runs named benchmarks: ``run.py NAME ... [--json]``; without a name, says which there are.

Prints a line for each case and a last one with the benchmark's figure at its end; --json prints
one object a benchmark instead. Status 1: a figure is short of what it should reach (--check
only); 77: something a benchmark needs is missing. Most peers come with ``pip install '.[bench]'``.

NMPCAP_BENCH_PACKETS changes how many packets files and floods have: few, to see that it runs.

Run it with the interpreter nmpcap is installed for. Nothing is for the record that was measured
beside other work.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
UNAVAILABLE = 77
NO_THEMES = {"__init__", "run", "measure", "peers", "savefiles", "far_end"}

if str(FOLDER) not in sys.path:  # imported by a test rather than run
    sys.path.insert(0, str(FOLDER))

from measure import BENCHMARKS, Benchmark, Outcome, Unavailable  # noqa: E402  (after the path)


def load() -> None:
    """Import every theme in this folder, which registers its benchmarks."""
    for file in sorted(FOLDER.glob("*.py")):
        if file.stem not in NO_THEMES and not file.stem.startswith("test_"):
            importlib.import_module(file.stem)


def report(benchmark: Benchmark, outcome: Outcome) -> None:
    """Print the cases, which peers there were none of, and the figure at the end."""
    for result in outcome.results:
        peer = f"  {result.peer_name} {result.peer_ns:.2f}" if result.peer_ns is not None else ""
        reach = f", to reach {result.reach:g}" if result.reach is not None else ""
        print(
            f"  {result.label:<28} {result.ours_ns:.2f} ns (spread {result.spread:.2f}){peer}"
            f"  {benchmark.figure} {result.figure(benchmark.figure):.2f}{reach}"
        )
        for name, (ours, *theirs) in result.beside.items():
            print(f"    {name} {ours:.2f}" + "".join(f"  {result.peer_name} {peer:.2f}" for peer in theirs))
    verdict = "reached" if benchmark.reached(outcome.results) else "not reached"
    for missing in outcome.missing:
        print(f"  NOT COMPARED WITH {missing.peer}: {missing.reason}")
        verdict += f", but without {missing.peer}"
    figure = benchmark.worst(outcome.results)
    print(f"{benchmark.name}: {benchmark.figure}, to reach {benchmark.reach:g} ({verdict}): {figure:.2f}")


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description="Run nmpcap's benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run, or 'all'")
    parser.add_argument("--json", action="store_true", help="one JSON object a benchmark")
    parser.add_argument("--check", action="store_true", help="status 1 if a figure is not reached")
    options = parser.parse_args(arguments)
    load()
    if not options.names:
        print("\n".join(f"{b.name}: {b.figure}, to reach {b.reach:g}" for b in BENCHMARKS.values()))
        return 0
    names = list(BENCHMARKS) if options.names == ["all"] else options.names
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return max(_run(BENCHMARKS[name], options) for name in names)


def _run(benchmark: Benchmark, options: argparse.Namespace) -> int:
    try:
        outcome = benchmark.run()
    except Unavailable as reason:
        print(f"{benchmark.name}: not run: {reason}", file=sys.stderr)
        return UNAVAILABLE
    if options.json:
        print(json.dumps(benchmark.as_json(outcome)))
    else:
        report(benchmark, outcome)
    return int(options.check and not benchmark.reached(outcome.results))


if __name__ == "__main__":
    sys.exit(main())
