"""DNS and multicast DNS (RFC 1035, 6891, 6762 and what registered types hold)."""

from __future__ import annotations

import struct

from ..durations import lifetime
from ..printer import Printer
from ..text import safe
from ..wire import take, u16, u32

__all__ = ["fqdn", "multicast", "show", "stream"]

_HEADER = 12
_RESPONSE, _AUTHORITATIVE, _CUT, _RECURSE = 0x8000, 0x0400, 0x0200, 0x0100
_CAN_RECURSE, _AUTHENTIC, _UNCHECKED = 0x0080, 0x0020, 0x0010
_INVERSE = 1
_OPERATIONS = (
    *("", " inv_q", " stat", " op3", " notify", " update", " op6", " op7", " op8", " updateA", " updateD"),
    *(" updateDA", " updateM", " updateMA", " zoneInit", " zoneRef"),
)
_RESULTS = (
    *("", " FormErr", " ServFail", " NXDomain", " NotImp", " Refused", " YXDomain", " YXRRSet", " NXRRSet"),
    *(" NotAuth", " NotZone", " Resp11", " Resp12", " Resp13", " Resp14", " NoChange"),
)
_A, _NS, _CNAME, _SOA, _PTR, _MX, _TXT, _AAAA, _SRV, _DNAME, _OPT, _SPF, _TSIG, _URI = (
    *(1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 41, 99, 250, 256),
)
_A6, _UNSPECA = 38, 104
_TYPES = {
    **{1: "A", 2: "NS", 3: "MD", 4: "MF", 5: "CNAME", 6: "SOA", 7: "MB", 8: "MG", 9: "MR", 10: "NULL"},
    **{11: "WKS", 12: "PTR", 13: "HINFO", 14: "MINFO", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB"},
    **{19: "X25", 20: "ISDN", 21: "RT", 22: "NSAP", 23: "NSAP_PTR", 24: "SIG", 25: "KEY", 26: "PX"},
    **{27: "GPOS", 28: "AAAA", 29: "LOC", 30: "NXT", 31: "EID", 32: "NIMLOC", 33: "SRV", 34: "ATMA"},
    **{35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", 39: "DNAME", 40: "SINK", 41: "OPT", 42: "APL"},
    **{43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY"},
    **{99: "SPF", 100: "UINFO", 101: "UID", 102: "GID", 103: "UNSPEC", 104: "UNSPECA", 249: "TKEY"},
    **{250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA", 255: "ANY", 256: "URI"},
}
_CLASSES = {1: "IN", 3: "CHAOS", 4: "HS", 255: "ANY"}
_IN = 1
_TOP_BIT = 0x8000
# Names remembered at once.
_KEPT = 1 << 14
_ALIASES = {_NS, _CNAME, _PTR, _DNAME}


_head = struct.Struct(">6H").unpack_from
_question = struct.Struct(">HH").unpack_from
_record = struct.Struct(">HHIH").unpack_from


class _Bad(Exception):
    """A name that leads nowhere, or a section that ends within a record."""


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message that came in a datagram."""
    p.proto = "domain"
    if length < _HEADER:
        p.put(f"domain [length {length} < {_HEADER}] (invalid)")
        return
    _message(p, d, at, length, multicast=False)


def multicast(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message of multicast DNS."""
    p.proto = "domain"
    if length < _HEADER:
        p.put(f"domain [length {length} < {_HEADER}] (invalid)")
        return
    _message(p, d, at, length, multicast=True)


def stream(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the message that begins a TCP segment, behind its length."""
    p.proto = "domain"
    if length < 2 + _HEADER:
        p.put(f" domain [length {length} < {2 + _HEADER}] (invalid)")
        return
    said = u16(d, at)
    p.put(" ")
    if said != length - 2:
        p.put(f"[prefix length({said}) != length({length - 2})] (invalid)")
        return
    _message(p, d, at + 2, said, multicast=False)


def _message(p: Printer, d: bytes, at: int, length: int, *, multicast: bool) -> None:
    put = p.put
    number, flags, questions, answers, authorities, additionals = _head(d, at)
    message = _Message(p, d, at, multicast)
    where = at + _HEADER
    operation = flags >> 11 & 15
    verbose = p.verbose > 1
    try:
        if flags & _RESPONSE:
            put(
                f"{number}{_OPERATIONS[operation]}{_RESULTS[flags & 15]}"
                f"{'*' if flags & _AUTHORITATIVE else ''}{'' if flags & _CAN_RECURSE else '-'}"
                f"{'|' if flags & _CUT else ''}{'$' if flags & _AUTHENTIC else ''}"
            )
            if questions != 1:
                put(f" [{questions}q]")
            for count in range(questions):
                if verbose:
                    put(" q:")
                    where = message.question(where)
                else:
                    where = message.behind_name(where)
                    if where < 0:
                        raise _Bad
                    where += 4
                if count < questions - 1:
                    put(",")
            put(f" {answers}/{authorities}/{additionals}")
            where = message.records(where, answers, "")
        else:
            put(
                f"{number}{_OPERATIONS[operation]}"
                f"{'+' if flags & _RECURSE else ''}{'%' if flags & _UNCHECKED else ''}"
            )
            if flags & 0x06CF:
                put(f" [b2&3=0x{flags:x}]")
            if operation == _INVERSE:
                if questions:
                    put(f" [{questions}q]")
                if answers != 1:
                    put(f" [{answers}a]")
            else:
                if questions != 1:
                    put(f" [{questions}q]")
                if answers:
                    put(f" [{answers}a]")
            if authorities:
                put(f" [{authorities}n]")
            if additionals:
                put(f" [{additionals}au]")
            for _ in range(questions):
                where = message.question(where)
            if verbose:
                where = message.records(where, answers, "")
        if verbose:
            where = message.records(where, authorities, " ns:")
            message.records(where, additionals, " ar:")
    except _Bad:
        p.truncated()
        return
    put(f" ({length})")


class _Message:
    """The names and records of one message; p and d as a printer has them, start the offset of its header."""

    def __init__(self, p: Printer, d: bytes, start: int, multicast: bool) -> None:
        self.p = p
        self.d = d
        self.start = start
        self.multicast = multicast

    def behind_name(self, at: int) -> int:
        """Return the offset behind a name."""
        d = self.d
        while True:
            size = d[at]
            if size & 0xC0 == 0xC0:
                return at + 2
            if size & 0xC0:
                at = _behind_bits(d, at)
                if at < 0:
                    return at
                continue
            at += 1 + size
            if not size:
                return at

    def name(self, at: int) -> int:
        """Put a name; return the offset behind it."""
        d = self.d
        # Most names are whole and were seen before: their labels, up to the NUL, are the key.
        stop = d.find(0, at)
        known = self.p.domains.get(d[at:stop]) if stop > at else None
        if known is not None:
            self.p.put(known)
            return int(stop + 1)
        text, after = fqdn(d, at, self.start)
        self.p.put(text)
        if after == stop + 1 and at < stop:
            if len(self.p.domains) >= _KEPT:
                self.p.domains.clear()
            self.p.domains[d[at:stop]] = text
        if after < 0:
            raise _Bad
        return after

    def question(self, at: int) -> int:
        """Put a question; return the offset behind it."""
        p, d = self.p, self.d
        after = self.behind_name(at)
        if after < 0:
            raise _Bad
        kind, group = _question(d, after)
        name = _TYPES.get(kind) or f"Type{kind}"
        if group == _IN and not self.multicast:
            p.put(f" {name}? ")
            self.name(at)
            return after + 4
        mode = ""
        if self.multicast:
            mode = " (QU)" if group & _TOP_BIT else " (QM)"
            group &= ~_TOP_BIT
        shown = "" if group == _IN else f" {_CLASSES.get(group, f'(Class {group})')}"
        p.put(f" {name}{shown}{mode}? ")
        self.name(at)
        return after + 4

    def records(self, at: int, count: int, title: str) -> int:
        """Put a section behind its title, if it has records; return the offset behind it."""
        for number in range(count):
            if at >= len(self.d) and (number or title):
                raise _Bad
            self.p.put("," if number else title)
            at = self.record(at)
        return at

    def record(self, at: int) -> int:
        """Put a record; return the offset behind it."""
        p, d = self.p, self.d
        if p.verbose:
            p.put(" ")
            at = self.name(at)
        else:
            try:
                at = self.behind_name(at)
            except IndexError:
                return len(d)
        if at < 0 or at + 10 > len(d):
            return len(d)  # The record is passed over, and with it all that was captured behind it.
        kind, group, ttl, size = _record(d, at)
        flush = self.multicast and group & _TOP_BIT
        shown_group = group & ~_TOP_BIT if self.multicast else group
        if kind != _OPT and shown_group != _IN:
            p.put(f" {_CLASSES.get(shown_group, f'(Class {shown_group})')}")
        if flush and kind != _OPT:
            p.put(" (Cache flush)")
        if kind != _OPT and p.verbose > 2:
            p.put(f" [{lifetime(ttl)}]")
        at += 10
        p.put(f" {_TYPES.get(kind) or f'Type{kind}'}")
        end = at + size
        if end > len(d):
            raise _Bad
        self.data(kind, at, size, group, ttl)
        return int(end)

    def data(self, kind: int, at: int, size: int, group: int, ttl: int) -> None:
        """Put what a record holds, for the types that have a form of their own."""
        p, d = self.p, self.d
        put = p.put
        end = at + size
        if kind == _A:
            put(f" {p.names.ip4[take(d, at, 4)]}")
        elif kind in _ALIASES:
            put(" ")
            self.name(at)
        elif kind == _AAAA:
            put(f" {p.names.ip6[take(d, at, 16)]}")
        elif kind == _SOA:
            if p.verbose:
                put(" ")
                at = self.name(at)
                put(" ")
                at = self.name(at)
                put("".join([f" {u32(d, at + where)}" for where in range(0, 20, 4)]))
        elif kind == _MX:
            put(" ")
            self.name(at + 2)
            put(f" {u16(d, at)}")
        elif kind == _TXT:
            while at < end:
                put(' "')
                stop = at + 1 + d[at]
                put(safe(d[at + 1 : stop]))
                put('"')
                if stop > len(d):
                    raise _Bad
                at = stop
        elif kind == _SRV:
            put(" ")
            self.name(at + 6)
            put(f":{u16(d, at + 4)} {u16(d, at)} {u16(d, at + 2)}")
        elif kind == _URI:
            put(f" {u16(d, at)} {u16(d, at + 2)} {safe(d[at + 4 : end])}")
        elif kind == _OPT:
            put(f" UDPsize={group}")
            if ttl & _TOP_BIT:
                put(" DO")
            if size:
                from .edns import options

                options(p, d, at, end)
        elif kind == _UNSPECA:
            put(safe(take(d, at, size)))
        elif kind == _A6:
            self.a6(at)
        elif kind == _TSIG and p.verbose:
            put(" ")
            at = self.name(at) + 6
            put(f" fudge={u16(d, at)}")
            mac = u16(d, at + 2)
            at += 4 + mac
            put(f" maclen={mac} origid={u16(d, at)} error={u16(d, at + 2)} otherlen={u16(d, at + 4)}")

    def a6(self, at: int) -> None:
        """Put an address whose first bits, as many as a prefix has, a name stands for (RFC 2874)."""
        prefix = self.d[at]
        if prefix > 128:
            self.p.put(f" {prefix}(bad plen)")
            return
        self.p.put(f" {prefix}")
        skipped = prefix // 8
        if prefix < 128:
            self.p.put(f" {self.p.names.ip6[bytes(skipped) + take(self.d, at + 1, 16 - skipped)]}")
        if prefix:
            self.p.put(" ")
            self.name(at + 1 + 16 - skipped)


def _behind_bits(d: bytes, at: int) -> int:
    """Return the offset behind a label of bits (RFC 2673), -1 if it is another unusual label."""
    return at + 2 + ((d[at + 1] or 256) + 7) // 8 if d[at] == 0x41 else -1


def _bad_label(kind: int) -> str:
    return f"<ELT {kind & 0x3F}>" if kind & 0xC0 == 0x40 else "<BAD LABEL TYPE>"


def fqdn(d: bytes, at: int, start: int) -> tuple[str, int]:
    """Return a name with its dots, and the offset behind it; -1 if the name leads nowhere.

    start is the offset that pointers count from.
    """
    labels: list[str] = []
    try:
        return _labels(labels, d, at, start)
    except IndexError:
        return "".join(labels), -1


def _labels(labels: list[str], d: bytes, at: int, start: int) -> tuple[str, int]:
    after = 0
    size = d[at]
    if not size:
        return ".", at + 1
    limit = at
    while True:
        size = d[at]
        if size & 0xC0 == 0xC0:
            after = after or at + 2
            target = start + (u16(d, at) & 0x3FFF)
            if target >= limit:
                return "".join(labels) + "<BAD PTR>", -1
            at = limit = target
            continue
        if size & 0xC0:
            after_bits = _behind_bits(d, at)
            if after_bits < 0:
                return f"{''.join(labels)}{_bad_label(size)}", -1
            labels.append(f"\\[x{d[at + 2 : after_bits].hex()}")
            take(d, at, after_bits - at)
            labels.append(f"/{d[at + 1] or 256}].")
            at = after_bits
            continue
        if not size:
            return "".join(labels), after or at + 1
        labels.append(safe(d[at + 1 : at + 1 + size]))
        at += 1 + size
        if at > len(d):
            raise IndexError(at)
        labels.append(".")
