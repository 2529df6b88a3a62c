"""The Internet checksum of RFC 1071, over captured bytes."""

from __future__ import annotations

__all__ = ["internet", "pseudo4", "pseudo6", "receiver6", "should_be"]


_ROUTING, _FRAGMENT, _SEGMENTS = 43, 44, 4
_PASSED = {0, _ROUTING, _FRAGMENT, 60}


def internet(data: bytes, start: int = 0) -> int:
    """Return the checksum of bytes after a partial sum; 0 if they hold a right checksum.

    An odd last byte counts as if a zero byte followed it.
    """
    if len(data) & 1:
        data += b"\0"
    # One division folds all carries: 2**16 is 1 modulo 0xffff.
    total = int.from_bytes(data, "big") + start
    folded = total % 0xFFFF
    return 0xFFFF - folded if folded or not total else 0


def should_be(data: bytes, at: int, start: int = 0) -> int:
    """Return what the 16-bit checksum at an offset should be for these bytes."""
    return internet(data[:at] + b"\0\0" + data[at + 2 :], start)


def pseudo4(addresses: bytes, length: int, protocol: int) -> int:
    """Return the partial sum of IPv4's pseudo header; addresses are its 8 bytes."""
    return int.from_bytes(addresses, "big") + length + protocol


def receiver6(d: bytes, ip: int, end: int) -> bytes:
    """Return the source and final destination of an IPv6 packet, which a routing header may name.

    ip is the offset of the IPv6 header, end that of the message the checksum is of.
    """
    addresses = d[ip + 8 : ip + 40]
    number, at = d[ip + 6], ip + 40
    while at < end and number in _PASSED:
        size = 8 if number == _FRAGMENT else (d[at + 1] + 1) * 8
        if number == _ROUTING and (size >= 24 or d[at + 2] == _SEGMENTS):
            # The last address of types 0 and 2, the first one of segment routing.
            addresses = addresses[:16] + (
                d[at + 8 : at + 24] if d[at + 2] == _SEGMENTS else d[at + size - 16 : at + size]
            )
        number, at = d[at], at + size
    return addresses


def pseudo6(addresses: bytes, length: int, protocol: int) -> int:
    """Return the partial sum of IPv6's pseudo header; addresses are its 32 bytes."""
    return int.from_bytes(addresses, "big") + length + protocol
