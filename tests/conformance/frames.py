"""The bytes a scenario sends: a function of the packet's tag and length, so that any part can be told apart.

    byte j = key[j mod 4] XOR (37 j + 11 (j div 256)) mod 256,  key = CRC-32 of the tag, little-endian

With addresses, bytes 0..13 are an Ethernet header instead: destination, source, type 0x88b5
(IEEE 802 local experimental).
"""

from __future__ import annotations

import zlib
from itertools import cycle

ETHERTYPE = b"\x88\xb5"
WELL_KNOWN = {"bcast": bytes.fromhex("ffffffffffff"), "mcast": bytes.fromhex("01005e000001")}


def payload(tag: str, length: int) -> bytes:
    """The ``length`` bytes that belong to a tag."""
    key = zlib.crc32(tag.encode()).to_bytes(4, "little")
    return bytes(k ^ ((37 * j + 11 * (j // 256)) & 0xFF) for j, k in zip(range(length), cycle(key)))


def mac(address: int | str) -> bytes:
    """A station's number, ``bcast``, ``mcast`` or a written-out address, as six bytes."""
    if isinstance(address, int):
        return bytes([2, 0, 0, 0, address >> 8 & 0xFF, address & 0xFF])
    return WELL_KNOWN.get(address) or bytes.fromhex(address.replace(":", ""))


def frame(tag: str, length: int, dst: int | str | None = None, src: int | str | None = None) -> bytes:
    """A packet: bare payload, or with an Ethernet header as soon as one address is given (the other is 1)."""
    body = payload(tag, length)
    if dst is None and src is None:
        return body
    header = mac(1 if dst is None else dst) + mac(1 if src is None else src) + ETHERTYPE
    return (header + body[len(header) :])[:length]
