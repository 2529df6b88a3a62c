"""The extcap contract: which of its calls the words are, and what is answered. Seen with tshark 4.0.

A call that lists ends with status 0 and its answer on stdout, whatever it is about; so does a filter to
be checked, where silence means that it is one. Words of newer Wiresharks, ``--extcap-...``, are passed over.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import nmpcap
from nmpcap import FilterError, UsageError
from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.cli.extcap import sentences
from nmpcap.cli.extcap.control import Control
from nmpcap.cli.extcap.ports import ANY_PORT, HOW, Wanted
from nmpcap.cli.extcap.stream import let_go, stream
from nmpcap.cli.messages import FAILURE, tell

__all__ = ["answer"]


def answer(words: Sequence[str]) -> int:
    """Answer a call; return the status. Raises PcapError or OSError for what Wireshark shows its user."""
    call = _parse(words)
    if call.interfaces:
        return _say(sentences.interfaces())
    if call.dlts:
        _interface(call)
        return _say(sentences.dlts())
    if call.config:
        if call.reload is not None:
            return _say(sentences.reloaded(call.reload))
        return _say(sentences.config(_interface(call)))
    if call.capture:
        return _capture(call)
    if call.filter is not None:
        return _say(_wrong_with(call.filter))
    if call.version is not None:
        return _say([sentences.version_line()])
    raise UsageError("none of extcap's calls; see nmpcap extcap --help")


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nmpcap extcap", allow_abbrev=False, add_help=False)
    for flag in ("interfaces", "dlts", "config"):
        parser.add_argument(f"--extcap-{flag}", dest=flag, action="store_true")
    parser.add_argument("--capture", action="store_true")
    parser.add_argument("--extcap-version", dest="version", nargs="?", const="")
    parser.add_argument("--extcap-interface", dest="interface")
    parser.add_argument("--extcap-reload-option", dest="reload")
    parser.add_argument("--extcap-capture-filter", dest="filter")
    parser.add_argument("--extcap-control-in", dest="control_in")
    parser.add_argument("--extcap-control-out", dest="control_out")
    parser.add_argument("--fifo")
    parser.add_argument("--snaplen", type=int, default=MAXIMUM_SNAPLEN)
    parser.add_argument("--how", choices=HOW, default=HOW[0])
    parser.add_argument("--runtime-dir", default="")
    parser.add_argument("--port", default="")
    call, rest = parser.parse_known_args(words)
    unknown = [word for word in rest if word.startswith("-") and not word.startswith("--extcap-")]
    if unknown:
        raise UsageError(f"{unknown[0]}: not an option of extcap's, nor of nmpcap's interfaces")
    return call


def _say(lines: Sequence[str]) -> int:
    for line in lines:
        print(line)
    return 0


def _interface(call: argparse.Namespace) -> str:
    if not call.interface:
        raise UsageError("which interface? --extcap-interface NAME belongs to this call")
    return str(call.interface)


def _wrong_with(text: str) -> list[str]:
    try:
        nmpcap.compile(text)
    except FilterError as error:
        return str(error).splitlines()
    return []


def _capture(call: argparse.Namespace) -> int:
    name = call.port if _interface(call) == ANY_PORT else call.interface
    if not call.fifo:
        raise UsageError(f"{name}: where to? --fifo PATH belongs to --capture")
    wanted = Wanted(name, call.how, call.snaplen, call.filter or "", call.runtime_dir or None)
    wanted.check()
    with Control(call.control_in, call.control_out) as control:
        try:
            stream(wanted, call.fifo, control)
        except (nmpcap.PcapError, OSError) as error:
            # Wireshark shows what it has read when the fifo ends.
            control.error(str(error))
            tell(f"nmpcap extcap: {error}")
            let_go(call.fifo)
            return FAILURE
    return 0
