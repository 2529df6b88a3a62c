"""Text -> tokens: the first stage.

The longest match wins; of equally long ones the earlier of

    keyword  $xx  MAC  number  dotted address  IPv6  broken MAC  named number  identifier

so ``len-1`` is one identifier, twelve hex digits are a MAC, and a keyword is only an
identifier behind a backslash. Tokens are kept as four parallel lists, because a filter
may have a hundred thousand of them; ``str()`` of them is one line a token.

kind                          value
id num hid hid6 eid aid       str, int, (address, parts) or str, bytes, bytes, int
proto dir type ptype word ... the keyword, by its first spelling
op rel ( ) [ ] : and or not   the operator
run                           a Run: many identifiers, each behind the same joint
end                           None
"""

from __future__ import annotations

import re
import socket
from functools import cache
from typing import Any

from nmpcap.errors import FilterError
from nmpcap.filter.syntax.identifier_runs import find_run
from nmpcap.filter.syntax.keywords import KEYWORDS, NUMBERS

__all__ = ["SYNTAX", "Tokens", "tokenize"]

SYNTAX = "can't parse filter expression: syntax error"

_WORD = re.compile(r"[A-Za-z0-9](?:[-_.A-Za-z0-9]*[A-Za-z0-9.])?")
_SYMBOL = re.compile(r">=|<=|!=|==|<<|>>|&&|\|\||[-+*/%:\[\]!<>()&|^=]")
_ESCAPED = re.compile(r"\\([^ !()\n\t]+)")
_ARCNET = re.compile(r"\$([0-9A-Fa-f]{1,2})")
_BLANK = " \t\r\n"
_LISTED = ("hid", "num")  # what long runs of identifiers consist of

_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+|[0-9]+")
_PART = r"(?:0[xX][0-9A-Fa-f]+|[0-9]+)"
_DOTTED = re.compile(rf"{_PART}(?:\.{_PART}){{1,3}}")
_MAC = re.compile(
    r"[0-9A-Fa-f]{12}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"
    r"|[0-9A-Fa-f]{1,2}([-:.])(?:[0-9A-Fa-f]{1,2}\1){4}[0-9A-Fa-f]{1,2}"
)
_BROKEN_MAC = re.compile(r"[0-9A-Fa-f]{1,2}:+(?:[0-9A-Fa-f]{1,2}:+)+")
_COLONS = re.compile(r"[0-9A-Fa-f:.]{2,46}")  # all that the text of an IPv6 address may consist of


@cache
def _ipv6_spellings() -> list[re.Pattern[str]]:
    # Compiled for the first text that needs them: they take as long as all the rest of the import.
    group, quad = "[0-9A-Fa-f]{1,4}", rf"{_PART}(?:\.{_PART}){{3}}"

    def groups(count: int) -> list[str]:
        return [group] * count

    spellings = [":".join(groups(8)), ":".join([*groups(6), quad])]
    for before in range(8):
        for after in range(8 - before):
            head, tail = ":".join(groups(before)), groups(after)
            spellings.append(f"{head}::{':'.join(tail)}")
            if before + after <= 5:
                spellings.append(f"{head}::{':'.join([*tail, quad])}")
    return [re.compile(spelling) for spelling in spellings]


_OPERATORS = {
    **{symbol: ("op", symbol) for symbol in "+-*/%&|^"},
    **{symbol: ("op", symbol) for symbol in ("<<", ">>")},
    **{symbol: ("rel", symbol) for symbol in (">", ">=", "<", "<=", "=", "!=")},
    **{symbol: (symbol, symbol) for symbol in "()[]:"},
    "==": ("rel", "="),
    "&&": ("and", "and"),
    "||": ("or", "or"),
    "!": ("not", "not"),
}


class Tokens:
    """The tokens of a text: kinds, values, where each starts and ends (characters from 0)."""

    __slots__ = ("ends", "kinds", "starts", "values")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.values: list[Any] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, kind: str, value: Any, start: int, end: int) -> None:
        """Append one token."""
        self.kinds.append(kind)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)

    def __len__(self) -> int:
        return len(self.kinds)

    def __str__(self) -> str:
        rows = zip(self.starts, self.kinds, self.values, strict=True)
        return "\n".join(
            f"{start:5d} {kind:<6} {_shown(kind, value)}".rstrip() for start, kind, value in rows
        )


def _shown(kind: str, value: Any) -> str:
    if kind == "end":
        return ""
    if kind == "hid" and isinstance(value, tuple):
        address, parts = value
        return ".".join(str(part) for part in address.to_bytes(parts, "big"))
    if kind == "hid6":
        return socket.inet_ntop(socket.AF_INET6, value)
    if kind == "eid":
        return str(value.hex(":"))
    return str(value)


def tokenize(text: str) -> Tokens:
    """Cut a filter expression into tokens; raises FilterError where no token starts."""
    tokens = Tokens()
    add, word_at, symbol_at = tokens.add, _WORD.match, _SYMBOL.match
    known: dict[str, tuple[str, Any]] = dict(KEYWORDS)
    pos, length = 0, len(text)
    while pos < length:
        char = text[pos]
        if char in _BLANK:
            pos += 1
            continue
        word = word_at(text, pos)
        if word:
            end = word.end()
            if end == length or text[end] != ":":
                spelling = word[0]
                entry = known.get(spelling)
                if entry is None:
                    entry = known[spelling] = _classify(spelling, pos)
                add(entry[0], entry[1], pos, end)
                pos = end
                if entry[0] in _LISTED:
                    found = find_run(text, end)
                    if found:
                        run, pos = found
                        add("run", run, end, pos)
                continue
        if word or char == ":":
            kind, value, end = _colon_token(text, pos, word)
        else:
            symbol = symbol_at(text, pos)
            if symbol:
                end = symbol.end()
                kind, value = _OPERATORS[symbol[0]]
            else:
                kind, value, end = _odd_token(text, pos)
        add(kind, value, pos, end)
        pos = end
    add("end", None, length, length)
    return tokens


def _classify(word: str, pos: int) -> tuple[str, Any]:
    """Say what a word without a colon behind it is; it is as long as any other match could be."""
    if word[0] in "0123456789abcdefABCDEF":
        if len(word) >= 11 and _MAC.fullmatch(word):
            return "eid", _mac(word)
        if word[0].isdigit():
            if _NUMBER.fullmatch(word):
                return "num", _number(word, pos)
            if "." in word and _DOTTED.fullmatch(word):
                return "hid", _dotted(word)
    if word in NUMBERS:
        return "num", NUMBERS[word]
    return "id", word


def _colon_token(text: str, pos: int, word: re.Match[str] | None) -> tuple[str, Any, int]:
    """Read the token at ``pos`` where a colon plays a part: the longest of several readings."""
    run = _COLONS.match(text, pos)
    if run and len(run[0]) < 46 and not _WORD.match(text, run.end()):
        address = _inet6(run[0])
        if address:
            return "hid6", address, run.end()
    readings: list[tuple[int, int, str]] = []  # length, priority among equals, kind
    mac, broken = _MAC.match(text, pos), _BROKEN_MAC.match(text, pos)
    if mac:
        readings.append((mac.end(), 3, "eid"))
    has_ipv6 = run is not None and ("::" in run[0] or run[0].count(":") > 5)
    spellings = _ipv6_spellings() if has_ipv6 else []
    ipv6 = [match.end() for spelling in spellings if (match := spelling.match(text, pos))]
    if ipv6:
        readings.append((max(ipv6), 2, "hid6"))
    if broken:
        readings.append((broken.end(), 1, "broken"))
    if word:
        readings.append((word.end(), 0, "word"))
    if not readings:
        return ":", ":", pos + 1
    end, _, kind = max(readings)
    spelling = text[pos:end]
    if word and end == word.end() and kind != "eid":
        entry = KEYWORDS.get(spelling) or _classify(spelling, pos)
        return *entry, end
    if kind == "eid":
        return "eid", _mac(spelling), end
    if kind == "broken":
        raise FilterError(f"bogus ethernet address {spelling}: six groups of hex digits expected", pos)
    address = _inet6(spelling)
    if address is None:
        raise FilterError(f"invalid IPv6 address {spelling}", pos)
    return "hid6", address, end


def _odd_token(text: str, pos: int) -> tuple[str, Any, int]:
    escaped = _ESCAPED.match(text, pos)
    if escaped:
        return "id", escaped[1], escaped.end()
    arcnet = _ARCNET.match(text, pos)
    if arcnet:
        return "aid", int(arcnet[1], 16), arcnet.end()
    raise FilterError(f"{SYNTAX}: no word or operator starts with {text[pos]!r}", pos)


def _number(word: str, pos: int) -> int:
    """Read a number as C would (0x.. hex, 0.. octal); raises FilterError beyond 32 bits."""
    if word[:2] in ("0x", "0X"):
        value = int(word[2:], 16)
    elif word[0] == "0":
        if "8" in word or "9" in word:
            raise FilterError(f"number {word} contains non-octal digit", pos)
        value = int(word, 8)
    else:
        value = int(word) if len(word) <= 10 else 1 << 32  # int() of a long text takes quadratic time
    if value > 0xFFFFFFFF:
        raise FilterError(f"number {word[:40]} overflows 32 bits", pos)
    return value


def _dotted(word: str) -> tuple[int, int] | str:
    # inet_pton takes exactly the common form, quickly; the language also has 10.1 and 010.0.0.1.
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, word), "big"), 4
    except OSError:
        pass
    address, parts = 0, word.split(".")
    for part in parts:
        # libpcap: a part may look hexadecimal to the scanner, and never is a number then.
        if not part.isdigit() or len(part.lstrip("0")) > 3 or int(part[-3:]) > 255:
            return word  # no IPv4 address, but perhaps one of DECnet
        address = address << 8 | int(part)
    return address, len(parts)


def _mac(word: str) -> bytes:
    for separator in "-:.":
        if word.count(separator) == 5:
            return bytes(int(group, 16) for group in word.split(separator))
    return bytes.fromhex(word.replace(".", ""))


def _inet6(word: str) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET6, word)
    except (OSError, ValueError):
        return None
