"""Tokens -> syntax tree: the second stage.

The grammar of pcap-filter(7) as libpcap's scanner and parser define it:

    expr  := term { (and|or) (term | id) }           one precedence, from the left
    term  := not term | head id | (expr) | arith REL arith | PROTO | word ...
    head  := [PROTO] DIR [host|net|port|portrange] | [PROTO] (host|net|port|portrange)
           | [PROTO] (proto|protochain|gateway)
    id    := ident | not id | number, in any number of parentheses | (id {(and|or) id})
    arith := number | len | PROTO[arith:size] | arith OP arith | - arith | (arith)

A bare id takes the qualifiers of the term before it; a parenthesised expression leaves
those in force that were so before it. Operands lie on one stack with what waits for them,
so the depth of a text costs memory but never recursion. ``primitives`` reads what lies
between operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from nmpcap.errors import FilterError
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.lex import SYNTAX, Tokens
from nmpcap.filter.syntax.primitives import Reader

__all__ = ["parse"]

_Qualifiers: TypeAlias = tuple[str, str, str]  # proto, dir, type

# What an operand is so far. A number is still both: an identifier and arithmetic.
_BOOL, _IDENT, _IDLIST, _NUMBER, _ARITH = "expression", "identifier", "identifiers", "number", "arithmetic"

# What may stand where an operand is due: after "port" only identifiers, after "and" anything.
_ANY, _NO_IDENT, _ONLY_IDENT, _ONLY_ARITH = "any", "no identifier", "only identifiers", "only arithmetic"

# ``%`` and ``^`` have no precedence in libpcap's grammar: yacc shifts, they take all to their right.
_PRECEDENCE = {"|": 1, "&": 2, "<<": 3, ">>": 3, "+": 4, "-": 4, "*": 5, "/": 5}


@dataclass(slots=True)
class _Waiting:
    """Something on the stack that waits for the operand to its right."""

    kind: str  # ( and or not rel op neg head [
    pos: int
    value: Any = None  # the operator, or the proto of an index
    left: Any = None
    left_kind: str = ""
    quals: _Qualifiers | None = None  # in force before it
    allowed: str = _ANY  # what its operand may be


def parse(tokens: Tokens) -> ast.Expr | None:
    """Parse a filter; None for the empty one, which accepts everything. Raises FilterError."""
    if len(tokens) == 1:
        return None
    return _Parser(tokens).run()


class _Parser:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.reader = Reader(tokens)
        self.stack: list[_Waiting] = []
        self.quals: _Qualifiers | None = None
        self.allowed = _NO_IDENT
        self.operand: Any = None
        self.kind = ""

    def run(self) -> ast.Expr:
        kinds, reader = self.tokens.kinds, self.reader
        while True:
            while not self._operand(kinds[reader.at]):
                pass
            while self._operator(kinds[reader.at]):
                if not self.stack and self.kind == "done":
                    return self.operand  # type: ignore[no-any-return]

    # -- where an operand is due -------------------------------------------------------

    def _operand(self, kind: str) -> bool:
        """Read an operand, or what opens one; true once an operand is complete."""
        tokens, reader, allowed = self.tokens, self.reader, self.allowed
        at = reader.at
        pos = tokens.starts[at]
        if kind == "(":
            self._push("(", pos, allowed=allowed)
        elif kind == "not" and allowed != _ONLY_ARITH:
            self._push("not", pos, allowed=allowed)
        elif kind == "num":
            self.operand, self.kind = ast.Number(tokens.values[at], pos), _NUMBER
            reader.at += 1
            return True
        elif kind in ("id", "hid", "hid6", "eid", "aid") and allowed in (_ANY, _ONLY_IDENT):
            self.operand, self.kind = self._qualified(reader.ident()), _IDENT
            return True
        elif allowed == _ONLY_IDENT:
            raise reader.unexpected("an address, a name or a number")
        elif kind == "len":
            self.operand, self.kind = ast.Length(pos), _ARITH
            reader.at += 1
            return True
        elif kind == "op" and tokens.values[at] == "-":
            self._push("neg", pos, allowed=_ONLY_ARITH)
        elif kind == "proto" and _has_kind(tokens, at + 1, "["):
            reader.at += 1
            self._push("[", pos, value=tokens.values[at], allowed=_ONLY_ARITH)
        elif allowed == _ONLY_ARITH:
            raise reader.unexpected("a number, len or an accessor such as ip[0]")
        else:
            return self._term(kind)
        return False

    def _term(self, kind: str) -> bool:
        reader = self.reader
        pos = self.tokens.starts[reader.at]
        if kind in ("proto", "dir", "type", "ptype"):
            head = reader.head()
            if head is not None:
                self.stack.append(_Waiting("head", pos, quals=self.quals, allowed=_ONLY_IDENT))
                self.quals, self.allowed = head, _ONLY_IDENT
                return False
        self.operand, self.kind, self.quals = reader.word(), _BOOL, None
        return True

    def _push(self, kind: str, pos: int, *, allowed: str, value: Any = None) -> None:
        self.stack.append(_Waiting(kind, pos, value, quals=self.quals, allowed=allowed))
        self.allowed = allowed
        self.reader.at += 1

    def _qualified(self, ident: ast.Ident) -> ast.Primitive:
        if self.quals is None:
            # libpcap's wording where a term precedes; what precedes has no qualifiers to inherit.
            raise FilterError(
                f"syntax error in filter expression: {ident} has no qualifiers to take over;"
                f" write host {ident}, port {ident} or the like",
                ident.pos,
            )
        return ast.Primitive(*self.quals, ident, ident.pos)

    # -- behind a complete operand -----------------------------------------------------

    def _operator(self, kind: str) -> bool:
        """Combine what the next token lets be combined; true to go on, false when an operand is due."""
        if self.stack and self.stack[-1].kind == "head":
            self._end_head()
            return True
        if kind == "op":
            self._arithmetic()
            return False
        self._reduce_arithmetic(None)
        if kind == "rel":
            self._relation()
            return False
        if kind == "]" or (kind == ":" and self._in_index()):
            self._end_index(kind)
            return True
        self._end_relation()
        self._reduce_nots()
        if self.stack and self.stack[-1].kind == "head":
            return True
        if kind == "run":
            self._run_of_idents()
            return True
        if kind in ("and", "or"):
            self._conjunction(kind)
            return False
        self._combine()
        if kind == ")":
            self._close()
        elif kind == "end" and not self.stack:
            if self.kind != _BOOL:
                raise self.reader.unexpected("a comparison", _NEEDS_QUALIFIER)
            self.kind = "done"
        else:
            raise self.reader.unexpected("and, or, or the end")
        return True

    def _in_index(self) -> bool:
        return bool(self.stack) and self.stack[-1].kind == "["

    def _end_head(self) -> None:
        waiting = self.stack.pop()
        if self.kind == _NUMBER:
            self._make_ident()
        if self.kind not in (_IDENT, _IDLIST):
            raise FilterError(f"{SYNTAX}: expected an address, a name or a number", self.operand.pos)
        self.operand.pos = min(self.operand.pos, waiting.pos)
        self.kind = _BOOL
        self.allowed = _ANY

    def _make_ident(self) -> None:
        self.operand, self.kind = self._qualified(self.operand), _IDENT

    def _need_arithmetic(self) -> None:
        if self.kind not in (_NUMBER, _ARITH):
            raise self.reader.unexpected("and, or, or the end")

    def _arithmetic(self) -> None:
        reader = self.reader
        operator, pos = self.tokens.values[reader.at], self.tokens.starts[reader.at]
        self._need_arithmetic()
        if self.allowed == _ONLY_IDENT:
            raise reader.unexpected("and, or, or a closing parenthesis")
        self._reduce_arithmetic(operator)
        self.stack.append(_Waiting("op", pos, operator, self.operand, self.kind, self.quals, _ONLY_ARITH))
        self.allowed = _ONLY_ARITH
        reader.at += 1

    def _reduce_arithmetic(self, operator: str | None) -> None:
        """Apply the waiting operators that bind tighter than ``operator``, all of them before None."""
        stack = self.stack
        while stack and stack[-1].kind in ("op", "neg"):
            waiting = stack[-1]
            if operator is not None and not _binds_tighter(waiting, operator):
                return
            self._need_arithmetic()
            stack.pop()
            if waiting.kind == "neg":
                self.operand = ast.Negative(self.operand, waiting.pos)
            else:
                self.operand = ast.Binary(waiting.value, waiting.left, self.operand, waiting.left.pos)
            self.kind = _ARITH

    def _relation(self) -> None:
        reader = self.reader
        self._need_arithmetic()
        if self.allowed == _ONLY_IDENT or (self.stack and self.stack[-1].kind in ("rel", "[")):
            raise reader.unexpected("a closing bracket" if self._in_index() else "and, or, or the end")
        pos, operator = self.tokens.starts[reader.at], self.tokens.values[reader.at]
        self.stack.append(_Waiting("rel", pos, operator, self.operand, self.kind, self.quals, _ONLY_ARITH))
        self.allowed = _ONLY_ARITH
        reader.at += 1

    def _end_relation(self) -> None:
        if self.stack and self.stack[-1].kind == "rel":
            waiting = self.stack.pop()
            self._need_arithmetic()
            self.operand = ast.Relation(waiting.value, waiting.left, self.operand, waiting.left.pos)
            self.kind, self.quals = _BOOL, None

    def _reduce_nots(self) -> None:
        while self.stack and self.stack[-1].kind == "not":
            waiting = self.stack.pop()
            if self.kind == _NUMBER:
                self._make_ident()
            if self.kind == _ARITH:
                raise self.reader.unexpected("a comparison")
            self.operand = ast.Not(self.operand, waiting.pos)
            if self.kind == _IDLIST:
                self.kind = _IDENT

    def _conjunction(self, kind: str) -> None:
        self._combine()
        if self.kind == _NUMBER and self._ident_may_stand():
            self._make_ident()
        if self.kind in (_ARITH, _NUMBER):
            raise self.reader.unexpected("a comparison", _NEEDS_QUALIFIER)
        if self.kind == _IDLIST:
            raise self.reader.unexpected("a closing parenthesis")
        pos = self.tokens.starts[self.reader.at]
        self.stack.append(_Waiting(kind, pos, None, self.operand, self.kind, self.quals, _ANY))
        self.allowed = _ONLY_IDENT if self.kind == _IDENT else _ANY
        self.reader.at += 1

    def _run_of_idents(self) -> None:
        """Take many identifiers at once, joined to what is before them by ``or`` or by ``and not``."""
        reader = self.reader
        pos, run = self.tokens.starts[reader.at], self.tokens.values[reader.at]
        self._conjunction("and" if run.negated else "or")
        if run.quals is not None:
            if self.allowed == _ONLY_IDENT:
                reader.at -= 1
                raise reader.unexpected("and, or, or a closing parenthesis")
            self.quals, self.kind = run.quals, _BOOL
        else:
            self.kind = _IDENT
        self.operand = reader.members(run, self.quals, pos)
        if self.quals is None:
            self._qualified(ast.Name(run.spellings[0], pos))  # raises
        if run.negated:
            self.operand = ast.Not(self.operand, pos)

    def _ident_may_stand(self) -> bool:
        """Return whether the operand stands where an identifier may: first behind what the stack ends in."""
        return bool(self.stack) and self.stack[-1].allowed in (_ANY, _ONLY_IDENT)

    def _combine(self) -> None:
        if not self.stack or self.stack[-1].kind not in ("and", "or"):
            return
        waiting = self.stack.pop()
        if self.kind == _NUMBER:
            self._make_ident()
        if self.kind == _ARITH:
            raise self.reader.unexpected("a comparison")
        combined = ast.And if waiting.kind == "and" else ast.Or
        left = waiting.left
        if isinstance(left, combined):
            left.items.append(self.operand)
            self.operand = left
        else:
            self.operand = combined([left, self.operand], left.pos)
        self.kind = waiting.left_kind

    def _close(self) -> None:
        """Take the parenthesis that waits off the stack, and say what it makes of the operand."""
        if not self.stack or self.stack[-1].kind != "(":
            raise self.reader.unexpected("and, or, or the end")
        waiting = self.stack.pop()
        if self.kind == _IDENT and waiting.allowed in (_ANY, _ONLY_IDENT):
            self.kind = _IDLIST
        elif self.kind in (_IDENT, _IDLIST) or (
            self.kind == _BOOL and waiting.allowed in (_ONLY_IDENT, _ONLY_ARITH)
        ):
            raise self.reader.unexpected("an operator")
        self.quals, self.allowed = waiting.quals, waiting.allowed
        self.reader.at += 1

    def _end_index(self, kind: str) -> None:
        reader = self.reader
        if not self._in_index():
            raise reader.unexpected("and, or, or the end")
        self._need_arithmetic()
        waiting = self.stack.pop()
        size = reader.index_size() if kind == ":" else 1
        reader.expect("]", "a closing bracket")
        self.operand = ast.Index(waiting.value, self.operand, size, waiting.pos)
        self.kind, self.allowed = _ARITH, waiting.allowed


_NEEDS_QUALIFIER = "an address or a number needs a qualifier in front, such as host, net or port"


def _has_kind(tokens: Tokens, at: int, kind: str) -> bool:
    """Return whether the token at ``at`` is of that kind."""
    return at < len(tokens) and tokens.kinds[at] == kind


def _binds_tighter(waiting: _Waiting, operator: str) -> bool:
    coming = _PRECEDENCE.get(operator)
    if coming is None:
        return False
    if waiting.kind == "neg":
        return True
    before = _PRECEDENCE.get(waiting.value)
    return before is not None and before >= coming
