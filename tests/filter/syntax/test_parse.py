"""The grammar: what inherits what, what binds how, and printing what was understood."""

from __future__ import annotations

import random

import pytest

from nmpcap import FilterError
from nmpcap.filter.syntax.lex import tokenize
from nmpcap.filter.syntax.parse import parse

from .. import expressions, packets
from ..cases import read_cases


def parsed(text: str) -> str:
    return str(parse(tokenize(text)))


UNDERSTOOD = {
    "port 80 or 443": "port 80 or port 443",
    "udp dst port ftp or ftp-data or x": "udp dst port ftp or udp dst port ftp-data or udp dst port x",
    "host 1.2.3.4 and (5.6.7.8 or 9.9.9.9)": "host 1.2.3.4 and (host 5.6.7.8 or host 9.9.9.9)",
    "port 80 and (81 or 82)": "port 80 and (port 81 or port 82)",
    "not host 1.2.3.4 and 5.6.7.8": "not host 1.2.3.4 and host 5.6.7.8",
    "host 1.2.3.4 and not 5.6.7.8": "host 1.2.3.4 and not host 5.6.7.8",
    "tcp and port 80 or 443": "(tcp and port 80) or port 443",
    "tcp port 80 or host 1.2.3.4 or 443": "tcp port 80 or host 1.2.3.4 or host 443",
    "host 1.2.3.4 and (tcp or udp) and 5.6.7.8": "host 1.2.3.4 and (tcp or udp) and host 5.6.7.8",
    "tcp or udp and ip": "(tcp or udp) and ip",
    "tcp and udp or ip": "(tcp and udp) or ip",
    "not tcp or udp": "not tcp or udp",
    "not (tcp or udp)": "not (tcp or udp)",
    "src 1.2.3.4": "src host 1.2.3.4",
    "dst or src port 5": "src or dst port 5",
    "dst and src net 1.2": "src and dst net 1.2",
    "ether proto \\ip": "link proto \\ip",
    "wlan type mgt subtype beacon": "type mgt subtype beacon",
    "vpi (1 or 2)": "vpi (1 or 2)",
    "port (not 80)": "not port 80",
    "port not (80 or 81)": "not (port 80 or port 81)",
    "6 % 4 + 1 = 1": "6 % (4 + 1) = 1",
    "12 & 10 ^ 6 = 12": "12 & (10 ^ 6) = 12",
    "12 ^ 10 & 6 = 12": "12 ^ (10 & 6) = 12",
    "1 | 2 & 2 = 3": "1 | (2 & 2) = 3",
    "8 - 2 - 1 = 5": "(8 - 2) - 1 = 5",
    "8 / 2 * 2 = 2": "(8 / 2) * 2 = 2",
    "1 << 2 + 1 = 8": "1 << (2 + 1) = 8",
    "- 1 + 2 = 1": "(- 1) + 2 = 1",
    "- 1 % 2 = 1": "- (1 % 2) = 1",
    "ip[1] + ip[ip[2]:2] = 1": "ip[1:1] + ip[ip[2:1]:2] = 1",
    "host 1.2.3.4 and 5 = 5": "host 1.2.3.4 and 5 = 5",
    "host 1.2.3.4 and (5)": "host 1.2.3.4 and host 5",
    "llc rulenum": "llc rnr",
}


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_understands(text: str) -> None:
    assert parsed(text) == UNDERSTOOD[text]


def test_nothing_is_everything() -> None:
    assert parse(tokenize("")) is None
    assert parse(tokenize(" \t\r\n")) is None


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("tcp and", 7, "expected a primitive"),
        ("tcp udp", 4, "expected and, or, or the end"),
        ("(tcp", 4, "expected and, or, or the end"),
        ("tcp)", 3, "expected and, or, or the end"),
        ("port", 4, "expected an address, a name or a number"),
        ("tcp and 80", 8, "no qualifiers to take over"),
        ("ip[0", 4, "expected"),
        ("ip[0] = ", 8, "expected a number, len or an accessor"),
        ("vlan and port port", 14, "expected an address, a name or a number"),
        ("byte 0 ! 5", 7, "one of = < > & |"),
        ("1.2.3.4", 0, "expected a primitive"),
    ],
)
def test_says_what_it_expected(text: str, position: int, expected: str) -> None:
    with pytest.raises(FilterError, match="syntax error") as caught:
        parsed(text)
    assert expected in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize("case", read_cases("accept.txt"), ids=lambda case: f"{case.where} {case.text[:40]}")
def test_what_is_printed_parses_to_the_same(case: object) -> None:
    again = parsed(case.text)  # type: ignore[attr-defined]
    assert parsed(again) == again


def test_random_filters_print_and_parse_to_the_same(rng: random.Random) -> None:
    for _ in range(1000):
        text = expressions.make_filter(rng, rng.choice(packets.LINK_TYPES), rng.randrange(5))
        try:
            again = parsed(text)
        except FilterError:
            continue
        assert parsed(again) == again, text
