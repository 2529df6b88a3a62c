"""--help and --version, from the table of options."""

from __future__ import annotations

import textwrap
from typing import Any

from nmpcap.cli.options import NMDUMP, Option
from nmpcap.version import VERSION, lib_version

__all__ = ["help_text", "synopsis", "usage", "version_text"]

_COLUMN = 26
_TIE = "\xa0"  # a blank that no line is broken at
_WHOLE: Any = {"break_long_words": False, "break_on_hyphens": False}


def version_text() -> str:
    """Return the program's version and the library's."""
    return f"nmdump version {VERSION}\n{lib_version()}"


def usage() -> str:
    """Return versions and all options at a glance: what tcpdump says of an option that it does not have."""
    words = " ".join(synopsis(NMDUMP))
    text = textwrap.fill(words, 70, initial_indent="Usage: nmdump ", subsequent_indent="\t\t", **_WHOLE)
    return f"{version_text()}\n{text}".replace(_TIE, " ")


def synopsis(options: tuple[Option, ...]) -> list[str]:
    """Return the options as one line of a manual has them, the letters without argument in one word."""
    offered = [option for option in options if not option.refused]
    letters = "".join(option.letter for option in offered if option.letter and not option.value)
    words = [f"[-{letters}]"]
    for option in offered:
        if option.value and option.letter:
            words.append(f"[ -{option.letter} {option.value} ]")
        elif not option.letter:
            value = f"[={option.value}]" if option.optional else f" {option.value}" if option.value else ""
            words.append(f"[ --{option.long}{value} ]")
    return [word.replace(" ", _TIE) for word in [*words, "[ expression ]"]]


def help_text() -> str:
    """Return usage, and every option with its sentence."""
    lines = [usage(), ""]
    for option in NMDUMP:
        if option.refused:
            continue
        left = f"  {spelled(option):<{_COLUMN}}"
        if not left.endswith(" "):
            lines.append(left)
            left = ""
        margin = " " * (_COLUMN + 2)
        lines.append(textwrap.fill(option.help, 100, initial_indent=left or margin, subsequent_indent=margin))
    return "\n".join(lines)


def spelled(option: Option) -> str:
    """Return an option as it is written: ``-s, --snapshot-length=snaplen``."""
    long = f"--{option.long}" if option.long else ""
    if long and option.value:
        long += f"[={option.value}]" if option.optional else f"={option.value}"
    letter = f"-{option.letter}" if option.letter else ""
    if letter and option.value and not long:
        letter += f" {option.value}"
    return ", ".join(part for part in (letter, long) if part)
