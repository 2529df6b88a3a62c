"""``nmpcap VERB``: what the one command holds. A verb is a row, its module imported when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from nmpcap.cli.messages import FAILURE, tell

__all__ = ["VERBS", "Verb", "main"]


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb, the module whose ``main(words)`` returns the status, and one sentence."""

    name: str
    module: str
    help: str


VERBS: tuple[Verb, ...] = (
    Verb("dump", "nmpcap.cli.nmdump", "Print, write and count packets: nmdump, tcpdump's command line."),
    Verb("link", "nmpcap.cli.verb.link", "Emulate a link between two ports, or over a savefile."),
    Verb("replay", "nmpcap.cli.verb.replay", "Send a savefile's packets through a port, each at its time."),
    Verb(
        "gen", "nmpcap.cli.verb.gen", "Send frames, as fast as a port takes them or at a rate: pkt-gen's tx."
    ),
    Verb("sink", "nmpcap.cli.verb.sink", "Count what a port receives, and what is missing: pkt-gen's rx."),
    Verb("vale", "nmpcap.cli.verb.vale", "List, make, attach and count VALE switches' ports."),
    Verb("devices", "nmpcap.cli.verb.devices", "List interfaces and the ports of netmap."),
    Verb("filter", "nmpcap.cli.verb.filter", "Explain a filter, print its program, judge a savefile."),
    Verb("parameters", "nmpcap.cli.verb.parameters", "Show and set netmap's parameters."),
    Verb("extcap", "nmpcap.cli.extcap.command", "Have Wireshark and tshark capture from netmap's ports."),
)


def main(words: Sequence[str] | None = None) -> int:
    """Run ``nmpcap VERB ...``; return the status."""
    given = list(sys.argv[1:] if words is None else words)
    if given and given[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if given and given[0] == "--version":
        from nmpcap.version import lib_version

        print(lib_version())
        return 0
    for verb in VERBS:
        if given and given[0] == verb.name:
            return int(import_module(verb.module).main(given[1:]))
    tell(f"nmpcap: there is no verb '{given[0]}'" if given else "nmpcap: what is to be done?")
    tell(_help())
    return FAILURE


def _help() -> str:
    lines = ["Usage: nmpcap VERB ...", *(f"  {verb.name:<10} {verb.help}" for verb in VERBS)]
    return "\n".join(lines)
