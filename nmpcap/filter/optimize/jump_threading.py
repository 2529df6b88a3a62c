"""Threads the decision graph: an edge whose outcome is known goes on to where that leads.

Facts travel along the edges: the ranges a value is known to lie in, which comparisons hold,
and how much of the packet is known to be captured. Where edges meet, what all of them know
remains. Edges only ever skip decisions already taken, so the graph never grows, one sweep
from the root down suffices, and rebuilding it from the leaves up shares what became equal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from nmpcap.filter.graph import Case, Graph, Node
from nmpcap.filter.ir import Ranges, Value
from nmpcap.filter.ranges import EVERYTHING, complement, disjoint, intersect, subset, union

__all__ = ["thread"]

_MOST_VALUES = 24  # facts about more values are not carried along, oldest first
_MOST_RANGES = 12
_LONGEST_SKIP = 64
_LARGE = 20_000  # nodes from which on skips are shorter


@dataclass(slots=True)
class _Facts:
    """What is known where a node is reached. Never changed, only replaced."""

    known: dict[Value, Ranges] = field(default_factory=dict)
    compared: dict[tuple[str, Value, Value], bool] = field(default_factory=dict)
    captured: dict[int, int] = field(default_factory=dict)  # as Value.loads

    def covers(self, value: Value) -> bool:
        """Return whether evaluating the value cannot fail."""
        if value.loads is None:
            return value in self.known
        captured = self.captured
        return all(end <= captured.get(index, 0) for index, end in value.loads.items())

    def after_loading(self, *values: Value) -> _Facts:
        """Return what is known once the values have been evaluated."""
        captured = self.captured
        for value in values:
            for index, end in (value.loads or {}).items():
                if end > captured.get(index, 0):
                    if captured is self.captured:
                        captured = dict(captured)
                    captured[index] = end
        return self if captured is self.captured else _Facts(self.known, self.compared, captured)

    def learn(self, value: Value, ranges: Ranges) -> _Facts:
        """Add that the value lies in the ranges."""
        before = self.known.get(value)
        if before is not None:
            ranges = intersect(before, ranges)
        if ranges == before or len(ranges) > _MOST_RANGES:
            return self
        known = {**self.known, value: ranges}
        if len(known) > _MOST_VALUES:
            del known[next(iter(known))]
        return _Facts(known, self.compared, self.captured)

    def meet(self, other: _Facts) -> _Facts:
        """Return what both know."""
        if other is self:
            return self
        known = {}
        for value, ranges in self.known.items():
            theirs = other.known.get(value)
            if theirs is not None:
                either = union(ranges, theirs)
                if len(either) <= _MOST_RANGES and either != EVERYTHING:
                    known[value] = either
        compared = {key: truth for key, truth in self.compared.items() if other.compared.get(key) is truth}
        captured = {
            index: min(end, other.captured[index])
            for index, end in self.captured.items()
            if index in other.captured
        }
        return _Facts(known, compared, captured)

    def without(self, name: str) -> _Facts:
        """Return what remains true when the variable is set anew."""
        known = {value: ranges for value, ranges in self.known.items() if name not in value.vars}
        compared = {
            key: truth for key, truth in self.compared.items() if name not in key[1].vars | key[2].vars
        }
        # Indexes that depend on the variable are known by number only: keep what depends on none.
        captured = {index: end for index, end in self.captured.items() if index <= 0}
        return _Facts(known, compared, captured)


def thread(graph: Graph) -> Graph:
    """Return a graph that decides the same with fewer decisions on every way through it."""
    entry: dict[Node, _Facts] = {graph.root: _Facts()}
    moved: dict[Node, list[Node]] = {}
    farthest = _LONGEST_SKIP if len(graph.nodes) < _LARGE else _LONGEST_SKIP // 8
    harmless: set[Node] = set()  # evaluating its value cannot fail there
    for node in reversed(graph.nodes[: graph.root.index + 1]):
        facts = entry.get(node)
        if facts is None or node.kind == "ret":
            continue
        if node.value is not None and facts.covers(node.value):
            harmless.add(node)
        targets = []
        for target, out in _edges(node, facts):
            final = _follow(target, out, farthest)
            targets.append(final)
            before = entry.get(final)
            entry[final] = out if before is None else before.meet(out)
        moved[node] = targets
    return _rebuild(graph, moved, harmless)


def _edges(node: Node, facts: _Facts) -> list[tuple[Node, _Facts]]:
    """Return each way on from a node, with what is known on it."""
    value = node.value
    if node.kind == "walk" or value is None:
        return [(node.yes, facts), (node.no, facts)]
    if node.kind == "set":
        return [(node.yes, facts.after_loading(value).without(node.name))]
    facts = facts.after_loading(value)
    if node.kind == "touch":
        return [(node.yes, facts.learn(value, EVERYTHING))]
    if node.kind == "compare":
        assert node.right is not None
        facts = facts.after_loading(node.right)
        key = (node.name, value, node.right)
        return [
            (target, _Facts(facts.known, {**facts.compared, key: truth}, facts.captured))
            for target, truth in ((node.yes, True), (node.no, False))
        ]
    if len(node.ranges) > _MOST_RANGES or len(node.cases) > _MOST_RANGES:
        return [(to, facts) for to in node.targets()]
    bounded: Ranges = ((0, value.bound),)
    if node.kind == "test":
        inside, outside = intersect(node.ranges, bounded), intersect(complement(node.ranges), bounded)
        yes, no = (node.yes, facts.learn(value, inside)), (node.no, facts.learn(value, outside))
        # A byte above 255, or below 0, needs no test.
        return [yes, yes] if not outside else [no, no] if not inside else [yes, no]
    cases = [(to, facts.learn(value, ((low, high),))) for low, high, to in node.cases]
    rest = complement(tuple((low, high) for low, high, _ in node.cases))
    return [*cases, (node.no, facts.learn(value, intersect(rest, bounded)))]


def _follow(node: Node, facts: _Facts, farthest: int) -> Node:
    """Go on as long as the outcome is known, and not for ever: the rest is skipped from there."""
    for _ in range(farthest):
        following = _outcome(node, facts)
        if following is None:
            break
        node = following
    return node


def _outcome(node: Node, facts: _Facts) -> Node | None:
    value = node.value
    if value is None:
        return None
    if node.kind == "touch":
        return node.yes if value in facts.known or facts.covers(value) else None
    if node.kind == "compare":
        assert node.right is not None
        truth = facts.compared.get((node.name, value, node.right))
        return None if truth is None else node.yes if truth else node.no
    known = facts.known.get(value)
    if known is None:
        return None
    if node.kind == "test":
        if subset(known, node.ranges):
            return node.yes
        return node.no if disjoint(known, node.ranges) else None
    if node.kind == "search":
        touched = [to for low, high, to in node.cases if not disjoint(known, ((low, high),))]
        if not touched:
            return node.no
        inside = any(subset(known, ((low, high),)) for low, high, _ in node.cases)
        return touched[0] if len(touched) == 1 and inside else None
    return None


def _rebuild(graph: Graph, moved: dict[Node, list[Node]], harmless: set[Node]) -> Graph:
    new = Graph(share=True)
    built: dict[Node, Node] = {graph.accept: new.accept, graph.reject: new.reject}
    needed = {graph.root}
    order = []
    for node in reversed(graph.nodes[: graph.root.index + 1]):
        if node in needed and node in moved:
            order.append(node)
            needed.update(moved[node])
    references = Counter(target for node in order for target in moved[node])
    read = {name for node in order for value in (node.value, node.right) if value for name in value.vars}
    for node in reversed(order):
        targets = [built[target] for target in moved[node]]
        if all(target is new.reject for target in targets):
            built[node] = new.reject  # a load that fails does no more
        else:
            if node.kind == "test" and references[moved[node][1]] == 1 and node.value is not None:
                targets[1] = _loaded_first(new, node.value, targets[1])
            built[node] = _build(new, node, targets, node in harmless, read)
    new.root = built[graph.root]
    return new


def _loaded_first(graph: Graph, value: Value, node: Node) -> Node:
    """Try first, of two tests that must both hold, the one of the value that has just been loaded.

    Their order matters to nobody where either's failure rejects: so does a load that fails.
    """
    then, reject = node.yes, graph.reject
    if node.kind != "test" or node.no is not reject or node.value is None or node.value is value:
        return node
    if then.kind != "test" or then.no is not reject or then.value is not value:
        return node
    last = _build_test(graph, node.value, node.ranges, then.yes, reject)
    return _build_test(graph, value, then.ranges, last, reject)


def _build(graph: Graph, node: Node, targets: list[Node], harmless: bool, read: set[str]) -> Node:
    value, first = node.value, targets[0]
    if node.kind == "walk" or value is None:
        assert node.walk is not None
        return graph.walk(node.walk, targets[0], targets[1])
    if node.kind == "set" and node.name in read:
        return graph.assign(node.name, value, first)
    if node.kind in ("touch", "set") or all(target is first for target in targets):
        if node.kind == "compare":
            assert node.right is not None
            return graph.compare(node.name, value, node.right, first, targets[1])
        return first if harmless or _touched_next(first, value) else graph.touch(value, first)
    if node.kind == "compare":
        assert node.right is not None
        return graph.compare(node.name, value, node.right, first, targets[1])
    if node.kind == "search":
        if len(node.cases) > _MOST_RANGES:
            became = dict(zip(node.targets(), targets, strict=True))
            cases = [(low, high, became[to]) for low, high, to in node.cases]
        else:
            cases = [(low, high, to) for (low, high, _), to in zip(node.cases, targets, strict=False)]
        return graph.search(value, _joined(cases), targets[-1])
    return _build_test(graph, value, node.ranges, first, targets[1])


def _touched_next(node: Node, value: Value) -> bool:
    """Return whether the node evaluates the same value anyway, before anything else."""
    return node.value is value and node.kind in ("test", "touch", "search", "set")


def _joined(cases: list[Case]) -> list[Case]:
    """Join neighbouring cases that lead to the same node."""
    result: list[Case] = []
    for low, high, to in cases:
        if result and result[-1][1] + 1 == low and result[-1][2] is to:
            result[-1] = (result[-1][0], high, to)
        else:
            result.append((low, high, to))
    return result


def _build_test(graph: Graph, value: Value, ranges: Ranges, yes: Node, no: Node) -> Node:
    """Make a test, joined with one of the same value that it leads to, if they have an outcome in common."""
    if len(ranges) > _MOST_RANGES:
        return graph.test(value, ranges, yes, no)
    if no.kind == "test" and no.value is value and len(no.ranges) <= _MOST_RANGES:
        if yes is graph.accept and no.yes.kind != "ret" and disjoint(ranges, no.ranges):
            # What decides finally comes last: there it may be shared with other values' tests.
            return _build_test(graph, value, no.ranges, no.yes, _build_test(graph, value, ranges, yes, no.no))
        if no.yes is yes:
            return _build_test(graph, value, union(ranges, no.ranges), yes, no.no)
        if no.no is yes:
            return _build_test(graph, value, intersect(no.ranges, complement(ranges)), no.yes, yes)
    if yes.kind == "test" and yes.value is value and len(yes.ranges) <= _MOST_RANGES:
        if yes.no is no:
            return _build_test(graph, value, intersect(ranges, yes.ranges), yes.yes, no)
        if yes.yes is no:
            return _build_test(graph, value, intersect(ranges, complement(yes.ranges)), yes.no, no)
    if yes is no:
        return graph.touch(value, yes)
    return graph.test(value, ranges, yes, no)
