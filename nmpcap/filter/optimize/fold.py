"""Simplifies values and single tests: constants, masks that are ranges, and arithmetic undone.

    c1 OP c2            -> c                      v & (all of v's bits)  -> v
    v + 0, v * 1, ...   -> v                      [(v + c1) + k]         -> [v + (c1 + k)]
    v & prefix = c      -> v in c..c|~prefix      v + c1 = c2            -> v = c2 - c1

Loads stay, even where their value no longer matters: they say what must be captured.
"""

from __future__ import annotations

from nmpcap.errors import FilterError
from nmpcap.filter.ir import FALSE, TOP, TRUE, Assign, Bool, Compare, Ranges, Test, Value, Values
from nmpcap.filter.ranges import EVERYTHING, complement, contains

__all__ = ["Folder", "relation"]


class Folder:
    """Folds the values of one filter; remembers what it folded."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._folded: dict[Value, Value] = {}

    def test(self, node: Test) -> Bool:
        """Fold a test, down to TRUE or FALSE where its value is known."""
        value, ranges = self.value(node.value), node.ranges
        if value.op == "const":
            return TRUE if contains(ranges, value.k) else FALSE
        while True:
            step = _undo(value, ranges)
            if step is None:
                break
            value, ranges = step
        if value is node.value and ranges == node.ranges:
            return node
        return Test(value, ranges)

    def compare(self, node: Compare) -> Bool:
        """Fold a comparison; with a constant on one side it is a test."""
        left, right = self.value(node.left), self.value(node.right)
        if left is right and left.op != "const":
            return Test(left, () if node.op == ">" else EVERYTHING)
        if right.op == "const":
            return self.test(Test(left, relation(node.op, right.k)))
        if left.op == "const":
            mirrored = {"=": "=", ">": "<", ">=": "<="}[node.op]
            return self.test(Test(right, relation(mirrored, left.k)))
        return node if left is node.left and right is node.right else Compare(node.op, left, right)

    def assign(self, node: Assign) -> Assign:
        """Fold what is assigned."""
        value = self.value(node.value)
        return node if value is node.value else Assign(node.var, value)

    def value(self, root: Value) -> Value:
        """Fold a value, operands first, without recursion."""
        folded = self._folded
        if root in folded:
            return folded[root]
        todo = [root]
        while todo:
            value = todo[-1]
            missing = [part for part in _parts(value) if part not in folded]
            if missing:
                todo.extend(missing)
                continue
            todo.pop()
            if value not in folded:
                folded[value] = self._rebuilt(value)
        return folded[root]

    def _rebuilt(self, value: Value) -> Value:
        folded, values = self._folded, self.values
        if value.op in ("const", "len", "var", "anc"):
            return value
        if value.op == "load":
            return self._load(value.size, folded[value.index], value.k) if value.index else value
        left = folded[value.left]
        if value.op == "neg":
            return values.const(-left.k) if left.op == "const" else values.negative(left)
        return self._binary(value.op, left, folded[value.right])

    def _load(self, size: int, index: Value, k: int) -> Value:
        added = index.right.k if index.op == "+" and index.right.op == "const" else 0
        if added and index.left.bound + added <= TOP and added + k < 1 << 31:
            return self.values.load(size, index.left, added + k)
        return self.values.load(size, index, k)

    def _binary(self, op: str, left: Value, right: Value) -> Value:
        values = self.values
        if left.op == "const" and right.op != "const" and op in "+*&|^":
            left, right = right, left
        if right.op != "const":
            return values.binary(op, left, right)
        k = right.k
        if op in "/%" and k == 0:
            raise FilterError("division by zero" if op == "/" else "modulus by zero", 0)
        if op in ("<<", ">>") and k > 31:
            raise FilterError("shift by more than 31 bits", 0)
        if left.op == "const":
            return values.const(_calculate(op, left.k, k))
        if k == _NEUTRAL.get(op) or (op == "&" and _covers(k, left.bound)):
            return left
        if op == left.op and op in "+&|^" and left.right.op == "const":
            return self._binary(op, left.left, values.const(_calculate(op, left.right.k, k)))
        return values.binary(op, left, right)


_NEUTRAL = {"+": 0, "-": 0, "*": 1, "/": 1, "|": 0, "^": 0, "<<": 0, ">>": 0, "&": TOP}


def _parts(value: Value) -> tuple[Value, ...]:
    if value.op in ("const", "len", "var", "anc"):
        return ()
    if value.op == "load":
        return (value.index,) if value.index else ()
    return (value.left,) if value.op == "neg" else (value.left, value.right)


def _calculate(op: str, a: int, b: int) -> int:
    results = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a // b,
        "%": lambda: a % b,
        "&": lambda: a & b,
        "|": lambda: a | b,
        "^": lambda: a ^ b,
        "<<": lambda: a << b,
        ">>": lambda: a >> b,
    }
    return results[op]() & TOP


def _covers(mask: int, bound: int) -> bool:
    """Return whether the mask keeps every bit a number up to ``bound`` may have."""
    bits = (1 << bound.bit_length()) - 1
    return mask & bits == bits


def relation(op: str, k: int) -> Ranges:
    """Return the numbers v with ``v OP k``."""
    if op == "=":
        return ((k, k),)
    if op == ">=":
        return ((k, TOP),)
    if op == ">":
        return ((k + 1, TOP),) if k < TOP else ()
    if op == "<=":
        return ((0, k),)
    return ((0, k - 1),) if k else ()


def _undo(value: Value, ranges: Ranges) -> tuple[Value, Ranges] | None:
    """Take one step from a test of ``v OP c`` to one of v; None where there is none."""
    if value.op not in ("&", "+", "-", "^") or value.right.op != "const":
        return None
    points, flipped = ranges, False
    if len(ranges) != 1 or ranges[0][0] != ranges[0][1]:
        points, flipped = complement(ranges), True
        if value.op == "&" and len(points) == 1 and points[0][1] >= value.bound:
            # The complement within the value's own bound may still be a point.
            points = ((points[0][0], value.bound),)
    if len(points) != 1 or points[0][0] != points[0][1]:
        return None
    wanted, c = points[0][0], value.right.k
    found = _masked(value.left.bound, c, wanted) if value.op == "&" else _shifted(value.op, c, wanted)
    if found is None:
        return None
    return value.left, complement(found) if flipped else found


def _shifted(op: str, c: int, wanted: int) -> Ranges:
    k = {"+": wanted - c, "-": wanted + c, "^": wanted ^ c}[op] & TOP
    return ((k, k),)


def _masked(bound: int, mask: int, wanted: int) -> Ranges | None:
    """Return the v with v & mask = wanted, if the mask takes away low bits alone."""
    bits = (1 << bound.bit_length()) - 1
    lost = ~mask & bits
    if lost & lost + 1:
        return None
    if wanted & ~mask:
        return ()
    return ((wanted, wanted | lost),)
