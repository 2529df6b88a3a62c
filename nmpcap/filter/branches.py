"""Tests on A -> conditional jumps: single ranges, small sets, and balanced searches of large ones."""

from __future__ import annotations

from typing import Any, TypeAlias

from nmpcap.bpf import insn as op
from nmpcap.filter.evaluate import Evaluator, Item
from nmpcap.filter.ir import TOP, Ranges, Value

__all__ = ["LARGE_SET", "Label", "emit_search", "emit_test"]

_JEQ, _JGT, _JGE, _JSET = (op.JMP | code for code in (op.JEQ, op.JGT, op.JGE, op.JSET))
LARGE_SET = 32  # from this size on the assembler writes a set by itself
_LINEAR = 5  # up to so many ranges are compared one after the other

Target: TypeAlias = Any  # a Node or a label
Case: TypeAlias = "tuple[int, int, Target]"


class Label:
    """A place inside the code of one node."""

    __slots__ = ()


def emit_test(evaluator: Evaluator, value: Value, ranges: Ranges, yes: Target, no: Target) -> None:
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
    """``v & m = 0``, ``v & m != 0`` and ``v & bit = bit`` are one instruction: v, m, and whether set means yes."""
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


def _complement(cases: list[Case], bound: int, target: Target) -> list[Case]:
    gaps, start = [], 0
    for low, high, _ in cases:
        if low > start:
            gaps.append((start, low - 1, target))
        start = high + 1
    if start <= bound:
        gaps.append((start, bound, target))
    return gaps


def _cost(cases: list[Case], bound: int) -> int:
    return sum(1 if low == high or low == 0 or high >= bound else 2 for low, high, _ in cases)


def emit_search(items: list[Item], cases: list[Case], no: Target, bound: int = TOP) -> None:
    """Append the code that goes where the range holding A leads; cases are sorted and disjoint."""
    _search(items, cases, 0, len(cases), no, 0, bound)


def _search(
    items: list[Item], cases: list[Case], first: int, last: int, no: Target, low_known: int, high_known: int
) -> None:
    if last - first <= _LINEAR:
        _linear(items, cases, first, last, no, low_known, high_known)
        return
    middle = (first + last) // 2
    pivot = cases[middle][0]
    left, right = Label(), Label()
    items.append((_JGE, pivot, right, left))
    items.append((left,))
    _search(items, cases, first, middle, no, low_known, pivot - 1)
    items.append((right,))
    _search(items, cases, middle, last, no, pivot, high_known)


def _linear(
    items: list[Item], cases: list[Case], first: int, last: int, no: Target, low_known: int, high_known: int
) -> None:
    for position in range(first, last):
        low, high, target = cases[position]
        if low <= low_known and high >= high_known:
            items.append((None, target))
            return
        following: Target = no if position == last - 1 else Label()
        if low == high:
            items.append((_JEQ, low, target, following))
        elif low <= low_known:
            items.append((_JGT, high, following, target))
        elif high >= high_known:
            items.append((_JGE, low, target, following))
        else:
            inside = Label()
            items.append((_JGE, low, inside, no))
            items.append((inside,))
            items.append((_JGT, high, following, target))
        if following is not no:
            items.append((following,))
        if low <= low_known or low != high:
            low_known = high + 1
    if first == last:
        items.append((None, no))
