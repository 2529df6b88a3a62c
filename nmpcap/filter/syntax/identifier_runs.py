"""Finds long runs such as ``or host 10.0.0.1 or host 10.0.0.2 ...`` in a text, as one token.

Filters of a hundred thousand addresses are made by programs, and are regular: regular
expressions read them many times faster than the scanner does. What is not entirely regular,
or not entirely valid, is left to the scanner, which also knows how to complain.
"""

from __future__ import annotations

import re
import socket
import struct
from functools import lru_cache
from typing import NamedTuple

from nmpcap.filter.syntax.keywords import KEYWORDS

__all__ = ["Run", "find_run"]

_FEWEST = 16
_GAP = r"[ \t\r\n]+"
_CLASSES = {
    "address": r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
    "prefix": r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}/[0-9]{1,2}",
    "number": r"(?:0|[1-9][0-9]{0,4})",
}
# What may follow keeps arithmetic out: in "or 5 = 5" the number is no identifier.
_BEHIND = rf"(?={_GAP}(?:or|and|\|\||&&)[ \t\r\n(]|[ \t\r\n]*\)|[ \t\r\n]*\Z)"
_FIRST = re.compile(
    rf"{_GAP}(or|\|\||(?:and|&&){_GAP}not){_GAP}((?:[a-z0-9]+{_GAP}){{0,3}}?)"
    rf"(?:(?P<prefix>{_CLASSES['prefix']})|(?P<address>{_CLASSES['address']})|(?P<number>{_CLASSES['number']})){_BEHIND}"
)


class Run(NamedTuple):
    """Several identifiers with the same joint and the same qualifiers, written out or inherited."""

    negated: bool  # joined by "and not", not by "or"
    quals: tuple[str, str, str] | None  # None: those in force
    kind: str  # address prefix number
    spellings: list[str]
    ranges: list[tuple[int, int]]

    def __str__(self) -> str:
        joint = "and not" if self.negated else "or"
        return f"{joint} {' '.join(filter(None, self.quals or ()))} {len(self.spellings)} of {self.kind}"


@lru_cache(maxsize=64)
def _patterns(joint: str, head: str, kind: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the pattern of a whole run, and that of a member, which captures its address."""
    words = [re.escape(word) for word in (*joint.split(), *head.split())]
    member = f"{_GAP}{_GAP.join(words)}{_GAP}({_CLASSES[kind]})"
    return re.compile(f"(?:{member}{_BEHIND}){{{_FEWEST},}}"), re.compile(member)


def find_run(text: str, pos: int) -> tuple[Run, int] | None:
    """Find a run that starts at ``pos``, behind an identifier: the run and where it ends."""
    first = _FIRST.match(text, pos)
    if first is None:
        return None
    joint, head, kind = first[1], first[2], first.lastgroup
    quals = _qualifiers(head.split())
    if kind is None or (head and quals is None):
        return None
    run, member = _patterns(" ".join(joint.split()), " ".join(head.split()), kind)
    whole = run.match(text, pos)
    if whole is None:
        return None
    spellings: list[str] = member.findall(text, pos, whole.end())
    ranges = _RANGES[kind](spellings)
    if ranges is None:
        return None
    return Run(joint not in ("or", "||"), quals, kind, spellings, ranges), whole.end()


def _qualifiers(words: list[str]) -> tuple[str, str, str] | None:
    """Return the words as proto, dir and type; None if that is not what they are."""
    found = {"proto": "", "dir": "", "type": ""}
    order = list(found)
    for word in words:
        kind, value = KEYWORDS.get(word, ("", ""))
        if kind not in order:
            return None
        del order[: order.index(kind) + 1]
        found[kind] = value
    if not found["dir"] and not found["type"]:
        return None
    return found["proto"], found["dir"], found["type"]


def _addresses(spellings: list[str]) -> list[tuple[int, int]] | None:
    family, parse = socket.AF_INET, socket.inet_pton
    try:
        packed = b"".join([parse(family, spelling) for spelling in spellings])
    except OSError:
        return None
    numbers = struct.unpack(f">{len(spellings)}I", packed)
    return list(zip(numbers, numbers, strict=True))


def _prefixes(spellings: list[str]) -> list[tuple[int, int]] | None:
    parts = [spelling.split("/") for spelling in spellings]
    addresses = _addresses([part[0] for part in parts])
    if addresses is None:
        return None
    ranges = []
    for (address, _), (_, digits) in zip(addresses, parts, strict=True):
        if digits[0] == "0" or (length := int(digits)) > 32:
            return None
        hosts = (1 << 32 - length) - 1
        if address & hosts:
            return None
        ranges.append((address, address | hosts))
    return ranges


def _numbers(spellings: list[str]) -> list[tuple[int, int]] | None:
    numbers = [int(spelling) for spelling in spellings]
    return list(zip(numbers, numbers, strict=True)) if max(numbers) <= 0xFFFF else None


_RANGES = {"address": _addresses, "prefix": _prefixes, "number": _numbers}
