"""The decision graph: what codegen turns into instructions.

    node := Ret(k) | Test(value, ranges, yes, no) | Compare(op, left, right, yes, no)
          | Search(value, cases, no) | Set(var, value, yes) | Touch(value, yes) | Walk(walk, yes, no)

A node leads to nodes made before it, so descending ``index`` is an order in which all that
lead to a node come first. Touch evaluates a value only for what that needs to be captured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from nmpcap.filter import ir
from nmpcap.filter.ir import Bool, Ranges, Value

__all__ = ["Case", "Graph", "Node", "lower"]

Case: TypeAlias = "tuple[int, int, Node]"


_LONG = 64


class Node:
    """One decision; ``kind`` says which fields mean something."""

    __slots__ = ("cases", "index", "kind", "left", "name", "no", "ranges", "right", "value", "walk", "yes")

    def __init__(self, kind: str, index: int) -> None:
        self.kind = kind
        self.index = index
        self.value: Value | None = None
        self.ranges: Ranges = ()
        self.name = ""  # the variable of a Set, the operator of a Compare
        self.right: Value | None = None
        self.cases: list[Case] = []
        self.walk: ir.Walk | None = None
        self.yes: Node = self
        self.no: Node = self

    def targets(self) -> list[Node]:
        """Return the nodes it leads to."""
        if self.kind == "ret":
            return []
        if self.kind in ("set", "touch"):
            return [self.yes]
        if self.kind == "search":
            return [*dict.fromkeys(case[2] for case in self.cases), self.no]
        return [self.yes, self.no]


class Graph:
    """Makes nodes; the same decision with the same outcomes is the same node."""

    def __init__(self, *, share: bool) -> None:
        self.nodes: list[Node] = []
        self._share = share
        self._known: dict[tuple[object, ...], Node] = {}
        self._sets: dict[Ranges, Ranges] = {}
        self._long: dict[int, Ranges] = {}
        self.accept = self._new("ret")
        self.reject = self._new("ret")
        self.root = self.accept

    def _new(self, kind: str) -> Node:
        node = Node(kind, len(self.nodes))
        self.nodes.append(node)
        return node

    def _node(self, kind: str, key: tuple[object, ...]) -> tuple[Node, bool]:
        if not self._share:
            return self._new(kind), True
        full = (kind, *key)
        node = self._known.get(full)
        if node is not None:
            return node, False
        node = self._known[full] = self._new(kind)
        return node, True

    def test(self, value: Value, ranges: Ranges, yes: Node, no: Node) -> Node:
        """Make the decision whether the value is in one of the ranges."""
        if len(ranges) >= _LONG:
            ranges = self._interned(ranges)
            node, new = self._node("test", (value.uid, id(ranges), yes.index, no.index))
        else:
            node, new = self._node("test", (value.uid, ranges, yes.index, no.index))
        if new:
            node.value, node.ranges, node.yes, node.no = value, ranges, yes, no
        return node

    def _interned(self, ranges: Ranges) -> Ranges:
        """Return the one object for equal long sets: they go by identity, as hashing takes long."""
        if id(ranges) not in self._long:
            ranges = self._sets.setdefault(ranges, ranges)
            self._long[id(ranges)] = ranges
        return self._long[id(ranges)]

    def compare(self, op: str, left: Value, right: Value, yes: Node, no: Node) -> Node:
        """Make the decision whether ``left op right``."""
        node, new = self._node("compare", (op, left.uid, right.uid, yes.index, no.index))
        if new:
            node.name, node.value, node.right, node.yes, node.no = op, left, right, yes, no
        return node

    def search(self, value: Value, cases: list[Case], no: Node) -> Node:
        """Make the decision which range holds the value; cases are sorted and disjoint."""
        key = tuple((low, high, to.index) for low, high, to in cases)
        node, new = self._node("search", (value.uid, key, no.index))
        if new:
            node.value, node.cases, node.no = value, cases, no
        return node

    def assign(self, name: str, value: Value, then: Node) -> Node:
        """Make the node that sets a variable."""
        node, new = self._node("set", (name, value.uid, then.index))
        if new:
            node.name, node.value, node.yes = name, value, then
        return node

    def touch(self, value: Value, then: Node) -> Node:
        """Make the node that evaluates a value, for what it needs."""
        node, new = self._node("touch", (value.uid, then.index))
        if new:
            node.value, node.yes = value, then
        return node

    def walk(self, walk: ir.Walk, yes: Node, no: Node) -> Node:
        """Make the node that follows extension headers."""
        node, new = self._node("walk", (id(walk), yes.index, no.index))
        if new:
            node.walk, node.yes, node.no = walk, yes, no
        return node

    def in_order(self) -> list[Node]:
        """Return the nodes that can be reached from the root, each before those it leads to."""
        reached = {self.root}
        order = []
        for node in reversed(self.nodes[: self.root.index + 1]):
            if node in reached:
                order.append(node)
                reached.update(node.targets())
        return order

    def __str__(self) -> str:
        return "\n".join(_show(self, node) for node in self.in_order())


def _show(graph: Graph, node: Node) -> str:
    if node.kind == "ret":
        return f"{node.index}: {'accept' if node is graph.accept else 'reject'}"
    leads = (
        f"-> {node.yes.index}" if node.kind in ("set", "touch") else f"? {node.yes.index} : {node.no.index}"
    )
    if node.kind == "search":
        cases = " ".join(f"{ir.show_ranges(((low, high),))}->{to.index}" for low, high, to in node.cases[:8])
        return f"{node.index}: {node.value} {cases} : {node.no.index}"
    what = {
        "test": lambda: f"{node.value} in {ir.show_ranges(node.ranges)}",
        "compare": lambda: f"{node.value} {node.name} {node.right}",
        "set": lambda: f"{node.name} := {node.value}",
        "touch": lambda: f"touch {node.value}",
        "walk": lambda: f"headers lead to {node.walk.wanted if node.walk else 0}",
    }[node.kind]()
    return f"{node.index}: {what} {leads}"


@dataclass(slots=True)
class _Frame:
    """An And, Or or Switch whose items are being lowered, from the last to the first."""

    expr: ir.And | ir.Or | ir.Switch
    items: tuple[Bool, ...]
    at: int
    yes: Node
    no: Node
    entries: list[Node] = field(default_factory=list)  # of the cases of a Switch

    def next_targets(self, entry: Node) -> tuple[Node, Node]:
        """Return where the item before the one that was entered at ``entry`` goes on."""
        if isinstance(self.expr, ir.And):
            return entry, self.no
        return (self.yes, entry) if isinstance(self.expr, ir.Or) else (self.yes, self.no)


def _search_of(graph: Graph, switch: ir.Switch, entries: list[Node], no: Node) -> Node:
    by_case = zip(switch.cases, reversed(entries), strict=True)
    cases = [(low, high, entry) for (ranges, _), entry in by_case for low, high in ranges]
    cases.sort(key=lambda case: case[0])
    return graph.search(switch.value, cases, no)


def lower(root: Bool, *, share: bool) -> Graph:
    """Make a graph of an expression: every test knows where to go on. No recursion."""
    graph = Graph(share=share)
    stack: list[_Frame] = []
    expr, yes, no = root, graph.accept, graph.reject
    while True:
        entry = None
        while entry is None:
            if isinstance(expr, ir.Not):
                expr, yes, no = expr.operand, no, yes
            elif isinstance(expr, ir.And | ir.Or | ir.Switch):
                items = tuple(body for _, body in expr.cases) if isinstance(expr, ir.Switch) else expr.items
                stack.append(_Frame(expr, items, len(items) - 1, yes, no))
                expr = items[-1]
            else:
                entry = _leaf(graph, expr, yes, no)
        while stack:
            frame = stack[-1]
            frame.entries.append(entry)
            if frame.at:
                break
            stack.pop()
            if isinstance(frame.expr, ir.Switch):
                entry = _search_of(graph, frame.expr, frame.entries, frame.no)
        if not stack:
            graph.root = entry
            return graph
        frame.at -= 1
        expr = frame.items[frame.at]
        yes, no = frame.next_targets(entry)


def _leaf(graph: Graph, expr: Bool, yes: Node, no: Node) -> Node:
    if isinstance(expr, ir.Test):
        return graph.test(expr.value, expr.ranges, yes, no)
    if isinstance(expr, ir.Compare):
        return graph.compare(expr.op, expr.left, expr.right, yes, no)
    if isinstance(expr, ir.Assign):
        return graph.assign(expr.var, expr.value, yes)
    if isinstance(expr, ir.Walk):
        return graph.walk(expr, yes, no)
    return yes if expr is ir.TRUE else no
