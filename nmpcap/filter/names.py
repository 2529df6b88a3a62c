"""Names in filters: the protocol a resolver follows, and the one of the system.

A resolver is asked only where a filter contains a name that must be looked up; filters of
numbers never touch it. Answers of an empty list, None or {} mean that the name is unknown.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Protocol, runtime_checkable

__all__ = ["Answers", "NameAsked", "NoNames", "RecordingResolver", "Resolver", "SystemResolver"]


@runtime_checkable
class Resolver(Protocol):
    """Whatever can answer these questions; names come as written in the filter."""

    def addresses(self, name: str) -> list[IPv4Address | IPv6Address]:
        """Return all addresses of a host."""

    def ether(self, name: str) -> bytes | None:
        """Return the six bytes of a host's MAC address, as in ethers(5)."""

    def network(self, name: str) -> int | None:
        """Return a network's number in the form getnetbyname(3) gives it."""

    def port(self, name: str) -> dict[str, int]:
        """Return a service's port by transport: "tcp", "udp", "sctp"."""

    def protocol(self, name: str) -> int | None:
        """Return the number of a protocol over IP."""


class SystemResolver:
    """Asks the C library, and /etc/ethers and /etc/networks, which Python has no calls for."""

    def addresses(self, name: str) -> list[IPv4Address | IPv6Address]:
        """Return all addresses of a host, by getaddrinfo(3)."""
        try:
            answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return []
        found: list[IPv4Address | IPv6Address] = []
        for family, _, _, _, address in answers:
            if family == socket.AF_INET:
                found.append(IPv4Address(address[0]))
            elif family == socket.AF_INET6:
                found.append(IPv6Address(str(address[0]).partition("%")[0]))
        return found

    def ether(self, name: str) -> bytes | None:
        """Return the MAC address that /etc/ethers has for a name."""
        return _ethers().get(name.lower())

    def network(self, name: str) -> int | None:
        """Return the number that /etc/networks has for a name, shifted to 32 bits as glibc does."""
        return _networks().get(name.lower())

    def port(self, name: str) -> dict[str, int]:
        """Return the service's ports, by getservbyname(3); a number is one, too."""
        if name.isascii() and name.isdigit() and len(name) < 8 and int(name) <= 0xFFFF:
            return dict.fromkeys(("tcp", "udp", "sctp"), int(name))  # as getaddrinfo(3) takes \\80
        ports = {}
        for transport in ("tcp", "udp", "sctp"):
            with suppress(OSError, UnicodeError, ValueError):
                ports[transport] = socket.getservbyname(name, transport)
        return ports

    def protocol(self, name: str) -> int | None:
        """Return the protocol's number, by getprotobyname(3)."""
        try:
            return socket.getprotobyname(name)
        except (OSError, UnicodeError, ValueError):
            return None


class RecordingResolver:
    """Passes questions on and keeps the answers: an explanation need not, and must not, ask again."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.answers: dict[tuple[str, str], Any] = {}

    def _ask(self, kind: str, name: str) -> Any:
        key = kind, name
        if key not in self.answers:
            self.answers[key] = getattr(self._resolver, kind)(name)
        return self.answers[key]

    def addresses(self, name: str) -> list[IPv4Address | IPv6Address]:
        """Return all addresses of a host."""
        return list(self._ask("addresses", name))

    def ether(self, name: str) -> bytes | None:
        """Return the MAC address of a host."""
        found = self._ask("ether", name)
        return None if found is None else bytes(found)

    def network(self, name: str) -> int | None:
        """Return the number of a network."""
        found = self._ask("network", name)
        return None if found is None else int(found)

    def port(self, name: str) -> dict[str, int]:
        """Return the ports of a service."""
        return dict(self._ask("port", name))

    def protocol(self, name: str) -> int | None:
        """Return the number of a protocol."""
        found = self._ask("protocol", name)
        return None if found is None else int(found)


class NameAsked(Exception):
    """A filter contains a name that must be looked up."""


class NoNames(RecordingResolver):
    """Answers nothing, and raises NameAsked instead."""

    def __init__(self) -> None:
        super().__init__(self)

    def _ask(self, kind: str, name: str) -> Any:
        raise NameAsked(name)


class Answers(RecordingResolver):
    """Gives recorded answers again; knows nothing else."""

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        super().__init__(self)
        self.answers = dict(answers)

    def _ask(self, kind: str, name: str) -> Any:
        return self.answers.get((kind, name), _NOTHING[kind])


_NOTHING: dict[str, Any] = {"addresses": [], "ether": None, "network": None, "port": {}, "protocol": None}


@lru_cache(maxsize=1)
def _ethers() -> dict[str, bytes]:
    table: dict[str, bytes] = {}
    for words in _lines("/etc/ethers"):
        with suppress(ValueError):
            address = bytes(int(group, 16) for group in words[0].split(":"))
            if len(address) == 6 and len(words) > 1:
                table.setdefault(words[1].lower(), address)
    return table


@lru_cache(maxsize=1)
def _networks() -> dict[str, int]:
    table: dict[str, int] = {}
    for words in _lines("/etc/networks"):
        with suppress(ValueError, IndexError):
            parts = [int(part) for part in words[1].split(".")]
            number = int.from_bytes(bytes(parts[:4] + [0] * (4 - len(parts))), "big")
            for name in (words[0], *words[2:]):
                table.setdefault(name.lower(), number)
    return table


def _lines(path: str) -> list[list[str]]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    rows = (line.partition("#")[0].split() for line in text.splitlines())
    return [words for words in rows if words]
