"""--color: the time dim, and what a line begins with in the color of its kind. Text stays as it is."""

from __future__ import annotations

import os

__all__ = ["colored", "paint"]

_RESET, _DIM = "\x1b[0m", "\x1b[2m"
_COLORS = {
    **dict.fromkeys(("IP", "IP6"), "\x1b[36m"),
    **dict.fromkeys(("ARP,", "Reverse"), "\x1b[33m"),
    **dict.fromkeys(("LLDP,", "STP", "CDPv2,", "LACPv1,"), "\x1b[35m"),
}
_OTHER = "\x1b[32m"
_TCP_ENDS = ("Flags [R", "Flags [F")
_RED = "\x1b[31m"


def colored(mode: str) -> bool:
    """Whether to color: always, or with ``auto`` on a terminal that is not dumb, unless NO_COLOR is set."""
    if mode != "auto":
        return mode == "always"
    return os.isatty(1) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(stamp: str, text: str) -> str:
    """Return a line's time and text with colors; connections that end are red."""
    word, blank, rest = text.partition(" ")
    color = _RED if any(end in rest for end in _TCP_ENDS) else _COLORS.get(word, _OTHER)
    time = f"{_DIM}{stamp}{_RESET}" if stamp else ""
    return f"{time}{color}{word}{_RESET}{blank}{rest}"
