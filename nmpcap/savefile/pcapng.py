"""pcapng blocks and options: bytes to values and back, with everything not understood kept as it is.

    block   type 4 | total length 4 | fixed fields, options | total length 4
    option  code 2 | length 2 | value, padded to 4; code 0 ends the list

All numbers are in the byte order of the section. No input or output happens here: blocks
come from ``read_blocks`` and go to ``Writer.write_block``. Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from nmpcap.errors import SavefileError

__all__ = [
    "CUSTOM",
    "CUSTOM_NO_COPY",
    "DECRYPTION_SECRETS",
    "ENHANCED_PACKET",
    "INTERFACE_DESCRIPTION",
    "INTERFACE_STATISTICS",
    "NAME_RESOLUTION",
    "OPT_COMMENT",
    "OPT_END",
    "PACKET",
    "SECTION_HEADER",
    "SIMPLE_PACKET",
    "Block",
    "Option",
    "decode_options",
    "encode_options",
    "make_block",
    "make_comments",
    "make_custom",
    "make_name_resolution",
    "make_secrets",
    "make_statistics",
]

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
PACKET = 2
SIMPLE_PACKET = 3
NAME_RESOLUTION = 4
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 0xA
CUSTOM = 0xBAD
CUSTOM_NO_COPY = 0x40000BAD

OPT_END = 0
OPT_COMMENT = 1

_NATIVE = "<" if sys.byteorder == "little" else ">"
_FOREIGN = ">" if sys.byteorder == "little" else "<"
# Bytes of the fixed fields, in front of options or of data whose length one of them tells.
_FIXED = {
    SECTION_HEADER: 16,
    INTERFACE_DESCRIPTION: 8,
    PACKET: 20,
    ENHANCED_PACKET: 20,
    INTERFACE_STATISTICS: 12,
    DECRYPTION_SECRETS: 8,
}
# Where among them that length stands.
_DATA_LENGTH_AT = {PACKET: 12, ENHANCED_PACKET: 12, DECRYPTION_SECRETS: 4}


class Option(NamedTuple):
    """One option: what its code means depends on the block, but 1 is a comment everywhere."""

    code: int
    value: bytes


def _padded(length: int) -> int:
    return (length + 3) & ~3


def decode_options(data: bytes, *, swapped: bool = False) -> list[Option]:
    """Return the options in these bytes, up to their end; SavefileError where one does not fit."""
    order = _FOREIGN if swapped else _NATIVE
    options, at = [], 0
    while len(data) - at >= 4:
        code, length = struct.unpack_from(f"{order}HH", data, at)
        if code == OPT_END:
            break
        if length > len(data) - at - 4:
            raise SavefileError(
                f"option {code} of {length} bytes does not fit the {len(data) - at - 4} left", at
            )
        options.append(Option(code, bytes(data[at + 4 : at + 4 + length])))
        at += 4 + _padded(length)
    return options


def encode_options(options: Iterable[Option], *, swapped: bool = False) -> bytes:
    """Return options as bytes, with their end; nothing for no options."""
    order = _FOREIGN if swapped else _NATIVE
    pieces = []
    for code, value in options:
        if not 0 < code <= 0xFFFF or len(value) > 0xFFFF:
            raise ValueError(
                f"option {code} of {len(value)} bytes: codes are 1 to 65535, values up to 65535 bytes"
            )
        pieces += [struct.pack(f"{order}HH", code, len(value)), value, bytes(-len(value) % 4)]
    return b"".join([*pieces, bytes(4)]) if pieces else b""


def make_comments(comments: Iterable[str]) -> list[Option]:
    """Return comments as options."""
    return [Option(OPT_COMMENT, comment.encode()) for comment in comments]


@dataclass(frozen=True)
class Block:
    """One block, as it stands in a file.

    A block that holds a packet is one for ``Writer.write``, too: ``ts_ns``, ``data``, ``len``,
    ``linktype``, ``interface`` are those of the packet, and mean nothing otherwise.
    """

    type: int
    raw: bytes
    swapped: bool = False
    ts_ns: int = 0
    interface: int = 0
    linktype: int = 0

    @property
    def body(self) -> bytes:
        """What is between the two lengths."""
        return self.raw[8:-4]

    def fields(self, format: str) -> tuple[int, ...]:
        """Unpack the body's first numbers, ``struct``'s format without the byte order.

        Raises SavefileError where the body is too short for them.
        """
        try:
            return struct.unpack_from((_FOREIGN if self.swapped else _NATIVE) + format, self.body)
        except struct.error:
            raise SavefileError(f"block of type {self.type} in pcapng dump file is too short") from None

    def _is(self, *types: int) -> None:
        if self.type not in types:
            raise ValueError(f"a block of type {self.type} has no such field")

    @property
    def is_packet(self) -> bool:
        """Whether the block holds a packet."""
        return self.type in {ENHANCED_PACKET, SIMPLE_PACKET, PACKET}

    @cached_property
    def _options_at(self) -> int | None:
        """Where the options begin in the body; None where the block has none that are known."""
        fixed = _FIXED.get(self.type)
        if self.type == NAME_RESOLUTION:
            return self._records_end
        if fixed is None:
            return None
        at = _DATA_LENGTH_AT.get(self.type)
        if at is None:
            return fixed
        (length,) = self.fields(f"{at}xI")
        return fixed + _padded(length)

    @property
    def options(self) -> list[Option]:
        """The options, in their order; none for blocks that have none, or of a type not known here."""
        at = self._options_at
        return [] if at is None else decode_options(self.body[at:], swapped=self.swapped)

    @property
    def comments(self) -> list[str]:
        """The comments among the options."""
        return [
            option.value.decode(errors="replace") for option in self.options if option.code == OPT_COMMENT
        ]

    def with_options(self, options: Iterable[Option]) -> Block:
        """Return the same block with these options in place of its own.

        Raises ValueError for a block that has no options.
        """
        at = self._options_at
        if at is None:
            raise ValueError(f"a block of type {self.type} has no options")
        made = make_block(
            self.type, self.body[:at] + encode_options(options, swapped=self.swapped), swapped=self.swapped
        )
        return Block(self.type, made.raw, self.swapped, self.ts_ns, self.interface, self.linktype)

    # ---- a packet ----

    @property
    def data(self) -> bytes:
        """The captured bytes of a packet, or the secrets of a decryption secrets block.

        This and the fields below raise ValueError for a block that has no such field.
        """
        self._is(*_DATA_LENGTH_AT, SIMPLE_PACKET)
        if self.type == SIMPLE_PACKET:
            return self.body[4 : 4 + min(self.len, len(self.body) - 4)]
        (length,) = self.fields(f"{_DATA_LENGTH_AT[self.type]}xI")
        start = _FIXED[self.type]
        return self.body[start : start + length]

    @property
    def len(self) -> int:
        """Bytes that the packet had on the wire."""
        self._is(ENHANCED_PACKET, SIMPLE_PACKET, PACKET)
        (length,) = self.fields("I" if self.type == SIMPLE_PACKET else "16xI")
        return length

    # ---- other blocks ----

    @property
    def secrets_type(self) -> int:
        """What the secrets of a decryption secrets block are: 0x544C534B for a TLS key log."""
        self._is(DECRYPTION_SECRETS)
        return self.fields("I")[0]

    @property
    def pen(self) -> int:
        """The private enterprise number of a custom block, whose own data follows it in the body."""
        self._is(CUSTOM, CUSTOM_NO_COPY)
        return self.fields("I")[0]

    @property
    def names(self) -> list[tuple[str, list[str]]]:
        """The records of a name resolution block: an address and its names."""
        self._is(NAME_RESOLUTION)
        found = []
        for kind, value in self._records():
            size = {1: 4, 2: 16}.get(kind)
            if size is not None and len(value) > size:
                texts = value[size:].rstrip(b"\0").split(b"\0")
                names = [text.decode(errors="replace") for text in texts]
                import ipaddress

                found.append((str(ipaddress.ip_address(value[:size])), names))
        return found

    def _records(self) -> list[Option]:
        return decode_options(self.body, swapped=self.swapped)

    @property
    def _records_end(self) -> int:
        return sum(4 + _padded(len(value)) for _, value in self._records()) + 4


def make_block(type: int, body: bytes, *, swapped: bool = False) -> Block:
    """Frame a body, padded to a multiple of 4, as a block."""
    order = _FOREIGN if swapped else _NATIVE
    total = 12 + _padded(len(body))
    raw = (
        struct.pack(f"{order}II", type, total)
        + body
        + bytes(-len(body) % 4)
        + struct.pack(f"{order}I", total)
    )
    return Block(type, raw, swapped)


def make_name_resolution(
    names: Iterable[tuple[str, Iterable[str]]], options: Iterable[Option] = (), *, swapped: bool = False
) -> Block:
    """Make a name resolution block of addresses and their names."""
    records = []
    for address, texts in names:
        import ipaddress

        packed = ipaddress.ip_address(address).packed
        value = packed + b"".join(text.encode() + b"\0" for text in texts)
        records.append(Option(1 if len(packed) == 4 else 2, value))
    body = (encode_options(records, swapped=swapped) or bytes(4)) + encode_options(options, swapped=swapped)
    return make_block(NAME_RESOLUTION, body, swapped=swapped)


def make_statistics(
    interface: int, ts: int, options: Iterable[Option] = (), *, swapped: bool = False
) -> Block:
    """Make an interface statistics block; ts in the interface's units, counters as options 4 to 8."""
    order = _FOREIGN if swapped else _NATIVE
    body = struct.pack(f"{order}III", interface, ts >> 32, ts & 0xFFFFFFFF)
    return make_block(INTERFACE_STATISTICS, body + encode_options(options, swapped=swapped), swapped=swapped)


def make_secrets(secrets_type: int, secrets: bytes, *, swapped: bool = False) -> Block:
    """Make a decryption secrets block."""
    order = _FOREIGN if swapped else _NATIVE
    head = struct.pack(f"{order}II", secrets_type, len(secrets))
    return make_block(DECRYPTION_SECRETS, head + secrets, swapped=swapped)


def make_custom(pen: int, data: bytes, *, copy: bool = True, swapped: bool = False) -> Block:
    """Make a custom block; copy: programs that do not know it may copy it along."""
    order = _FOREIGN if swapped else _NATIVE
    return make_block(
        CUSTOM if copy else CUSTOM_NO_COPY, struct.pack(f"{order}I", pen) + data, swapped=swapped
    )
