"""PPP and its control protocols (RFC 1661, 1332, 1334, 1994, 5072)."""

from __future__ import annotations

from ..hexdump import hex_lines
from ..printer import Printer
from ..table import load
from ..text import safe
from ..wire import ENDS, take, u16, u24, u32

__all__ = ["link", "protocol", "show"]

_ADDRESS, _CONTROL = 0xFF, 0x03
_NAMES = {
    **{0x21: "IP", 0x23: "OSI", 0x25: "NS", 0x27: "DECNET", 0x29: "APPLE", 0x2B: "IPX", 0x2D: "VJC"},
    **{0x2F: "VJNC", 0x31: "BRPDU", 0x3D: "MLPPP", 0x57: "IP6", 0xFD: "COMP", 0x281: "MPLS"},
    **{0x8021: "IPCP", 0x8023: "OSICP", 0x8029: "ATCP", 0x802B: "IPXCP", 0x8057: "IP6CP", 0x80FD: "CCP"},
    **{0x8281: "MPLSCP", 0xC021: "LCP", 0xC023: "PAP", 0xC025: "LQM", 0xC223: "CHAP", 0xC02B: "BACP"},
    **{0xC02D: "BAP", 0xC027: "SPAP", 0xC029: "CBCP"},
}
_CARRIED = {0x21: "network.ip4", 0x57: "network.ip6", 0x281: "tunnel.mpls", 0x283: "tunnel.mpls"}
_CODES = {
    **{1: "Conf-Request", 2: "Conf-Ack", 3: "Conf-Nack", 4: "Conf-Reject", 5: "Term-Request", 6: "Term-Ack"},
    **{7: "Code-Reject", 8: "Prot-Reject", 9: "Echo-Request", 10: "Echo-Reply", 11: "Disc-Req", 12: "Ident"},
    **{13: "Time-Rem", 14: "Reset-Req", 15: "Reset-Ack", 0: "Vendor-Extension"},
}
_NEGOTIATING = (1, 2, 3, 4)
_CONTROLS = {0xC021, 0x8021, 0x8023, 0x8057, 0x80FD, 0x8281, 0xC02B}
_CHAP_CODES = {1: "Challenge", 2: "Response", 3: "Success", 4: "Fail"}
_PAP_CODES = {1: "Auth-Req", 2: "Auth-ACK", 3: "Auth-NACK"}


def link(p: Printer, d: bytes, at: int, length: int) -> int:
    """Put a frame of DLT_PPP; return the length of its header."""
    p.proto = "ppp"
    start = at
    if len(d) - at < 4:
        p.truncated()
        return len(d) - at
    if d[at] == _ADDRESS and d[at + 1] == _CONTROL:
        at += 2
        length -= 2
    _frame(p, d, at, length)
    return at + 2 - start


def _name(number: int) -> str:
    return _NAMES.get(number, "unknown")


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a PPP frame, which may begin with an address and a control field."""
    p.proto = "ppp"
    if length >= 2 and d[at] == _ADDRESS and d[at + 1] == _CONTROL:
        at += 2
        length -= 2
    _frame(p, d, at, length)


def protocol(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put what begins with PPP's protocol field."""
    p.proto = "ppp"
    _frame(p, d, at, length)


def _frame(p: Printer, d: bytes, at: int, length: int) -> None:
    if length < 2:
        raise IndexError
    if d[at] % 2:
        number, at, left = d[at], at + 1, length - 1
    else:
        number, at, left = u16(d, at), at + 2, length - 2
    if p.link_header:
        name = "Compressed" if number == 0xFD else _name(number)
        p.put(f"{name} (0x{number:04x}), length {length}{': ' if number in _NAMES else ''}")
    if number in _CARRIED:
        load(_CARRIED[number])(p, d, at, left)
        return
    if number in _CONTROLS:
        _control(p, d, at, left, number)
    elif number == 0xC223:
        _chap(p, d, at, left)
    elif number == 0xC02D:
        pass
    elif number == 0xFD:
        p.put("compressed PPP data")
    elif number == 0xC023:
        _pap(p, d, at, left)
    else:
        known = _NAMES.get(number)
        if known or not p.link_header:
            p.put(f"{known} " if known else f"unknown PPP protocol (0x{number:04x}) ")
        else:
            return
        p.put(hex_lines(d[at : at + left]))


def _control(p: Printer, d: bytes, at: int, length: int, number: int) -> None:
    put = p.put
    put(f"{_NAMES[number]}, ")
    if len(d) - at < 2:
        put(f"[|{_NAMES[number]}]")
        return
    code, ident = d[at], d[at + 1]
    put(f"{_CODES.get(code, 'Unknown Opcode')} (0x{code:02x})")
    put(f", id {ident}, length {length + 2}")
    if not p.verbose:
        return
    size = u16(d, at + 2)
    try:
        _body(p, d, at, length, size, number, code)
    except ENDS:
        name = _NAMES[number]
        put(f"[|{name.lower() if code in _NEGOTIATING else name}]")


def _body(p: Printer, d: bytes, at: int, length: int, size: int, number: int, code: int) -> None:
    put = p.put
    if size > length:
        put(f"\n\tencoded length {size} (> packet length {length}))")
        return
    put(f"\n\tencoded length {size} (=Option(s) length {size - 4})")
    if length < 4 or size < 4:
        raise IndexError
    if p.verbose > 1:
        put(hex_lines(d[at : at + 6]))
    if code in _NEGOTIATING:
        where, end = at + 4, at + size
        while where < end:
            taken = load("tunnel.ppp_options")(p, d, where, end - where, number)
            if taken <= 0:
                return
            where += taken
    elif code in (9, 10, 11):
        put(f"\n\t  Magic-Num 0x{take(d, at + 4, 4).hex()}")
        if size > 8:
            put("\n\t  -----trailing data-----")
            put(hex_lines(take(d, at + 8, size - 8), "\n\t  "))
    elif code == 8:
        put(f"\n\t  Rejected {_NAMES.get(u16(d, at + 4), 'unknown')} Protocol (0x{u16(d, at + 4):04x})")
        if size > 6:
            put("\n\t  Rejected Packet")
            put(hex_lines(take(d, at + 6, size - 6), "\n\t    "))
    elif code in (12, 13):
        put(f"\n\t  Magic-Num 0x{take(d, at + 4, 4).hex()}")
        if code == 13:
            put(f", Seconds-Remaining {u32(d, at + 8)}s")
    elif code == 0:
        put(f"\n\t  Magic-Num 0x{take(d, at + 4, 4).hex()} Vendor: Unknown ({u24(d, at + 8)})")


def _chap(p: Printer, d: bytes, at: int, length: int) -> None:
    put = p.put
    code = d[at]
    put(f"CHAP, {_CHAP_CODES.get(code, 'unknown')} (0x{code:02x})")
    put(f", id {d[at + 1]}")
    size = u16(d, at + 2)
    if code in (1, 2):
        count = d[at + 4]
        put(", Value ")
        put(d[at + 5 : at + 5 + count].hex())
        take(d, at + 5, count)
        put(", Name ")
        _put_text(p, d, at + 5 + count, size - 5 - count)
    elif code in (3, 4):
        put(", Msg ")
        _put_text(p, d, at + 4, size - 4)


def _put_text(p: Printer, d: bytes, at: int, count: int) -> None:
    """Put as much of a text as was captured."""
    p.put(safe(d[at : at + max(count, 0)]))
    take(d, at, max(count, 0))


def _pap(p: Printer, d: bytes, at: int, length: int) -> None:
    put = p.put
    code = d[at]
    put(f"PAP, {_PAP_CODES.get(code, 'unknown')} (0x{code:02x})")
    put(f", id {d[at + 1]}")
    u16(d, at + 2)
    if code == 1:
        count = d[at + 4]
        put(", Peer ")
        _put_text(p, d, at + 5, count)
        where = at + 5 + count
        count = d[where]
        put(", Name ")
        _put_text(p, d, where + 1, count)
    elif code in (2, 3):
        count = d[at + 4]
        put(", Msg ")
        _put_text(p, d, at + 5, count)
