"""nmdump: the program, from its words to its status."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nmpcap.cli.command import Command, parse
from nmpcap.cli.messages import FAILURE, Exit, errors_end_it, tell

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line, sys.argv's if None; return the status to exit with."""
    try:
        with errors_end_it():
            return _run(parse(sys.argv[1:] if words is None else words))
    except Exit as end:
        return end.status
    except KeyboardInterrupt:  # before the handlers were there
        return FAILURE


def _run(command: Command) -> int:
    if command.list_interfaces:
        from nmpcap.cli.listing import interface_lines

        return _print(interface_lines())
    if command.filter_form:
        from nmpcap.cli.filters import filter_listing

        return _print(filter_listing(command))
    if command.list_linktypes or command.list_tstamp_types:
        return _list(command)
    from nmpcap.cli.session import run

    return run(command)


def _print(lines: Sequence[str]) -> int:
    from nmpcap.cli.output import Output

    output = Output()
    output.put("".join(f"{line}\n" for line in lines))
    output.flush()
    return 0


def _list(command: Command) -> int:
    """-L and -J, on stderr as 4.99.3 prints them."""
    from nmpcap.capture import create
    from nmpcap.cli.listing import linktype_lines, tstamp_type_lines
    from nmpcap.cli.opening import open_interfaces

    with open_interfaces(command)[0] as capture:
        if command.list_tstamp_types:
            lines = tstamp_type_lines(capture.name, create(capture.name).list_tstamp_types())
        else:
            lines = linktype_lines(capture.name, capture.list_datalinks())
    for line in lines:
        tell(line)
    return 0
