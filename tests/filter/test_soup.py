"""Whatever the text, compiling it gives a program or a FilterError, and nothing else.

NMPCAP_TEST_SEED, which every run prints, makes the same texts again.
"""

from __future__ import annotations

import random

import pytest

import nmpcap
from nmpcap import FilterError, dlt
from nmpcap.bpf.check import check
from nmpcap.filter import SystemResolver
from nmpcap.filter.syntax import keywords

from . import expressions
from .cases import Nobody

TEXTS = 4000  # a test
LINK_TYPES = sorted({number for name, number in vars(dlt).items() if name.startswith("DLT_")})

WORDS = [
    *keywords.KEYWORDS,
    *keywords.NUMBERS,
    *keywords.ETHER_PROTOCOLS,
    *keywords.LLC_CONTROLS,
    *keywords.WLAN_TYPES,
    *(name for names in keywords.WLAN_SUBTYPES.values() for name in names),
    *keywords.WLAN_DIRECTIONS,
    *keywords.PF_REASONS,
    *keywords.PF_ACTIONS,
]
OPERATORS = [*"()[]:/+-*%&|^=<>!", "<<", ">>", "==", "!=", "<=", ">=", "&&", "||", "and", "or", "not"]
LITERALS = [
    *("0", "1", "5", "0x1f", "010", "08", "65535", "65536", "2147483648", "4294967295", "4294967296"),
    *("10.0.0.1", "10.1", "1.2.3", "10.0.0.0", "255.0.0.0", "63.1023", "300.1.1.1"),
    *("::", "::1", "fe80::1", "::1.2.3.4", "1::2::3", "1:2:", "a:b:c:", "1:2:3:4:5:6:7"),
    *("1:2:3:4:5:6", "ab:cd:ef:0:0:1", "ab.CD.ef.0.0.1", "a-b-c-d-e-f", "aabb.ccdd.eeff", "aabbccddeeff"),
    *("$1", "$ff", "$", "name", "a-b", "1-2", "80-90", "a-b-c", "\\tcp", "\\ip", "\\80", "\\"),
]
ODD = [*"\0\v'\";#@{~?,_", "é", "\u0661", "\u00b2", "\ud800", "\U0001f600"]


def piece(rng: random.Random) -> str:
    choice = rng.random()
    if choice < 0.4:
        return rng.choice(WORDS)
    if choice < 0.65:
        return rng.choice(OPERATORS)
    return rng.choice(LITERALS) if choice < 0.97 else rng.choice(ODD)


def soup(rng: random.Random) -> str:
    """Words in no order, with blanks or without."""
    return rng.choice(("", " ", " ", "  ")).join(piece(rng) for _ in range(rng.randrange(16)))


def spoiled(rng: random.Random, text: str) -> str:
    """Put something in, or in the place of something, here and there."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + piece(rng) + text[at + rng.randrange(4) :]
    return text


def try_to_compile(rng: random.Random, text: str, linktype: int) -> bool:
    """Compile with some options or others; whether it did. What comes must be a program, or an error."""
    netmask = rng.choice((None, 0, 0xFFFFFF00, 0xFFFFFFFF))
    names = ("optimize", "live", "savefile", "scoped", "extension_headers")
    switches = {name: rng.random() < 0.3 for name in names}
    try:
        program = nmpcap.compile(text, linktype=linktype, resolver=Nobody(), netmask=netmask, **switches)
    except FilterError as refusal:
        position = refusal.position
    except Exception as other:
        raise AssertionError(f"{text!r} on {linktype} with {netmask} and {switches}") from other
    else:
        check(program.instructions)
        return True
    assert 0 <= position <= len(text), f"{text!r} on {linktype}: {position}"
    return False


@pytest.mark.parametrize("kind", ["soup", "spoiled soup", "spoiled filters", "spellings"])
def test_no_text_does_more_than_not_compile(kind: str, rng: random.Random) -> None:
    compiled = 0
    for _ in range(TEXTS):
        linktype = rng.choice(LINK_TYPES) if rng.random() < 0.5 else dlt.DLT_EN10MB
        if kind == "spoiled filters":
            text = spoiled(rng, expressions.make_filter(rng, linktype, 3))
        elif kind == "spellings":
            spelling = "".join(rng.choice("0123456789abcdefABCDEFx:.-_$/") for _ in range(rng.randrange(20)))
            text = f"{rng.choice(('ether host', 'host', 'net', 'port', 'decnet src', 'len ='))} {spelling}"
        else:
            text = soup(rng) if kind == "soup" else spoiled(rng, soup(rng))
        compiled += try_to_compile(rng, text, linktype)
    assert compiled, "not one of them is a filter: these texts try nothing"


@pytest.mark.parametrize("name", ["a\0b", "\0", "a\ud800", "\u0661", "\u00b2", "a" * 70_000, "%", ""])
def test_the_system_is_asked_for_no_name_that_makes_it_fail(name: str) -> None:
    resolver = SystemResolver()
    assert resolver.ether(name) is None
    assert resolver.network(name) is None
    assert resolver.protocol(name) is None
    assert resolver.port(name) == {}
