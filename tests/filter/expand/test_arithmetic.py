"""Arithmetic in filters against Python's: 32 bits, unsigned, by whatever registers it was computed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import nmpcap
from nmpcap import FilterError

MASK = 0xFFFFFFFF


class Rejected(Exception):
    """The packet ends before what is asked for, or something is divided by zero."""


Meaning = Callable[[bytes], int]


def shifted(a: int, b: int, left: bool) -> int:
    if b > 31:
        return 0
    return a << b if left else a >> b


def divided(a: int, b: int, modulus: bool) -> int:
    if b == 0:
        raise Rejected
    return a % b if modulus else a // b


OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: divided(a, b, False),
    "%": lambda a, b: divided(a, b, True),
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: shifted(a, b, True),
    ">>": lambda a, b: shifted(a, b, False),
}
RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1)


def load(index: Meaning, size: int) -> Meaning:
    def meaning(packet: bytes) -> int:
        at = index(packet)
        if at + size > len(packet):
            raise Rejected
        return int.from_bytes(packet[at : at + size], "big")

    return meaning


def make(rng: random.Random, depth: int) -> tuple[str, Meaning]:
    """An expression and what it means; link[...] needs no protocol, so nothing guards it."""
    choice = rng.random()
    if depth == 0 or choice < 0.2:
        if choice < 0.08:
            return "len", len
        if choice < 0.5:
            number = rng.choice(NUMBERS)
            return str(number), lambda _: number
        at, size = rng.choice((0, 1, 5, 12, 30, 70)), rng.choice((1, 2, 4))
        return f"link[{at}:{size}]", load(lambda _: at, size)
    text, inner = make(rng, depth - 1)
    if choice < 0.3:
        return f"(- {text})", lambda packet: -inner(packet) & MASK
    if choice < 0.4:
        size = rng.choice((1, 2, 4))
        return f"link[{text}:{size}]", load(inner, size)
    operator = rng.choice(tuple(OPERATORS))
    other_text, other = make(rng, depth - 1)
    apply = OPERATORS[operator]
    return f"({text} {operator} {other_text})", lambda packet: apply(inner(packet), other(packet)) & MASK


def holds(left: Meaning, relation: str, right: Meaning, packet: bytes) -> bool:
    try:
        return RELATIONS[relation](left(packet), right(packet))
    except Rejected:
        return False


@pytest.mark.parametrize("optimize", [False, True])
def test_against_python(optimize: bool, rng: random.Random) -> None:
    compared = 0
    while compared < 4000:
        (left, left_means), (right, right_means) = make(rng, rng.randrange(5)), make(rng, rng.randrange(3))
        relation = rng.choice(tuple(RELATIONS))
        text = f"{left} {relation} {right}"
        if "(" not in text and left.isdigit() and right.isdigit():
            continue
        try:
            program = nmpcap.compile(text, optimize=optimize)
        except FilterError:
            continue
        for _ in range(6):
            packet = bytes(
                rng.choice((0, 1, 2, 20, 255, rng.randrange(256))) for _ in range(rng.choice((1, 13, 40, 80)))
            )
            expected = holds(left_means, relation, right_means, packet)
            assert bool(program.match(packet)) == expected, f"{text} on {packet.hex()}"
            compared += 1


@pytest.mark.parametrize("optimize", [False, True])
def test_sums_however_they_nest(optimize: bool) -> None:
    packet = bytes(range(200))
    left = " + ".join(f"link[{at}]" for at in range(200))
    assert nmpcap.compile(f"{left} = {sum(packet)}", optimize=optimize).match(packet)
    right = "(".join(f"link[{at}] + " for at in range(14)) + "link[14]" + ")" * 13
    assert nmpcap.compile(f"{right} = {sum(packet[:15])}", optimize=optimize).match(packet)
    with pytest.raises(FilterError, match="too many registers"):
        nmpcap.compile(
            "(".join(f"link[{at}] + " for at in range(20)) + "1" + ")" * 19 + " = 1", optimize=optimize
        )


def test_a_subscript_past_the_end_of_numbers() -> None:
    for optimize in (False, True):
        assert nmpcap.compile("link[4294967295] = 0", optimize=optimize).match(bytes(60)) == 0
        assert (
            nmpcap.compile("ip[4294967295] = 0", optimize=optimize).match(bytes(12) + b"\x08\0" + bytes(60))
            == 0
        )
