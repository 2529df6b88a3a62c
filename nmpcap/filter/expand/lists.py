"""Expands lists of one primitive, ``host A or host B or ...``, as searches of sets.

    src in {A, B, ...} or dst in {A, B, ...}        behind one test of the protocol

libpcap's unoptimized code asks for A on both sides before it asks for B, its optimizer for
all sources before the destinations. This order decides about packets cut between the two;
here it is that of the optimizer, with optimization or without. IPv6 and MAC addresses are
searched word by word.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from nmpcap.errors import FilterError
from nmpcap.filter.expand import hosts, transport
from nmpcap.filter.expand.linklayer import Context, Place
from nmpcap.filter.expand.protocols import IP6, is_protocol
from nmpcap.filter.ir import TRUE, Bool, Ranges, Switch, Test, Value, all_of, any_of
from nmpcap.filter.ranges import normalize
from nmpcap.filter.syntax import ast

__all__ = ["expand_list", "expand_run", "run_length"]

_ADDRESS_TYPES = ("", "host", "net")
_PORT_TYPES = ("port", "portrange")
_DIRECTIONS = ("", "src", "dst", "src or dst")


def _key(primitive: ast.Primitive | ast.PrimitiveList) -> tuple[Any, ...]:
    """Return what must be equal for primitives to be expanded together; the last is "" if they cannot be."""
    type_ = primitive.type
    if type_ in _PORT_TYPES:
        kind = "port"
    elif type_ not in _ADDRESS_TYPES:
        kind = ""
    elif isinstance(primitive, ast.PrimitiveList):
        kind = "4"
    else:
        kind = _KINDS.get(type(primitive.ident), "")
    return primitive.proto, primitive.dir, kind if primitive.dir in _DIRECTIONS else ""


_KINDS = {ast.Addr4: "4", ast.Number: "4", ast.Addr6: "6", ast.Mac: "mac"}


def run_length(items: list[ast.Expr], start: int) -> int:
    """Return how many items from ``start`` on ask the same of different addresses or ports."""
    first = items[start]
    assert isinstance(first, ast.Primitive | ast.PrimitiveList)
    key = _key(first)
    if not key[2]:
        return 1
    end = start + 1
    while end < len(items):
        item = items[end]
        if not isinstance(item, ast.Primitive | ast.PrimitiveList) or _key(item) != key:
            break
        end += 1
    return end - start


def expand_run(context: Context, items: list[ast.Expr]) -> Bool | None:
    """Expand such a list; None where its members must be expanded one by one."""
    members = [item for item in items if isinstance(item, ast.Primitive | ast.PrimitiveList)]
    kind = _key(members[0])[2]
    if kind == "4":
        return _ipv4(context, members)
    if kind == "port":
        return _ports(context, members)
    primitives = [item for item in members if isinstance(item, ast.Primitive)]
    return _ipv6(context, primitives) if kind == "6" else _macs(context, primitives)


def expand_list(context: Context, node: ast.PrimitiveList) -> Bool:
    """Expand a list that the parser has found."""
    result = expand_run(context, [node])
    if result is None:
        raise FilterError(f"'{node.proto or node.dir}' modifier applied to {node.type or 'host'}", node.pos)
    return result


def _sides(direction: str, test: Callable[[int], Bool], source: int, destination: int) -> Bool:
    if direction in ("src", "dst"):
        return test(source if direction == "src" else destination)
    return any_of([test(source), test(destination)])


# -- IPv4 and ports ------------------------------------------------------------------


def _ipv4(context: Context, members: list[ast.Primitive | ast.PrimitiveList]) -> Bool | None:
    first = members[0]
    pairs: list[tuple[int, int]] = []
    for member in members:
        if isinstance(member, ast.PrimitiveList):
            pairs.extend(member.ranges)
            continue
        ident, type_ = member.ident, member.type
        assert isinstance(ident, ast.Addr4 | ast.Number)
        if isinstance(ident, ast.Addr4) and (ident.mask or ident.spelling):
            return None  # a mask may have holes; an error is told by the expansion of the one
        if isinstance(ident, ast.Addr4) and ident.length is not None and type_ != "net":
            return None
        address, mask = hosts.ipv4_prefix(ident, type_)
        if not mask:
            return None
        pairs.append((address, address | ~mask & 0xFFFFFFFF))
    if first.proto not in ("", *hosts.IPV4_LEGS):
        return None
    ranges = normalize(pairs)
    network = context.link.network

    def leg(number: int, source: int, destination: int) -> Bool:
        def test(offset: int) -> Bool:
            return Test(context.load(4, network, offset), ranges)

        return all_of([is_protocol(context, number, first.pos), _sides(first.dir, test, source, destination)])

    return any_of(leg(*numbers) for numbers in hosts.legs(context, first.proto))


def _ports(context: Context, members: list[ast.Primitive | ast.PrimitiveList]) -> Bool | None:
    first = members[0]
    asked: list[tuple[int, int]] = []
    protocols: set[tuple[int, ...]] = set()
    for member in members:
        if isinstance(member, ast.PrimitiveList):
            protocols.add(transport.port_protocols(member))
            asked.extend(member.ranges)
        else:
            numbers, ports = transport.port_ranges(context, member)
            protocols.add(numbers)
            asked.append(ports)
    if len(protocols) > 1:
        return None
    return transport.port_test(context, first, protocols.pop(), normalize(asked))


# -- longer addresses ----------------------------------------------------------------


def _macs(context: Context, primitives: list[ast.Primitive]) -> Bool | None:
    first, link = primitives[0], context.link
    if (
        first.proto != "link"
        or link.layout.mac is None
        or link.layout.mac_size != 6
        or link.layout.family == "wlan"
    ):
        return None
    wanted: list[tuple[tuple[int, int], ...]] = []
    for primitive in primitives:
        assert isinstance(primitive.ident, ast.Mac)
        address = primitive.ident.address
        wanted.append((_point(address[2:]), _point(address[:2])))
    tree = _tree(wanted)
    destination, source = link.layout.mac

    def test(offset: int) -> Bool:
        return _search(tree, [context.load(4, link.header, offset + 2), context.load(2, link.header, offset)])

    return all_of([*hosts.inner_frame(context), _sides(first.dir, test, source, destination)])


def _point(data: bytes) -> tuple[int, int]:
    number = int.from_bytes(data, "big")
    return number, number


def _ipv6(context: Context, primitives: list[ast.Primitive]) -> Bool | None:
    first = primitives[0]
    if first.proto not in ("", "ip6"):
        return None
    wanted = []
    for primitive in primitives:
        ident = primitive.ident
        assert isinstance(ident, ast.Addr6)
        if primitive.type == "net":
            address, length = hosts.ipv6_prefix(ident)
        else:
            address, length = ident.address, 128
            if ident.length not in (None, 128):
                raise FilterError(f"Mask syntax for networks only: write net {ident}", ident.pos)
        wanted.append(tuple(_word_range(address, length, word) for word in range((length + 31) // 32)))
    try:
        tree = _tree(wanted)
    except _Overlap:
        return None
    network: Place = context.link.network

    def test(offset: int) -> Bool:
        return _search(tree, [context.load(4, network, offset + 4 * word) for word in range(4)])

    return all_of([is_protocol(context, IP6, first.pos), _sides(first.dir, test, 8, 24)])


def _word_range(address: bytes, length: int, word: int) -> tuple[int, int]:
    low = int.from_bytes(address[4 * word : 4 * word + 4], "big")
    return low, low | ~hosts.mask_of(min(32, length - 32 * word)) & 0xFFFFFFFF


class _Overlap(Exception):
    """A word of one prefix holds that of another: the search would have to go two ways."""


def _tree(wanted: list[tuple[tuple[int, int], ...]]) -> Any:
    """Make a tree of addresses: range of the first word -> tree of the rest, or True for "anything"."""
    root: Any = {}
    for words in wanted:
        if not words:
            raise _Overlap
        at = root
        for word in words[:-1]:
            at = at.setdefault(word, {})
            if at is True:
                break
        else:
            at[words[-1]] = True
    _check(root)
    return root


def _check(tree: Any) -> None:
    ordered = sorted(tree)
    for (_, high), (low, _) in pairwise(ordered):
        if low <= high:
            raise _Overlap
    for below in tree.values():
        if below is not True:
            _check(below)


def _search(tree: Any, values: list[Value]) -> Bool:
    """Go down a tree, a word at each level; levels are at most four."""
    if tree is True:
        return TRUE
    value = values[0]
    ends = [word for word, below in tree.items() if below is True]
    cases: list[tuple[Ranges, Bool]] = [(normalize(ends), TRUE)] if ends else []
    cases += [((word,), _search(below, values[1:])) for word, below in tree.items() if below is not True]
    if len(cases) == 1:
        return all_of([Test(value, cases[0][0]), cases[0][1]])
    return Switch(value, tuple(cases))
