"""Expands ``host``, ``net`` and ``gateway``: addresses of IPv4, IPv6, ARP, RARP, DECnet and link layers.

An address is tested only behind the test for its protocol; source before destination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address

from nmpcap.errors import FilterError
from nmpcap.filter.expand import wlan
from nmpcap.filter.expand.linklayer import Context, Place
from nmpcap.filter.expand.protocols import ARP, IP, IP6, RARP, is_protocol
from nmpcap.filter.ir import Bool, Compare, all_of, any_of, negate
from nmpcap.filter.syntax import ast

__all__ = [
    "IPV4_LEGS",
    "expand_gateway",
    "expand_host",
    "expand_net",
    "inner_frame",
    "ipv4_prefix",
    "ipv6_prefix",
    "legs",
    "mac_test",
    "mask_of",
]

_DECNET = 0x6003
_ALL_ONES = 0xFFFFFFFF
_MAX_ADDRESSES = 100

# protocol -> its number, and where the source and the destination address are in its header;
# those of ARP and RARP lie behind hardware addresses of six bytes.
IPV4_LEGS = {"ip": (IP, 12, 16), "arp": (ARP, 14, 24), "rarp": (RARP, 14, 24)}

_SOME_MAC = "ethernet addresses supported only on ethernet/FDDI/token ring/802.11/ATM LANE/Fibre Channel"
_SELECTORS = ("addr1", "addr2", "addr3", "addr4", "ra", "ta")


def expand_host(context: Context, primitive: ast.Primitive) -> Bool:
    """Expand ``host X``, whatever X is."""
    ident, proto = primitive.ident, primitive.proto
    if isinstance(ident, ast.Mac):
        if proto != "link":
            raise FilterError("ethernet address used in non-ether expression: write ether host", ident.pos)
        return mac_test(context, ident.address, primitive.dir, ident.pos)
    if isinstance(ident, ast.Arcnet):
        return _short_mac(context, ident, primitive)
    if isinstance(ident, ast.Name):
        return _named_host(context, ident, primitive)
    if isinstance(ident, ast.Addr6):
        if ident.length not in (None, 128):
            raise FilterError(f"Mask syntax for networks only: write net {ident}", ident.pos)
        _check_ipv6(primitive)
        return _ipv6_test(context, [(ident.address, 128)], primitive)
    if isinstance(ident, ast.Addr4) and (ident.length is not None or ident.mask):
        raise FilterError(f"Mask syntax for networks only: write net {ident}", ident.pos)
    if proto == "decnet" and isinstance(ident, ast.Addr4):
        return _decnet_host(context, ident, primitive)
    _check_ipv4(primitive, "host")
    return _ipv4_test(context, [ipv4_prefix(ident, "host")], primitive)


def expand_net(context: Context, primitive: ast.Primitive) -> Bool:
    """Expand ``net X``: a name, a number, an address with a prefix or a mask."""
    ident = primitive.ident
    if isinstance(ident, ast.Addr6):
        _check_ipv6(primitive)
        return _ipv6_test(context, [ipv6_prefix(ident)], primitive)
    if isinstance(ident, ast.Mac | ast.Arcnet):
        raise FilterError("ethernet address used in non-ether expression: a network has none", ident.pos)
    _check_ipv4(primitive, "net")
    prefix = _named_net(context, ident) if isinstance(ident, ast.Name) else ipv4_prefix(ident, "net")
    return _ipv4_test(context, [prefix], primitive)


def expand_gateway(context: Context, primitive: ast.Primitive) -> Bool:
    """Expand ``gateway NAME``: sent to or from its MAC address, but not its IPv4 address."""
    ident, link = primitive.ident, context.link
    if not isinstance(ident, ast.Name):
        raise FilterError("'gateway' requires a name", ident.pos)
    if primitive.proto not in ("", *IPV4_LEGS):
        raise FilterError(f"illegal modifier of 'gateway': '{primitive.proto}'", primitive.pos)
    if link.labels or link.tunnel:
        raise FilterError("'gateway' not supported inside MPLS, Geneve or VXLAN", primitive.pos)
    _require_macs(context, ident.pos)
    address = context.resolver.ether(ident.text)
    if address is None:
        raise FilterError(f"unknown ether host '{ident.text}'", ident.pos)
    hosts = [host for host in context.resolver.addresses(ident.text) if isinstance(host, IPv4Address)]
    if not hosts:
        raise FilterError(f"unknown host '{ident.text}'", ident.pos)
    prefixes = [(int(host), _ALL_ONES) for host in sorted(set(hosts))]
    tests = [
        all_of(
            [
                is_protocol(context, number, ident.pos),
                negate(_addresses(context, prefixes, "", source, destination)),
            ]
        )
        for number, source, destination in legs(context, primitive.proto)
    ]
    return all_of([mac_test(context, address, "", ident.pos), any_of(tests)])


# -- what may be asked of which protocol ---------------------------------------------


def _check_selectors(primitive: ast.Primitive) -> None:
    if primitive.dir in _SELECTORS:
        raise FilterError(
            f"'{primitive.dir}' is not a valid qualifier for addresses other than 802.11 MAC addresses",
            primitive.pos,
        )


def _check_ipv4(primitive: ast.Primitive, type_: str) -> None:
    proto = primitive.proto
    _check_selectors(primitive)
    if proto == "link" and not isinstance(primitive.ident, ast.Name):
        raise FilterError(
            "illegal link layer address: six bytes such as 0:1:2:3:4:5 expected", primitive.ident.pos
        )
    if proto == "link":
        raise FilterError(f"link-layer modifier applied to {type_}", primitive.pos)
    if proto == "ip6":
        raise FilterError(f"'ip6' modifier applied to ip {type_}", primitive.pos)
    if proto not in ("", *IPV4_LEGS):
        raise FilterError(f"'{proto}' modifier applied to {type_}", primitive.pos)


def _check_ipv6(primitive: ast.Primitive) -> None:
    proto = primitive.proto
    _check_selectors(primitive)
    if proto in IPV4_LEGS:
        raise FilterError(f"'{proto}' modifier applied to ip6 host", primitive.pos)
    if proto not in ("", "ip6"):
        what = "link-layer" if proto == "link" else f"'{proto}'"
        raise FilterError(f"{what} modifier applied to ip6 host", primitive.pos)


# -- addresses and prefixes ----------------------------------------------------------


def mask_of(length: int) -> int:
    """Return the mask of a prefix."""
    return _ALL_ONES << 32 - length & _ALL_ONES


def ipv4_prefix(ident: ast.Ident, type_: str) -> tuple[int, int]:
    """Return the address and mask that a number or a dotted address of two to four parts stands for."""
    if isinstance(ident, ast.Number):
        address, mask = ident.value, _ALL_ONES
        while type_ == "net" and address and not address >> 24:
            address, mask = address << 8, mask << 8 & _ALL_ONES
        return address, mask
    assert isinstance(ident, ast.Addr4)
    if ident.spelling:
        raise FilterError(f"invalid IPv4 address '{ident.spelling[:80]}'", ident.pos)
    shift = 32 - 8 * ident.parts
    address = ident.address << shift
    if ident.length is not None:
        if ident.length > 32:
            raise FilterError(f"mask length must be <= 32, not {ident.length}", ident.pos)
        mask = mask_of(ident.length)
    elif ident.mask:
        mask = ident.mask[0] << 32 - 8 * ident.mask[1]
    else:
        return address, _ALL_ONES << shift & _ALL_ONES
    if address & ~mask & _ALL_ONES:
        raise FilterError(f'non-network bits set in "{ident}"', ident.pos)
    return address, mask


def ipv6_prefix(ident: ast.Addr6) -> tuple[bytes, int]:
    """Return the address and the length of an IPv6 prefix; an address alone is one of 128 bits."""
    length = 128 if ident.length is None else ident.length
    if length > 128:
        raise FilterError(f"mask length must be <= 128, not {length}", ident.pos)
    if int.from_bytes(ident.address, "big") & (1 << 128 - length) - 1:
        raise FilterError(f'non-network bits set in "{ident}"', ident.pos)
    return ident.address, length


def _named_net(context: Context, ident: ast.Name) -> tuple[int, int]:
    number = context.resolver.network(ident.text)
    if not number:
        raise FilterError(f"unknown network '{ident.text}'", ident.pos)
    mask = _ALL_ONES
    while not number >> 24:
        number, mask = number << 8, mask << 8 & _ALL_ONES
    return number, mask


def _named_host(context: Context, ident: ast.Name, primitive: ast.Primitive) -> Bool:
    if primitive.proto == "link":
        _require_macs(context, ident.pos)
        address = context.resolver.ether(ident.text)
        if address is None:
            raise FilterError(f"unknown ether host '{ident.text}'", ident.pos)
        return mac_test(context, address, primitive.dir, ident.pos)
    if primitive.proto == "ip6":
        _check_ipv6(primitive)
    else:
        _check_ipv4(primitive, "host")
    found = context.resolver.addresses(ident.text)
    if not found:
        raise FilterError(f"unknown host '{ident.text}'", ident.pos)
    ipv4 = sorted({int(address) for address in found if address.version == 4})
    ipv6 = sorted({address.packed for address in found if address.version == 6})
    if len(ipv4) > _MAX_ADDRESSES or len(ipv6) > _MAX_ADDRESSES:
        raise FilterError(
            f"host '{ident.text}' has more than {_MAX_ADDRESSES} addresses of one family", ident.pos
        )
    tests = []
    if ipv4 and primitive.proto != "ip6":
        tests.append(_ipv4_test(context, [(address, _ALL_ONES) for address in ipv4], primitive))
    if ipv6 and primitive.proto not in IPV4_LEGS:
        tests.append(_ipv6_test(context, [(packed, 128) for packed in ipv6], primitive))
    if not tests:
        raise FilterError(f"unknown host '{ident.text}' for specified address family", ident.pos)
    return any_of(tests)


# -- tests ---------------------------------------------------------------------------


def _by_direction(direction: str, source: Callable[[], Bool], destination: Callable[[], Bool]) -> Bool:
    """Combine the tests of the two addresses as a direction says; none means either."""
    if direction == "src":
        return source()
    if direction == "dst":
        return destination()
    both = [source(), destination()]
    return all_of(both) if direction == "src and dst" else any_of(both)


def legs(context: Context, proto: str) -> list[tuple[int, int, int]]:
    """Return the protocols whose headers a host is looked for in, and where: entries of IPV4_LEGS."""
    if proto:
        return [IPV4_LEGS[proto]]
    # Behind MPLS nothing but IP can be told.
    return [IPV4_LEGS["ip"]] if context.link.labels else list(IPV4_LEGS.values())


def _ipv4_test(context: Context, prefixes: list[tuple[int, int]], primitive: ast.Primitive) -> Bool:
    """Return the test for any of the prefixes in IPv4, ARP and RARP headers or those of one protocol."""
    found = []
    for number, source, destination in legs(context, primitive.proto):
        addresses = _addresses(context, prefixes, primitive.dir, source, destination)
        found.append(all_of([is_protocol(context, number, primitive.pos), addresses]))
    return any_of(found)


def _addresses(
    context: Context, prefixes: list[tuple[int, int]], direction: str, source: int, destination: int
) -> Bool:
    network = context.link.network

    def test(offset: int, prefix: tuple[int, int]) -> Bool:
        return context.equals(4, network, offset, *prefix)

    return any_of(
        _by_direction(direction, lambda p=prefix: test(source, p), lambda p=prefix: test(destination, p))  # type: ignore[misc]
        for prefix in prefixes
    )


def _ipv6_test(context: Context, prefixes: Iterable[tuple[bytes, int]], primitive: ast.Primitive) -> Bool:
    """Return the test for any of the prefixes in IPv6 headers."""
    network = context.link.network

    def test(offset: int, address: bytes, length: int) -> Bool:
        return all_of(
            context.equals(
                4,
                network,
                offset + 4 * word,
                int.from_bytes(address[4 * word : 4 * word + 4], "big"),
                mask_of(min(32, max(0, length - 32 * word))),
            )
            for word in range(4)
        )

    addresses = any_of(
        _by_direction(primitive.dir, lambda p=prefix: test(8, *p), lambda p=prefix: test(24, *p))  # type: ignore[misc]
        for prefix in prefixes
    )
    return all_of([is_protocol(context, IP6, primitive.pos), addresses])


def _require_macs(context: Context, pos: int) -> None:
    layout = context.link.layout
    if layout.mac is None or layout.mac_size != 6:
        raise FilterError(_SOME_MAC, pos)


def inner_frame(context: Context) -> list[Bool]:
    """Return what must hold before the MAC header is looked at: that there is one."""
    link = context.link
    tests = [context.not_lane_control()]
    if link.tunnel:
        assert link.header.base is not None
        assert link.payload.base is not None
        context.use(link.header.base.vars | link.payload.base.vars)
        tests.append(negate(Compare("=", link.payload.base, link.header.base)))
    return tests


def mac_test(context: Context, address: bytes, direction: str, pos: int) -> Bool:
    """Return the test for a MAC address of six bytes in the link header."""
    _require_macs(context, pos)
    link = context.link
    if link.layout.family == "wlan":
        return wlan.address_test(context, direction, lambda place: context.same_bytes(place, 0, address))
    if direction in _SELECTORS:
        raise FilterError(f"'{direction}' is only supported on 802.11 with 802.11 headers", pos)
    destination, source = link.layout.mac or (0, 0)
    test = _by_direction(
        direction,
        lambda: context.same_bytes(link.header, source, address),
        lambda: context.same_bytes(link.header, destination, address),
    )
    return all_of([*inner_frame(context), test])


def _short_mac(context: Context, ident: ast.Arcnet, primitive: ast.Primitive) -> Bool:
    layout, header = context.link.layout, context.link.header
    if primitive.proto != "link":
        raise FilterError("ARCnet address used in non-arc expression: write link host", ident.pos)
    if layout.mac is None or layout.mac_size != 1:
        raise FilterError("aid supported only on ARCnet and BACnet MS/TP", ident.pos)
    if primitive.dir in _SELECTORS:
        raise FilterError(f"'{primitive.dir}' is only supported on 802.11 with 802.11 headers", primitive.pos)
    destination, source = layout.mac
    return _by_direction(
        primitive.dir,
        lambda: context.equals(1, header, source, ident.address),
        lambda: context.equals(1, header, destination, ident.address),
    )


def _decnet_host(context: Context, ident: ast.Addr4, primitive: ast.Primitive) -> Bool:
    parts = str(ident).split(".")
    if len(parts) != 2 or not all(part.isdigit() and len(part.lstrip("0")) <= 4 for part in parts):
        raise FilterError(f"malformed decnet address '{ident}': area.node expected", ident.pos)
    area, node = (int(part) for part in parts)
    if area > 63 or node > 1023:
        raise FilterError(
            f"malformed decnet address '{ident}': area at most 63, node at most 1023", ident.pos
        )
    _check_selectors(primitive)
    stored = int.from_bytes((area << 10 | node).to_bytes(2, "little"), "big")
    network = context.link.network
    tests = _by_direction(
        primitive.dir,
        lambda: _decnet_source(context, network, stored),
        lambda: _decnet_destination(context, network, stored),
    )
    return all_of([is_protocol(context, _DECNET, primitive.pos), tests])


# A routing header is short or long, and a padding byte 0x81 may precede it.


def _decnet_destination(context: Context, at: Place, stored: int) -> Bool:
    return any_of(
        [
            context.equals(4, at, 2, 0x02000000 | stored << 8, 0x07FFFF00),
            context.equals(4, at, 2, 0x81020000 | stored, 0xFF07FFFF),
            all_of([context.equals(1, at, 2, 0x06, 0x07), context.equals(2, at, 9, stored)]),
            all_of([context.equals(2, at, 2, 0x8106, 0xFF07), context.equals(2, at, 10, stored)]),
        ]
    )


def _decnet_source(context: Context, at: Place, stored: int) -> Bool:
    return any_of(
        [
            all_of([context.equals(1, at, 2, 0x02, 0x07), context.equals(2, at, 5, stored)]),
            all_of([context.equals(2, at, 2, 0x8102, 0xFF07), context.equals(2, at, 6, stored)]),
            all_of([context.equals(1, at, 2, 0x06, 0x07), context.equals(2, at, 17, stored)]),
            all_of([context.equals(2, at, 2, 0x8106, 0xFF07), context.equals(2, at, 18, stored)]),
        ]
    )
