"""Expands ``proto``, ``protochain``, ``port``, ``portrange`` and the protocol words.

Ports are where first fragments of IPv4 and IPv6 packets without extension headers have
them. With the option ``extension_headers``, IPv6 extension headers are walked first.
"""

from __future__ import annotations

import re

from nmpcap.errors import FilterError
from nmpcap.filter.expand import extension
from nmpcap.filter.expand.linklayer import Context, Place
from nmpcap.filter.expand.protocols import IP, IP6, check_number, is_protocol, require_protocols
from nmpcap.filter.ir import Bool, Ranges, Test, Walk, all_of, any_of
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.keywords import ETHER_PROTOCOLS, IP_PROTOCOLS, ISO_PROTOCOLS

__all__ = [
    "expand_port",
    "expand_proto",
    "expand_protochain",
    "expand_word",
    "first_fragment",
    "ipv4_protocol",
    "port_protocols",
    "port_ranges",
    "port_test",
    "transport_start",
]

_PORTS_OF = ("tcp", "udp", "sctp")
_ANY_PORTS = (6, 17, 132)
_FRAGMENT = 44

_BOTH = ("tcp", "udp", "sctp", "ah", "esp", "pim")
_IPV4_ONLY = ("icmp", "igmp", "igrp", "vrrp", "carp")
_ISIS_PDUS = {
    "l1": (26, 24, 18, 15, 17),
    "l2": (27, 25, 20, 16, 17),
    "iih": (15, 16, 17),
    "lsp": (18, 20),
    "snp": (26, 27, 24, 25),
    "csnp": (24, 25),
    "psnp": (26, 27),
}


def expand_word(context: Context, name: str, pos: int) -> Bool:
    """Expand a protocol word that stands alone."""
    if name in _BOTH:
        return _ip_or_ip6(context, IP_PROTOCOLS[name], pos)
    if name in _IPV4_ONLY:
        return _ipv4_proto(context, IP_PROTOCOLS[name], pos)
    if name == "icmp6":
        return _ipv6_proto(context, IP_PROTOCOLS[name], pos)
    if name in ISO_PROTOCOLS:
        return _iso_proto(context, ISO_PROTOCOLS[name], pos)
    if name in _ISIS_PDUS:
        return any_of(_isis_proto(context, number, pos) for number in _ISIS_PDUS[name])
    if name in ETHER_PROTOCOLS:
        return is_protocol(context, ETHER_PROTOCOLS[name], pos)
    if name == "radio":
        raise FilterError("'radio' is not a valid protocol type: write radio[...]", pos)
    raise FilterError("link layer applied in wrong context: write ether host, link[...] or the like", pos)


# -- proto ---------------------------------------------------------------------------


def expand_proto(context: Context, primitive: ast.Primitive) -> Bool:
    """Expand ``[ip|ip6|link|iso|isis] proto X``."""
    proto, pos, ident = primitive.proto, primitive.pos, primitive.ident
    number = _proto_number(context, primitive)
    if proto == "link":
        require_protocols(context, pos)
        check_number(context, number, ident.pos)
        return is_protocol(context, number, pos)
    if proto == "iso":
        _check_limit("iso proto", number, 255, ident.pos)
        return _iso_proto(context, number, pos)
    if proto == "isis":
        _check_limit("isis proto", number, 31, ident.pos)
        return _isis_proto(context, number, pos)
    _check_limit("proto", number, 255, ident.pos)
    if proto == "ip":
        return _ipv4_proto(context, number, pos)
    return _ipv6_proto(context, number, pos) if proto == "ip6" else _ip_or_ip6(context, number, pos)


_PROTO_NAMES = {"link": ETHER_PROTOCOLS, "iso": ISO_PROTOCOLS}


def _proto_number(context: Context, primitive: ast.Primitive) -> int:
    proto, ident, type_ = primitive.proto, primitive.ident, primitive.type
    of_ip = proto in ("", "ip", "ip6")
    if not of_ip and (type_ == "protochain" or proto not in ("link", "iso", "isis")):
        if proto in ("arp", "rarp", "atalk", "decnet", "lat", "sca", "moprc", "mopdl"):
            raise FilterError(f"{proto} does not encapsulate another protocol", primitive.pos)
        raise FilterError(f"'{proto} {type_}' is bogus", primitive.pos)
    if isinstance(ident, ast.Number):
        return ident.value
    if not isinstance(ident, ast.Name):
        raise FilterError(f"'{type_}' modifier applied to an address: a number or a name expected", ident.pos)
    if of_ip:
        number = context.resolver.protocol(ident.text)
        if number is None:
            raise FilterError(f"unknown ip proto '{ident.text}'", ident.pos)
        return number
    if proto == "isis":
        raise FilterError("'isis proto' needs a number", ident.pos)
    known = _PROTO_NAMES[proto].get(ident.text)
    if known is None:
        shown = "ether" if proto == "link" else "osi"
        raise FilterError(f"unknown {shown} proto '{ident.text}'", ident.pos)
    return known


def _check_limit(what: str, number: int, greatest: int, pos: int) -> None:
    if number > greatest:
        raise FilterError(f"{what} value {number} too big; max value = {greatest}", pos)


def ipv4_protocol(context: Context, numbers: tuple[int, ...]) -> Bool:
    """Return the test of the protocol in an IPv4 header."""
    return Test(context.load(1, context.link.network, 9), _points(numbers))


def _points(numbers: tuple[int, ...]) -> Ranges:
    return tuple((number, number) for number in numbers)


def _ipv4_proto(context: Context, number: int, pos: int) -> Bool:
    return all_of([is_protocol(context, IP, pos), ipv4_protocol(context, (number,))])


def _ipv6_proto(context: Context, number: int, pos: int) -> Bool:
    is_ip6, network = is_protocol(context, IP6, pos), context.link.network
    if context.options.extension_headers:
        return all_of(
            [is_ip6, extension.skip(context, to_header=False), extension.leads_to(context, (number,))]
        )
    # libpcap: exactly one fragment header is looked through, no other extension header.
    fragment = all_of([context.equals(1, network, 6, _FRAGMENT), context.equals(1, network, 40, number)])
    return all_of([is_ip6, any_of([context.equals(1, network, 6, number), fragment])])


def _ip_or_ip6(context: Context, number: int, pos: int) -> Bool:
    return any_of([_ipv4_proto(context, number, pos), _ipv6_proto(context, number, pos)])


def _iso_proto(context: Context, number: int, pos: int) -> Bool:
    link = context.link
    require_protocols(context, pos)
    if link.labels:
        return is_protocol(context, ETHER_PROTOCOLS["iso"], pos)  # raises
    if link.layout.family == "frelay":
        return context.equals(2, link.type, 0, 0x0300 | number)
    nlpid = 1 if link.layout.family == "hdlc" else link.bare
    return all_of(
        [is_protocol(context, ETHER_PROTOCOLS["iso"], pos), context.equals(1, link.payload, nlpid, number)]
    )


def _isis_proto(context: Context, number: int, pos: int) -> Bool:
    link = context.link
    pdu = 5 if link.layout.family == "hdlc" else link.bare + 4
    is_isis = _iso_proto(context, ISO_PROTOCOLS["isis"], pos)
    return all_of([is_isis, context.equals(1, link.payload, pdu, number, 0x1F)])


def expand_protochain(context: Context, primitive: ast.Primitive) -> Bool:
    """Expand ``[ip|ip6] protochain X``: behind any number of extension headers."""
    number = _proto_number(context, primitive)
    _check_limit("protochain", number, 255, primitive.ident.pos)
    require_protocols(context, primitive.pos)
    network = context.link.network
    if network.base is not None:
        raise FilterError("'protochain' not supported with variable length headers", primitive.pos)
    context.foldable = False
    values, legs = context.values, []
    if primitive.proto != "ip6":
        length = values.header_length(None, network.k)
        walk = Walk(number, network.k, 9, length, ipv6=False)
        legs.append(all_of([is_protocol(context, IP, primitive.pos), walk]))
    if primitive.proto != "ip":
        walk = Walk(number, network.k, 6, values.const(40), ipv6=True)
        legs.append(all_of([is_protocol(context, IP6, primitive.pos), walk]))
    return any_of(legs)


# -- port ----------------------------------------------------------------------------


def expand_port(context: Context, primitive: ast.Primitive) -> Bool:
    """Expand ``port X`` and ``portrange X-Y``."""
    numbers, ports = port_ranges(context, primitive)
    return port_test(context, primitive, numbers, (ports,))


def port_ranges(context: Context, primitive: ast.Primitive) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Return the protocols and the first and last port that a primitive asks for; raises FilterError."""
    proto, ident = primitive.proto, primitive.ident
    protocols = port_protocols(primitive)
    ends, transport = _ports(context, primitive)
    if transport and proto and proto != transport:
        raise FilterError(f"port '{ident}' is {transport}", ident.pos)
    return (IP_PROTOCOLS[transport],) if transport else protocols, ends


def port_protocols(primitive: ast.Primitive | ast.PrimitiveList) -> tuple[int, ...]:
    """Return the protocols whose ports the qualifiers ask for; raises FilterError if they have none."""
    proto = primitive.proto
    if primitive.dir not in ("", "src", "dst", "src or dst", "src and dst"):
        raise FilterError(f"'{primitive.dir}' is not a valid qualifier for ports", primitive.pos)
    if proto not in ("", *_PORTS_OF):
        raise FilterError(f"illegal qualifier of '{primitive.type}': {proto} has no ports", primitive.pos)
    return (IP_PROTOCOLS[proto],) if proto else _ANY_PORTS


def _ports(context: Context, primitive: ast.Primitive) -> tuple[tuple[int, int], str]:
    ident = primitive.ident
    if isinstance(ident, ast.Number):
        if ident.value > 0xFFFF:
            raise FilterError(f"illegal port number {ident.value} > 65535", ident.pos)
        return (ident.value, ident.value), ""
    if not isinstance(ident, ast.Name):
        raise FilterError(f"'{primitive.type}' modifier applied to an address: a port expected", ident.pos)
    if primitive.type == "port":
        number, transport = _service(context, ident.text, f"unknown port '{ident.text}'", ident.pos)
        return (number, number), transport
    text = ident.text
    if text.count("-") != 1:
        what = "contains more than one hyphen" if "-" in text else "is no range such as 1000-2000"
        raise FilterError(f"unknown port in range '{text}': it {what}", ident.pos)
    first, last = text.split("-")
    message = f"unknown port in range '{text}'"
    if not first or not last:
        raise FilterError(message, ident.pos)
    low, low_transport = _range_end(context, first, message, ident.pos)
    high, high_transport = _range_end(context, last, message, ident.pos)
    transport = low_transport if low_transport == high_transport else ""
    return (min(low, high), max(low, high)), transport


_NUMBER = re.compile(r"(0[xX])([0-9A-Fa-f]*)|(0)([0-7]*)|([1-9][0-9]*)")


def _range_end(context: Context, text: str, message: str, pos: int) -> tuple[int, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return _service(context, text, message, pos)
    digits, base = text, 10
    if match[1]:
        digits, base = match[2], 16
    elif match[3]:
        digits, base = match[4], 8
    digits = digits.lstrip("0") or "0"
    number = int(digits, base) if len(digits) < 10 else 1 << 32
    if number > 0xFFFF:
        raise FilterError(f"illegal port number {text[:40]} > 65535", pos)
    return number, ""


def _service(context: Context, name: str, message: str, pos: int) -> tuple[int, str]:
    """Return the number of a named port, and the one transport it is for, "" for any."""
    known = context.resolver.port(name)
    tcp, udp = known.get("tcp"), known.get("udp")
    if tcp is not None and tcp == udp:
        return tcp, ""
    if tcp is not None:
        return tcp, "tcp"
    if udp is not None:
        return udp, "udp"
    raise FilterError(message, pos)


def port_test(
    context: Context, primitive: ast.Primitive | ast.PrimitiveList, protocols: tuple[int, ...], ports: Ranges
) -> Bool:
    """Return the test for a packet of one of the protocols, the ports that ``dir`` selects in the ranges."""
    pos, link = primitive.pos, context.link
    ipv6: list[Bool]
    if context.options.extension_headers:
        start = extension.start(context)
        skip = extension.skip(context, to_header=True)
        ipv6 = [is_protocol(context, IP6, pos), skip, extension.leads_to(context, protocols)]
        ipv6.append(_port_tests(context, primitive.dir, start, 0, ports))
    else:
        next_header = Test(context.load(1, link.network, 6), _points(protocols))
        ipv6 = [is_protocol(context, IP6, pos), next_header]
        ipv6.append(_port_tests(context, primitive.dir, link.network, 40, ports))
    ipv4 = [is_protocol(context, IP, pos), ipv4_protocol(context, protocols), first_fragment(context)]
    ipv4.append(_port_tests(context, primitive.dir, transport_start(context), 0, ports))
    return any_of([all_of(ipv6), all_of(ipv4)])


def first_fragment(context: Context) -> Bool:
    """Return the test whether the fragment offset of an IPv4 header is 0."""
    return context.equals(2, context.link.network, 6, 0, 0x1FFF)


def transport_start(context: Context) -> Place:
    """Return where the header behind an IPv4 header starts."""
    network, values = context.link.network, context.values
    length = values.header_length(network.base, network.k)
    if network.base is not None:
        context.use(network.base.vars)
        length = values.binary("+", length, network.base)
    return Place(length, network.k)


def _port_tests(context: Context, direction: str, at: Place, offset: int, ports: Ranges) -> Bool:
    source, destination = (Test(context.load(2, at, offset + side), ports) for side in (0, 2))
    if direction in ("src", "dst"):
        return source if direction == "src" else destination
    both = [source, destination]
    return all_of(both) if direction == "src and dst" else any_of(both)
