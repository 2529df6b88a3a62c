"""The subtypes of TCP's multipath option (RFC 6824, 8684)."""

from __future__ import annotations

from collections.abc import Callable

from ..printer import Printer
from ..wire import u16, u32, u64

__all__ = ["show"]

_SYN, _ACK = 0x02, 0x10
_FIN_BIT, _SUBFLOW_LONG, _MAPPING, _ACK_LONG, _ACK_BIT = 0x10, 0x08, 0x04, 0x02, 0x01
_DEFINED = 0x1F


def show(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    """Put the option at an offset, captured whole; False if its length does not fit.

    flags are those of the segment, which say what a capability or a join holds.
    """
    if size < 3:
        return False
    p.proto = "mptcp"
    p.put(f" {size}")
    known = _SUBTYPES.get(d[at + 2] >> 4)
    p.put(f" {known[0] if known else 'unknown'}")
    return known is None or known[1](p, d, at, size, flags)


def _capable(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    wanted = (4, 12) if flags & _SYN and not flags & _ACK else (12, 4) if flags & _SYN else (20, 22)
    if size not in wanted:
        return False
    version = d[at + 2] & 15
    if version > 1:
        p.put(f" Unknown Version ({version})")
        return True
    p.put(f" v{version}{' csum' if d[at + 3] & 0x80 else ''}")
    if size >= 12:
        second = f",0x{u64(d, at + 12):x}" if size >= 20 else ""
        p.put(f" {{0x{u64(d, at + 4):x}{second}}}")
    return True


def _join(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    needed = {12: _SYN, 16: _SYN | _ACK, 24: _ACK}.get(size)
    if needed is None or flags & needed != needed:
        return False
    if size != 24:
        p.put(f"{' backup' if d[at + 2] & 1 else ''} id {d[at + 3]}")
    if size == 12:
        p.put(f" token 0x{u32(d, at + 4):x} nonce 0x{u32(d, at + 8):x}")
    elif size == 16:
        p.put(f" hmac 0x{u64(d, at + 4):x} nonce 0x{u32(d, at + 12):x}")
    else:
        p.put(f" hmac 0x{d[at + 4 : at + 24].hex()}")
    return True


def _signal(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    bits = d[at + 3] if size > 3 else 0
    if size < 4 or bits & ~_DEFINED or flags & _SYN:
        return False
    p.put(" fin" if bits & _FIN_BIT else "")
    end, where = at + size, at + 4
    if bits & _ACK_BIT:
        p.put(" ack ")
        width = 8 if bits & _ACK_LONG else 4
        if where + width > end:
            return False
        p.put(f"{u64(d, where) if width == 8 else u32(d, where)}")
        where += width
    if bits & _MAPPING:
        p.put(" seq ")
        width = 8 if bits & _SUBFLOW_LONG else 4
        if where + width > end:
            return False
        p.put(f"{u64(d, where) if width == 8 else u32(d, where)}")
        where += width
        if where + 4 > end:
            return False
        p.put(f" subseq {u32(d, where)}")
        where += 4
        if where + 2 > end:
            return False
        p.put(f" len {u16(d, where)}")
        where += 2
        if where + 2 <= end:
            p.put(f" csum 0x{u16(d, where):x}")
            where += 2
    return where == end


def _add(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    if size not in (8, 10, 16, 18, 20, 22, 28, 30):
        return False
    version = d[at + 2] & 15
    p.put(f" v0-ip{version}" if version in (4, 6) else f" v1{'-echo' if version & 1 else ''}")
    p.put(f" id {d[at + 3]}")
    where, end = at + 4, at + size
    width = 4 if size < 20 else 16
    address = d[where : where + width]
    p.put(f" {(p.names.ip4 if width == 4 else p.names.ip6)[address]}")
    where += width
    if size % 4:
        p.put(f":{u16(d, where)}")
        where += 2
    if end - where >= 8:
        p.put(f" hmac 0x{u64(d, where):x}")
    return True


def _remove(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    if size < 4:
        return False
    p.put(" id" + "".join([f" {number}" for number in d[at + 3 : at + size]]))
    return True


def _priority(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    if size not in (3, 4):
        return False
    p.put(" backup" if d[at + 2] & 1 else " non-backup")
    if size == 4:
        p.put(f" id {d[at + 3]}")
    return True


def _fail(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    if size != 12:
        return False
    p.put(f" seq {u64(d, at + 4)}")
    return True


def _close(p: Printer, d: bytes, at: int, size: int, flags: int) -> bool:
    if size != 12:
        return False
    p.put(f" key 0x{u64(d, at + 4):x}")
    return True


_SUBTYPES: dict[int, tuple[str, Callable[[Printer, bytes, int, int, int], bool]]] = {
    0: ("capable", _capable),
    1: ("join", _join),
    2: ("dss", _signal),
    3: ("add-addr", _add),
    4: ("rem-addr", _remove),
    5: ("prio", _priority),
    6: ("fail", _fail),
    7: ("fast-close", _close),
}
