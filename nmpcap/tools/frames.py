"""The frames that a generator sends: UDP between ranges of addresses and ports, or any frame as it is."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from nmpcap._arguments import number
from nmpcap._core import ffi, lib
from nmpcap.errors import UsageError

__all__ = ["Address", "Ends", "Frames", "Stream", "ends", "mac"]

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_ETHERNET = 14
_UDP = 8
_PORT = 1234
_ENDS = re.compile(
    r"(?:\[(?P<six>[^]]+)\]|(?P<any>[^:\[\]]+|[^\[\]]*::?[^\[\]]*:[^\[\]]*))(?::(?P<port>\d+))?"
)
_PAYLOAD = b"nmpcap gen "
_LONGEST = 65535


@dataclass(frozen=True)
class Ends:
    """Addresses and UDP ports of one side, from the low to the high one; both are swept."""

    low: Address
    high: Address
    low_port: int = _PORT
    high_port: int = _PORT

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


def ends(text: str) -> Ends:
    """Return what pkt-gen writes ``ADDR[:PORT][-ADDR[:PORT]]``; IPv6 with a port as ``[ADDR]:PORT``."""
    first, dash, second = text.partition("-")
    low, low_port = _end(first, text)
    high, high_port = _end(second, text) if dash else (low, None)
    port = _PORT if low_port is None else low_port
    return Ends(low, high, port, port if high_port is None else high_port)


def _end(text: str, whole: str) -> tuple[Address, int | None]:
    match = _ENDS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"addresses {whole!r}: write them as 10.0.0.1:1234-10.0.0.9:1300 or [fd00::1]:1234")
    try:
        if match["six"]:
            address: Address = ipaddress.IPv6Address(match["six"])
        elif ":" in match["any"]:
            return ipaddress.ip_address(text.strip()), None
        else:
            address = ipaddress.ip_address(match["any"])
    except ValueError as error:
        raise UsageError(f"addresses {whole!r}: {error}") from None
    port = int(match["port"]) if match["port"] else None
    return address, None if port is None else number(port, f"addresses {whole!r}: port", 0, 65535)


def mac(text: str) -> bytes:
    """Return the six bytes of an Ethernet address."""
    if not re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", text):
        raise UsageError(f"Ethernet address {text!r}: write it as 02:00:00:00:00:01")
    return bytes(int(part, 16) for part in text.split(":"))


_SOURCE, _DESTINATION = ends("10.0.0.1"), ends("10.1.0.1")


@dataclass(frozen=True)
class Frames:
    """What to send: one frame after the other, each with the next addresses and ports of its ranges.

    ``source`` and ``destination`` are swept as the digits of a number: the source's port, its address,
    the destination's port, its address; IPv6 in the low 64 bits. ``random_source`` and
    ``random_destination`` draw them instead. ``size`` and ``shortest`` are bytes without CRC; between
    them lengths are drawn. ``sequence`` counts the frames, in 32 bits at the start of the payload.
    ``header``: bytes of zeros before the frame (virtio), beyond its size. ``template``: a frame that is sent
    as it is; then all but ``header`` is left out of account. What is drawn depends on ``seed`` alone.
    """

    source: Ends = _SOURCE
    destination: Ends = _DESTINATION
    source_mac: bytes = b"\x02\x00\x00\x00\x00\x01"
    destination_mac: bytes = b"\xff" * 6
    size: int = 60
    shortest: int | None = None
    random_source: bool = False
    random_destination: bool = False
    sequence: bool = False
    header: int = 0
    template: bytes | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.template is None:
            self._check()
        elif self.sequence:
            raise UsageError("gen: a frame that is given is sent as it is, without sequence numbers")
        elif not 0 < len(self.template) <= _LONGEST - self.header:
            raise UsageError(f"gen: a frame of {len(self.template)} bytes; 1 to {_LONGEST} can be sent")

    def _check(self) -> None:
        if (
            len({end.version for side in (self.source, self.destination) for end in (side.low, side.high)})
            > 1
        ):
            raise UsageError(f"gen: {self.source} and {self.destination}: IPv4 and IPv6 do not go together")
        for what, low, high in self._ranges():
            if low > high:
                raise UsageError(f"gen: the range of the {what} ends before it begins")
        least = self._payload + (4 if self.sequence else 0)
        number(self.size, "gen: size", least, _LONGEST - self.header)
        if self.shortest is not None:
            number(self.shortest, "gen: the shortest size", least, self.size)

    def _ranges(self) -> list[tuple[str, int, int]]:
        return [
            (f"{name}'s {what}", low, high)
            for name, side in (("source", self.source), ("destination", self.destination))
            for what, low, high in (
                ("ports", side.low_port, side.high_port),
                ("addresses", int(side.low), int(side.high)),
            )
        ]

    @property
    def _payload(self) -> int:
        return _ETHERNET + (20 if self.source.low.version == 4 else 40) + _UDP

    def first(self) -> bytes:
        """Return the template: lengths, checksums and what is swept are filled in for each frame."""
        if self.template is not None:
            return bytes(self.header) + self.template
        source, destination = self.source.low, self.destination.low
        if source.version == 4:
            ether, ip = b"\x08\x00", bytes([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0])
        else:
            ether, ip = b"\x86\xdd", bytes([0x60, 0, 0, 0, 0, 0, 17, 64])
        ports = self.source.low_port.to_bytes(2, "big") + self.destination.low_port.to_bytes(2, "big")
        headers = (
            self.destination_mac
            + self.source_mac
            + ether
            + ip
            + source.packed
            + destination.packed
            + ports
            + bytes(4)
        )
        filler = self.size - len(headers)
        payload = (_PAYLOAD * (filler // len(_PAYLOAD) + 1))[:filler]
        return bytes(self.header) + headers + payload

    def fields(self) -> list[dict[str, int]]:
        """Return what changes from frame to frame, in the core's form."""
        if self.template is not None:
            return []
        width = len(self.source.low.packed)
        udp = self.header + self._payload - _UDP
        found = []
        for i, side, random in (
            (0, self.source, self.random_source),
            (1, self.destination, self.random_destination),
        ):
            if int(side.low) >> 64 != int(side.high) >> 64:
                raise UsageError(f"gen: {side}: the upper 64 bits are not swept")
            size, mask = min(width, 8), 2**64 - 1
            offset = udp - 2 * width + (i + 1) * width - size
            for place, bytes_of, low, high in (
                (udp + 2 * i, 2, side.low_port, side.high_port),
                (offset, size, int(side.low) & mask, int(side.high) & mask),
            ):
                if low != high:
                    found.append(
                        {"offset": place, "size": bytes_of, "low": low, "high": high, "random": random}
                    )
        return found


class Stream:
    """Frames one after the other, made in the core: the object that a generator sends from."""

    def __init__(self, frames: Frames) -> None:
        first = frames.first()
        shortest = len(first)
        if frames.template is None and frames.shortest is not None:
            shortest = frames.shortest + frames.header
        held = ffi.new("uint8_t[]", first)
        config: dict[str, Any] = {
            "frame": held,
            "shortest": shortest,
            "longest": len(first),
            "ip_version": 0 if frames.template is not None else frames.source.low.version,
            "ip_offset": frames.header + _ETHERNET,
            "sequence": frames.sequence,
            "seed": number(frames.seed, "gen: seed", 0, 2**64 - 1),
            "field": (fields := frames.fields()),
            "num_fields": len(fields),
        }
        new = ffi.new("struct nm_stream **")
        error = lib.nm_stream_new(ffi.new("struct nm_stream_config *", config), new)
        if error:
            raise MemoryError(f"no memory for frames of {len(first)} bytes")
        self._core: Any = ffi.gc(new[0], lib.nm_stream_free)
        self._room = ffi.new("uint8_t[]", len(first))

    def next(self) -> bytes:
        """Return the next frame, as a generator would send it."""
        return bytes(ffi.buffer(self._room, lib.nm_stream_next(self._core, self._room, 1)))
