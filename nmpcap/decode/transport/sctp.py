"""SCTP (RFC 9260): each chunk and what it says."""

from __future__ import annotations

from ..hexdump import hex_and_ascii
from ..printer import Printer
from ..wire import take, u16, u32

__all__ = ["show"]

_HEADER, _CHUNK = 12, 4
_DATA, _INIT, _INIT_ACK, _SACK = 0, 1, 2, 3
_LEAST = {_DATA: 16, _INIT: 20, _INIT_ACK: 20, _SACK: 16}
_CHUNKS = {
    **{0: "DATA", 1: "INIT", 2: "INIT ACK", 3: "SACK", 4: "HB REQ", 5: "HB ACK", 6: "ABORT", 7: "SHUTDOWN"},
    **{8: "SHUTDOWN ACK", 9: "OP ERR", 10: "COOKIE ECHO", 11: "COOKIE ACK", 12: "ECN ECHO", 13: "ECN CWR"},
    **{14: "SHUTDOWN COMPLETE", 0xC0: "FOR CUM TSN", 0xC1: "REL CTRL", 0xC2: "REL CTRL ACK"},
}
_PAYLOADS = {
    **{1: "ISDN Q.921", 2: "M2UA", 3: "M3UA", 4: "SUA", 5: "M2PA", 6: "V5.2", 7: "H.248"},
    **{8: "BICC", 9: "TALI", 10: "DUA", 11: "ASAP", 12: "ENRP", 13: "H.323", 14: "Q.IPC", 15: "SIMCO"},
    **{16: "DDPSC", 17: "DDPSSC", 18: "S1AP", 19: "RUA", 20: "HNBAP", 21: "ForCES HP", 22: "ForCES MP"},
    **{23: "ForCES LP", 24: "SBc-AP", 25: "NBAP", 27: "X2AP"},
}


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put a packet's chunks."""
    p.proto = "sctp"
    put = p.put
    names = p.names
    if length < _HEADER:
        put(f"truncated-sctp - {_HEADER - length} bytes missing!")
        return
    take(d, at, _HEADER)
    sport, dport = u16(d, at), u16(d, at + 2)
    version = d[ip] >> 4
    if version == 4 and d[ip + 9] == 132:
        source, to = names.ip4[d[ip + 12 : ip + 16]], names.ip4[d[ip + 16 : ip + 20]]
        put(f"{source}.{sport} > {to}.{dport}: sctp")
    elif version == 6 and d[ip + 6] == 132:
        source, to = names.ip6[d[ip + 8 : ip + 24]], names.ip6[d[ip + 24 : ip + 40]]
        put(f"{source}.{sport} > {to}.{dport}: sctp")
    else:
        put(f"{sport} > {dport}: sctp")
    end = at + length
    at += _HEADER
    number = 0
    while at < end:
        if end - at < _CHUNK:
            opening = f"\n\t{number + 1}) " if p.verbose > 1 else f" ({number + 1}) "
            put(f"{opening}[chunk descriptor cut off at end of packet]")
            return
        number += 1
        kind, flags, size = d[at], d[at + 1], u16(d, at + 2)
        take(d, at, size)
        if p.verbose < 2:
            put(f"{', ' if number > 1 else ' '}({number}) ")
        else:
            put(f"\n\t{number}) ")
        if size < _CHUNK:
            put(f"[Bad chunk length {size}, < size of chunk descriptor]")
            return
        if size > end - at:
            put(f"[Bad chunk length {size}, > remaining data in packet]")
            return
        put(f"[{_CHUNKS.get(kind, f'Unknown chunk type: 0x{kind:x}')}] ")
        _chunk(p, d, at, kind, flags, size)
        at += size + (-size % 4 if at + size < end else 0)


def _chunk(p: Printer, d: bytes, at: int, kind: int, flags: int, size: int) -> None:
    put = p.put
    if kind == _DATA:
        letters = "".join([f"({letter})" for bit, letter in ((4, "U"), (2, "B"), (1, "E")) if flags & bit])
        if flags & 7:
            put(f"{letters} ")
        if size < _LEAST[kind]:
            put(f"bogus chunk length {size}]")
            return
        put(f"[TSN: {u32(d, at + 4)}] ")
        put(f"[SID: {u16(d, at + 8)}] ")
        put(f"[SSEQ {u16(d, at + 10)}] ")
        payload = u32(d, at + 12)
        put(f"[PPID {_PAYLOADS.get(payload, f'0x{payload:x}')}] ")
        if p.verbose >= 2:
            put("[Payload")
            if not p.dumps:
                put("]")
                return
            put(":")
            put(hex_and_ascii(d[at + 16 : at + size]))
            put("]")
    elif kind in _LEAST and size < _LEAST[kind]:
        put(f"bogus chunk length {size}]")
    elif kind in (_INIT, _INIT_ACK):
        put(f"[init tag: {u32(d, at + 4)}] ")
        put(f"[rwnd: {u32(d, at + 8)}] ")
        put(f"[OS: {u16(d, at + 12)}] ")
        put(f"[MIS: {u16(d, at + 14)}] ")
        put(f"[init TSN: {u32(d, at + 16)}] ")
    elif kind == _SACK:
        base = u32(d, at + 4)
        put(f"[cum ack {base}] ")
        put(f"[a_rwnd {u32(d, at + 8)}] ")
        gaps, duplicates = u16(d, at + 12), u16(d, at + 14)
        put(f"[#gap acks {gaps}] ")
        put(f"[#dup tsns {duplicates}] ")
        where, stop = at + 16, at + size
        for number in range(gaps):
            if where + 4 > stop:
                return
            start, last = (base + u16(d, where)) & 0xFFFFFFFF, (base + u16(d, where + 2)) & 0xFFFFFFFF
            put(f"\n\t\t[gap ack block #{number + 1}: start = {start}, end = {last}] ")
            where += 4
        for number in range(duplicates):
            if where + 4 > stop:
                return
            put(f"\n\t\t[dup TSN #{number + 1}: {u32(d, where)}] ")
            where += 4
