"""The loop of ``protochain``: the only code that jumps backwards."""

from __future__ import annotations

from typing import Any

from nmpcap.bpf import insn as op
from nmpcap.filter.codegen.branches import Label
from nmpcap.filter.codegen.evaluate import Evaluator
from nmpcap.filter.ir import TOP, Walk

__all__ = ["emit"]

_NO_NEXT_HEADER, _AH = 59, 51
_OPTIONS = (0, 60, 43, 44)  # hop-by-hop, destination options, routing; libpcap takes fragments for the same

_JEQ = op.JMP | op.JEQ
_LOAD_BYTE_X = op.LD | op.B | op.IND


def emit(evaluator: Evaluator, walk: Walk, yes: Any, no: Any) -> None:
    """Append the loop: A holds the number of the next header, X where it starts in the network header."""
    items = evaluator.items
    again, options, authentication = Label(), Label(), Label()
    evaluator.forget()
    evaluator.to_a_and_x(evaluator.values.load(1, None, walk.base + walk.first), walk.length)
    items.append((again,))
    items.append((_JEQ, walk.wanted, yes, step := Label()))
    items.append((step,))
    items.append((_JEQ, _NO_NEXT_HEADER, no, step := Label()))
    items.append((step,))
    if walk.ipv6:
        for number in _OPTIONS:
            items.append((_JEQ, number, options, step := Label()))
            items.append((step,))
    items.append((_JEQ, _AH, authentication, no))
    if walk.ipv6:
        items.append((options,))
        _advance(evaluator, walk, 8, 1, add=True)
        items.append((None, again))
    items.append((authentication,))
    # libpcap: behind an authentication header the place is counted anew from the network header.
    _advance(evaluator, walk, 4, 2, add=False)
    items.append((None, again))
    evaluator.forget()


def _advance(evaluator: Evaluator, walk: Walk, unit: int, extra: int, *, add: bool) -> None:
    word = evaluator.scratch()
    evaluator.emit(_LOAD_BYTE_X, walk.base & TOP)
    evaluator.emit(op.ST, word)
    evaluator.emit(_LOAD_BYTE_X, walk.base + 1 & TOP)
    evaluator.emit(op.ALU | op.ADD, extra)
    evaluator.emit(op.ALU | op.MUL, unit)
    if add:
        evaluator.emit(op.ALU | op.ADD | op.X)
    evaluator.emit(op.MISC | op.TAX)
    evaluator.emit(op.LD | op.MEM, word)
    evaluator.release(word)
