"""Says whether libpcap would find that a filter can never match, and refuse it.

One rule: a filter is refused if, on the way to every accept, a comparison of constants fails, a value
that a test found equal to one number is asked for another, or the same test is asked to come out
both ways. What a way brought counts where ways meet if all of them brought it, and a list of protocols
is as many tests (``port 1`` asks for sctp, tcp and udp in turn, and then knows no more which it was),
so that ``tcp port 1 and 2 and 3`` is refused and ``port 1 and 2 and 3`` is not. ``<`` and ``>`` against
what a packet holds, and how great a byte can be, are not reasoned about: what is impossible for
those reasons compiles, to a program that rejects everything.

That is what libpcap 1.11's optimizer finds, by following each jump past the tests that the jumps before
it have decided; 1.10 gave each protocol its own copy of the port's tests, and finds more.
"""

from __future__ import annotations

from typing import TypeAlias

from nmpcap.filter.graph import Node, lower
from nmpcap.filter.ir import Bool, Ranges, Value
from nmpcap.filter.optimize.fold import Folder, relation
from nmpcap.filter.ranges import contains

__all__ = ["rejects_all"]

_Test: TypeAlias = "tuple[Value, Ranges]"
_Comparison: TypeAlias = "tuple[str, Value, Value]"
# a value -> the number it is known to be; a test -> how it came out
_Facts: TypeAlias = "dict[Value | _Test | _Comparison, int | bool]"

_MOST_FACTS = 32
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
        asked = _asked(node, folder)
        if asked is None:
            for target in node.targets():
                _enter(target, facts, entry, folder)
        else:
            _enter(node.yes, _learned(facts, asked, True), entry, folder)
            _enter(node.no, _learned(facts, asked, False), entry, folder)
    return graph.accept not in entry


def _enter(node: Node, facts: _Facts, entry: dict[Node, _Facts], folder: Folder) -> None:
    """Follow what is known from a node on, and note what is known where that ends."""
    for _ in range(_LONGEST_SKIP):
        asked = _asked(node, folder)
        outcome = None if asked is None else _outcome(asked, facts)
        if outcome is None:
            break
        node = node.yes if outcome else node.no
    before = entry.get(node)
    if before is None:
        entry[node] = facts
    elif before is not facts:
        entry[node] = {key: fact for key, fact in before.items() if facts.get(key) == fact}


def _asked(node: Node, folder: Folder) -> _Test | _Comparison | None:
    """Return what a node tests, with constants folded; None for one that does not test."""
    if node.value is None or node.kind not in ("test", "compare"):
        return None
    value = folder.value(node.value)
    if node.kind == "test":
        return value, node.ranges
    assert node.right is not None
    right = folder.value(node.right)
    if value.op == right.op == "const":
        return value, relation(node.name, right.k)
    return node.name, value, right


def _learned(facts: _Facts, asked: _Test | _Comparison, outcome: bool) -> _Facts:
    """Return the facts with what an outcome adds; a list of numbers is a test of each in turn."""
    learned: _Facts = dict(facts)
    if len(asked) == 2 and len(asked[1]) > 1:
        if not outcome:
            learned.update({(asked[0], (part,)): False for part in asked[1]})
    else:
        learned[asked] = outcome
        if outcome and len(asked) == 2 and (number := _number(asked[1])) is not None:
            learned[asked[0]] = number
    while len(learned) > _MOST_FACTS:
        del learned[next(iter(learned))]
    return learned


def _outcome(asked: _Test | _Comparison, facts: _Facts) -> bool | None:
    """Return how a test must come out; None if that is not known."""
    if len(asked) == 3:
        return facts.get(asked)  # type: ignore[return-value]
    value, ranges = asked
    if value.op == "const":
        return contains(ranges, value.k)
    outcomes = [_one_outcome(value, part, facts) for part in ranges]
    if True in outcomes:
        return True
    return False if outcomes and None not in outcomes else None


def _one_outcome(value: Value, part: tuple[int, int], facts: _Facts) -> bool | None:
    known = facts.get(value)
    if known is not None and part[0] == part[1]:
        return known == part[0]
    return facts.get((value, (part,)))  # type: ignore[return-value]


def _number(ranges: Ranges) -> int | None:
    """Return the one number of ranges."""
    return ranges[0][0] if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else None
