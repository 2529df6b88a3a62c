"""``nmpcap vale``: switches and their ports, by words, or by vale-ctl's letters and in its lines."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict

from nmpcap import vale
from nmpcap.cli.messages import FAILURE, tell
from nmpcap.cli.verb.front import Parser, print_json, run
from nmpcap.errors import DeviceError, PcapError

__all__ = ["main"]

_DESCRIPTION = "VALE switches and their ports: list them, make and attach persistent ports, count packets."
_CONFIG = ("tx_slots", "rx_slots", "tx_rings", "rx_rings")


def main(words: Sequence[str]) -> int:
    """Run the verb; letters are vale-ctl's."""
    if _is_letter(words):
        return run(_letters(), _by_letter, words)
    return run(_words(), lambda options: options.work(options), words)


def _is_letter(words: Sequence[str]) -> bool:
    """Whether vale-ctl's letters are meant: its -h takes a port, and asks for no help."""
    if not words or not words[0].startswith("-") or words[0] == "--help":
        return False
    return words[0] != "-h" or len(words) > 1


# ---- by words ------------------------------------------------------------------------


def _words() -> Parser:
    parser = Parser("vale", f"{_DESCRIPTION} vale-ctl's letters are taken as well (vale-ctl -h lists them).")
    verbs = parser.add_subparsers(metavar="WHAT", required=True, parser_class=argparse.ArgumentParser)

    def add(name: str, work: object, help: str, *, port: str = "") -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=help, description=help)
        verb.error = parser.error  # type: ignore[method-assign]
        verb.set_defaults(work=work)
        if port:
            verb.add_argument("port", metavar=port)
        return verb

    listing = add("list", _list, "List the ports of switches, persistent ports and pipes.")
    listing.add_argument("switch", nargs="?", default="", help="those of this switch only, as vale0")
    listing.add_argument("--json", action="store_true", help="one object a line")
    making = add("create", _create, "Make a persistent port, on no switch.", port="NAME")
    for what in _CONFIG:
        making.add_argument(f"--{what.replace('_', '-')}", dest=what, type=int, default=0, metavar="N")
    add("destroy", lambda options: vale.destroy(options.port), "Remove a persistent port.", port="NAME")
    attaching = add(
        "attach", _attach, "Attach a persistent port, or an interface, to a switch.", port="vale0:NAME"
    )
    attaching.add_argument(
        "--host", action="store_true", help="the host stack's side of an interface as well"
    )
    add("detach", _detach, "Detach a port from its switch.", port="vale0:NAME")
    counting = add("stats", _stats, "Say what became of a port's packets; without a name, of all ports'.")
    counting.add_argument("port", nargs="?")
    counting.add_argument("--json", action="store_true", help="one object a port and line")
    return parser


def _list(options: argparse.Namespace) -> None:
    if options.switch:
        for place in vale.list_ports(options.switch):
            if options.json:
                print_json(asdict(place))
            else:
                print(_line(place))
        return
    for port in vale.list_all():
        if options.json:
            print_json(asdict(port))
        else:
            print(f"{port.name}  {port.kind}{', in use' if port.in_use else ''}")


def _create(options: argparse.Namespace) -> None:
    config = vale.create(options.port, **{what: getattr(options, what) for what in _CONFIG})
    print(" ".join(f"{what} {getattr(config, what)}" for what in _CONFIG))


def _attach(options: argparse.Namespace) -> None:
    print(f"port_index: {vale.attach(options.port, host=options.host)}")


def _detach(options: argparse.Namespace) -> None:
    print(f"port_index: {vale.detach(options.port)}")


def _stats(options: argparse.Namespace) -> None:
    names = [options.port] if options.port else [port.name for port in vale.list_all() if port.kind != "pipe"]
    for name in names:
        counted = asdict(vale.counters(name))
        if options.json:
            print_json({"port": name, **counted})
        else:
            print(f"{name}  " + " ".join(f"{what} {count}" for what, count in counted.items()))


# ---- by vale-ctl's letters -------------------------------------------------------------


def _letters() -> Parser:
    parser = Parser("vale", f"{_DESCRIPTION} These are vale-ctl's letters.", add_help=False)
    what = parser.add_mutually_exclusive_group()
    for letter, name, help in (
        ("-n", "newif", "make a persistent port"),
        ("-r", "delif", "remove it"),
        ("-a", "attach", "attach to a switch: vale0:PORT"),
        ("-h", "host", "attach with the host stack's side"),
        ("-d", "detach", "detach"),
        ("-g", "info", "say what a port has"),
        ("-p", "polling_on", "have the kernel poll an interface"),
        ("-P", "polling_off", "no longer"),
    ):
        what.add_argument(letter, dest=name, metavar="PORT", help=help)
    what.add_argument("-l", dest="listed", nargs="?", const="", metavar="PORT", help="list one, or all")
    parser.add_argument("-C", dest="config", default="", metavar="tx_slots[,rx_slots[,tx_rings[,rx_rings]]]")
    parser.add_argument("-m", dest="mem_id", type=int, default=0, metavar="REGION")
    parser.add_argument("-v", dest="verbose", action="store_true")
    return parser


def _by_letter(options: argparse.Namespace) -> int:
    actions: dict[str, Callable[[str], None]] = {
        "newif": lambda name: _newif(name, options),
        "delif": vale.destroy,
        "attach": lambda name: _placed(vale.attach(name, mem_id=options.mem_id), options),
        "host": lambda name: _placed(vale.attach(name, host=True, mem_id=options.mem_id), options),
        "detach": lambda name: _placed(vale.detach(name), options),
        "info": lambda name: _info(name, options),
        "polling_on": _no_polling,
        "polling_off": _no_polling,
    }
    for action, work in actions.items():
        if getattr(options, action) is not None:
            return _told(action, getattr(options, action), work)
    return _told("list", options.listed or "", _list_as_vale_ctl)


def _told(action: str, name: str, work: Callable[[str], None]) -> int:
    """Do it; an error in vale-ctl's words, with what else is known below them."""
    try:
        work(name)
    except PcapError as error:
        reason = os.strerror(error.errno) if isinstance(error, DeviceError) and error.errno else str(error)
        tell(f"failed to {action} {name}: {reason}")
        if reason != str(error):
            tell(f"  {error}")
        return FAILURE
    return 0


def _newif(name: str, options: argparse.Namespace) -> None:
    numbers = [int(part) for part in options.config.split(",")] if options.config else []
    tx_slots, rx_slots, tx_rings, rx_rings = [*numbers, *[0] * len(_CONFIG)][: len(_CONFIG)]
    config = vale.create(
        name,
        tx_slots=tx_slots,
        rx_slots=rx_slots,
        tx_rings=tx_rings,
        rx_rings=rx_rings,
        mem_id=options.mem_id,
    )
    if options.verbose:
        print(" ".join(f"{what} {getattr(config, what)}" for what in _CONFIG))


def _placed(place: int, options: argparse.Namespace) -> None:
    if options.verbose:
        print(f"port_index: {place}")


def _info(name: str, options: argparse.Namespace) -> None:
    info = vale.port_info(name, mem_id=options.mem_id)
    for what in ("memsize", *_CONFIG, "mem_id"):
        print(f"{what + ':':<12}{getattr(info, what)}")


def _list_as_vale_ctl(name: str) -> None:
    if not name:
        for place in vale.list_ports():
            print(_line(place))
        return
    found = vale.find(name)
    if found is None:
        raise DeviceError(2, f"{name}: there is no such port")
    print(f"bridge_idx: {found.switch_index}\nport_idx:   {found.port_index}")


def _line(place: vale.ValePort) -> str:
    return f"{place.name} bridge_idx {place.switch_index} port_idx {place.port_index}"


def _no_polling(name: str) -> None:
    raise DeviceError(95, f"{name}: polling is for interfaces that the kernel module has attached")
