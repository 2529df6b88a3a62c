"""Writes instructions from the last to the first: then the distance of every jump is known.

Where a distance does not fit the eight bits of a conditional jump, a ``ja`` or a copy of
the ``ret`` is put right behind the jump, and serves for the jumps before it, too.
"""

from __future__ import annotations

from typing import Any

from nmpcap.bpf import insn as op
from nmpcap.bpf.insn import Instruction
from nmpcap.filter.codegen.evaluate import Item
from nmpcap.filter.graph import Node
from nmpcap.filter.ir import Ranges

__all__ = ["Assembler"]

_FARTHEST = 255
_NEAR = 200  # a shared branch this near stays in reach of the few instructions before it
_LEAF = 8  # members of a set that are compared one after the other
_REACH = _FARTHEST - 2 * _LEAF - 2

_JA, _JEQ, _JGT, _JGE = (op.JMP | code for code in (op.JA, op.JEQ, op.JGT, op.JGE))


class Assembler:
    """Writes instructions from the last to the first; ``at`` says how far from the end a target is."""

    def __init__(self, returns: dict[Node, tuple[int, int]], *, copy_returns: bool) -> None:
        self._returns = returns
        self._copy_returns = copy_returns
        self._out: list[tuple[int, int, int, int]] = []
        self._at: dict[Any, int] = {}
        self._waiting: dict[Any, list[int]] = {}  # jumps back to a label not written yet
        self._branches: dict[
            tuple[int, int, int, int], int
        ] = {}  # (code, k, yes at, no at) -> where it stands

    def program(self) -> tuple[Instruction, ...]:
        """Return the instructions in their order."""
        make = tuple.__new__  # what _make does, without its check: a large program is made of many
        return tuple([make(Instruction, insn) for insn in reversed(self._out)])

    def plain(self, code: int, k: int) -> None:
        """Write an instruction that does not jump."""
        self._out.append((code, 0, 0, k))

    def add(self, node: Node, items: list[Item]) -> None:
        """Write a node in front of what is there."""
        if node in self._returns:
            self.plain(*self._returns[node])
        twin = None  # where the branch stands that serves for the one behind the next labels
        for position in range(len(items) - 1, -1, -1):
            item = items[position]
            if len(item) == 4:
                only_jumped_to = (
                    position > 1 and len(items[position - 1]) == 1 and len(items[position - 2]) == 4
                )
                twin = self._twin(*item) if only_jumped_to else None
                if twin is None:
                    self._branch(*item)
            elif len(item) == 1:
                self._place(item[0], twin)
            elif len(item) == 5:
                self._set(item[1], 0, len(item[1]), item[2], item[3])
            elif item[0] is None:
                self._go(item[1])
            else:
                self._out.append((item[0], 0, 0, item[1]))
        self._place(node)

    def _twin(self, code: int, k: int, yes: Any, no: Any) -> int | None:
        """Return where the same branch stands already, near enough to be jumped to."""
        at = self._branches.get((code, k, self._at.get(yes, -1), self._at.get(no, -1)))
        return at if at is not None and len(self._out) - at < _NEAR else None

    def _place(self, label: Any, at: int | None = None) -> None:
        self._at[label] = len(self._out) if at is None else at
        for jump in self._waiting.pop(label, ()):
            self._out[jump] = (op.JMP | op.JA, 0, 0, jump - len(self._out) & 0xFFFFFFFF)

    def _go(self, target: Any) -> None:
        at = self._at.get(target)
        if at is None:
            self._waiting.setdefault(target, []).append(len(self._out))
            self._out.append((op.JMP | op.JA, 0, 0, 0))
        elif at != len(self._out):
            self._hop(target)

    def _hop(self, target: Any) -> None:
        """Write an instruction that goes to the target, and let near jumps go there from now on."""
        if target in self._returns and self._copy_returns:
            self.plain(*self._returns[target])
        else:
            self._out.append((op.JMP | op.JA, 0, 0, len(self._out) - self._at[target]))
        self._at[target] = len(self._out)

    def _branch(self, code: int, k: int, yes: Any, no: Any) -> None:
        at, out = self._at, self._out
        if yes is no:
            self._go(yes)
            return
        key = (code, k, at[yes], at[no])
        if len(out) - at[no] > _FARTHEST:
            self._hop(no)
        if len(out) - at[yes] > _FARTHEST:
            self._hop(yes)
            if len(out) - at[no] > _FARTHEST:
                self._hop(no)
        out.append((code, len(out) - at[yes], len(out) - at[no], k))
        self._branches[key] = self._branches[code, k, at[yes], at[no]] = len(out)

    def _set(self, ranges: Ranges, first: int, last: int, yes: Any, no: Any) -> None:
        """Write the balanced search of a sorted set, or a part of it, for what A holds."""
        if last - first <= _LEAF:
            self._leaf(ranges, first, last, yes, no)
            return
        out, middle = self._out, (first + last) // 2
        self._set(ranges, middle, last, yes, no)
        right = len(out)
        self._set(ranges, first, middle, yes, no)
        distance = len(out) - right
        if distance > _FARTHEST:
            out.append((_JA, 0, 0, distance))
            out.append((_JGE, 0, 1, ranges[middle][0]))
        else:
            out.append((_JGE, distance, 0, ranges[middle][0]))

    def _leaf(self, ranges: Ranges, first: int, last: int, yes: Any, no: Any) -> None:
        out, at = self._out, self._at
        if len(out) - at[no] > _REACH:
            self._hop(no)
        if len(out) - at[yes] > _REACH:
            self._hop(yes)
        yes_at, no_at = at[yes], at[no]
        following = len(out) - no_at  # behind the last member; behind the others the next comes at once
        for position in range(last - 1, first - 1, -1):
            low, high = ranges[position]
            if low == high:
                out.append((_JEQ, len(out) - yes_at, following, low))
            else:
                out.append((_JGT, following, len(out) - yes_at, high))
                out.append((_JGE, 0, len(out) - no_at, low))
            following = 0
