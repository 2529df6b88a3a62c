"""Tests on A -> conditional jumps: single ranges, small sets, and balanced searches of large ones."""

from __future__ import annotations

from typing import Any, TypeAlias

from nmpcap.bpf import insn as op
from nmpcap.filter.codegen.evaluate import Evaluator, Item
from nmpcap.filter.ir import TOP, Ranges, Value

__all__ = ["LARGE_SET", "Label", "emit_search", "emit_test"]

_JEQ, _JGT, _JGE, _JSET = (op.JMP | code for code in (op.JEQ, op.JGT, op.JGE, op.JSET))
LARGE_SET = 32  # from this size on the assembler writes a set by itself
_LINEAR = 5  # up to so many ranges are compared one after the other

_Target: TypeAlias = Any  # a Node or a label
_Case: TypeAlias = "tuple[int, int, _Target]"


class Label:
    """A place inside the code of one node."""

    __slots__ = ()


def emit_test(evaluator: Evaluator, value: Value, ranges: Ranges, yes: _Target, no: _Target) -> None:
    """Append the code for ``value in ranges``."""
    bit_test = _bit_test(value, ranges)
    if bit_test is not None:
        operand, mask, if_set = bit_test
        evaluator.to_a(operand)
        evaluator.items.append((_JSET, mask, yes, no) if if_set else (_JSET, mask, no, yes))
        return
    evaluator.to_a(value)
    if len(ranges) >= LARGE_SET:
        evaluator.items.append((LARGE_SET, ranges, yes, no, None))
        return
    bound = value.bound
    kept = [(low, min(high, bound), yes) for low, high in ranges if low <= bound]
    outside = _complement(kept, bound, no)
    if _cost(outside, bound) < _cost(kept, bound):
        emit_search(evaluator.items, outside, yes, bound)
    else:
        emit_search(evaluator.items, kept, no, bound)


def _bit_test(value: Value, ranges: Ranges) -> tuple[Value, int, bool] | None:
    """Return v, m and whether set means yes, where a jset tells ``v & m = 0`` or ``v & bit = bit``."""
    if value.op != "&" or value.right.op != "const" or len(ranges) != 1:
        return None
    mask = value.right.k
    low, high = ranges[0]
    if mask == 0:
        return None
    if (low, high) == (0, 0):
        return value.left, mask, False
    single = mask & mask - 1 == 0
    if high >= mask and (low == 1 or (single and 0 < low <= mask)):
        return value.left, mask, True
    return None


def _complement(cases: list[_Case], bound: int, target: _Target) -> list[_Case]:
    gaps, start = [], 0
    for low, high, _ in cases:
        if low > start:
            gaps.append((start, low - 1, target))
        start = high + 1
    if start <= bound:
        gaps.append((start, bound, target))
    return gaps


def _cost(cases: list[_Case], bound: int) -> int:
    return sum(1 if low in (0, high) or high >= bound else 2 for low, high, _ in cases)


def emit_search(items: list[Item], cases: list[_Case], no: _Target, bound: int = TOP) -> None:
    """Append the code that goes where the range holding A leads; cases are sorted and disjoint."""
    _Search(items, no, bound).write(cases, 0)


class _Search:
    """Writes comparisons; A is at least ``low`` where they begin, and at most ``high``."""

    def __init__(self, items: list[Item], no: _Target, high: int) -> None:
        self.items = items
        self.no = no
        self.high = high

    def write(self, cases: list[_Case], low: int) -> None:
        """Halve the cases until they are few."""
        if len(cases) <= _LINEAR:
            self._write_few(cases, low)
            return
        middle = len(cases) // 2
        pivot = cases[middle][0]
        left, right, high = Label(), Label(), self.high
        self.items.append((_JGE, pivot, right, left))
        self.items.append((left,))
        self.high = pivot - 1
        self.write(cases[:middle], low)
        self.high = high
        self.items.append((right,))
        self.write(cases[middle:], pivot)

    def _write_few(self, cases: list[_Case], low: int) -> None:
        items, no = self.items, self.no
        for position, (first, last, target) in enumerate(cases):
            if first <= low and last >= self.high:
                items.append((None, target))
                return
            following: _Target = no if position == len(cases) - 1 else Label()
            if first == last:
                items.append((_JEQ, first, target, following))
            elif first <= low:
                items.append((_JGT, last, following, target))
            elif last >= self.high:
                items.append((_JGE, first, target, following))
            else:
                inside = Label()
                items.append((_JGE, first, inside, no))
                items.append((inside,))
                items.append((_JGT, last, following, target))
            if following is not no:
                items.append((following,))
            if first <= low or first != last:
                low = last + 1
        if not cases:
            items.append((None, no))
