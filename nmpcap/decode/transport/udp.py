"""UDP (RFC 768)."""

from __future__ import annotations

from ..checksum import internet, pseudo4, pseudo6, receiver6, should_be
from ..printer import Printer
from ..table import UDP_PORTS, UDP_PORTS_TO, Loaded
from ..wire import u16

__all__ = ["show"]

_HEADER = 8
_PRINTER = Loaded(UDP_PORTS)
_PRINTER_TO = Loaded(UDP_PORTS_TO)


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put a datagram and what its ports announce."""
    p.proto = "udp"
    put = p.put
    names = p.names
    version = d[ip] >> 4
    addresses = d[ip + 12 : ip + 20] if version == 4 else d[ip + 8 : ip + 40]
    if at + 4 > len(d):
        if d[ip + (9 if version == 4 else 6)] == 17:
            half = len(addresses) // 2
            table = names.ip4 if version == 4 else names.ip6
            put(f"{table[addresses[:half]]} > {table[addresses[half:]]}: ")
        p.truncated()
        return
    sport, dport = d[at] << 8 | d[at + 1], d[at + 2] << 8 | d[at + 3]
    udp = names.udp
    if version == 4 and d[ip + 9] == 17:
        ip4 = names.ip4
        put(f"{ip4[addresses[:4]]}.{udp[sport]} > {ip4[addresses[4:]]}.{udp[dport]}: ")
    elif version == 6 and d[ip + 6] == 17:
        ip6 = names.ip6
        put(f"{ip6[addresses[:16]]}.{udp[sport]} > {ip6[addresses[16:]]}.{udp[dport]}: ")
    else:
        put(f"{udp[sport]} > {udp[dport]}: ")
    if length < _HEADER:
        put(f"truncated-udp {length}")
        return
    size = d[at + 4] << 8 | d[at + 5]
    if size < _HEADER:
        put(f"truncated-udplength {size}")
        return
    left = length - _HEADER
    length = size - _HEADER
    if at + _HEADER > len(d):
        p.truncated()
        return
    if p.verbose > (version == 4) and p.checksums and not fragment:
        if version == 6 and d[ip + 6] != 17:
            addresses = receiver6(d, ip, at)
        _checksum(p, d, at, min(size, left + _HEADER), addresses)
    at += _HEADER
    if p.quiet:
        put(f"UDP, bad length {length} > {left}" if left < length else f"UDP, length {length}")
        return
    p.peers = addresses
    printer = _PRINTER[sport] or _PRINTER[dport] or _PRINTER_TO[dport]
    if printer is not None:
        printer(p, d, at, length)
    elif left < length:
        put(f"UDP, bad length {length} > {left}")
    else:
        put(f"UDP, length {length}")


def _checksum(p: Printer, d: bytes, at: int, size: int, addresses: bytes) -> None:
    found = u16(d, at + 6)
    if not found and len(addresses) == 8:
        p.put("[no cksum] ")
        return
    if at + size > len(d):
        return
    start = (pseudo4 if len(addresses) == 8 else pseudo6)(addresses, size, 17)
    datagram = d[at : at + size]
    if internet(datagram, start):
        p.put(f"[bad udp cksum 0x{found:04x} -> 0x{should_be(datagram, 6, start):04x}!] ")
    else:
        p.put("[udp sum ok] ")
