"""Time and memory grow with the text, and no text breaks the compiler."""

from __future__ import annotations

import random
import time

import pytest

import nmpcap
from nmpcap import FilterError
from nmpcap.bpf.check import find_linux_fault

from .cases import Nobody


def hosts(count: int) -> str:
    rng = random.Random(count)
    return " or ".join(
        f"host {rng.randrange(1, 224)}.{number >> 8 & 255}.{number & 255}.1" for number in range(count)
    )


FAMILIES = {
    "hosts": hosts,
    "bare hosts": lambda count: "host " + " or ".join(f"10.{n >> 8 & 255}.{n & 255}.1" for n in range(count)),
    "negated hosts": lambda count: (
        "ip" + "".join(f" and not host 10.{n >> 8 & 255}.{n & 255}.1" for n in range(count))
    ),
    "nets": lambda count: " or ".join(f"net 10.{n >> 8 & 255}.{n & 255}.0/24" for n in range(count)),
    "ports": lambda count: " or ".join(f"port {n * 3 % 65536}" for n in range(count)),
    "hosts6": lambda count: " or ".join(f"host 2001:db8::{n >> 8:x}:{n & 255:x}" for n in range(count)),
    "pairs": lambda count: " or ".join(
        f"(host 10.0.{n >> 8 & 255}.{n & 255} and port {n})" for n in range(count)
    ),
    "relations": lambda count: " or ".join(f"ip[{n % 60}] = {n % 251}" for n in range(count)),
    "alternation": lambda count: "tcp" + "".join(f" or ip[{n % 60}] = 5 and len > {n}" for n in range(count)),
}


def seconds(text: str) -> float:
    start = time.perf_counter()
    nmpcap.compile(text)
    return time.perf_counter() - start


@pytest.mark.parametrize("family", FAMILIES)
def test_time_grows_with_the_text(family: str) -> None:
    # Sixteen times the text may take some thirty times as long; quadratic would be 256.
    make = FAMILIES[family]
    small, large = make(250), make(4000)
    first = min(seconds(small) for _ in range(3))
    assert min(seconds(large) for _ in range(2)) < 64 * max(first, 0.002)


def test_a_hundred_thousand_hosts() -> None:
    program = nmpcap.compile(hosts(100_000))
    assert len(program.instructions) < 260_000
    frame = bytes(12) + b"\x08\x00" + bytes(12)
    assert program.match(frame + bytes((0, 0, 0, 0)) + bytes((0, 0, 0, 1))) == 0
    rng = random.Random(100_000)
    first = rng.randrange(1, 224)
    assert program.match(frame + bytes(4) + bytes((first, 0, 0, 1)))
    assert program.match(frame + bytes((first, 0, 0, 1)) + bytes(4))


def test_a_thousand_hosts_still_fit_into_the_kernel() -> None:
    assert find_linux_fault(nmpcap.compile(hosts(1000)).instructions) is None
    assert find_linux_fault(nmpcap.compile(hosts(4000)).instructions) is not None


DEEP = 10_000

NESTED = {
    "parentheses": "(" * DEEP + "tcp" + ")" * DEEP,
    "parentheses of numbers": "(" * DEEP + "1" + ")" * DEEP + " = 1 or tcp",
    "parentheses of identifiers": "port " + "(" * DEEP + "80" + ")" * DEEP,
    "identifiers": "port (1 or " * DEEP + "5" + ")" * DEEP,
    "nots": "not " * DEEP + "tcp",
    "minuses": "- " * DEEP + "len > 5",
    "subscripts": "ip[" * DEEP + "1" + "]" * DEEP + " = 1",
    "left sums": "ip[0]" + " + ip[1]" * DEEP + " = 1",
    "alternation": "tcp" + " or ip and udp" * DEEP,
    "nested alternation": "(" * DEEP + "tcp" + " or ip) and udp)" * (DEEP // 2),
    "vlans": "vlan and " * 500 + "ip",
    "mpls": "mpls and " * 500 + "ip",
}


@pytest.mark.parametrize("name", NESTED)
def test_deep_nesting_is_no_recursion(name: str) -> None:
    try:
        program = nmpcap.compile(NESTED[name])
    except FilterError:
        return
    assert program.match(bytes(60)) in (0, 262144)


@pytest.mark.parametrize(
    "text", ["(" * DEEP, ")" * DEEP, "not " * DEEP, "ip[" * DEEP, "1 + " * DEEP, "1 ^ " * DEEP + "1 = 1"]
)
def test_what_never_closes_is_an_error(text: str) -> None:
    with pytest.raises(FilterError):
        nmpcap.compile(text)


MEGABYTES = {
    "colons": "::" * 500_000,
    "colon pairs": "1:" * 500_000,
    "hyphens": "a-" * 500_000,
    "lone hyphens": "a" + "-" * 1_000_000,
    "digits": "1" * 1_000_000,
    "octal": "0" * 1_000_000 + " = 0",
    "hex": "0x" + "f" * 1_000_000,
    "dots": "1." * 500_000,
    "blanks": " " * 1_000_000,
    "words": "tcp " * 250_000,
    "ands": "tcp and " * 125_000,
    "backslashes": "\\" * 1_000_000,
    "nuls": "\0" * 1_000_000,
    "letters beyond ASCII": "é" * 1_000_000,
    "digits beyond ASCII": "host \u0661\u0662",
    "an address list cut off": hosts(45_000)[:-1] + ".",
    "long name": "host " + "a" * 1_000_000,
    "long range": "portrange " + "1" * 500_000 + "-" + "2" * 500_000,
    "decnet": "decnet host " + "1" * 500_000 + "." + "2" * 500_000,
}


@pytest.mark.parametrize("name", MEGABYTES)
def test_a_megabyte_of_anything_takes_bounded_time(name: str) -> None:
    start = time.perf_counter()
    error = error_of(MEGABYTES[name])
    assert time.perf_counter() - start < 30
    assert error is None or len(str(error)) < 2000


def error_of(text: str) -> FilterError | None:
    """The error that compiling ends in, None if it does not; its position is one of the text."""
    try:
        nmpcap.compile(text, resolver=Nobody())
    except FilterError as refusal:
        error = refusal
    else:
        return None
    assert 0 <= error.position <= len(text), text[:200]
    return error
