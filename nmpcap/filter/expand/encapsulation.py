"""Expands vlan, mpls, pppoed, pppoes, geneve, vxlan and lane: tests that move the link header.

What they change stays changed for all that follows in the text (or, as an option, for what
is and-ed to them). Behind Geneve and VXLAN the offsets are variables, set where it matched.
"""

from __future__ import annotations

from dataclasses import replace

from nmpcap import dlt
from nmpcap.errors import FilterError
from nmpcap.filter.expand.linklayer import Context, Place, describe
from nmpcap.filter.expand.linktypes import WLAN
from nmpcap.filter.expand.protocols import IP, IP6, is_protocol, require_protocols
from nmpcap.filter.expand.transport import first_fragment, ipv4_protocol, transport_start
from nmpcap.filter.ir import Assign, Bool, Test, Value, all_of, any_of, negate
from nmpcap.filter.syntax import ast

__all__ = [
    "ENCAPSULATIONS",
    "expand_geneve",
    "expand_lane",
    "expand_mpls",
    "expand_pppoed",
    "expand_pppoes",
    "expand_vlan",
    "expand_vxlan",
]

_VLAN_TYPES = (0x8100, 0x88A8, 0x9100)  # 802.1Q, 802.1ad, and what preceded that
_MPLS, _MPLS_OVER_PPP = 0x8847, 0x0281
_PPPOED, _PPPOES = 0x8863, 0x8864
_UDP, _GENEVE_PORT, _VXLAN_PORT, _ETHERNET = 17, 6081, 4789, 0x6558
_REGISTERS, _PER_TUNNEL = 16, 3

_VLAN_TCI, _VLAN_PRESENT = 44, 48  # SKF_AD_VLAN_TAG, SKF_AD_VLAN_TAG_PRESENT

_GREATEST = {"vlan": 0xFFF, "mpls": 0xFFFFF, "pppoes": 0xFFFF, "geneve": 0xFFFFFF, "vxlan": 0xFFFFFF}
_CALLED = {"vlan": "VLAN tag", "mpls": "MPLS label", "pppoes": "PPPoE session number"}


def _number(word: ast.Word) -> int | None:
    """Return the identifier behind the word, None if there is none; raises FilterError if it is too great."""
    if not word.args:
        return None
    number = word.args[0]
    assert isinstance(number, int)
    greatest = _GREATEST[word.name]
    if number > greatest:
        called = _CALLED.get(word.name, f"{word.name.capitalize()} VNI")
        raise FilterError(f"{called} {number} greater than maximum {greatest}", word.pos)
    return number


# -- vlan ----------------------------------------------------------------------------


def expand_vlan(context: Context, word: ast.Word) -> Bool:
    """Expand ``vlan [id]``: the type and the payload move by four bytes, the MAC addresses stay."""
    link, number = context.link, _number(word)
    if link.labels:
        raise FilterError("no VLAN match after MPLS", word.pos)
    has_tags = link.layout.family == "ethernet" or (link.number in WLAN and link.number != dlt.DLT_PPI)
    if not has_tags:
        raise FilterError(f"no VLAN support for {describe(link.number)}", word.pos)
    metadata = context.options.live and link.number == dlt.DLT_EN10MB and not link.inside and not link.tags
    if metadata:
        return _vlan_with_metadata(context, number)
    tests: list[Bool] = [any_of([is_protocol(context, type_, word.pos) for type_ in _VLAN_TYPES])]
    if number is not None:
        tests.append(context.equals(2, link.network, 0, number, 0x0FFF))
    context.link = replace(link, type=link.type.plus(4), payload=link.payload.plus(4), tags=link.tags + 1)
    if link.layout.family == "wlan":
        context.link = replace(context.link, type=link.type)
    return all_of(tests)


def _vlan_with_metadata(context: Context, number: int | None) -> Bool:
    # Linux takes the outermost tag out of the frame and hands it over beside it; drivers may not.
    values, link = context.values, context.link
    present: Bool = Test(values.ancillary(1, _VLAN_PRESENT), ((1, 1),))
    context.use({"tagged_type", "tagged_payload"})
    type_, payload = values.var("tagged_type"), values.var("tagged_payload")
    in_band: list[Bool] = [
        Assign("tagged_payload", values.binary("+", payload, values.const(4))),
        Assign("tagged_type", values.binary("+", type_, values.const(4))),
        Test(context.load(2, link.type), tuple((tpid, tpid) for tpid in sorted(_VLAN_TYPES))),
    ]
    tests = [any_of([present, all_of(in_band)])]
    if number is not None:
        tci = values.masked(values.ancillary(2, _VLAN_TCI), 0x0FFF)
        in_metadata = all_of([present, Test(tci, ((number, number),))])
        in_frame = all_of([negate(present), context.equals(2, link.payload, 0, number, 0x0FFF)])
        tests.append(any_of([in_metadata, in_frame]))
    context.registers += 2
    context.link = replace(
        link, type=Place(type_, link.type.k), payload=Place(payload, link.payload.k), tags=1
    )
    return all_of(tests)


# -- mpls, pppoe ---------------------------------------------------------------------


def expand_mpls(context: Context, word: ast.Word) -> Bool:
    """Expand ``mpls [label]``: the network header moves by four bytes."""
    link, number = context.link, _number(word)
    tests: list[Bool]
    if link.labels:  # the entry before must not be the bottom of the stack
        tests = [context.equals(1, link.network, -2, 0, 0x01)]
    elif link.layout.family in ("ethernet", "hdlc"):
        tests = [is_protocol(context, _MPLS, word.pos)]
    elif link.number == dlt.DLT_PPP:
        tests = [is_protocol(context, _MPLS_OVER_PPP, word.pos)]
    else:
        raise FilterError(f"no MPLS support for {describe(link.number)}", word.pos)
    if number is not None:
        tests.append(context.equals(4, link.network, 0, number << 12, 0xFFFFF000))
    context.link = replace(link, snap=link.snap + 4, bare=link.bare + 4, labels=link.labels + 1)
    return all_of(tests)


def expand_pppoed(context: Context, word: ast.Word) -> Bool:
    """Expand ``pppoed``: PPPoE discovery."""
    return is_protocol(context, _PPPOED, word.pos)


def expand_pppoes(context: Context, word: ast.Word) -> Bool:
    """Expand ``pppoes [id]``: what follows is about the PPP frame inside."""
    number, network = _number(word), context.link.network
    tests = [is_protocol(context, _PPPOES, word.pos)]
    if number is not None:
        tests.append(context.equals(2, network, 2, number))
    if network.base is not None:
        context.use(network.base.vars)
    ppp = network.plus(6)
    context.link = replace(
        context.link.moved(dlt.DLT_PPP, ppp, ppp, network.plus(8)), bare=0, tunnel=False, lane=None
    )
    return all_of(tests)


# -- geneve, vxlan, lane -------------------------------------------------------------


def expand_geneve(context: Context, word: ast.Word) -> Bool:
    """Expand ``geneve [vni]`` (RFC 8926): options are gone over; inside is Ethernet or another protocol."""
    context.foldable = False
    return _tunnel(context, word)


def expand_vxlan(context: Context, word: ast.Word) -> Bool:
    """Expand ``vxlan [vni]`` (RFC 7348): inside is Ethernet."""
    return _tunnel(context, word)


def _tunnel(context: Context, word: ast.Word) -> Bool:
    number = _number(word)
    context.registers += _PER_TUNNEL
    if context.registers > _REGISTERS:
        raise FilterError("too many registers needed to evaluate expression: nested too deep", word.pos)
    context.tunnels += 1
    names = [f"{part}{context.tunnels}" for part in ("frame", "type", "payload")]
    require_protocols(context, word.pos)
    link, values, network = context.link, context.values, context.link.network
    enter = _geneve_header if word.name == "geneve" else _vxlan_header
    ipv4 = [is_protocol(context, IP, word.pos), ipv4_protocol(context, (_UDP,)), first_fragment(context)]
    ipv6 = [is_protocol(context, IP6, word.pos), context.equals(1, network, 6, _UDP)]
    legs = [
        all_of([*tests, *enter(context, udp, number, names)])
        for tests, udp in ((ipv4, transport_start(context)), (ipv6, network.plus(40)))
    ]
    header, type_, payload = (Place(values.var(name), 0) for name in names)
    context.link = replace(
        link.moved(dlt.DLT_EN10MB, header, type_, payload), bare=link.bare, tunnel=True, lane=None
    )
    return any_of(legs)


def _address(context: Context, place: Place, k: int) -> Value:
    """Return the place as a number, as far as it is not known before the packet is."""
    total = context.values.const(place.k + k)
    return total if place.base is None else context.values.binary("+", place.base, total)


def _geneve_header(context: Context, udp: Place, number: int | None, names: list[str]) -> list[Bool]:
    values, (frame, type_, payload) = context.values, names
    tests = [context.equals(2, udp, 2, _GENEVE_PORT), context.equals(1, udp, 8, 0, 0xC0)]
    if number is not None:
        tests.append(context.equals(4, udp, 12, number << 8, 0xFFFFFF00))
    words = values.masked(context.load(1, udp, 8), 0x3F)
    options = values.binary("<<", words, values.const(2))
    inner = values.var(frame)

    def behind(k: int) -> Value:
        return values.binary("+", inner, values.const(k))

    ethernet = context.equals(2, udp, 10, _ETHERNET)
    return [
        *tests,
        Assign(frame, values.binary("+", _address(context, udp, 16), options)),
        any_of(
            [
                all_of([ethernet, Assign(type_, behind(12)), Assign(payload, behind(14))]),
                # The protocol field of Geneve itself is what an EtherType would be.
                all_of([Assign(type_, _address(context, udp, 10)), Assign(payload, inner)]),
            ]
        ),
    ]


def _vxlan_header(context: Context, udp: Place, number: int | None, names: list[str]) -> list[Bool]:
    frame, type_, payload = names
    tests = [context.equals(2, udp, 2, _VXLAN_PORT), context.equals(1, udp, 8, 0x08)]
    if number is not None:
        tests.append(context.equals(4, udp, 12, number << 8, 0xFFFFFF00))
    return [
        *tests,
        Assign(frame, _address(context, udp, 16)),
        Assign(type_, _address(context, udp, 28)),
        Assign(payload, _address(context, udp, 30)),
    ]


def expand_lane(context: Context, word: ast.Word) -> Bool:
    """Expand ``lane``: ATM LAN emulation, Ethernet behind a header of two bytes."""
    link = context.link
    if link.number != dlt.DLT_SUNATM or link.inside:
        raise FilterError("'lane' supported only on raw ATM", word.pos)
    start = link.payload
    ethernet = link.moved(dlt.DLT_EN10MB, start.plus(2), start.plus(14), start.plus(16))
    context.link = replace(ethernet, bare=3, lane=start)
    return context.equals(1, Place(None, 0), 0, 1, 0x0F)


ENCAPSULATIONS = {
    "vlan": expand_vlan,
    "mpls": expand_mpls,
    "pppoed": expand_pppoed,
    "pppoes": expand_pppoes,
    "geneve": expand_geneve,
    "vxlan": expand_vxlan,
    "lane": expand_lane,
}
