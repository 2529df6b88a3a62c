"""The options of TCP (RFC 9293, 7323, 2018, 7413, 5925, 5482, 6994)."""

from __future__ import annotations

from collections.abc import Callable

from ..printer import Printer
from ..table import load
from ..wire import ENDS, take, u16, u32

__all__ = ["show"]

_EOL, _NOP, _MSS, _WSCALE, _SACK_OK, _SACK, _ECHO, _ECHO_REPLY, _TS = range(9)
_CC, _CC_NEW, _CC_ECHO, _SIGNATURE, _SCPS, _UTO, _AO, _MPTCP, _TFO, _EXP = (
    *(11, 12, 13, 19, 20, 28, 29, 30, 34, 254),
)
_NAMES = {
    _EOL: "eol",
    _NOP: "nop",
    _MSS: "mss",
    _WSCALE: "wscale",
    _SACK_OK: "sackOK",
    _SACK: "sack",
    _ECHO: "echo",
    _ECHO_REPLY: "echoreply",
    _TS: "TS",
    _CC: "cc",
    _CC_NEW: "ccnew",
    _CC_ECHO: "",
    _SIGNATURE: "md5",
    _SCPS: "scps",
    _UTO: "uto",
    _AO: "tcp-ao",
    _MPTCP: "mptcp",
    _TFO: "tfo",
    _EXP: "exp",
}
# The identification of fast open among the experiments of RFC 6994.
_EXPERIMENT_TFO = 0xF989


class _Bad(Exception):
    """The option's length does not fit what it holds."""


def show(p: Printer, d: bytes, at: int, length: int, flags: int, theirs: int) -> bool:
    """Put the options of a segment; SACK blocks relative to the other side's first number.

    False if the list, and with it the line, ends here: in a bad option, or with the captured bytes.
    """
    put = p.put
    put(", options [")
    end = at + length
    close = ""
    try:
        while at < end:
            put("," if close else "")
            if at >= len(d) or (d[at] > _NOP and at + 1 >= len(d)):
                p.truncated()
                return False
            kind = d[at]
            size = 1
            if kind > _NOP:
                size = d[at + 1]
                if size < 2 or at + size > end:
                    raise _Bad
            put(_NAMES.get(kind, f"unknown-{kind}"))
            used = size
            if kind > _NOP:
                value = _VALUES.get(kind, _raw)
                used = 2 + value(p, d, at + 2, size - 2, end, flags, theirs)
            if used != size:
                put(f"[len {size}]")
            at += used
            close = "]"
            if kind == _EOL:
                break
        put("]")
        return True
    except _Bad:
        put(f"[bad opt]{close}")
    except ENDS:
        p.truncated()
        put(">" if close else "")
    return False


def _need(d: bytes, at: int, count: int, end: int) -> None:
    """Make sure of bytes of the options, then of captured ones."""
    if at + count > end:
        raise _Bad
    if at + count > len(d):
        raise IndexError(at + count)


def _mss(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, 2, end)
    p.put(" ")
    p.put(str(u16(d, at)))
    return 2


def _wscale(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, 1, end)
    p.put(" ")
    p.put(str(d[at]))
    return 1


def _nothing(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    return 0


def _sack(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    if size % 8:
        p.put(" invalid sack")
        return size
    p.put(f" {size // 8} ")
    for where in range(at, at + size, 8):
        _need(d, where, 8, end)
        left, right = u32(d, where), u32(d, where + 4)
        p.put(f"{{{(left - theirs) & 0xFFFFFFFF}:{(right - theirs) & 0xFFFFFFFF}}}")
    return size


def _number(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, 4, end)
    p.put(" ")
    p.put(str(u32(d, at)))
    return 4


def _ts(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, 8, end)
    p.put(" ")
    p.put(f"val {u32(d, at)} ecr {u32(d, at + 4)}")
    return 8


def _signature(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, 16, end)
    p.put(" ")
    p.put(f"shared secret not supplied with -M, can't check - {take(d, at, 16).hex()}")
    return 16


def _scps(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, 2, end)
    p.put(" ")
    p.put(f"cap {d[at]:02x} id {d[at + 1]}")
    return 2


def _ao(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    if size < 2:
        p.put(" (invalid)")
        return size
    _need(d, at, size, end)
    p.put(" ")
    p.put(f"keyid {d[at]} rnextkeyid {d[at + 1]}")
    if size > 2:
        p.put(f" mac 0x{d[at + 2 : at + size].hex()}")
    return size


def _uto(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, 2, end)
    p.put(" ")
    value = u16(d, at)
    seconds = value >> 1
    p.put(f"0x{value:x} {seconds * 60 if value & 1 else seconds}")
    return 2


def _mptcp(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, size, end)
    if not load("transport.mptcp")(p, d, at - 2, size + 2, flags):
        raise _Bad
    return size


def _tfo(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, size, end)
    p.put(" ")
    _cookie(p, d, at, size)
    return size


def _cookie(p: Printer, d: bytes, at: int, size: int) -> None:
    if size == 0:
        p.put(" cookiereq")
    elif size % 2 or not 4 <= size <= 16:
        p.put(" (invalid)")
    else:
        p.put(f" cookie {take(d, at, size).hex()}")


def _experiment(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    _need(d, at, size, end)
    if size < 2:
        raise _Bad
    p.put("-")
    number = u16(d, at)
    if number == _EXPERIMENT_TFO:
        p.put("tfo")
        _cookie(p, d, at + 2, size - 2)
    else:
        p.put(f"{number:04x}")
    return size


def _raw(p: Printer, d: bytes, at: int, size: int, end: int, flags: int, theirs: int) -> int:
    if size:
        p.put(" 0x")
    for where in range(at, at + size):
        _need(d, where, 1, end)
        p.put(f"{d[where]:02x}")
    return size


_VALUES: dict[int, Callable[..., int]] = {
    _MSS: _mss,
    _WSCALE: _wscale,
    _SACK_OK: _nothing,
    _SACK: _sack,
    _ECHO: _number,
    _ECHO_REPLY: _number,
    _TS: _ts,
    _CC: _number,
    _CC_NEW: _number,
    _CC_ECHO: _number,
    _SIGNATURE: _signature,
    _SCPS: _scps,
    _UTO: _uto,
    _AO: _ao,
    _MPTCP: _mptcp,
    _TFO: _tfo,
    _EXP: _experiment,
}
