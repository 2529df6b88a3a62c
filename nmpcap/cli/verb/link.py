"""``nmpcap link``: the link emulator between two ports, or over a savefile."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from nmpcap.cli.messages import tell
from nmpcap.cli.verb.front import Parser, print_json, run
from nmpcap.tools import units
from nmpcap.tools.link import (
    Counts,
    Direction,
    Impairments,
    Link,
    Report,
    Step,
    apply,
    impairments_of,
    read_profile,
)

__all__ = ["main"]

_NEW = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC
_DESCRIPTION = """\
Emulate a link between two ports: nmpcap link vale0:a vale1:b loss=1% delay=20ms

What it does is said as NAME=VALUE, for both directions, or after "there" (from the first port to the
second) or "back" for one:

  rate=10M overhead=24 queue=50p|64kB|20ms   loss=1% burst=P,R[,BAD[,GOOD]] bit_errors=1e-9
  delay=20ms jitter=5ms distribution=normal  corrupt=0.1% duplicate=1% reorder=P,TIME
  keep_order=no drop=3,7 down=yes            cell=48 cell_overhead=5
"""


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = Parser("link", _DESCRIPTION)
    parser.add_argument("first", metavar="PORT|FILE", help="a port; with --apply: the savefile to read")
    parser.add_argument(
        "second", metavar="PORT|FILE", help="the other port; with --apply: the savefile to write"
    )
    parser.add_argument("impairment", nargs="*", metavar="NAME=VALUE", help="see above")
    parser.add_argument("--apply", action="store_true", help="over a savefile, in virtual time")
    parser.add_argument("--seed", type=int, default=0, help="what is drawn depends on it alone")
    parser.add_argument("--filter", metavar="EXPRESSION", help="what it is for; the rest passes at once")
    parser.add_argument("--profile", metavar="FILE", help="lines of: SECONDS [there|back] NAME=VALUE ...")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument(
        "--period", type=float, default=1.0, metavar="SECONDS", help="between two lines; 0: none"
    )
    parser.add_argument("--trace", metavar="FILE", help="every decision, to FILE.there and FILE.back")
    parser.add_argument("--json", action="store_true", help="the report as one object a direction")
    return run(parser, _work, words)


def _work(options: argparse.Namespace) -> None:
    there, back = _directions(options.impairment)
    if options.apply:
        counts = apply(options.first, options.second, there, seed=options.seed, filter=options.filter)
        _print_counts("there", there, counts, options.json)
        return
    profile = read_profile(options.profile) if options.profile else []
    _carry(options, there, back, profile)


def _directions(words: list[str]) -> tuple[Impairments, Impairments]:
    """Return both directions' impairments; words before "there" or "back" are for both."""
    said: dict[str, list[str]] = {"both": [], "there": [], "back": []}
    way = "both"
    for word in words:
        if word in ("there", "back"):
            way = word
        else:
            said[way].append(word)
    return impairments_of(said["both"] + said["there"]), impairments_of(said["both"] + said["back"])


def _carry(options: argparse.Namespace, there: Impairments, back: Impairments, profile: list[Step]) -> None:
    from nmpcap.capture import open as open_port

    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(open_port(name)) for name in (options.first, options.second))
        trace = stack.enter_context(_traces(options.trace)) if options.trace else None
        link = Link(first, second, there, back, seed=options.seed, filter=options.filter, trace=trace)
        tell(f"{options.first} <-> {options.second}, seed {options.seed}; Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):
            link.run(options.seconds, profile=profile, every=options.period or None, tell=_tell_rates())
        for way in Direction:
            report = link.report(way)
            _print_counts(way.name.lower(), report.impairments, report.counts, options.json, report)
        del link  # the last lines of a trace are written


def _tell_rates() -> Callable[[Link], None]:
    """Return what prints a line of rates since the last one."""
    before: dict[Direction, Report] = {}

    def line(link: Link) -> None:
        parts = []
        for way in Direction:
            now = link.report(way)
            last = before.get(way)
            seconds = now.seconds - (last.seconds if last else 0.0)
            got, sent = now.received - (last.received if last else 0), now.sent - (last.sent if last else 0)
            rates = f"{way.name.lower()} {got / seconds:.0f} -> {sent / seconds:.0f} pps"
            parts.append(f"{rates}, lost {now.counts.lost}, on the way {now.waiting}")
            before[way] = now
        tell("  |  ".join(parts))

    return line


@contextlib.contextmanager
def _traces(path: str) -> Iterator[list[int]]:
    fds = []
    try:
        for way in Direction:
            fds.append(
                os.open(
                    f"{path}.{way.name.lower()}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o666
                )
            )
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


def _print_counts(
    way: str, impairments: Impairments, counts: Counts, as_json: bool, report: Report | None = None
) -> None:
    """Print what was configured beside what was measured."""
    configured = {
        name: value for name, value in asdict(impairments).items() if value != getattr(Impairments(), name)
    }
    fates = {fate.name.lower(): count for fate, count in counts.fates.items()}
    if as_json:
        measured = {
            **fates,
            "corrupted": counts.corrupted,
            "duplicated": counts.duplicated,
            "held": counts.held,
        }
        beside = {}
        if report is not None:
            beside = {
                "sent": report.sent,
                "unsent": report.unsent,
                "passed": report.passed,
                "no_memory": report.no_memory,
                "waiting": report.waiting,
                "seconds": report.seconds,
                "late_ns": {f"p{s:g}": report.lateness.quantile_ns(s / 100) for s in (50, 90, 99, 100)},
            }
        print_json(
            {"direction": way, "configured": configured, "offered": counts.offered, **measured, **beside}
        )
        return
    said = " ".join(f"{name}={value}" for name, value in configured.items()) or "nothing"
    print(f"{way}: {said}")
    share = 100 * counts.lost / counts.offered if counts.offered else 0.0
    lost = ", ".join(f"{count} {name}" for name, count in fates.items() if count and name != "delivered")
    print(
        f"  {counts.offered} offered, {counts.delivered} delivered, {counts.lost} lost ({share:.3f}%)"
        f"{': ' if lost else ''}{lost}"
    )
    if report is not None:
        rate = units.show_rate(int(8 * report.sent_bytes / report.seconds)) if report.seconds else "0 bit/s"
        late = report.lateness.quantile_ns(0.99) / 1000
        print(f"  {report.sent} sent, {rate}, {report.unsent} refused; 99% less than {late:.0f} us late")
