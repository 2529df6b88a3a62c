"""``nmpcap replay``: a savefile out of a port, with tcpreplay's closing lines and how late packets were."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from nmpcap.cli.messages import FAILURE
from nmpcap.cli.verb.front import Parser, print_json, run
from nmpcap.tools.replay import Replayed, Timing, replay

__all__ = ["main"]

_SHARES = (0.5, 0.9, 0.99, 1.0)


def main(words: Sequence[str]) -> int:
    """Run the verb; status 1 if the port refused packets."""
    parser = Parser(
        "replay", "Send a savefile's packets through a port: in real time, unless said otherwise."
    )
    parser.add_argument("-i", "--interface", required=True, metavar="PORT", help="what to send through")
    parser.add_argument("file", help="the savefile")
    timing = parser.add_mutually_exclusive_group()
    timing.add_argument("-x", "--speed", help="their own times, so many times as fast")
    timing.add_argument("-p", "--pps", help="packets a second")
    timing.add_argument("-R", "--rate", help="bits a second, as 10M")
    timing.add_argument("-M", "--mbps", help="millions of bits a second")
    timing.add_argument("-t", "--topspeed", action="store_true", help="as fast as the port takes them")
    parser.add_argument(
        "--overhead", type=int, default=0, help="bytes each packet takes of the rate; Ethernet: 24"
    )
    parser.add_argument(
        "-l", "--loop", type=int, default=1, metavar="N", help="so many times over; 0: for ever"
    )
    parser.add_argument("--pause", default="0", help="between two rounds, as 20ms")
    parser.add_argument("-L", "--limit", type=int, default=0, metavar="N", help="packets at most")
    parser.add_argument("-f", "--filter", metavar="EXPRESSION", help="only packets that match")
    parser.add_argument("--json", action="store_true", help="the report as one object")
    return run(parser, _work, words)


def _work(options: argparse.Namespace) -> int:
    from nmpcap.capture import open as open_port

    rate = options.rate or (f"{options.mbps}M" if options.mbps else None)
    timed = options.speed or options.pps or rate or options.topspeed
    timing = Timing(options.speed or (None if timed else 1), options.pps, rate, options.overhead)
    pause = options.pause if options.pause != "0" else 0
    with open_port(options.interface) as port:
        report = replay(
            options.file,
            port,
            timing,
            filter=options.filter,
            loops=options.loop,
            pause=pause,
            limit=options.limit,
        )
    if options.json:
        print_json({**asdict(report), "late_ns": _late(report)})
    else:
        _print(report, options.interface)
    return FAILURE if report.failed else 0


def _late(report: Replayed) -> dict[str, int]:
    return {f"p{share * 100:g}": report.lateness.quantile_ns(share) for share in _SHARES}


def _print(report: Replayed, port: str) -> None:
    seconds = max(report.seconds, 1e-9)
    bps = report.bytes / seconds
    print(f"Actual: {report.sent} packets ({report.bytes} bytes) sent in {report.seconds:.6f} seconds")
    print(f"Rated: {bps:.1f} Bps, {bps * 8 / 1e6:.2f} Mbps, {report.sent / seconds:.2f} pps")
    print(f"Statistics for network device: {port}")
    for what, count in (
        ("Successful packets:", report.sent),
        ("Failed packets:", report.failed),
        ("Truncated packets:", report.cut),
        ("Retried packets (ENOBUFS):", 0),
        ("Retried packets (EAGAIN):", report.waited),
    ):
        print(f"\t{what:<26} {count}")
    if sum(report.lateness.below):
        print("Late: " + ", ".join(f"{name} {ns / 1000:.1f} us" for name, ns in _late(report).items()))
