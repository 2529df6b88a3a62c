"""Says whether libpcap would find that a filter can never match, and refuse it.

Its optimizer knows constants, follows tests for equality with different numbers, and sees
that the same test cannot come out both ways; it does not reason about ``<`` and ``>``, nor
about how great a byte can be. What is impossible for those reasons compiles, to a program
that rejects everything, and so it must here.
"""

from __future__ import annotations

from typing import TypeAlias

from nmpcap.filter.graph import Node, lower
from nmpcap.filter.ir import Bool, Ranges, Value
from nmpcap.filter.optimize.fold import Folder
from nmpcap.filter.ranges import contains

__all__ = ["rejects_all"]

# value -> the numbers it is known to be one of; (value, ranges) -> how that test came out
_Test: TypeAlias = "tuple[Value, Ranges] | tuple[str, Value, Value]"
_Key: TypeAlias = "Value | tuple[Value, Ranges] | tuple[str, Value, Value]"
_Facts: TypeAlias = "dict[_Key, frozenset[int] | bool]"

_MOST_FACTS = 32
_MOST_NUMBERS = 16
_LONGEST_SKIP = 64


def rejects_all(body: Bool, folder: Folder) -> bool:
    """Return whether nothing but "reject" can be reached by what libpcap knows on the way."""
    graph = lower(body, share=True)
    entry: dict[Node, _Facts] = {}
    _enter(graph.root, {}, entry, folder)
    for node in reversed(graph.nodes[: graph.root.index + 1]):
        facts = entry.get(node)
        if facts is None or node.kind == "ret":
            continue
        for target, key, fact in _edges(node, folder):
            out = facts
            if key is not None:
                out = {**facts, key: fact}
                if fact and len(key) == 2 and (numbers := _numbers(key[1])) is not None:
                    out[key[0]] = numbers
                while len(out) > _MOST_FACTS:
                    del out[next(iter(out))]
            _enter(target, out, entry, folder)
    return graph.accept not in entry


def _numbers(ranges: Ranges) -> frozenset[int] | None:
    """Return the numbers of ranges that are few and of one number each."""
    if len(ranges) <= _MOST_NUMBERS and all(low == high for low, high in ranges):
        return frozenset(low for low, _ in ranges)
    return None


def _enter(node: Node, facts: _Facts, entry: dict[Node, _Facts], folder: Folder) -> None:
    """Follow what is known from a node on, and note what is known where that ends."""
    for _ in range(_LONGEST_SKIP):
        following = _outcome(node, facts, folder)
        if following is None:
            break
        node = following
    before = entry.get(node)
    if before is None:
        entry[node] = facts
    elif before is not facts:
        entry[node] = _meet(before, facts)


def _meet(first: _Facts, second: _Facts) -> _Facts:
    met: _Facts = {}
    for key, fact in first.items():
        other = second.get(key)
        if isinstance(fact, frozenset) and isinstance(other, frozenset):
            met[key] = fact | other
        elif fact is other:
            met[key] = fact
    return met


def _edges(node: Node, folder: Folder) -> list[tuple[Node, _Test | None, bool]]:
    if node.value is None or node.kind not in ("test", "compare"):
        return [(target, None, False) for target in node.targets()]
    key = _key(node, folder)
    return [(node.yes, key, True), (node.no, key, False)]


def _key(node: Node, folder: Folder) -> _Test:
    assert node.value is not None
    value = folder.value(node.value)
    if node.kind == "test":
        return value, node.ranges
    assert node.right is not None
    return node.name, value, folder.value(node.right)


def _outcome(node: Node, facts: _Facts, folder: Folder) -> Node | None:
    if node.value is None or node.kind not in ("test", "compare"):
        return None
    key = _key(node, folder)
    known: bool | None = facts.get(key)  # type: ignore[assignment]
    if known is None and node.kind == "test":
        value = folder.value(node.value)
        if value.op == "const":
            known = contains(node.ranges, value.k)
        else:
            known = _decided(facts.get(value), _numbers(node.ranges))
    if known is None:
        return None
    return node.yes if known else node.no


def _decided(known: frozenset[int] | bool | None, asked: frozenset[int] | None) -> bool | None:
    if not isinstance(known, frozenset) or asked is None:
        return None
    if known <= asked:
        return True
    return None if known & asked else False
