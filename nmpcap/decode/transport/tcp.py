"""TCP with its options (RFC 9293), and relative sequence numbers."""

from __future__ import annotations

from ..checksum import internet, pseudo4, pseudo6, receiver6, should_be
from ..printer import Printer
from ..table import TCP_PORTS, Loaded, load
from ..text import safe
from ..wire import u16, u32

__all__ = ["show"]

_HEADER = 20
_FIN, _SYN, _RST, _ACK, _URG = 1, 2, 4, 0x10, 0x20
_LETTERS = "FSRP.UEW"
_FLAGS = ["".join([_LETTERS[bit] for bit in range(8) if value >> bit & 1]) or "none" for value in range(256)]
_PRINTER = Loaded(TCP_PORTS)
# Conversations kept; the oldest goes first.
_FLOWS = 1 << 20


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put a segment and what its ports announce."""
    p.proto = "tcp"
    put = p.put
    names = p.names
    version = d[ip] >> 4
    addresses = d[ip + 12 : ip + 20] if version == 4 else d[ip + 8 : ip + 40]
    here = d[ip + 9] == 6 if version == 4 else d[ip + 6] == 6
    if at + 4 > len(d):
        if version == 4:
            put(f"{names.ip4[addresses[:4]]} > {names.ip4[addresses[4:]]}:")
        else:
            put(f"{names.ip6[addresses[:16]]} > {names.ip6[addresses[16:]]}:")
        p.truncated()
        return
    sport, dport = d[at] << 8 | d[at + 1], d[at + 2] << 8 | d[at + 3]
    if not here:
        put(f"{names.tcp[sport]} > {names.tcp[dport]}: ")
    elif version == 4:
        ip4 = names.ip4
        put(f"{ip4[addresses[:4]]}.{names.tcp[sport]} > {ip4[addresses[4:]]}.{names.tcp[dport]}: ")
    else:
        ip6 = names.ip6
        put(f"{ip6[addresses[:16]]}.{names.tcp[sport]} > {ip6[addresses[16:]]}.{names.tcp[dport]}: ")
    if at + _HEADER > len(d):
        p.truncated()
        return
    hlen = d[at + 12] >> 4 << 2
    if hlen < _HEADER:
        put(f" tcp {length - hlen} [bad hdr length {hlen} - too short, < 20]")
        return
    if p.quiet:
        put(f"tcp {(length - hlen) & 0xFFFFFFFF}")
        if hlen > length:
            put(f" [bad hdr length {hlen} - too long, > {length}]")
        return
    seq, ack = u32(d, at + 4), u32(d, at + 8)
    flags = d[at + 13]
    theirs = 0
    if flags & _ACK and not p.absolute_seq:
        flow = addresses + d[at : at + 4]
        flows = p.flows
        bases = flows.get(flow)
        if bases is None or flags & _SYN:
            _begin(p, flow, seq, (ack - 1) & 0xFFFFFFFF)
        else:
            own, theirs = bases
            seq = (seq - own) & 0xFFFFFFFF
            ack = (ack - theirs) & 0xFFFFFFFF
    put(f"Flags [{_FLAGS[flags]}]")
    if hlen > length:
        put(f" [bad hdr length {hlen} - too long, > {length}]")
        return
    if p.verbose and p.checksums and not fragment and at + length <= len(d):
        _checksum(p, d, at, length, addresses if here or version == 4 else receiver6(d, ip, at))
    length -= hlen
    if length > 0:
        put(f", seq {seq}:{(seq + length) & 0xFFFFFFFF}")
    elif p.verbose > 1 or flags & (_SYN | _FIN | _RST):
        put(f", seq {seq}")
    if flags & _ACK:
        put(f", ack {ack}")
    put(f", win {d[at + 14] << 8 | d[at + 15]}")
    if flags & _URG:
        put(f", urg {u16(d, at + 18)}")
    if hlen > _HEADER:
        # The list that most segments carry: two fillers and time stamps.
        if hlen == 32 and at + 32 <= len(d) and d[at + 20 : at + 24] == b"\1\1\x08\x0a":
            put(f", options [nop,nop,TS val {u32(d, at + 24)} ecr {u32(d, at + 28)}]")
        elif not load("transport.tcp_options")(p, d, at + _HEADER, hlen - _HEADER, flags, theirs):
            return
    put(f", length {length}")
    if length <= 0:
        return
    if at + hlen > len(d):
        put(f" [remaining caplen({len(d) - at}) < header length({hlen})]")
        p.truncated()
        return
    at += hlen
    if flags & _RST and p.verbose:
        _reason(p, d, at, length)
        return
    printer = _PRINTER[sport] or _PRINTER[dport]
    if printer is not None:
        printer(p, d, at, length)


def _begin(p: Printer, flow: bytes, own: int, theirs: int) -> None:
    """Remember where a conversation's numbers begin, in both directions."""
    half = (len(flow) - 4) // 2
    back = flow[half:-4] + flow[:half] + flow[-2:] + flow[-4:-2]
    if len(p.flows) >= _FLOWS:
        del p.flows[next(iter(p.flows))]
    p.flows[flow] = (own, theirs)
    p.flows[back] = (theirs, own)


def _checksum(p: Printer, d: bytes, at: int, length: int, addresses: bytes) -> None:
    start = (pseudo4 if len(addresses) == 8 else pseudo6)(addresses, length, 6)
    segment = d[at : at + length]
    p.put(f", cksum 0x{u16(d, at + 16):04x} ")
    if internet(segment, start):
        p.put(f"(incorrect -> 0x{should_be(segment, 16, start):04x})")
    else:
        p.put("(correct)")


def _reason(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the text that a reset may carry (RFC 9293, 3.10.7)."""
    text = d[at : at + length]
    p.put(f" [{'' if len(text) == length else '!'}RST {safe(text)}]")
