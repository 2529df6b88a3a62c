"""What addresses and ports are called: numbers, or names from this machine, each looked up once."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path

__all__ = ["Names", "ip6_text"]

# Addresses kept at once; a scan of a whole network must not fill the memory.
_KEPT = 1 << 16
_FLOW_LABEL_AND_SCOPE = (0, 0)


def _ethers() -> dict[bytes, str]:
    """The Ethernet names of this machine, from ethers(5)."""
    try:
        lines = Path("/etc/ethers").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    names = {}
    for line in lines:
        words = line.partition("#")[0].split()
        try:
            address = bytes(int(digits, 16) for digits in words[0].split(":"))
        except (IndexError, ValueError):
            continue
        if len(words) > 1 and len(address) == 6:
            names[address] = words[1]
    return names


class _Table(dict[bytes, str]):
    """Texts of addresses, made when first asked for; forgets all when it has many."""

    def __init__(self, name: Callable[[bytes], str]) -> None:
        super().__init__()
        self._name = name

    def __missing__(self, address: bytes) -> str:
        if len(self) >= _KEPT:
            self.clear()
        text = self[address] = self._name(address)
        return text


class _Ports(dict[int, str]):
    """Texts of the ports of one transport protocol."""

    def __init__(self, protocol: str, *, numeric: bool) -> None:
        super().__init__()
        self._protocol = protocol
        self._numeric = numeric

    def __missing__(self, port: int) -> str:
        text = str(port)
        if not self._numeric:
            with suppress(OSError):
                text = socket.getservbyport(port, self._protocol)
        self[port] = text
        return text


class Names:
    """Texts of addresses and ports: ``ip4[b]``, ``ip6[b]`` and ``mac[b]`` of bytes, ``tcp[n]``, ``udp[n]``.

    Args:
        numeric: no names (-n).
        short: host names without their domain (-N).
        host: looks an address (4 or 16 bytes) up and returns its name, or None if it has none;
            by default the machine's resolver, which may take seconds.
    """

    def __init__(
        self, *, numeric: bool = False, short: bool = False, host: Callable[[bytes], str | None] | None = None
    ) -> None:
        self.numeric = numeric
        self._short = short
        self._host = host or _resolve
        self._ethers: dict[bytes, str] | None = None
        self.ip4 = _Table(self._ip4)
        self.ip6 = _Table(self._ip6)
        self.mac = _Table(self._mac)
        self.tcp = _Ports("tcp", numeric=numeric)
        self.udp = _Ports("udp", numeric=numeric)

    def _called(self, address: bytes) -> str | None:
        if self.numeric:
            return None
        name = self._host(address)
        if name is not None and self._short:
            name = name.partition(".")[0]
        return name

    def _ip4(self, address: bytes) -> str:
        return self._called(address) or socket.inet_ntoa(address)

    def _ip6(self, address: bytes) -> str:
        return self._called(address) or ip6_text(address)

    def _mac(self, address: bytes) -> str:
        if self.numeric:
            return address.hex(":")
        if self._ethers is None:
            self._ethers = {**_ethers(), b"\xff" * 6: "Broadcast"}
        if address in self._ethers:
            return self._ethers[address]
        from .oui import vendor

        return f"{address.hex(':')} (oui {vendor(address)})"


def ip6_text(address: bytes) -> str:
    """Return an IPv6 address in the form of RFC 5952, mapped and compatible ones with their dotted end."""
    return socket.inet_ntop(socket.AF_INET6, address)


def _resolve(address: bytes) -> str | None:
    """Ask the machine's resolver for the name of an address."""
    text = socket.inet_ntoa(address) if len(address) == 4 else str(IPv6Address(address))
    end = (text, 0) if len(address) == 4 else (text, 0, *_FLOW_LABEL_AND_SCOPE)
    try:
        return socket.getnameinfo(end, socket.NI_NAMEREQD)[0]
    except (OSError, UnicodeError):
        return None
