"""Values -> instructions that leave them in A: the arithmetic half of code generation.

``Evaluator`` remembers what A and X hold and computes nothing twice that is still there.
Operands that need more registers come first (Sethi and Ullman), so scratch words suffice
for any filter that the limit of libpcap's sixteen registers lets through.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from nmpcap.bpf import insn as op
from nmpcap.errors import FilterError
from nmpcap.filter.ir import Value, Values

__all__ = ["Evaluator", "Item", "header_length_of"]

# (code, k), (code, k, yes, no) with targets, (None, target) for "go on there", (label,) for a place
Item: TypeAlias = "tuple[Any, ...]"

_SIZES = {1: op.B, 2: op.H, 4: op.W}
_ALU = {
    "+": op.ADD,
    "-": op.SUB,
    "*": op.MUL,
    "/": op.DIV,
    "%": op.MOD,
    "&": op.AND,
    "|": op.OR,
    "^": op.XOR,
    "<<": op.LSH,
    ">>": op.RSH,
}
_COMMUTATIVE = "+*&|^"


def header_length_of(value: Value) -> int | None:
    """Return the k of ``4*([k]&0xf)`` if the value is just that: X can be loaded with it at once."""
    if value.op != "<<" or value.right.op != "const" or value.right.k != 2:
        return None
    nibble = value.left
    if nibble.op != "&" or nibble.right.op != "const" or nibble.right.k != 0x0F:
        return None
    byte = nibble.left
    return byte.k if byte.op == "load" and byte.size == 1 and byte.index is None else None


class Evaluator:
    """Appends instructions to ``items`` and keeps track of A and X."""

    def __init__(self, values: Values, slots: dict[str, int]) -> None:
        self.values = values
        self.slots = slots  # variable -> scratch word
        self.items: list[Item] = []
        self.a: Value | None = None
        self.x: Value | None = None
        self._free = [word for word in range(op.MEMWORDS - 1, -1, -1) if word not in slots.values()]

    def start(self, a: Value | None, x: Value | None) -> None:
        """Begin a new piece of code, entered with these in A and X."""
        self.items = []
        self.a, self.x = a, x

    def emit(self, code: int, k: int = 0) -> None:
        """Append one plain instruction."""
        self.items.append((code, k))

    def to_a(self, value: Value) -> None:
        """Leave the value in A."""
        self._run([("value", value)])

    def to_a_and_x(self, left: Value, right: Value) -> None:
        """Leave one value in A, the other in X."""
        self._run(self._pair(left, right))

    def assign(self, name: str, value: Value) -> None:
        """Set a variable; A holds it then, and what A or X held that depends on it is forgotten."""
        self.to_a(value)
        self.emit(op.ST, self.slots[name])
        if self.x is not None and name in self.x.vars:
            self.x = None
        self.a = self.values.var(name)

    def forget(self) -> None:
        """Take nothing of A and X as known any more."""
        self.a = self.x = None

    def scratch(self) -> int:
        """Take a scratch word; ``release`` gives it back."""
        if not self._free:
            raise FilterError("too many registers needed to evaluate expression", 0)
        return self._free.pop()

    def release(self, word: int) -> None:
        """Give a scratch word back."""
        self._free.append(word)

    # -- one step at a time, so that depth of an expression is no depth of calls ----------

    def _run(self, steps: list[tuple[Any, ...]]) -> None:
        """Do steps from the last to the first; a step may leave others in its place."""
        while steps:
            step = steps.pop()
            kind = step[0]
            if kind == "value":
                if self.a is not step[1]:
                    steps.extend(self._value(step[1]))
            elif kind == "code":
                self.emit(step[1], step[2])
                self.a = step[3]
            elif kind == "to x":
                self.emit(op.MISC | op.TAX)
                self.x = step[1]
            elif kind == "direct x":
                self._direct_to_x(step[1])
            elif kind == "index":
                steps.extend(self._index(step[1]))
            elif kind == "save":
                word = self.scratch()
                step[1].append(word)
                self.emit(op.ST, word)
            elif kind == "restore":
                self.emit((op.LDX if step[3] else op.LD) | op.MEM, step[1][0])
                self.release(step[1][0])
                if step[3]:
                    self.x = step[2]
                else:
                    self.a = step[2]

    def _value(self, value: Value) -> list[tuple[Any, ...]]:
        """Return the steps that leave a value in A, the last first."""
        kind = value.op
        if kind == "const":
            return [("code", op.LD | op.IMM, value.k, value)]
        if kind == "len":
            return [("code", op.LD | op.LEN, 0, value)]
        if kind == "var":
            return [("code", op.LD | op.MEM, self.slots[value.name], value)]
        if kind == "anc" or (kind == "load" and value.index is None):
            return [("code", op.LD | _SIZES[value.size] | op.ABS, value.k, value)]
        if kind == "load":
            return [("code", op.LD | _SIZES[value.size] | op.IND, value.k, value), ("index", value.index)]
        if kind == "neg":
            return [("code", op.ALU | op.NEG, 0, value), ("value", value.left)]
        return self._binary(value)

    def _binary(self, value: Value) -> list[tuple[Any, ...]]:
        left, right = value.left, value.right
        if value.op in _COMMUTATIVE and right.op != "const" and (left.op == "const" or _fits_x(left)):
            left, right = right, left
        alu = op.ALU | _ALU[value.op]
        if right.op == "const" and not (value.op in "/%" and right.k == 0):
            if value.op in ("<<", ">>") and right.k > 31:
                return [("code", op.ALU | op.AND, 0, value), ("value", left)]
            return [("code", alu, right.k, value), ("value", left)]
        return [("code", alu | op.X, 0, value), *self._pair(left, right)]

    def _index(self, index: Value) -> list[tuple[Any, ...]]:
        if self.x is index:
            return []
        if _fits_x(index):
            self._direct_to_x(index)
            return []
        return [("to x", index), ("value", index)]

    def _direct_to_x(self, value: Value) -> None:
        if self.x is value:
            return
        header = header_length_of(value)
        if header is not None:
            self.emit(op.LDX | op.MSH | op.B, header)
        elif value.op == "const":
            self.emit(op.LDX | op.IMM, value.k)
        elif value.op == "len":
            self.emit(op.LDX | op.LEN)
        else:
            self.emit(op.LDX | op.MEM, self.slots[value.name])
        self.x = value

    def _pair(self, left: Value, right: Value) -> list[tuple[Any, ...]]:
        if _fits_x(right):
            return [("direct x", right), ("value", left)]
        if left.keeps_x:
            return [("value", left), ("to x", right), ("value", right)]
        word: list[int] = []
        if right.keeps_x or left.weight >= right.weight:
            restore = ("restore", word, left, False)
            return [restore, ("to x", right), ("value", right), ("save", word), ("value", left)]
        return [("restore", word, right, True), ("value", left), ("save", word), ("value", right)]


def _fits_x(value: Value) -> bool:
    return value.op in ("const", "len", "var") or header_length_of(value) is not None
