"""The options of IPv4 and of TCP: every kind, every length."""

from __future__ import annotations

from ..frames import ether, ip4, tcp, udp
from . import Case, and_cut

CASES: dict[str, Case] = {}

VALUES = bytes([4, *range(40)])


def ip_option(data: bytes) -> bytes:
    return ether(0x0800, ip4(17, udp(1, 3, b"abcd"), options=data))


def tcp_option(data: bytes, flags: int = 0x10) -> bytes:
    return ether(0x0800, ip4(6, tcp(1, 3, b"abcd", options=data, flags=flags)))


def multipath(subtype: int, size: int, low: int, bits: int, flags: int) -> bytes:
    return tcp_option((bytes([30, size, subtype << 4 | low, bits]) + bytes(range(1, 60)))[:size], flags)


ip_options = [
    ip_option((bytes([kind, size]) + VALUES)[: max(size, 2)])
    for kind in (0, 1, 7, 68, 99, 130, 131, 136, 137, 148)
    for size in range(16)
]
ip_options += [
    ip_option(bytes([kind, 20 if kind == 68 else 19, pointer, flag]) + bytes(range(16)))
    for kind in (7, 68, 131, 137)
    for pointer in range(30)
    for flag in ((0, 1, 2, 3, 0x11) if kind == 68 else (0,))
]
CASES["ip options"] = Case(and_cut(ip_options, ip_options[::9]), ("-n -v",))

tcp_options = [
    tcp_option((bytes([kind, size]) + VALUES)[: max(size, 2)])
    for kind in range(256)
    for size in (range(22) if kind < 40 or kind > 250 else (0, 1, 2, 3, 4, 10))
]
multipath_options = [
    multipath(subtype, size, low, bits, flags)
    for subtype in range(16)
    for size in range(3, 32)
    for low, bits, flags in ((0, 0, 0x10), (1, 0x81, 0x12), (4, 7, 2), (6, 0x1F, 0x10), (0, 5, 0x10))
]
CASES["tcp options"] = Case(and_cut(tcp_options, tcp_options[::37], 54), ("-n", "-n -vv"))
CASES["multipath"] = Case(and_cut(multipath_options, multipath_options[::97], 54), ("-n",))
