"""Decision graph -> instructions: the last stage.

Nodes are laid out so that each comes before those it leads to, and written from the end:
then every distance is known when a jump is written, and where one does not fit its eight
bits, a ``ja`` (or a copy of the ``ret``) is put right behind the jump. Between nodes the
contents of A and X are followed along all ways in, so that nothing is loaded twice.
"""

from __future__ import annotations

from nmpcap.bpf import insn as op
from nmpcap.bpf.insn import Instruction
from nmpcap.filter.codegen import branches
from nmpcap.filter.codegen import protochain as walks
from nmpcap.filter.codegen.assemble import Assembler
from nmpcap.filter.codegen.evaluate import Evaluator, Item
from nmpcap.filter.graph import Graph, Node
from nmpcap.filter.ir import Value, Values

__all__ = ["generate"]


def generate(graph: Graph, values: Values, snaplen: int, *, track: bool) -> tuple[Instruction, ...]:
    """Write the program: ``ret #snaplen`` where the graph accepts. ``track``: reuse what A and X hold."""
    order = _layout(graph) if track else graph.in_order()
    slots = _slots(order)
    pieces = _select(graph, order, Evaluator(values, slots), track=track)
    start = [(op.LD | op.IMM, 0)] if (unset := _read_before_set(graph, order, slots)) else []
    start += [(op.ST, slots[name]) for name in unset]
    returns = {graph.accept: snaplen, graph.reject: 0}
    # Linux carries what it knows of scratch words across a ret: none may stand before code that reads them.
    assembler = Assembler({node: (op.RET | op.K, k) for node, k in returns.items()}, copy_returns=not slots)
    for node, items in zip(reversed(order), reversed(pieces), strict=True):
        assembler.add(node, items)
    for item in reversed(start):
        assembler.plain(*item)
    return assembler.program()


def _layout(graph: Graph) -> list[Node]:
    """Order nodes so that each is followed by what it leads to if its test holds, where it can be."""
    order: list[Node] = []
    seen = {graph.root}
    stack: list[tuple[Node, list[Node]]] = [(graph.root, graph.root.targets())]
    while stack:
        node, targets = stack[-1]
        # The last target visited ends up nearest: visit "no" before "yes".
        target = targets.pop() if targets else None
        if target is None:
            order.append(node)
            stack.pop()
        elif target not in seen:
            seen.add(target)
            stack.append((target, target.targets()))
    order.reverse()
    returns = [node for node in (graph.accept, graph.reject) if node in seen]
    return [node for node in order if node.kind != "ret"] + returns


def _slots(order: list[Node]) -> dict[str, int]:
    names: dict[str, None] = {}
    for node in order:
        if node.kind == "set":
            names.setdefault(node.name)
        for value in (node.value, node.right, node.walk.length if node.walk else None):
            for name in sorted(value.vars) if value else ():
                names.setdefault(name)
    return {name: word for word, name in enumerate(names)}


def _read_before_set(graph: Graph, order: list[Node], slots: dict[str, int]) -> list[str]:
    """Return the variables that are read on some way without having been set: they must start at 0."""
    if not slots:
        return []
    everything = frozenset(slots)
    known: dict[Node, frozenset[str]] = {graph.root: frozenset()}
    unset: set[str] = set()
    for node in order:
        have = known.get(node, everything)
        for value in (node.value, node.right):
            if value:
                unset |= value.vars - have
        if node.kind == "set":
            have |= {node.name}
        for target in node.targets():
            known[target] = known.get(target, everything) & have
    return [name for name in slots if name in unset]


def _select(graph: Graph, order: list[Node], evaluator: Evaluator, *, track: bool) -> list[list[Item]]:
    """Choose the instructions of every node, knowing what A and X hold when it is reached."""
    entry: dict[Node, tuple[Value | None, Value | None]] = {graph.root: (None, None)}
    pieces = []
    for node in order:
        a, x = entry[node] if track else (None, None)
        evaluator.start(a, x)
        _select_node(node, evaluator)
        pieces.append(evaluator.items)
        for target in node.targets():
            before = entry.get(target)
            if before is None:
                entry[target] = (evaluator.a, evaluator.x)
            else:
                a = evaluator.a if evaluator.a is before[0] else None
                entry[target] = (a, evaluator.x if evaluator.x is before[1] else None)
    return pieces


def _select_node(node: Node, evaluator: Evaluator) -> None:
    value = node.value
    if node.kind == "walk":
        assert node.walk is not None
        walks.emit(evaluator, node.walk, node.yes, node.no)
    elif value is None:
        return
    elif node.kind == "set":
        if not (value.op == "var" and value.name == node.name):
            evaluator.assign(node.name, value)
        evaluator.items.append((None, node.yes))
    elif node.kind == "touch":
        evaluator.to_a(value)
        evaluator.items.append((None, node.yes))
    elif node.kind == "compare":
        assert node.right is not None
        evaluator.to_a_and_x(value, node.right)
        code = {"=": op.JEQ, ">": op.JGT, ">=": op.JGE}[node.name]
        evaluator.items.append((op.JMP | code | op.X, 0, node.yes, node.no))
    elif node.kind == "search":
        evaluator.to_a(value)
        branches.emit_search(evaluator.items, node.cases, node.no, value.bound)
    else:
        branches.emit_test(evaluator, value, node.ranges, node.yes, node.no)
