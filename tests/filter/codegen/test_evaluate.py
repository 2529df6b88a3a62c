"""What A and X are believed to hold is what they hold."""

from __future__ import annotations

from nmpcap.bpf import Instruction
from nmpcap.bpf import insn as op
from nmpcap.filter.codegen.evaluate import Evaluator, header_length_of
from nmpcap.filter.ir import Values


def codes(evaluator: Evaluator) -> list[str]:
    return [str(Instruction(code, 0, 0, k)) for code, k in evaluator.items]


def test_nothing_is_loaded_twice() -> None:
    values = Values()
    evaluator = Evaluator(values, {})
    word = values.load(4, None, 26)
    evaluator.to_a(word)
    evaluator.to_a(word)
    port = values.load(2, values.header_length(None, 14), 14)
    evaluator.to_a(port)
    evaluator.to_a(values.load(2, port.index, 16))
    assert codes(evaluator) == ["ld [26]", "ldxb 4*([14]&0xf)", "ldh [x + 14]", "ldh [x + 16]"]


def test_a_variable_set_anew_is_loaded_anew() -> None:
    values = Values()
    evaluator = Evaluator(values, {"at": 3})
    at = values.var("at")
    evaluator.to_a(values.load(1, at, 0))
    evaluator.assign("at", values.const(5))
    evaluator.to_a(values.load(1, at, 0))
    assert codes(evaluator) == ["ldx M[3]", "ldb [x + 0]", "ld #0x5", "st M[3]", "ldx M[3]", "ldb [x + 0]"]


def test_a_variable_just_set_is_in_a() -> None:
    values = Values()
    evaluator = Evaluator(values, {"at": 0})
    evaluator.assign("at", values.binary("+", values.var("at"), values.const(4)))
    evaluator.to_a(values.var("at"))
    assert codes(evaluator) == ["ld M[0]", "add #4", "st M[0]"]


def test_header_lengths_are_told_from_what_looks_like_them() -> None:
    values = Values()
    assert header_length_of(values.header_length(None, 14)) == 14
    nibble = values.masked(values.load(1, None, 14), 0x0F)
    assert header_length_of(values.binary("<<", nibble, values.const(3))) is None
    assert header_length_of(values.binary("*", nibble, values.const(4))) is None
    wide = values.masked(values.load(2, None, 14), 0x0F)
    assert header_length_of(values.binary("<<", wide, values.const(2))) is None


def test_scratch_words_are_given_back() -> None:
    values = Values()
    evaluator = Evaluator(values, {})
    products = [
        values.binary("*", values.load(1, values.load(1, None, k), 0), values.load(1, None, k))
        for k in range(40)
    ]
    total = products[0]
    for product in products[1:]:
        total = values.binary("-", total, product)
    evaluator.to_a(total)
    words = {k for code, k in evaluator.items if code == op.ST}
    assert words
    assert max(words) < 3
