"""Lets tests of different values for one large set share its search.

    a in S ? Y : m    and    b in S ? Y : n     ->   which := 1, v := a;  which := 2, v := b
                                                     v in S ? Y : (which = 1 ? m : n)

The addresses of a list are looked for in IPv4, ARP and RARP headers, and searching the set
is nearly all of the program. A test that leads to another one of the same set needs a search
of its own: code only jumps forward.
"""

from __future__ import annotations

from collections import defaultdict

from nmpcap.filter.graph import Graph, Node
from nmpcap.filter.ir import Ranges, Values

__all__ = ["share"]

_LARGE = 48  # sets from this size on are worth the detour
_MOST_CLASSES = 8


def share(graph: Graph, values: Values) -> Graph:
    """Return the graph with one search for each large set and depth, where there were several."""
    members: dict[tuple[int, int], list[Node]] = defaultdict(list)
    for node in graph.in_order():
        if node.kind == "test" and len(node.ranges) >= _LARGE:
            members[id(node.ranges), node.yes.index].append(node)
    classes = [nodes for nodes in members.values() if len(nodes) > 1]
    for number, nodes in enumerate(classes[:_MOST_CLASSES]):
        for level, together in enumerate(_levels(graph, nodes)):
            if len(together) > 1:
                _join(graph, values, together, f"{number}{'abcd'[level]}")
                _sort(graph)
    return graph


def _levels(graph: Graph, nodes: list[Node]) -> list[list[Node]]:
    """Return the nodes by how many others of them can follow on the way on."""
    following: dict[Node, int] = {}
    wanted = set(nodes)
    levels: list[list[Node]] = [[] for _ in range(4)]
    for node in reversed(graph.in_order()):
        most = max((following[target] for target in node.targets()), default=0)
        if node in wanted:
            if most < len(levels):
                levels[most].append(node)
            most += 1
        following[node] = most
    return levels


def _join(graph: Graph, values: Values, nodes: list[Node], name: str) -> None:
    """Turn each node into an assignment that leads to one test for all of them."""
    ranges: Ranges = nodes[0].ranges
    yes, which, value = nodes[0].yes, values.var(f"which{name}"), values.var(f"address{name}")
    outcomes = list(dict.fromkeys(node.no for node in nodes))
    no = outcomes[-1]
    for number, outcome in enumerate(outcomes[:-1]):
        no = graph.test(which, ((number, number),), outcome, no)
    joint = graph.test(value, ranges, yes, no)
    for node in nodes:
        assert node.value is not None
        then = graph.assign(value.name, node.value, joint)
        if len(outcomes) > 1:
            number = outcomes.index(node.no)
            then = graph.assign(which.name, values.const(number), then)
        node.kind, node.name, node.value, node.yes = "set", then.name, then.value, then.yes
        node.ranges, node.no = (), node


def _sort(graph: Graph) -> None:
    """Number the nodes anew, so that indexes descend towards what is led to."""
    order: list[Node] = []
    state: dict[Node, bool] = {graph.root: False}
    stack = [graph.root]
    while stack:
        node = stack[-1]
        waiting = [target for target in node.targets() if target not in state]
        if waiting:
            state.update(dict.fromkeys(waiting[-1:], False))
            stack.append(waiting[-1])
            continue
        stack.pop()
        order.append(node)
    for node in (graph.reject, graph.accept):
        if node in state:
            order.remove(node)
        order.insert(0, node)
    for index, node in enumerate(order):
        node.index = index
    graph.nodes = order
