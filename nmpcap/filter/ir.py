"""The intermediate form: what a filter tests, with link types, names and qualifiers gone.

    bool  := TRUE | FALSE | Test(value, ranges) | Compare(op, value, value)
           | Assign(var, value) | Walk(...) | Not(bool) | And(bool ...) | Or(bool ...)
           | Switch(value, ((ranges, bool) ...))
    value := const k | len | var name | load size [index + k] | anc size k
           | value OP value | - value                                  all 32 bits, unsigned

And and Or are tried from the left and stop when they know; Switch goes to the one bool whose
ranges, disjoint from the others', hold the value, and is false if there is none. Evaluating a load past the
captured bytes, or a division by zero, ends the whole program with "reject": this is why
order matters, and what no rewriting may change. Assign is always true. Ranges are sorted,
disjoint, inclusive pairs. Values are interned: equal ones are the same object.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "FALSE",
    "TOP",
    "TRUE",
    "And",
    "Assign",
    "Bool",
    "Compare",
    "Not",
    "Or",
    "Ranges",
    "Switch",
    "Test",
    "Value",
    "Values",
    "Walk",
    "all_of",
    "any_of",
    "negate",
    "show",
    "show_ranges",
]

TOP = 0xFFFFFFFF

Ranges: TypeAlias = tuple[tuple[int, int], ...]

_TRACKED_LOADS = 8  # a value with more different indexes is not followed any more


class Value:
    """A number computed from the packet. Made by ``Values`` only.

    ``bound`` is the greatest it can be, ``vars`` the variables it reads, ``weight`` how many
    registers it takes to compute, ``keeps_x`` that computing it leaves X alone. ``loads`` is
    what must have been captured for it: for each index (by its uid, 0 for none) the end of the
    furthest load; None if that is not all that can fail.
    """

    __slots__ = (
        "bound",
        "index",
        "k",
        "keeps_x",
        "left",
        "loads",
        "name",
        "op",
        "right",
        "size",
        "uid",
        "vars",
        "weight",
    )

    def __init__(self, op: str, uid: int) -> None:
        self.op = op
        self.uid = uid
        self.k = 0
        self.size = 0
        self.name = ""
        self.index: Value | None = None
        self.left: Value = self
        self.right: Value = self
        self.bound = TOP
        self.vars: frozenset[str] = frozenset()
        self.weight = 1
        self.keeps_x = True
        self.loads: dict[int, int] | None = {}

    def __str__(self) -> str:
        return _show_value(self)


class Values:
    """Makes and interns the values of one filter."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Value] = {}

    def _new(self, op: str, *key: object) -> tuple[Value, bool]:
        full = (op, *key)
        value = self._known.get(full)
        if value is not None:
            return value, False
        value = self._known[full] = Value(op, len(self._known) + 1)
        return value, True

    def const(self, k: int) -> Value:
        """Return a number."""
        value, new = self._new("const", k & TOP)
        if new:
            value.k = value.bound = k & TOP
        return value

    def length(self) -> Value:
        """Return the packet's length on the wire."""
        return self._new("len")[0]

    def var(self, name: str) -> Value:
        """Return a variable an Assign sets; 0 before."""
        value, new = self._new("var", name)
        if new:
            value.name, value.vars = name, frozenset((name,))
        return value

    def ancillary(self, size: int, k: int) -> Value:
        """Return metadata the machine has beside the packet, at SKF_AD_OFF + k."""
        value, new = self._new("anc", size, k)
        if new:
            value.size, value.k, value.loads = size, 0xFFFFF000 + k, {-1 - k: 1}
            value.bound = (1 << 8 * size) - 1
        return value

    def load(self, size: int, index: Value | None, k: int) -> Value:
        """Return the big-endian bytes at index + k, where the sum of the two does not wrap."""
        if index is not None and index.op == "const" and index.k + k < 1 << 31:
            k += index.k
            index = None
        k &= TOP
        value, new = self._new("load", size, index.uid if index else 0, k)
        if new:
            value.size, value.index, value.k = size, index, k
            value.bound = (1 << 8 * size) - 1
            if index is None:
                value.loads = {0: k + size}
            else:
                value.loads = _with_load(index, k + size)
                value.vars, value.weight, value.keeps_x = index.vars, index.weight, False
        return value

    def binary(self, op: str, left: Value, right: Value) -> Value:
        """Return ``left op right``; constants are left as they are, folding is the optimizer's."""
        value, new = self._new(op, left.uid, right.uid)
        if new:
            value.left, value.right = left, right
            value.vars = left.vars | right.vars
            value.loads = _merged(left.loads, right.loads)
            if op in "/%" and (right.op != "const" or right.k == 0):
                value.loads = None
            value.weight = max(left.weight, right.weight) if left.weight != right.weight else left.weight + 1
            value.keeps_x = left.keeps_x and right.op == "const"
            value.bound = _bound(op, left, right)
        return value

    def masked(self, left: Value, mask: int) -> Value:
        """Return ``left & mask``; ``left`` itself if the mask takes nothing away from 32 bits."""
        return left if mask == TOP else self.binary("&", left, self.const(mask))

    def negative(self, operand: Value) -> Value:
        """Return ``- operand``."""
        value, new = self._new("neg", operand.uid)
        if new:
            value.vars = operand.vars
            value.loads, value.weight, value.keeps_x = operand.loads, operand.weight, operand.keeps_x
            value.left = operand
        return value

    def header_length(self, index: Value | None, k: int) -> Value:
        """Return four times the low half of the byte at index + k: the length of an IPv4 header."""
        nibble = self.masked(self.load(1, index, k), 0x0F)
        return self.binary("<<", nibble, self.const(2))


def _with_load(index: Value, end: int) -> dict[int, int] | None:
    loads = index.loads
    if loads is None or len(loads) >= _TRACKED_LOADS:
        return None
    return {**loads, index.uid: end}


def _merged(first: dict[int, int] | None, second: dict[int, int] | None) -> dict[int, int] | None:
    if first is None or second is None:
        return None
    if not second or first is second:
        return first
    merged = dict(first)
    for index, end in second.items():
        merged[index] = max(end, merged.get(index, 0))
    return merged if len(merged) <= _TRACKED_LOADS else None


def _bound(op: str, left: Value, right: Value) -> int:
    if op == "&":
        return min(left.bound, right.bound)
    if op == "|":
        return (1 << max(left.bound.bit_length(), right.bound.bit_length())) - 1
    if op == "<<" and right.op == "const" and right.k < 32:
        return min(TOP, left.bound << right.k)
    if op == ">>" and right.op == "const":
        return left.bound >> right.k if right.k < 32 else 0
    if op in "+*":
        greatest = left.bound + right.bound if op == "+" else left.bound * right.bound
        return greatest if greatest <= TOP else TOP
    return left.bound if op == "/" else TOP


class _Constant:
    __slots__ = ("truth",)

    def __init__(self, truth: bool) -> None:
        self.truth = truth

    def __str__(self) -> str:
        return "true" if self.truth else "false"


TRUE = _Constant(True)
FALSE = _Constant(False)


@dataclass(slots=True, eq=False)
class Test:
    """True if the value is in one of the ranges."""

    value: Value
    ranges: Ranges


@dataclass(slots=True, eq=False)
class Compare:
    """True if ``left op right``, for ``=``, ``>`` and ``>=``."""

    op: str
    left: Value
    right: Value


@dataclass(slots=True, eq=False)
class Assign:
    """Sets a variable, and is true."""

    var: str
    value: Value


@dataclass(slots=True, eq=False)
class Walk:
    """True if a chain of extension headers leads from ``first`` at ``header`` to ``wanted``.

    ``base`` is where the network header starts; the first next-header byte is at base + ``first``,
    the first extension header at base + ``length``.
    """

    wanted: int
    base: int
    first: int
    length: Value
    ipv6: bool


@dataclass(slots=True, eq=False)
class Not:
    """True if ``operand`` is false."""

    operand: Bool


@dataclass(slots=True, eq=False)
class And:
    """True if all items are."""

    items: tuple[Bool, ...]


@dataclass(slots=True, eq=False)
class Or:
    """True if any item is."""

    items: tuple[Bool, ...]


@dataclass(slots=True, eq=False)
class Switch:
    """The bool of the case that holds the value; false if none does."""

    value: Value
    cases: tuple[tuple[Ranges, Bool], ...]


Bool: TypeAlias = _Constant | Test | Compare | Assign | Walk | Not | And | Or | Switch


def all_of(items: Iterable[Bool]) -> Bool:
    """Join by And, without constants: F and x -> F, T and x -> x."""
    kept: list[Bool] = []
    for item in items:
        if item is FALSE:
            return FALSE
        if isinstance(item, And):
            kept.extend(item.items)
        elif item is not TRUE:
            kept.append(item)
    return kept[0] if len(kept) == 1 else And(tuple(kept)) if kept else TRUE


def any_of(items: Iterable[Bool]) -> Bool:
    """Join by Or, without constants: T or x -> T, F or x -> x."""
    kept: list[Bool] = []
    for item in items:
        if item is TRUE:
            return TRUE
        if isinstance(item, Or):
            kept.extend(item.items)
        elif item is not FALSE:
            kept.append(item)
    return kept[0] if len(kept) == 1 else Or(tuple(kept)) if kept else FALSE


def negate(operand: Bool) -> Bool:
    """Negate, without constants and double negation."""
    if operand is TRUE or operand is FALSE:
        return FALSE if operand is TRUE else TRUE
    return operand.operand if isinstance(operand, Not) else Not(operand)


def show(root: Bool) -> str:
    """Write one line a test, indented by depth."""
    lines: list[str] = []
    todo: list[tuple[int, Bool]] = [(0, root)]
    while todo:
        depth, node = todo.pop()
        margin = "  " * min(depth, 40)
        if isinstance(node, And | Or):
            lines.append(f"{margin}{'and' if isinstance(node, And) else 'or'}")
            todo.extend((depth + 1, item) for item in reversed(node.items))
        elif isinstance(node, Not):
            lines.append(f"{margin}not")
            todo.append((depth + 1, node.operand))
        elif isinstance(node, Switch):
            for ranges, body in reversed(node.cases):
                todo.append((depth + 1, And((Test(node.value, ranges), body))))
            lines.append(f"{margin}switch")
        else:
            lines.append(margin + _show_leaf(node))
    return "\n".join(lines)


def _show_leaf(node: _Constant | Test | Compare | Assign | Walk) -> str:
    if isinstance(node, Test):
        return f"{node.value} in {show_ranges(node.ranges)}"
    if isinstance(node, Compare):
        return f"{node.left} {node.op} {node.right}"
    if isinstance(node, Assign):
        return f"{node.var} := {node.value}"
    if isinstance(node, Walk):
        return f"headers from [{node.base + node.first}] lead to {node.wanted}"
    return str(node)


def show_ranges(ranges: Ranges) -> str:
    """Write ranges as ``{6 17 1024-65535}``; hexadecimal from 256 on."""
    shown = [_number(low) if low == high else f"{_number(low)}-{_number(high)}" for low, high in ranges[:8]]
    if len(ranges) > 8:
        shown.append(f"and {len(ranges) - 8} more")
    return f"{{{' '.join(shown)}}}"


def _number(value: int) -> str:
    return str(value) if value < 256 else hex(value)


_SIZES = {1: "b", 2: "h", 4: "w"}


def _show_value(root: Value) -> str:
    pieces: list[str] = []
    todo: list[Value | str] = [root]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            pieces.append(value)
        elif value.op == "const":
            pieces.append(_number(value.k))
        elif value.op in ("len", "var"):
            pieces.append(value.name or "len")
        elif value.op == "anc":
            pieces.append(f"meta{value.size}[{value.k - 0xFFFFF000}]")
        elif value.op == "load":
            pieces.append(f"{_SIZES[value.size]}[")
            todo += [f"{value.k}]"] if value.index is None else [f" + {value.k}]", value.index]
        elif value.op == "neg":
            todo += [")", value.left, "(- "]
        else:
            todo += [")", value.right, f" {value.op} ", value.left, "("]
    return "".join(pieces)
