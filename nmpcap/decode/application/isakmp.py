"""ISAKMP and IKE version 2 (RFC 2408, 7296): which exchange, from whom."""

from __future__ import annotations

from ..printer import Printer
from ..wire import take, u32

__all__ = ["show"]

_HEADER = 28
# Exchanges remembered at once.
_KEPT = 20
_EXCHANGES = {
    **{0: "none", 1: "base", 2: "ident", 3: "auth", 4: "agg", 5: "inf", 32: "oakley-quick"},
    33: "oakley-newgroup",
}
_EXCHANGES2 = {**_EXCHANGES, 34: "ikev2_init", 35: "ikev2_auth", 36: "child_sa", 37: "inf2"}
_ENCRYPTED, _COMMIT = 1, 2
_INITIATOR, _VERSION, _RESPONSE = 8, 16, 32


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the exchange and the flags of a message."""
    p.proto = "isakmp"
    put = p.put
    take(d, at, _HEADER)
    major = d[at + 17] >> 4
    put("isakmp")
    if p.verbose:
        put(f" {major}.{d[at + 17] & 15}")
        put(f" msgid {u32(d, at + 20):08x}")
    put(":")
    responder = take(d, at + 8, 8) != bytes(8)
    exchange, flags = d[at + 18], d[at + 19]
    if major == 1:
        put(f" phase {'2/others' if u32(d, at + 20) else '1'}")
        put(f" {_side(p, take(d, at, 8), responder)}")
        put(f" {_EXCHANGES2.get(exchange, f'#{exchange}')}")
        if flags:
            put(f"[{'E' if flags & _ENCRYPTED else ''}{'C' if flags & _COMMIT else ''}]")
    else:
        put(f" {'child_sa ' if u32(d, at + 20) else 'parent_sa'}")
        put(f" {_EXCHANGES2.get(exchange, f'#{exchange}')}")
        if flags:
            put(f"[{'I' if flags & _INITIATOR else ''}{'V' if flags & _VERSION else ''}")
            put(f"{'R' if flags & _RESPONSE else ''}]")


def _side(p: Printer, cookie: bytes, answered: bool) -> str:
    """Return which side a message is from: the initiator, whose cookie came alone, or the responder."""
    if not answered:
        if len(p.initiators) >= _KEPT:
            del p.initiators[next(iter(p.initiators))]
        p.initiators[cookie] = p.peers
    known = p.initiators.get(cookie)
    if known is None:
        return "?"
    half = len(known) // 2
    if known == p.peers:
        return "I"
    return "R" if known[half:] + known[:half] == p.peers else "?"
