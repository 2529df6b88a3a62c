"""Integers and bytes of a packet, read where they were captured.

A printer gets the captured bytes as one ``bytes`` object that ends where the capture, or the layer around
it, ends; reading beyond raises one of ENDS, which the Printer turns into ``[|name]``. Slices would end in
silence: a printer takes bytes with take(). Offsets are never negative.
"""

from __future__ import annotations

import struct

__all__ = ["ENDS", "be16", "be32", "le16", "le32", "take", "u16", "u24", "u32", "u64"]

# What reading beyond the captured bytes raises.
ENDS = (IndexError, struct.error)

be16 = struct.Struct(">H").unpack_from
be32 = struct.Struct(">I").unpack_from
le16 = struct.Struct("<H").unpack_from
le32 = struct.Struct("<I").unpack_from
_be64 = struct.Struct(">Q").unpack_from


def u16(d: bytes, at: int) -> int:
    """Return the 16-bit big-endian integer at an offset; IndexError beyond the captured bytes."""
    return d[at] << 8 | d[at + 1]


def u24(d: bytes, at: int) -> int:
    """Return the 24-bit big-endian integer at an offset; IndexError beyond the captured bytes."""
    return d[at] << 16 | d[at + 1] << 8 | d[at + 2]


def u32(d: bytes, at: int) -> int:
    """Return the 32-bit big-endian integer at an offset; struct.error beyond the captured bytes."""
    value: int = be32(d, at)[0]
    return value


def u64(d: bytes, at: int) -> int:
    """Return the 64-bit big-endian integer at an offset; struct.error beyond the captured bytes."""
    value: int = _be64(d, at)[0]
    return value


def take(d: bytes, at: int, count: int) -> bytes:
    """Return that many bytes from an offset; IndexError if not all of them were captured."""
    if at + count > len(d) or count < 0:
        raise IndexError(at + count)
    return d[at : at + count]
