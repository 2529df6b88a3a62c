"""The options of DNS's OPT record (RFC 6891)."""

from __future__ import annotations

import socket

from ..printer import Printer
from ..wire import take, u16, u32

__all__ = ["options"]

_NAMES = {
    **{1: "LLQ", 2: "UL", 3: "NSID", 5: "DAU", 6: "DHU", 7: "N3U", 8: "ECS", 9: "EXPIRE", 10: "COOKIE"},
    **{11: "KEEPALIVE", 12: "PADDING", 13: "CHAIN", 14: "KEY-TAG", 16: "CLIENT-TAG", 17: "SERVER-TAG"},
}
_DAU, _DHU, _N3U, _ECS, _EXPIRE, _COOKIE, _KEEPALIVE, _PADDING, _CHAIN, _KEY_TAG = (
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
)
_ALGORITHMS = {
    **{0: "DELETE", 1: "RSAMD5", 2: "DH", 3: "DS", 5: "RSASHA1", 6: "DSA-NSEC3-SHA1"},
    **{7: "RSASHA1-NSEC3-SHA1", 8: "RSASHA256", 10: "RSASHA512", 12: "ECC-GOST", 13: "ECDSAP256SHA256"},
    **{14: "ECDSAP384SHA384", 15: "ED25519", 16: "ED448", 252: "INDIRECT", 253: "PRIVATEDNS"},
    254: "PRIVATEOID",
}
_SIZES = {
    _EXPIRE: {4},
    _KEEPALIVE: {2},
    _COOKIE: {8, *range(16, 41)},
    _KEY_TAG: range(2, 1 << 16, 2),
}
_DIGESTS = {1: "SHA-1", 2: "SHA-256", 3: "GOST_R_34.11-94", 4: "SHA-384"}
_HASHES = {1: "SHA-1"}


def options(p: Printer, d: bytes, at: int, end: int) -> None:
    """Put the options between two offsets, in brackets."""
    p.put(" [")
    first = True
    while at < end:
        if not first:
            p.put(",")
        first = False
        kind, size = u16(d, at), u16(d, at + 2)
        at += 4
        p.put(_NAMES.get(kind, f"Opt{kind}"))
        stop = at + size
        if size:
            p.put(" ")
            _value(p, d, at, kind, size)
        if stop > end:
            raise IndexError(stop)
        at = stop
    p.put("]")


def _value(p: Printer, d: bytes, at: int, kind: int, size: int) -> None:
    names = {_DAU: _ALGORITHMS, _DHU: _DIGESTS, _N3U: _HASHES}.get(kind)
    good = _SIZES.get(kind)
    if good is not None and size not in good:
        p.put(" (invalid)")
    elif kind == _ECS:
        family = u16(d, at)
        length = {1: 4, 2: 16}.get(family, 0)
        if d[at + 2] > 8 * length or size != 4 + (d[at + 2] + 7) // 8 or d[at + 3] > 8 * length:
            p.put(" (invalid)")
            return
        address = take(d, at + 4, size - 4)[:length].ljust(length, b"\0")
        shown = socket.inet_ntop(socket.AF_INET if family == 1 else socket.AF_INET6, address)
        p.put(f"{shown}/{d[at + 2]}/{d[at + 3]}")
    elif names is not None:
        p.put(" ".join([names.get(byte, f"Alg_{byte}") for byte in take(d, at, size)]))
    elif kind == _EXPIRE:
        p.put(f"{u32(d, at)} sec")
    elif kind == _KEEPALIVE:
        p.put(f"{u16(d, at) / 10:.1f} sec")
    elif kind == _CHAIN:
        from .domain import fqdn

        p.put(fqdn(d, at, at)[0])
    elif kind == _KEY_TAG:
        p.put(" ".join([str(u16(d, where)) for where in range(at, at + size - 1, 2)]))
    elif kind == _COOKIE:
        p.put(f"{take(d, at, 8).hex()} {take(d, at + 8, size - 8).hex()}".rstrip())
    elif kind == _PADDING:
        take(d, at, size)
        p.put(f"({size})")
    else:
        p.put(take(d, at, size).hex())
