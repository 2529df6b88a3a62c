"""Expands relations: ``ip[2:2] - len > 5`` and what guards them.

An accessor brings the test of its protocol along, and with it the relation is false on
other packets. As in libpcap a binary operator passes on the guard of its left operand
alone. Registers are counted as libpcap allots them, because it refuses to go beyond 16.
"""

from __future__ import annotations

from dataclasses import dataclass

from nmpcap import dlt
from nmpcap.errors import FilterError
from nmpcap.filter.expand import extension
from nmpcap.filter.expand.linklayer import Context, Place, describe
from nmpcap.filter.expand.linktypes import WLAN_RADIO
from nmpcap.filter.expand.protocols import IP, IP6, is_protocol
from nmpcap.filter.expand.transport import first_fragment, ipv4_protocol, transport_start
from nmpcap.filter.ir import TOP, Bool, Compare, Ranges, Test, Value, all_of, any_of, negate
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.keywords import ETHER_PROTOCOLS, IP_PROTOCOLS

__all__ = ["compare", "expand_relation"]

_REGISTERS = 16
_NETWORK = ("ip", "ip6", "arp", "rarp", "atalk", "decnet", "lat", "sca", "moprc", "mopdl")
_TRANSPORT = ("tcp", "udp", "sctp", "icmp", "igmp", "igrp", "pim", "vrrp", "carp")


@dataclass(slots=True)
class _Operand:
    value: Value
    guards: tuple[Bool, ...]  # what must hold for the value to mean something; none twice
    first: ast.Arith  # the leaf that stands leftmost: libpcap's checks of divisors look at it alone


def expand_relation(context: Context, relation: ast.Relation) -> Bool:
    """Expand ``left op right`` with the guards of both sides, the right one's first."""
    left = _evaluate(context, relation.left)
    right = _evaluate(context, relation.right)
    context.registers -= 2
    guards = _together(right.guards, *left.guards)
    return all_of([*guards, compare(relation.op, left.value, right.value)])


def _together(guards: tuple[Bool, ...], *more: Bool) -> tuple[Bool, ...]:
    """Join guards and more of them; a subscript of a subscript needs its protocol tested but once."""
    return (*guards, *(guard for guard in dict.fromkeys(more) if guard not in guards))


def compare(op: str, left: Value, right: Value) -> Bool:
    """Return the test for a relation; a comparison with a number becomes one of ranges."""
    if op in ("!=", "<", "<="):
        return negate(compare({"!=": "=", "<": ">=", "<=": ">"}[op], left, right))
    if right.op == "const":
        return Test(left, _ranges(op, right.k))
    return Compare(op, left, right)


def _ranges(op: str, k: int) -> Ranges:
    if op == "=":
        return ((k, k),)
    if op == ">=":
        return ((k, TOP),)
    return ((k + 1, TOP),) if k < TOP else ()


def _take_register(context: Context, pos: int) -> None:
    context.registers += 1
    if context.registers > _REGISTERS:
        raise FilterError("too many registers needed to evaluate expression", pos)


def _evaluate(context: Context, root: ast.Arith) -> _Operand:
    """Evaluate operands before operators, without recursion: a subscript may nest a thousand deep."""
    done: list[_Operand] = []
    todo: list[tuple[ast.Arith, bool]] = [(root, False)]
    while todo:
        node, operands_ready = todo.pop()
        if isinstance(node, ast.Number | ast.Length):
            _take_register(context, node.pos)
            values = context.values
            value = values.const(node.value) if isinstance(node, ast.Number) else values.length()
            done.append(_Operand(value, (), node))
        elif not operands_ready:
            todo.append((node, True))
            if isinstance(node, ast.Binary):
                todo += [(node.right, False), (node.left, False)]
            else:
                todo.append((node.offset if isinstance(node, ast.Index) else node.operand, False))
        elif isinstance(node, ast.Binary):
            right, left = done.pop(), done.pop()
            done.append(_binary(context, node, left, right))
        elif isinstance(node, ast.Index):
            done.append(_index(context, node, done.pop()))
        else:
            operand = done.pop()
            done.append(_Operand(context.values.negative(operand.value), operand.guards, operand.first))
    return done[0]


def _binary(context: Context, node: ast.Binary, left: _Operand, right: _Operand) -> _Operand:
    if isinstance(right.first, ast.Number):
        if node.op in "/%" and right.first.value == 0:
            raise FilterError("division by zero" if node.op == "/" else "modulus by zero", right.first.pos)
        if node.op in ("<<", ">>") and right.first.value > 31:
            raise FilterError("shift by more than 31 bits", right.first.pos)
    context.registers -= 1
    return _Operand(context.values.binary(node.op, left.value, right.value), left.guards, left.first)


def _index(context: Context, node: ast.Index, offset: _Operand) -> _Operand:
    _take_register(context, node.pos)
    proto, pos, size = node.proto, node.pos, node.size
    if proto == "radio":
        if context.link.number not in WLAN_RADIO or context.link.number == dlt.DLT_PPI:
            raise FilterError(
                f"radio information not present in capture: {describe(context.link.number)}", pos
            )
        guards, place = offset.guards, Place(None, 0)
    elif proto == "link":
        guards, place = offset.guards, context.link.header
    elif proto in _NETWORK:
        guards = _together(offset.guards, _guard(context, ETHER_PROTOCOLS[proto], pos))
        place = context.link.network
    elif proto in _TRANSPORT:
        guards, place = _transport(context, proto, offset.guards, pos)
    elif proto == "icmp6":
        guards, place = _icmp6(context, offset.guards, pos)
    else:
        raise FilterError(f"unsupported index operation: {proto}[...]", pos)
    value = _load(context, size, place, offset.value)
    context.registers -= 1
    return _Operand(value, guards, offset.first)


def _guard(context: Context, protocol: int, pos: int, transport: int | None = None) -> Bool:
    """Return the one test for a protocol, or for one in first fragments of IPv4."""
    key = context.link, protocol, transport
    if key not in context.guards:
        if transport is None:
            context.guards[key] = is_protocol(context, protocol, pos)
        else:
            context.guards[key] = all_of([ipv4_protocol(context, (transport,)), first_fragment(context)])
    return context.guards[key]


def _load(context: Context, size: int, place: Place, offset: Value) -> Value:
    if place.base is not None:
        context.use(place.base.vars)
        if offset.op == "const" and offset.k < 1 << 31:
            return context.values.load(size, place.base, place.k + offset.k)
        offset = context.values.binary("+", place.base, offset)
    return context.values.load(size, offset, place.k)


def _transport(
    context: Context, proto: str, guards: tuple[Bool, ...], pos: int
) -> tuple[tuple[Bool, ...], Place]:
    number = IP_PROTOCOLS[proto]
    is_ip, in_first = _guard(context, IP, pos), _guard(context, IP, pos, number)
    in_ipv4 = _together((is_ip,), *guards, in_first)
    start = transport_start(context)
    if not context.options.extension_headers or proto in ("icmp", "igmp", "igrp", "vrrp", "carp"):
        return in_ipv4, start
    # The dialect reads headers behind IPv4 and IPv6 alike: the place becomes a variable.
    values = context.values
    skip = extension.skip(context, to_header=True)
    is_ip6 = all_of([_guard(context, IP6, pos), *guards, skip, extension.leads_to(context, (number,))])
    assert start.base is not None
    set_start = extension.set_start(context, values.binary("+", start.base, values.const(start.k)))
    return (any_of([all_of([*in_ipv4, set_start]), is_ip6]),), extension.start(context)


def _icmp6(context: Context, guards: tuple[Bool, ...], pos: int) -> tuple[tuple[Bool, ...], Place]:
    network, number = context.link.network, IP_PROTOCOLS["icmp6"]
    guards = _together(guards, _guard(context, IP6, pos))
    if context.options.extension_headers:
        leads = extension.leads_to(context, (number,))
        return (*guards, extension.skip(context, to_header=True), leads), extension.start(context)
    key = context.link, IP6, number
    if key not in context.guards:
        context.guards[key] = context.equals(1, network, 6, number)
    return _together(guards, context.guards[key]), network.plus(40)
