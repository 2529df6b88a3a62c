"""Expands relations: ``ip[2:2] - len > 5`` and what guards them.

An accessor brings the test of its protocol along, and with it the relation is false on
other packets. As in libpcap a binary operator passes on the guard of its left operand
alone. Registers are counted as libpcap allots them, because it refuses to go beyond 16.
"""

from __future__ import annotations

from dataclasses import dataclass

from nmpcap import dlt
from nmpcap.errors import FilterError
from nmpcap.filter import ast, extension
from nmpcap.filter.ir import TOP, TRUE, Bool, Compare, Ranges, Test, Value, all_of, any_of, negate
from nmpcap.filter.linklayer import IP, IP6, Context, Place, describe
from nmpcap.filter.linktypes import WLAN_RADIO
from nmpcap.filter.transport import first_fragment, ipv4_protocol, transport_start
from nmpcap.filter.words import ETHER_PROTOCOLS, IP_PROTOCOLS

__all__ = ["compare", "expand_relation"]

_REGISTERS = 16
_NETWORK = ("ip", "ip6", "arp", "rarp", "atalk", "decnet", "lat", "sca", "moprc", "mopdl")
_TRANSPORT = ("tcp", "udp", "sctp", "icmp", "igmp", "igrp", "pim", "vrrp", "carp")


@dataclass(slots=True)
class _Operand:
    value: Value
    guard: Bool
    first: ast.Arith  # the leaf that stands leftmost: libpcap's checks of divisors look at it alone


def expand_relation(context: Context, relation: ast.Relation) -> Bool:
    """Expand ``left op right`` with the guards of both sides, the right one's first."""
    left = _evaluate(context, relation.left)
    right = _evaluate(context, relation.right)
    context.registers -= 2
    return all_of([right.guard, left.guard, compare(relation.op, left.value, right.value)])


def compare(op: str, left: Value, right: Value) -> Bool:
    """The test for a relation; a comparison with a number becomes one of ranges."""
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
            done.append(_Operand(value, TRUE, node))
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
            done.append(_Operand(context.values.negative(operand.value), operand.guard, operand.first))
    return done[0]


def _binary(context: Context, node: ast.Binary, left: _Operand, right: _Operand) -> _Operand:
    if isinstance(right.first, ast.Number):
        if node.op in "/%" and right.first.value == 0:
            raise FilterError("division by zero" if node.op == "/" else "modulus by zero", right.first.pos)
        if node.op in ("<<", ">>") and right.first.value > 31:
            raise FilterError("shift by more than 31 bits", right.first.pos)
    context.registers -= 1
    return _Operand(context.values.binary(node.op, left.value, right.value), left.guard, left.first)


def _index(context: Context, node: ast.Index, offset: _Operand) -> _Operand:
    _take_register(context, node.pos)
    proto, pos, size = node.proto, node.pos, node.size
    if proto == "radio":
        if context.link.number not in WLAN_RADIO or context.link.number == dlt.DLT_PPI:
            raise FilterError(
                f"radio information not present in capture: {describe(context.link.number)}", pos
            )
        guard, place = offset.guard, Place(None, 0)
    elif proto == "link":
        guard, place = offset.guard, context.link.header
    elif proto in _NETWORK:
        guard = all_of([offset.guard, context.is_protocol(ETHER_PROTOCOLS[proto], pos)])
        place = context.link.network
    elif proto in _TRANSPORT:
        guard, place = _transport(context, proto, offset.guard, pos)
    elif proto == "icmp6":
        guard, place = _icmp6(context, offset.guard, pos)
    else:
        raise FilterError(f"unsupported index operation: {proto}[...]", pos)
    value = _load(context, size, place, offset.value)
    context.registers -= 1
    return _Operand(value, guard, offset.first)


def _load(context: Context, size: int, place: Place, offset: Value) -> Value:
    if place.base is not None:
        context.use(place.base.vars)
        if offset.op == "const" and offset.k < 1 << 31:
            return context.values.load(size, place.base, place.k + offset.k)
        offset = context.values.binary("+", place.base, offset)
    return context.values.load(size, offset, place.k)


def _transport(context: Context, proto: str, guard: Bool, pos: int) -> tuple[Bool, Place]:
    number = IP_PROTOCOLS[proto]
    is_ip = context.is_protocol(IP, pos)
    in_ipv4 = all_of([is_ip, guard, ipv4_protocol(context, (number,)), first_fragment(context)])
    start = transport_start(context)
    if not context.options.extension_headers or proto in ("icmp", "igmp", "igrp", "vrrp", "carp"):
        return in_ipv4, start
    # The dialect reads headers behind IPv4 and IPv6 alike: the place becomes a variable.
    values = context.values
    skip = extension.skip(context, to_header=True)
    is_ip6 = all_of([context.is_protocol(IP6, pos), guard, skip, extension.leads_to(context, (number,))])
    assert start.base is not None
    set_start = extension.set_start(context, values.binary("+", start.base, values.const(start.k)))
    return any_of([all_of([in_ipv4, set_start]), is_ip6]), extension.start(context)


def _icmp6(context: Context, guard: Bool, pos: int) -> tuple[Bool, Place]:
    network = context.link.network
    is_ip6 = context.is_protocol(IP6, pos)
    if context.options.extension_headers:
        leads = extension.leads_to(context, (IP_PROTOCOLS["icmp6"],))
        return all_of([guard, is_ip6, extension.skip(context, to_header=True), leads]), extension.start(
            context
        )
    return all_of([guard, is_ip6, context.equals(1, network, 6, IP_PROTOCOLS["icmp6"])]), network.plus(40)
