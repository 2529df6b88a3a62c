"""ESP, AH and IPComp (RFC 4303, 4302, 3173), and ESP within UDP (RFC 3948)."""

from __future__ import annotations

from ..network.ip4 import PROTOCOL
from ..printer import Printer
from ..table import load
from ..wire import take, u16, u32

__all__ = ["ah", "encapsulated", "ipcomp", "show"]


def show(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an ESP header; what is behind it is secret."""
    p.proto = "esp"
    take(d, at, 9)
    p.put(f"ESP(spi=0x{u32(d, at):08x},seq=0x{u32(d, at + 4):x}), length {length}")


def ah(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put an authentication header and what it protects."""
    p.proto = "ah"
    following = d[at]
    p.put("AH")
    words = d[at + 1]
    size = (words + 2) * 4
    p.put("(")
    if p.verbose:
        p.put(f"length={words}({size}-bytes),")
    reserved = u16(d, at + 2)
    if reserved:
        p.put(f"reserved=0x{reserved:x}[MustBeZero],")
    p.put(f"spi=0x{u32(d, at + 4):08x},")
    p.put(f"seq=0x{u32(d, at + 8):x},icv=0x")
    p.put(d[at + 12 : at + size].hex())
    if size > 12:
        take(d, at + 12, size - 12)
    p.put("): ")
    printer = PROTOCOL[following]
    if printer is None:
        p.put(f" ip-proto-{following} {length - size}")
    else:
        printer(p, d, at + size, length - size, ip, fragment)


def ipcomp(p: Printer, d: bytes, at: int, length: int, ip: int, fragment: int) -> None:
    """Put which compression a packet has."""
    p.proto = "ipcomp"
    take(d, at, 4)
    p.put(f"IPComp(cpi=0x{u16(d, at + 2):04x})")


def encapsulated(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put what goes over UDP port 4500: ESP, or ISAKMP behind four zeros."""
    p.proto = "isakmp_rfc3948"
    if length == 1 and d[at] == 0xFF:
        p.put("isakmp-nat-keep-alive")
        return
    if length < 4 or at + 1 > len(d):
        raise IndexError
    if not u32(d, at):
        p.put("NONESP-encap: ")
        load("application.isakmp")(p, d, at + 4, length - 4)
        return
    p.put("UDP-encap: ")
    show(p, d, at, length, 0, 0)
