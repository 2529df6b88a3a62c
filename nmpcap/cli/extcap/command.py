"""``nmpcap extcap install | uninstall``, and the contract itself: what Wireshark and tshark call."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nmpcap.cli.extcap import contract, place
from nmpcap.cli.messages import FAILURE, tell
from nmpcap.errors import PcapError

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words say; return the status."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        if given and given[0] in ("install", "uninstall"):
            return _place(given)
        if not given or given[0] in ("-h", "--help"):
            _parser().print_help()
            return 0
        return contract.answer(given)
    except (PcapError, OSError) as error:
        tell(f"nmpcap extcap: {error}")
        return FAILURE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nmpcap extcap",
        description="Have Wireshark and tshark list and capture from netmap's ports and switches.",
        epilog="Any other words are Wireshark's own: --extcap-interfaces, --capture ...",
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=("install", "uninstall"))
    parser.add_argument("--system", action="store_true", help="for all users: in Wireshark's own folder")
    parser.add_argument("--dir", type=Path, metavar="FOLDER", help="in this folder")
    return parser


def _place(words: list[str]) -> int:
    arguments = _parser().parse_args(words)
    if arguments.verb == "uninstall":
        for path in place.uninstall(arguments.dir):
            print(f"removed {path}")
        return 0
    path, looked_at = place.install(arguments.dir, system=arguments.system)
    print(f"installed {path}")
    if not looked_at:
        print(f"Wireshark looks there if it is told to: WIRESHARK_EXTCAP_DIR={path.parent}")
    return 0
