"""Reads the fixed forms between operators: identifiers, heads of primitives, keywords and their arguments.

A second half of the parser, without a stack: nothing here nests but the parentheses
around a lone number. Positions are indexes of tokens; an error carries the character's.
"""

from __future__ import annotations

from nmpcap.errors import FilterError
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.identifier_runs import Run
from nmpcap.filter.syntax.lex import SYNTAX, Tokens

__all__ = ["Reader"]

_WITH_PROTO = {
    "broadcast": ("", "link", "ip"),
    "multicast": ("", "link", "ip", "ip6"),
}
_NUMBERED = ("vlan", "mpls", "pppoes", "geneve", "vxlan")
_BYTE_OPERATORS = ("=", "<", ">", "&", "|")


class Reader:
    """Reads from ``at`` on and leaves ``at`` behind what was read."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.at = 0

    def unexpected(self, expected: str, hint: str = "") -> FilterError:
        """Return the error of finding what now comes instead of what was expected."""
        return self.syntax_error(
            f"expected {expected}, found {self._found()}" + (f" ({hint})" if hint else "")
        )

    def syntax_error(self, detail: str) -> FilterError:
        """Return a syntax error at the token that now comes."""
        return FilterError(f"{SYNTAX}: {detail}", self.tokens.starts[self.at])

    def _found(self) -> str:
        kind, value = self.tokens.kinds[self.at], self.tokens.values[self.at]
        if kind == "end":
            return "the end"
        if kind in ("hid", "hid6", "eid", "aid"):
            return "an address"
        return repr(str(value)[:40])

    def kind(self, ahead: int = 0) -> str:
        """Return the kind of the next token, or one further on."""
        kinds = self.tokens.kinds
        return kinds[min(self.at + ahead, len(kinds) - 1)]

    def expect(self, kind: str, what: str) -> object:
        """Take a token of that kind and return its value."""
        if self.kind() != kind:
            raise self.unexpected(what)
        self.at += 1
        return self.tokens.values[self.at - 1]

    def number(self, what: str) -> int:
        """Take a bare number."""
        value = self.expect("num", f"a number: {what}")
        assert isinstance(value, int)
        return value

    def index_size(self) -> int:
        """Take ``:size`` of an accessor."""
        self.at += 1
        size = self.number("the size of the field")
        if size not in (1, 2, 4):
            self.at -= 1
            raise FilterError(f"data size must be 1, 2, or 4, not {size}", self.tokens.starts[self.at])
        return size

    def ident(self) -> ast.Ident:
        """Take an identifier that is not a lone number."""
        tokens, at = self.tokens, self.at
        kind, value, pos = tokens.kinds[at], tokens.values[at], tokens.starts[at]
        self.at += 1
        if kind == "hid":
            address = ast.Addr4(0, 0, pos)
            if isinstance(value, tuple):
                address.address, address.parts = value
            else:
                address.spelling = value
            following = tokens.kinds[at + 1]
            if following == "op" and tokens.values[at + 1] == "/":
                self.at += 1
                address.length = self.number("the length of the prefix")
            elif following == "word" and tokens.values[at + 1] == "mask":
                self.at += 1
                mask = self.expect("hid", "a mask such as 255.255.255.0")
                if not isinstance(mask, tuple):
                    raise FilterError(f"invalid IPv4 address '{mask}' as a mask", tokens.starts[self.at - 1])
                address.mask = mask
            return address
        if kind == "hid6":
            address6 = ast.Addr6(value, pos)
            if tokens.kinds[at + 1] == "op" and tokens.values[at + 1] == "/":
                self.at += 1
                address6.length = self.number("the length of the prefix")
            return address6
        if kind == "eid":
            return ast.Mac(value, pos)
        return ast.Arcnet(value, pos) if kind == "aid" else ast.Name(value, pos)

    @staticmethod
    def members(run: Run, quals: tuple[str, str, str] | None, pos: int) -> ast.Expr:
        """Return what the identifiers of a run mean behind the qualifiers."""
        proto, direction, type_ = quals or ("", "", "")
        kinds = {"address": ("", "host", "net"), "prefix": ("net",), "number": ("port",)}
        if type_ in kinds[run.kind] and direction in ("", "src", "dst", "src or dst"):
            return ast.PrimitiveList(proto, direction, type_, run.spellings, run.ranges, pos)
        idents: list[ast.Ident] = []
        for spelling, (low, _) in zip(run.spellings, run.ranges, strict=True):
            if run.kind == "number":
                idents.append(ast.Number(low, pos))
            else:
                length = int(spelling.partition("/")[2]) if run.kind == "prefix" else None
                idents.append(ast.Addr4(low, 4, pos, length))
        return ast.Or([ast.Primitive(proto, direction, type_, ident, pos) for ident in idents], pos)

    def head(self) -> tuple[str, str, str] | None:
        """Take the qualifiers in front of an identifier; None, and nothing taken, if none follow."""
        tokens, start = self.tokens, self.at
        proto = direction = type_ = ""
        if tokens.kinds[self.at] == "proto":
            proto = tokens.values[self.at]
            self.at += 1
        if self.kind() == "dir":
            direction = self._direction()
            if self.kind() == "type":
                type_ = tokens.values[self.at]
                self.at += 1
        elif self.kind() in ("type", "ptype"):
            type_ = tokens.values[self.at]
            self.at += 1
        else:
            self.at = start
            return None
        return proto, direction, type_

    def _direction(self) -> str:
        tokens, at = self.tokens, self.at
        direction: str = tokens.values[at]
        self.at += 1
        if direction in ("src", "dst") and self.kind() in ("and", "or") and self.kind(1) == "dir":
            other: str = tokens.values[at + 2]
            if {direction, other} == {"src", "dst"}:
                self.at += 2
                return f"src {tokens.kinds[at + 1]} dst"
        return direction

    def word(self) -> ast.Word:
        """Take a keyword that is a test by itself, with its arguments."""
        tokens, at = self.tokens, self.at
        kind, name, pos = tokens.kinds[at], tokens.values[at], tokens.starts[at]
        if kind == "proto":
            self.at += 1
            if self.kind() == "word":
                following = tokens.values[self.at]
                if name in _WITH_PROTO.get(following, ()):
                    self.at += 1
                    return ast.Word(following, pos, name)
                if following in ("type", "subtype", "dir"):
                    # libpcap: the protocol is read and ignored, whichever it is.
                    return self._wlan(following, pos)
                if following in _WITH_PROTO:
                    raise FilterError(f"{SYNTAX}: {name} {following} does not exist", pos)
            return ast.Word(name, pos)
        if kind == "word" and name in ("type", "subtype", "dir"):
            return self._wlan(name, pos)
        reader = {"word": self._word, "pf": self._pf, "value": self._relation}.get(kind)
        if reader is None and kind not in ("atm", "mtp"):
            raise self.unexpected("a primitive")
        self.at += 1
        return ast.Word(name, pos, "", reader(name) if reader else ())

    def _word(self, name: str) -> tuple[int | str | tuple[int, ...], ...]:
        if name in ("less", "greater"):
            return (self.number("a length in bytes"),)
        if name == "ifindex":
            return (self.number("the index of an interface"),)
        if name == "byte":
            return self._byte()
        if name == "llc":
            return self._llc()
        if name in _NUMBERED:
            return self._optional_number()
        if name == "mask":
            self.at -= 1
            raise self.unexpected("a primitive")
        return ()

    def _byte(self) -> tuple[int | str, ...]:
        index = self.number("the index of a byte")
        operator = self.tokens.values[self.at]
        if self.kind() not in ("op", "rel") or operator not in _BYTE_OPERATORS:
            raise self.unexpected("one of = < > & |")
        self.at += 1
        return index, operator, self.number("what to compare the byte with")

    def _llc(self) -> tuple[str, ...]:
        if self.kind() == "id":
            return (str(self.expect("id", "")),)
        if self.kind() == "pf" and self.tokens.values[self.at] == "rulenum":
            self.at += 1
            return ("rnr",)
        return ()

    def _optional_number(self) -> tuple[int, ...]:
        depth = 0
        while self.kind() == "(":
            depth += 1
            self.at += 1
        if not depth and self.kind() != "num":
            return ()
        value = self.number("an identifier of the encapsulation")
        for _ in range(depth):
            self.expect(")", "a closing parenthesis")
        return (value,)

    def _wlan(self, name: str, pos: int) -> ast.Word:
        self.at += 1
        args: list[int | str | tuple[int, ...]] = [self._name_or_number(name, numbers=name != "subtype")]
        if name == "type" and self.kind() == "word" and self.tokens.values[self.at] == "subtype":
            self.at += 1
            args.append(self._name_or_number("subtype"))
        return ast.Word(name, pos, "", tuple(args))

    def _name_or_number(self, what: str, *, numbers: bool = True) -> int | str:
        if self.kind() == "id" or (numbers and self.kind() == "num"):
            self.at += 1
            value: int | str = self.tokens.values[self.at - 1]
            return value
        raise self.unexpected(f"a name{' or a number' * numbers} after {what}")

    def _pf(self, name: str) -> tuple[int | str, ...]:
        if name in ("rulenum", "subrulenum"):
            return (self.number("the number of a rule"),)
        return (self._name_or_number(name, numbers=name == "reason"),)

    def _relation(self, name: str) -> tuple[int | str | tuple[int, ...], ...]:
        if self.kind() == "rel":
            operator = self.tokens.values[self.at]
            self.at += 1
            return operator, self.number(f"a value of {name}")
        if self.kind() != "(":
            return "=", self.number(f"a value of {name}")
        self.at += 1
        values = [self.number(f"a value of {name}")]
        while self.kind() == "or":
            self.at += 1
            values.append(self.number(f"a value of {name}"))
        self.expect(")", "or, or a closing parenthesis")
        return (tuple(values),)
