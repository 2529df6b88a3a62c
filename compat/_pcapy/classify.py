"""Classes of packets, as loop_filtered counts and admits them.

Beginnings of flows and sets of addresses, or a profile for programs that look for threats.

All of it is about IPv4, behind up to two VLAN tags; other packets are of the class that stands for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._words import c_int

__all__ = ["Classifier"]

_TCP, _UDP = 6, 17
_TAGS = (b"\x81\x00", b"\x88\xa8")
_MOST_TAGS = 2
_SYN = 0x02
_DPI_PORTS = (80, 8080, 3128, 8000, 8118, 1080)
_TLS_PORTS = (443,)
_FURTHEST = 64  # bytes before the IPv4 header
_MOST_FLOWS = 1 << 20
OTHER, FLOW_HEAD, SET_MATCH = range(3)
DNS, HTTP, REST, ADDRESS, HANDSHAKE, SYN = range(6)
_SECURITY = 100
"""What is added to a class of the second profile where a program sees it."""


class Classifier:
    """One run's classifier and its counters: ``admitted``, ``dropped``, and ``counts`` of each class."""

    def __init__(
        self,
        admit_mask: int = 7,
        addr_set: Any = b"",
        flow_cutoff: int = 0,
        dpi_ports: Sequence[int] | None = None,
        tls_ports: Sequence[int] | None = None,
        dns_port: int = 53,
        l2_offset: int = 14,
        profile: int = 0,
    ) -> None:
        """Check the arguments of loop_filtered, and count from 0; ValueError and TypeError are pcapy's."""
        self._admit = c_int(admit_mask)
        with memoryview(addr_set) as view:
            packed = view.tobytes()
        self._addresses = {packed[i : i + 4] for i in range(0, len(packed) - 3, 4)} - {bytes(4)}
        self._cutoff = max(0, c_int(flow_cutoff))
        self._flows: dict[bytes, int] = {}
        self._l2 = c_int(l2_offset)
        if not 0 <= self._l2 <= _FURTHEST:
            raise ValueError("l2_offset out of range [0,64]")
        if c_int(profile) not in (0, 1):
            raise ValueError("profile must be 0 (generic) or 1 (security)")
        self._dpi_ports = _ports(dpi_ports, _DPI_PORTS)
        self._tls_ports = _ports(tls_ports, _TLS_PORTS)
        self._dns_port = c_int(dns_port) & 0xFFFF
        self._classify: Callable[[bytes], int] = self._security if profile else self._generic
        self._base = _SECURITY if profile else 0
        self.admitted = self.dropped = 0
        self.counts = [0] * (6 if profile else 3)

    def admit(self, data: bytes) -> int | None:
        """Count a packet; return the class that a program is told, None where it is dropped."""
        kind = self._classify(data)
        self.counts[kind] += 1
        if not self._admit >> kind & 1:
            self.dropped += 1
            return None
        self.admitted += 1
        return self._base + kind

    @property
    def stats(self) -> tuple[int, ...]:
        """The counters as filtered_stats returns them."""
        return self.admitted, self.dropped, *self.counts

    def _generic(self, data: bytes) -> int:
        l3 = self._ipv4(data)
        if l3 is None:
            return OTHER
        if self._known(data, l3):
            return SET_MATCH
        l4 = self._transport(data, l3)
        return FLOW_HEAD if l4 is not None and self._is_head(data, l3, l4) else OTHER

    def _security(self, data: bytes) -> int:
        l3 = self._ipv4(data)
        if l3 is None:
            return REST
        l4 = self._transport(data, l3)
        ports = () if l4 is None else (_be16(data, l4), _be16(data, l4 + 2))
        if self._dns_port in ports:
            return DNS
        if l4 is not None and data[l3 + 9] == _TCP and len(data) >= l4 + 14:
            if data[l4 + 13] == _SYN:
                return SYN
            header = (data[l4 + 12] >> 4) * 4
            if 20 <= header < len(data) - l4 and self._dpi_ports.intersection(ports):
                return HTTP
        if self._known(data, l3):
            return ADDRESS
        if l4 is not None and self._tls_ports.intersection(ports) and self._is_head(data, l3, l4):
            return HANDSHAKE
        return REST

    def _ipv4(self, data: bytes) -> int | None:
        """Where the IPv4 header begins; None where there is none."""
        l2 = self._l2
        for tags in range(_MOST_TAGS + 1):
            if len(data) < l2 + 20:
                return None
            if data[l2] >> 4 == 4:
                return l2
            if tags == _MOST_TAGS or l2 < 2 or data[l2 - 2 : l2] not in _TAGS:
                return None
            l2 += 4
        return None

    def _transport(self, data: bytes, l3: int) -> int | None:
        """Where the ports of a TCP or UDP packet are; None where there are none."""
        header = (data[l3] & 0x0F) * 4
        if header < 20 or data[l3 + 9] not in (_TCP, _UDP) or len(data) < l3 + header + 4:
            return None
        return l3 + header

    def _known(self, data: bytes, l3: int) -> bool:
        addresses = self._addresses
        return bool(addresses) and (
            data[l3 + 12 : l3 + 16] in addresses or data[l3 + 16 : l3 + 20] in addresses
        )

    def _is_head(self, data: bytes, l3: int, l4: int) -> bool:
        """Whether a packet is among the first of its flow, in its direction."""
        if not self._cutoff:
            return False
        flow = data[l3 + 9 : l3 + 10] + data[l3 + 12 : l3 + 20] + data[l4 : l4 + 4]
        seen = self._flows.pop(flow, 0)
        if len(self._flows) >= _MOST_FLOWS:
            self._flows.pop(next(iter(self._flows)))
        self._flows[flow] = seen + 1  # put behind the others: the first is the one not met for longest
        return seen < self._cutoff


def _be16(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]


def _ports(given: Iterable[int] | None, usual: Iterable[int]) -> frozenset[int]:
    if given is None:
        return frozenset(usual)
    try:
        ports = list(given)
    except TypeError:
        raise TypeError("ports must be a sequence of ints") from None
    return frozenset(c_int(port) & 0xFFFF for port in ports)
