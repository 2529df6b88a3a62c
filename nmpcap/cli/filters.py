"""The filter of a command line: from its rest or -F's file, set on handles or listed with -d."""

from __future__ import annotations

import re

from nmpcap.capture import Capture
from nmpcap.cli.command import Command
from nmpcap.cli.messages import fail, tell
from nmpcap.dlt import DLT_EN10MB
from nmpcap.errors import PcapError

__all__ = ["filter_listing", "filter_text", "netmask_of"]

_COMMENT = re.compile("#[^\n]*")


def filter_text(command: Command) -> str:
    """Return the expression: -F's file, its comments blanked, or else the operands."""
    if command.filter_file is None:
        return command.expression
    try:
        with open(command.filter_file, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except OSError as error:
        raise fail(f"can't open {command.filter_file}: {error.strerror}") from error
    return _COMMENT.sub(lambda comment: " " * len(comment.group()), text)


def netmask_of(device: str) -> int | None:
    """Return an interface's netmask, for ``ip broadcast``; None where it has none."""
    from nmpcap.devices import lookupnet

    try:
        return lookupnet(device)[1] or None
    except PcapError:
        return None


def filter_listing(command: Command) -> list[str]:
    """Return the compiled filter as -d, -dd or -ddd lists it, for what -i, -r or -y says."""
    from nmpcap.filter import compile

    capture = _capture_of(command)
    linktype, netmask, live, savefile = command.linktype, None, False, False
    if capture is not None:
        with capture:
            linktype = capture.datalink()
            live, savefile = command.live, not command.live
            netmask = netmask_of(capture.name) if live else None
    elif linktype is None:
        tell("Warning: assuming Ethernet")
        linktype = DLT_EN10MB
    program = compile(
        filter_text(command),
        linktype=linktype,
        snaplen=command.snaplen,
        netmask=netmask,
        optimize=command.optimize,
        live=live and capture is not None and capture.explain().source == "packet",
        savefile=savefile,
    )
    return program.image(command.filter_form).split("\n")


def _capture_of(command: Command) -> Capture | None:
    from nmpcap.cli.opening import listed_files, open_file, open_interfaces

    if command.interfaces:
        return open_interfaces(command)[0]
    files = command.read or (listed_files(command.list_file) if command.list_file is not None else ())
    for path in files:
        return open_file(command, path)
    return None
