"""Reads the written corpus in tests/cases/filter: what compiles, what does not, what matches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from nmpcap import dlt

FOLDER = Path(__file__).parents[1] / "cases" / "filter"


class Names:
    """A resolver with a few names; asking it for a number is a fault of the compiler."""

    def addresses(self, name: str) -> list[IPv4Address | IPv6Address]:
        known: dict[str, list[IPv4Address | IPv6Address]] = {
            "four": [IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")],
            "six": [IPv6Address("2001:db8::1")],
            "both": [IPv6Address("2001:db8::1"), IPv4Address("10.0.0.1")],
            "router": [IPv4Address("10.0.0.1")],
        }
        return known.get(name.lower(), [])

    def ether(self, name: str) -> bytes | None:
        return {"router": b"\x02\0\0\0\0\1"}.get(name.lower())

    def network(self, name: str) -> int | None:
        return {"lab": 0x0A140000}.get(name)

    def port(self, name: str) -> dict[str, int]:
        return {
            "http": {"tcp": 80},
            "domain": {"tcp": 53, "udp": 53},
            "tftp": {"udp": 69},
            "split": {"tcp": 7000, "udp": 7001},
        }.get(name, {})

    def protocol(self, name: str) -> int | None:
        return {"tcp": 6, "TCP": 6, "icmp": 1, "ipv6-icmp": 58, "udp": 17}.get(name)


class Nobody:
    """A resolver that knows no name, so that no text makes a test ask the network."""

    def addresses(self, name: str) -> list[IPv4Address | IPv6Address]:
        return []

    def ether(self, name: str) -> bytes | None:
        return None

    def network(self, name: str) -> int | None:
        return None

    def port(self, name: str) -> dict[str, int]:
        return {}

    def protocol(self, name: str) -> int | None:
        return None


def link_type(name: str) -> int:
    """The DLT number of a section's name."""
    return int(name) if name.isdigit() else dlt.datalink_name_to_val(name)


def _lines(name: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate((FOLDER / name).read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


@dataclass
class Case:
    """A filter of a section; ``wanted`` is what the file says about it."""

    where: str
    linktype: int
    text: str
    wanted: str = ""


def read_cases(name: str) -> list[Case]:
    """The filters of accept.txt or reject.txt."""
    cases, sections = [], [1]
    for number, line in _lines(name):
        if line.startswith("["):
            sections = [link_type(word) for word in line.strip("[] ").split()]
            continue
        text, _, wanted = line.partition(" :: ")
        cases += [Case(f"{name}:{number}", section, text, wanted.strip()) for section in sections]
    return cases


def read_link_types() -> tuple[list[Case], set[int]]:
    """The filters of linktypes.txt, with the numbers of the link types that take them, and all numbers."""
    groups: dict[str, set[int]] = {}

    def numbers(words: list[str]) -> set[int]:
        found: set[int] = set()
        for word in words:
            found |= groups[word] if word.startswith("@") else {link_type(word)}
        return found

    cases = []
    for number, line in _lines("linktypes.txt"):
        if line.startswith("@"):
            name, _, words = line.partition("=")
            groups[name.strip()] = numbers(words.split())
        else:
            text, _, words = line.rpartition(" : ")
            accepted = " ".join(str(linktype) for linktype in sorted(numbers(words.split())))
            cases.append(Case(f"linktypes.txt:{number}", 0, text, accepted))
    return cases, groups["@ALL"]


@dataclass
class Section:
    """Packets of one link type, each with its length on the wire, and the filters tried on them."""

    linktype: int
    packets: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    filters: list[Case] = field(default_factory=list)


_PACKET = re.compile(r"([\w-]+)(?:<(\d+))? = (.*)")


def read_apply() -> list[Section]:
    """The sections of apply.txt."""
    pieces: dict[str, str] = {}
    sections: list[Section] = []

    def octets(text: str) -> bytes:
        return bytes.fromhex("".join(pieces[word] if word.startswith("%") else word for word in text.split()))

    for number, line in _lines("apply.txt"):
        packet = _PACKET.fullmatch(line)
        if line.startswith("["):
            sections.append(Section(link_type(line.strip("[] "))))
        elif line.startswith("%"):
            name, _, text = line.partition(" = ")
            pieces[name] = octets(text).hex()
        elif packet and " : " not in line:
            data = octets(packet[3])
            cut = int(packet[2]) if packet[2] else len(data)
            sections[-1].packets[packet[1]] = data[:cut], len(data)
        else:
            text, _, wanted = f"{line} ".rpartition(" : ")
            sections[-1].filters.append(
                Case(f"apply.txt:{number}", sections[-1].linktype, text, wanted.strip())
            )
    return sections


@dataclass
class Difference:
    """A known difference from the system's libpcap."""

    linktypes: set[int] | None
    pattern: re.Pattern[str]
    where: str
    reason: str


def read_differences() -> list[Difference]:
    """The lines of differences.txt."""
    differences = []
    for _, line in _lines("differences.txt"):
        types, rest = line.split(" | ", 1)
        pattern, where, reason = rest.rsplit(" | ", 2)
        numbers = None if types == "*" else {link_type(word) for word in types.split()}
        differences.append(Difference(numbers, re.compile(pattern), where, reason))
    return differences
