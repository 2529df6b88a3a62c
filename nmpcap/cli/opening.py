"""Opening what -i, -r and -V name, with tcpdump's lines about it on stderr."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from nmpcap._printable import printable
from nmpcap.capture import Capture, create, open_offline
from nmpcap.cli.command import Command
from nmpcap.cli.messages import Exit, fail, say, tell
from nmpcap.dlt import DLT_LINUX_SLL2, datalink_val_to_description, datalink_val_to_name
from nmpcap.errors import DeviceError, PcapError

__all__ = ["announce_live", "listed_files", "open_file", "open_interfaces"]


def open_interfaces(command: Command) -> list[Capture]:
    """Open every -i, or the first device there is."""
    opened: list[Capture] = []
    try:
        for given in command.interfaces or [_first_device()]:
            opened.append(_open_interface(command, _device(given)))
    except BaseException:
        for capture in opened:
            capture.close()
        raise
    return opened


def _first_device() -> str:
    from nmpcap.devices import findalldevs

    devices = findalldevs()
    if not devices:
        raise fail("no interfaces available for capture")
    return devices[0].name


def _device(given: str) -> str:
    """The device's name; a number is its place in -D's list, unless a device is called that."""
    if not (given.isascii() and given.isdigit()):
        return given
    from nmpcap.devices import findalldevs

    names = [device.name for device in findalldevs()]
    if given in names:
        return given
    if not 0 < int(given) <= len(names):
        raise fail("Invalid adapter index")
    return names[int(given) - 1]


def _open_interface(command: Command, name: str) -> Capture:
    device = create(name)
    device.set_snaplen(command.snaplen)
    device.set_promisc(command.promisc)
    # Whoever watches lines wants them now; what is written to a file may come many at a time.
    device.set_immediate_mode(command.immediate)
    device.set_tstamp_precision("nano" if command.nano else "micro")
    if command.buffer_size is not None:
        device.set_buffer_size(command.buffer_size)
    if command.rfmon:
        device.set_rfmon(True)
    try:
        if command.tstamp_type is not None and command.tstamp_type not in device.list_tstamp_types():
            say(
                f"WARNING: When trying to set timestamp type '{command.tstamp_type}' on {name}: That type "
                "of time stamp is not supported by that device"
            )
        elif command.tstamp_type is not None:
            device.set_tstamp_type(command.tstamp_type)
        capture = device.activate()
    except DeviceError as error:
        if error.errno == errno.ENODEV:
            raise _no_such_device(name) from error
        raise
    try:
        if command.direction is not None:
            capture.setdirection(command.direction)
        if command.linktype is not None:
            _choose_linktype(command, capture)
        elif capture.datalink() == DLT_LINUX_SLL2:
            say("data link type LINUX_SLL2")
    except BaseException:
        capture.close()
        raise
    return capture


def _no_such_device(name: str) -> Exit:
    from difflib import get_close_matches

    from nmpcap.devices import findalldevs

    try:
        names = [device.name for device in findalldevs()]
    except PcapError:
        names = []
    near = get_close_matches(name, names, 3)
    meant = f" (did you mean {' or '.join(near)}?)" if near else ""
    return fail(f"{printable(name)}: No such device exists{meant}\n(No such device exists)")


def _choose_linktype(command: Command, capture: Capture) -> None:
    assert command.linktype is not None
    if command.linktype not in capture.list_datalinks():
        raise fail(f"{command.linktype_name} is not one of the DLTs supported by this device")
    capture.set_datalink(command.linktype)
    say(f"data link type {datalink_val_to_name(command.linktype)}")


def announce_live(command: Command, captures: list[Capture]) -> None:
    """Say what is listened on."""
    prefix = "nmdump: "
    if command.printing and not command.verbose:
        say("verbose output suppressed, use -v[v]... for full protocol decode")
        prefix = ""
    for capture in captures:
        facts = f"{_linktype_text(capture.datalink())}, snapshot length {capture.snapshot()} bytes"
        tell(f"{prefix}listening on {printable(capture.name)}, {facts}")


def _linktype_text(linktype: int) -> str:
    name = datalink_val_to_name(linktype)
    return f"link-type {name} ({datalink_val_to_description(linktype)})" if name else f"link-type {linktype}"


def open_file(command: Command, path: str, linktype: int | None = None) -> Capture:
    """Open a savefile to read, and say what it is; Exit where it is not of the link type it has to be of."""
    capture = open_offline(path, tstamp_precision="nano" if command.nano else "micro")
    if linktype not in (None, capture.datalink()):
        capture.close()
        raise fail(f"{printable(str(path))}: new dlt does not match original")
    facts = f"{_linktype_text(capture.datalink())}, snapshot length {capture.snapshot()}"
    tell(f"reading from file {printable(str(path))}, {facts}")
    if capture.datalink() == DLT_LINUX_SLL2:
        tell("Warning: interface names might be incorrect")
    return capture


def listed_files(path: str) -> Iterator[str]:
    """Read the names of savefiles that -V's file lists, one a line; ``-`` is standard input."""
    try:
        with open(0 if path == "-" else path, errors="surrogateescape", closefd=path != "-") as listing:
            for line in listing:
                if name := line.rstrip("\n"):
                    yield name
    except OSError as error:
        raise fail(f"Unable to open file: {error.strerror}") from error
