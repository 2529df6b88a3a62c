"""``nmpcap gen``: frames out of a port, by pkt-gen's letters and with its lines."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nmpcap.cli.verb.front import Parser, print_json, run
from nmpcap.cli.verb.pktgen import Periods, closing
from nmpcap.errors import UsageError

__all__ = ["main"]


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = Parser("gen", "Send frames through a port: pkt-gen's tx and txseq. Ctrl-C ends it.")
    add = parser.add_argument
    add("-i", "--interface", required=True, metavar="PORT", help="what to send through")
    add("-f", "--function", choices=("tx", "txseq"), default="tx", help="txseq: with sequence numbers")
    add("-n", "--count", type=int, default=0, metavar="N", help="frames; 0: for ever")
    add("-l", "--size", type=int, action="append", help="bytes without CRC; twice: drawn between the two")
    add("-b", "--burst", type=int, default=512, metavar="N", help="frames between two syncs")
    family = parser.add_mutually_exclusive_group()
    family.add_argument("-4", dest="family", action="store_const", const=4, default=4, help="IPv4")
    family.add_argument("-6", dest="family", action="store_const", const=6, help="IPv6")
    add("-s", "--source", metavar="ADDR[:PORT][-ADDR[:PORT]]", help="source, a range is swept")
    add("-d", "--destination", metavar="ADDR[:PORT][-ADDR[:PORT]]", help="destination, a range is swept")
    add("-S", "--source-mac", default="02:00:00:00:00:01", metavar="MAC", help="source")
    add("-D", "--destination-mac", default="ff:ff:ff:ff:ff:ff", metavar="MAC", help="destination")
    add("-z", "--random-source", action="store_true", help="draw the source's address and port")
    add("-Z", "--random-destination", action="store_true", help="draw the destination's")
    add("-R", "--pps", help="frames a second, as 10k")
    add("-T", "--period", type=int, default=1000, metavar="MS", help="between two lines")
    add("-F", "--slots", type=int, default=1, metavar="N", help="slots a frame")
    add("-M", "--fragment", type=int, default=0, metavar="SIZE", help="bytes of a slot")
    add("-H", "--header", type=int, choices=(0, 10, 12), default=0, help="bytes of virtio header")
    template = parser.add_mutually_exclusive_group()
    template.add_argument("-P", "--file", metavar="FILE", help="send the first packet of a savefile")
    template.add_argument("--hex", metavar="DIGITS", help="send this frame")
    add("--seed", type=int, default=0, help="what is drawn depends on it alone")
    add("--json", action="store_true", help="the report as one object, and no other lines")
    return run(parser, _work, words)


def _work(options: argparse.Namespace) -> None:
    from nmpcap.tools.ends import open_port
    from nmpcap.tools.frames import Frames, ends, mac
    from nmpcap.tools.gen import Generated, gen
    from nmpcap.tools.units import factor

    if options.pps is not None:
        factor(options.pps, "a pps")  # what is wrong with it is said before a port is opened
    if options.period < 1:
        raise UsageError(f"-T {options.period}: a period has at least a millisecond")
    if options.slots < 1:
        raise UsageError(f"-F {options.slots}: a frame has at least one slot")
    addresses = ("10.0.0.1", "10.1.0.1") if options.family == 4 else ("fd00::1", "fd00::2")
    sizes = options.size or [60 if options.family == 4 else 66]
    frames = Frames(
        ends(options.source or addresses[0]),
        ends(options.destination or addresses[1]),
        mac(options.source_mac),
        mac(options.destination_mac),
        size=max(sizes),
        shortest=min(sizes),
        random_source=options.random_source,
        random_destination=options.random_destination,
        sequence=options.function == "txseq",
        header=options.header,
        template=_template(options),
        seed=options.seed,
    )
    length = len(frames.first())
    fragment = options.fragment or (-(-length // options.slots) if options.slots > 1 else 0)
    with open_port(options.interface) as port:
        periods = Periods()
        if not options.json:
            print(f"Sending on {options.interface}: 1 queues, 1 threads and {os.cpu_count()} cpus.")
            if frames.template is None:
                macs = f"{options.source_mac} -> {options.destination_mac}"
                print(f"{frames.source} -> {frames.destination} ({macs})", flush=True)

        def tell(report: Generated) -> None:
            periods.tell(report.sent, report, 99999)

        report = gen(
            port,
            frames,
            count=options.count,
            burst=options.burst,
            pps=options.pps,
            fragment=fragment,
            period=options.period / 1000,
            tell=None if options.json else tell,
        )
    if options.json:
        print_json(asdict(report))
    else:
        print("\n".join(closing("Sent", report.sent, report)))


def _template(options: argparse.Namespace) -> bytes | None:
    if options.hex is not None:
        return bytes.fromhex(options.hex)
    if options.file is None:
        return None
    from nmpcap.capture import open_offline

    with open_offline(Path(options.file)) as packets:
        for packet in packets:
            return bytes(packet)
    raise UsageError(f"{options.file}: there is no packet in it to send")
