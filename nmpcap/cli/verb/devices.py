"""``nmpcap devices``: all that can be opened, with what is known of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from nmpcap.cli.verb.front import Parser, print_json, run

__all__ = ["main"]


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = Parser("devices", "List interfaces and the ports of netmap, with their addresses.")
    parser.add_argument("--json", action="store_true", help="one object a line")
    return run(parser, _list, words)


def _list(options: argparse.Namespace) -> None:
    from nmpcap.devices import findalldevs

    for device in findalldevs():
        addresses = [address.address for address in device.addresses]
        states = [
            word
            for is_so, word in ((device.up, "up"), (device.running, "running"), (device.loopback, "loopback"))
            if is_so
        ]
        if options.json:
            print_json(
                {
                    "name": device.name,
                    "description": device.description,
                    "state": states,
                    "addresses": addresses,
                }
            )
            continue
        known = [device.description or "", " ".join(states), " ".join(addresses)]
        print("  ".join([f"{device.name:<16}", *(text for text in known if text)]).rstrip())
