"""``nmpcap filter``: what an expression means, the program it becomes, and what it says of a savefile."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from nmpcap.cli.verb.front import Parser, print_json, run
from nmpcap.dlt import DLT_EN10MB, datalink_name_to_val
from nmpcap.errors import UsageError

__all__ = ["main"]

_IMAGES = ("", "d", "dd", "ddd")


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = Parser(
        "filter", "Explain a pcap-filter expression; with -d, print its program; with -r, judge a savefile."
    )
    parser.add_argument("expression", nargs="+", help="the filter; words are joined by blanks")
    parser.add_argument(
        "-d", action="count", default=0, help="the program: -dd as C, -ddd as decimal numbers"
    )
    parser.add_argument("-O", dest="optimize", action="store_false", help="do not optimize it")
    parser.add_argument(
        "-y", dest="linktype", default="", metavar="LINKTYPE", help="link type, EN10MB if not said"
    )
    parser.add_argument("-s", dest="snaplen", type=int, default=262144, metavar="SNAPLEN")
    parser.add_argument(
        "-r", dest="file", help="count the packets of a savefile that match, and the time it takes"
    )
    parser.add_argument("--stages", action="store_true", help="what every stage of the compiler made of it")
    parser.add_argument("--json", action="store_true", help="with -r: one object")
    return run(parser, _work, words)


def _work(options: argparse.Namespace) -> None:
    text = " ".join(options.expression)
    if options.d > 3:
        raise UsageError("-d is given three times at most")
    if options.file:
        _judge(text, options)
    elif options.stages:
        from nmpcap.filter import Options, stages

        made = stages(text, Options(_linktype(options), options.snaplen, optimize=options.optimize))
        for name in ("tokens", "tree", "expanded", "graph"):
            print(f"--- {name}\n{getattr(made, name)}")
        print(f"--- program\n{_compiled(text, options).image()}")
    elif options.d:
        print(_compiled(text, options).image(_IMAGES[options.d]))
    else:
        print(_compiled(text, options).explain())


def _compiled(text: str, options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from nmpcap.filter import compile

    return compile(text, linktype=_linktype(options), snaplen=options.snaplen, optimize=options.optimize)


def _linktype(options: argparse.Namespace) -> int:
    if not options.linktype:
        return DLT_EN10MB
    return int(options.linktype) if options.linktype.isdecimal() else datalink_name_to_val(options.linktype)


def _judge(text: str, options: argparse.Namespace) -> None:
    from nmpcap.capture import open_offline

    with open_offline(options.file) as packets:
        packets.setfilter(text, optimize=options.optimize)
        begun = time.perf_counter()
        for _ in packets.batches():
            pass
        seconds = time.perf_counter() - begun
        stats = packets.stats()
        machine = str(packets.explain().filter)
    matched = stats.received - stats.filtered
    if options.json:
        print_json({"packets": stats.received, "matched": matched, "seconds": seconds, "runs": machine})
        return
    each = 1e9 * seconds / stats.received if stats.received else 0.0
    print(f"{matched} of {stats.received} packets match; {each:.1f} ns a packet with reading, {machine}")
