"""Rewrites long alternatives, so that common tests are made once and sets are searched.

    (v in R and x) or (v in R and y)      -> v in R and (x or y)
    (v in R and x) or (v in S and y) ...  -> one Switch over v, R and S disjoint
    v in R or w in T or v in S            -> v in R|S or w in T
    not x and not y                       -> not (x or y)

The last but one changes the order of loads, and a load that fails ends the program. So a
test only moves forward over tests that cannot fail where it then stands, because loads as
far out have been made before: ``captured`` is how far, by index, as in Value.loads.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from nmpcap.filter.ir import (
    FALSE,
    TRUE,
    And,
    Assign,
    Bool,
    Compare,
    Not,
    Or,
    Ranges,
    Switch,
    Test,
    Value,
    negate,
)
from nmpcap.filter.optimize.fold import Folder
from nmpcap.filter.ranges import intersect, normalize

__all__ = ["group"]

_DEEPEST = 40  # what is nested deeper stays as it is
_MOST_RANGES = 64  # a set of more is not looked through for what it has in common with others
_FEWEST_CASES = 5  # fewer are tried one after the other

_Captured: TypeAlias = "dict[int, int]"


def group(root: Bool, folder: Folder) -> Bool:
    """Fold and regroup an expression."""
    return _Grouper(folder).rewrite(root, {}, 0)


class _Grouper:
    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def rewrite(self, node: Bool, captured: _Captured, depth: int) -> Bool:
        """Rewrite a node that is reached with so much known to be captured."""
        if isinstance(node, Test):
            return self.folder.test(node)
        if isinstance(node, Compare):
            return self.folder.compare(node)
        if isinstance(node, Assign):
            return self.folder.assign(node)
        if isinstance(node, Switch):
            return self._switch(node, captured, depth)
        if depth > _DEEPEST:
            return node
        if isinstance(node, Not):
            return negate(self.rewrite(node.operand, captured, depth + 1))
        if isinstance(node, And):
            return self._and(node, captured, depth)
        return self._or(node.items, captured, depth) if isinstance(node, Or) else node

    def _switch(self, node: Switch, captured: _Captured, depth: int) -> Bool:
        value = self.folder.value(node.value)
        captured = _with(captured, value)
        return Switch(
            value, tuple((ranges, self.rewrite(body, captured, depth + 1)) for ranges, body in node.cases)
        )

    def _and(self, node: And, captured: _Captured, depth: int) -> Bool:
        items: list[Bool] = []
        refused: list[Bool] = []  # what a run of negations negates
        for item in (*node.items, None):
            if isinstance(item, Not):
                refused.append(item.operand)
                continue
            if refused:
                rewritten = negate(self._or(tuple(refused), captured, depth + 1))
                captured = self._append(items, rewritten, captured)
                refused = []
            if item is not None:
                captured = self._append(items, self.rewrite(item, captured, depth + 1), captured)
        return _both(items)

    def _append(self, items: list[Bool], item: Bool, captured: _Captured) -> _Captured:
        previous = items[-1] if items else None
        if isinstance(item, Test) and isinstance(previous, Test) and previous.value is item.value:
            items[-1] = Test(item.value, intersect(previous.ranges, item.ranges))
        else:
            items.append(item)
        return _after(captured, item)

    def _or(self, alternatives: tuple[Bool, ...], captured: _Captured, depth: int) -> Bool:
        legs = _either(self._flat(alternatives, captured, depth))
        if not isinstance(legs, Or):
            return legs if legs is TRUE or legs is FALSE else self._rest(legs, captured, depth)
        merged = _either(_Merger(captured).run(self._dispatch(legs.items, captured, depth)))
        return merged

    def _flat(self, alternatives: tuple[Bool, ...], captured: _Captured, depth: int) -> list[Bool]:
        """Return the alternatives without nesting, their heads folded."""
        legs: list[Bool] = []
        todo = list(reversed(alternatives))
        while todo:
            item = todo.pop()
            if isinstance(item, Or):
                todo.extend(reversed(item.items))
            elif isinstance(item, Test):
                legs.append(self.folder.test(item))
            elif isinstance(item, And) and isinstance(item.items[0], Test):
                legs.append(_both([self.folder.test(item.items[0]), *item.items[1:]]))
            else:
                # Negations are no alternatives to group by; what they negate may be.
                legs.append(self.rewrite(item, captured, depth + 1))
        return legs

    def _rest(self, leg: Bool, captured: _Captured, depth: int) -> Bool:
        """Rewrite what stands behind the head of a lone alternative."""
        if isinstance(leg, And) and isinstance(leg.items[0], Test):
            head = leg.items[0]
            return _both([head, self.rewrite(_both(leg.items[1:]), _with(captured, head.value), depth + 1)])
        return leg

    def _dispatch(self, legs: tuple[Bool, ...], captured: _Captured, depth: int) -> list[Bool]:
        """Gather consecutive alternatives that ask for ranges of one value, equal or disjoint."""
        result: list[Bool] = []
        cases: _Cases | None = None
        for leg in (*legs, None):
            head, body = _split(leg)
            if (
                head is not None
                and cases is not None
                and cases.value is head.value
                and cases.add(head.ranges, body)
            ):
                continue
            if cases is not None:
                result.append(self._gathered(cases, captured, depth))
                cases = None
            if head is not None:
                cases = _Cases(head.value)
                cases.add(head.ranges, body)
            elif leg is not None:
                result.append(leg)
        return result

    def _gathered(self, cases: _Cases, captured: _Captured, depth: int) -> Bool:
        captured = _with(captured, cases.value)
        branches = []
        for ranges, bodies in cases.bodies.items():
            body = _either(bodies)
            if body is not TRUE:
                items = body.items if isinstance(body, Or) else (body,)
                body = self._or(items, captured, depth + 1) if depth < _DEEPEST else body
            branches.append((ranges, body))
        return _choice(cases.value, branches)


def _both(items: Iterable[Bool]) -> Bool:
    """Join by And; nothing behind FALSE is kept, but all before it, for its loads."""
    kept: list[Bool] = []
    for item in items:
        if isinstance(item, And):
            kept.extend(item.items)
        elif item is not TRUE:
            kept.append(item)
        if item is FALSE:
            break
    return kept[0] if len(kept) == 1 else And(tuple(kept)) if kept else TRUE


def _either(items: Iterable[Bool]) -> Bool:
    """Join by Or; nothing behind TRUE is kept, but all before it, for its loads."""
    kept: list[Bool] = []
    for item in items:
        if isinstance(item, Or):
            kept.extend(item.items)
        elif item is not FALSE:
            kept.append(item)
        if item is TRUE:
            break
    return kept[0] if len(kept) == 1 else Or(tuple(kept)) if kept else FALSE


def _choice(value: Value, branches: list[tuple[Ranges, Bool]]) -> Bool:
    """Make alternatives over one value a Test, a few of them, or a Switch."""
    plain = [ranges for ranges, body in branches if body is TRUE]
    others = [(ranges, body) for ranges, body in branches if body is not TRUE]
    if plain:
        together = plain[0] if len(plain) == 1 else normalize(pair for ranges in plain for pair in ranges)
        others.insert(0, (together, TRUE))
    if len(others) < _FEWEST_CASES:
        return _either(_both([Test(value, ranges), body]) for ranges, body in others)
    return Switch(value, tuple(others))


def _split(leg: Bool | None) -> tuple[Test | None, Bool]:
    """Return an alternative as the test it starts with, and what else it asks for."""
    if isinstance(leg, Test):
        return leg, TRUE
    if isinstance(leg, And) and isinstance(leg.items[0], Test):
        return leg.items[0], _both(leg.items[1:])
    return None, TRUE


@dataclass(slots=True)
class _Cases:
    """Alternatives by the ranges of the value they ask for; ranges are equal or disjoint."""

    value: Value
    bodies: dict[Ranges, list[Bool]] = field(default_factory=dict)
    _lows: list[int] = field(default_factory=list)
    _highs: list[int] = field(default_factory=list)
    _large: bool = False  # holds one large set, and takes no other

    def add(self, ranges: Ranges, body: Bool) -> bool:
        """Take an alternative; false if its ranges overlap with others without being equal."""
        bodies = self.bodies.get(ranges)
        if bodies is not None:
            bodies.append(body)
            return True
        if self._large:
            return False
        if len(ranges) > _MOST_RANGES:
            if self.bodies:
                return False
            self._large = True
            self.bodies[ranges] = [body]
            return True
        for low, high in ranges:
            at = bisect_left(self._highs, low)
            if at < len(self._lows) and self._lows[at] <= high:
                return False
        for low, high in ranges:
            at = bisect_left(self._highs, low)
            self._lows.insert(at, low)
            self._highs.insert(at, high)
        self.bodies[ranges] = [body]
        return True


class _Merger:
    """Joins tests of equal values in a list of alternatives, where moving them changes nothing."""

    def __init__(self, captured: _Captured) -> None:
        self._captured = captured
        self._result: list[Bool] = []
        self._ranges: dict[int, list[tuple[int, int]]] = {}  # position in the result -> its ranges
        self._open: dict[Value, int] = {}  # value -> the test that more of its ranges may join

    def run(self, alternatives: list[Bool]) -> list[Bool]:
        """Return the alternatives, fewer."""
        for item in alternatives:
            if not isinstance(item, Test):
                self._close(item)
                continue
            value = item.value
            at = self._open.get(value)
            if at is not None:
                self._ranges[at].extend(item.ranges)
                continue
            if not _safe(value, self._captured):
                # Nothing behind this load may come before it.
                self._open.clear()
                self._captured = _with(self._captured, value)
            self._open[value] = len(self._result)
            self._ranges[len(self._result)] = list(item.ranges)
            self._result.append(item)
        for at, pairs in self._ranges.items():
            test = self._result[at]
            assert isinstance(test, Test)
            if len(pairs) > len(test.ranges):
                self._result[at] = Test(test.value, normalize(pairs))
        return self._result

    def _close(self, item: Bool) -> None:
        self._open.clear()
        self._captured = _after(self._captured, item)
        self._result.append(item)


def _safe(value: Value, captured: _Captured) -> bool:
    loads = value.loads
    return loads is not None and all(end <= captured.get(index, 0) for index, end in loads.items())


def _with(captured: _Captured, value: Value) -> _Captured:
    if _safe(value, captured) or value.loads is None:
        return captured
    grown = dict(captured)
    for index, end in value.loads.items():
        grown[index] = max(end, grown.get(index, 0))
    return grown


def _after(captured: _Captured, item: Bool) -> _Captured:
    """Return what is known to be captured once an item has been tried: what it loads whatever its outcome."""
    while True:
        if isinstance(item, Test | Switch):
            return _with(captured, item.value)
        if isinstance(item, Compare):
            return _with(_with(captured, item.left), item.right)
        if isinstance(item, Not):
            item = item.operand
        elif isinstance(item, And | Or):
            item = item.items[0]
        elif isinstance(item, Assign):
            # Indexes may depend on the variable: what is known of the packet's start remains.
            return {index: end for index, end in captured.items() if index <= 0}
        else:
            return captured
