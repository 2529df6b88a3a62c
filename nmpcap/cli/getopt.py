"""Command lines by the habits of getopt_long(3), as glibc has them and in its words.

Bundled letters, arguments in the same or the next word, long names cut short, options after operands
unless POSIXLY_CORRECT is set, ``--``. Options come out one by one, so that -h ends everything before
what is wrong behind it, as in tcpdump. Python's getopt has other words and reads all before it answers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from nmpcap.cli.options import Option

__all__ = ["OptionError", "read"]


class OptionError(Exception):
    """An option that cannot be; the text is glibc's, without the program's name."""


def read(
    words: Sequence[str], options: Sequence[Option], operands: list[str]
) -> Iterator[tuple[Option, str]]:
    """Give each option with its argument ("" where it has none); what is no option goes to ``operands``.

    Raises OptionError at the first that is unknown, ambiguous, or has an argument too many or too few.
    """
    letters = {option.letter: option for option in options if option.letter}
    names = {option.long: option for option in options if option.long}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            operands += rest
            return
        if word.startswith("--"):
            yield _long(word[2:], names, rest)
        elif word.startswith("-") and word != "-":
            yield from _bundle(word[1:], letters, rest)
        else:
            operands.append(word)
            if "POSIXLY_CORRECT" in os.environ:
                operands += rest
                return


def _long(text: str, names: dict[str, Option], rest: list[str]) -> tuple[Option, str]:
    given, equals, value = text.partition("=")
    option = names.get(given) or _completed(given, names, text)
    if not option.value:
        if equals:
            raise OptionError(f"option '--{option.long}' doesn't allow an argument")
        return option, ""
    if equals or option.optional:
        return option, value
    if not rest:
        raise OptionError(f"option '--{option.long}' requires an argument")
    return option, rest.pop(0)


def _completed(given: str, names: dict[str, Option], text: str) -> Option:
    found = [name for name in names if name.startswith(given)]
    if not found:
        raise OptionError(f"unrecognized option '--{text}'")
    if len({names[name].key for name in found}) > 1:
        listed = " ".join(f"'--{name}'" for name in found)
        raise OptionError(f"option '--{given}' is ambiguous; possibilities: {listed}")
    return names[found[0]]


def _bundle(letters: str, known: dict[str, Option], rest: list[str]) -> Iterator[tuple[Option, str]]:
    while letters:
        letter, letters = letters[0], letters[1:]
        option = known.get(letter)
        if option is None:
            raise OptionError(f"invalid option -- '{letter}'")
        if not option.value:
            yield option, ""
            continue
        if not letters and not rest:
            raise OptionError(f"option requires an argument -- '{letter}'")
        yield option, letters or rest.pop(0)
        return
