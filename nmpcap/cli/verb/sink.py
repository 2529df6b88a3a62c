"""``nmpcap sink``: counts what a port receives, by pkt-gen's letters and with its lines."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict

from nmpcap.cli.messages import tell
from nmpcap.cli.verb.front import Parser, print_json, run
from nmpcap.cli.verb.pktgen import Periods, closing
from nmpcap.errors import UsageError

__all__ = ["main"]


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = Parser("sink", "Count what a port receives: pkt-gen's rx and rxseq. Ctrl-C ends it.")
    add = parser.add_argument
    add("-i", "--interface", required=True, metavar="PORT", help="what to receive from")
    add("-f", "--function", choices=("rx", "rxseq"), default="rx", help="rxseq: look at sequence numbers")
    add("-n", "--count", type=int, default=0, metavar="N", help="packets; 0: for ever")
    add("-b", "--burst", type=int, default=0, metavar="N", help="packets between two syncs; 0: all")
    add("-T", "--period", type=int, default=1000, metavar="MS", help="between two lines")
    add("-H", "--header", type=int, choices=(0, 10, 12), default=0, help="bytes of virtio header")
    add("--json", action="store_true", help="the report as one object, and no other lines")
    return run(parser, _work, words)


def _work(options: argparse.Namespace) -> None:
    from nmpcap.capture import Capture
    from nmpcap.tools.ends import open_port
    from nmpcap.tools.sink import Sink, sink

    if options.period < 1:
        raise UsageError(f"-T {options.period}: a period has at least a millisecond")
    numbered = options.function == "rxseq"
    with open_port(options.interface) as port:
        if isinstance(port, Capture):
            port.setdirection("in")
        if not options.json:
            cpus = os.cpu_count()
            print(f"Receiving from {options.interface}: 1 queues, 1 threads and {cpus} cpus.", flush=True)
        periods = Periods()

        def period(taker: Sink) -> None:
            report = taker.report()
            periods.tell(report.received, report, taker.least_space())
            for gap in taker.gaps():
                tell(f"{gap.count} missing from {gap.first} on")

        report = sink(
            port,
            count=options.count,
            burst=options.burst,
            sequence=numbered,
            header=options.header,
            period=options.period / 1000,
            tell=None if options.json else period,
        )
    if options.json:
        print_json(asdict(report))
        return
    print("\n".join(closing("Received", report.received, report)))
    if numbered:
        print(
            f"Sequence: {report.missing} missing in {report.gaps} gaps, {report.reordered} reordered, "
            f"{report.duplicates} duplicates, {report.stale} stale, {report.not_numbered} without a number."
        )
