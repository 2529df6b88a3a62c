"""What a filter says: the tree the parser makes, qualifiers inherited and made plain.

    expr   := And(expr ...) | Or(expr ...) | Not(expr) | primitive | Relation | Plain
    primitive := Primitive(proto, dir, type, ident)   "src host A", each part filled in or ""
            | PrimitiveList(proto, dir, type, ...)       many of them, or-ed
    ident  := Name | Number | Addr4 | Addr6 | Mac | Arcnet
    Relation  := arith REL arith
    arith  := Number | Length | Index(proto, arith, size) | Binary(op, arith, arith) | Negative(arith)
    Plain  := Word(proto, name, args)                 every keyword that stands for itself

``pos`` is where in the text a node starts. ``str()`` gives back the language: the text of
a tree parses to the same tree.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TypeAlias

from nmpcap.filter.syntax.keywords import KEYWORDS, NUMBERS

__all__ = [
    "Addr4",
    "Addr6",
    "And",
    "Arcnet",
    "Arith",
    "Binary",
    "Expr",
    "Ident",
    "Index",
    "Length",
    "Mac",
    "Name",
    "Negative",
    "Node",
    "Not",
    "Number",
    "Or",
    "Primitive",
    "PrimitiveList",
    "Relation",
    "Word",
    "children",
]


@dataclass(slots=True, eq=False)
class Name:
    """A name still to be looked up, or one a primitive knows by itself."""

    text: str
    pos: int

    def __str__(self) -> str:
        # What would not lex as an identifier needs a backslash; what might not, gets one, too.
        plain = _PLAIN.fullmatch(self.text) and self.text not in KEYWORDS and self.text not in NUMBERS
        return self.text if plain else f"\\{self.text}"


_PLAIN = re.compile(r"(?=.*[g-zG-Z])[A-Za-z](?:[-_.A-Za-z0-9]*[A-Za-z0-9.])?")


@dataclass(slots=True, eq=False)
class Number:
    """An unsigned 32-bit number."""

    value: int
    pos: int

    def __str__(self) -> str:
        return str(self.value)


@dataclass(slots=True, eq=False)
class Addr4:
    """A dotted address of two to four parts, unshifted; with ``/length`` or ``mask`` perhaps.

    ``spelling`` is set, and the number not, where a part does not fit a byte: DECnet has such.
    """

    address: int
    parts: int
    pos: int
    length: int | None = None
    mask: tuple[int, int] | None = None  # address and parts of the mask
    spelling: str = ""

    def __str__(self) -> str:
        text = self.spelling or _dotted(self.address, self.parts)
        if self.length is not None:
            return f"{text}/{self.length}"
        return f"{text} mask {_dotted(*self.mask)}" if self.mask else text


def _dotted(address: int, parts: int) -> str:
    return ".".join(str(part) for part in address.to_bytes(parts, "big"))


@dataclass(slots=True, eq=False)
class Addr6:
    """An IPv6 address, perhaps with ``/length``."""

    address: bytes
    pos: int
    length: int | None = None

    def __str__(self) -> str:
        text = socket.inet_ntop(socket.AF_INET6, self.address)
        return text if self.length is None else f"{text}/{self.length}"


@dataclass(slots=True, eq=False)
class Mac:
    """A link-layer address of six bytes."""

    address: bytes
    pos: int

    def __str__(self) -> str:
        return self.address.hex(":")


@dataclass(slots=True, eq=False)
class Arcnet:
    """A link-layer address of one byte."""

    address: int
    pos: int

    def __str__(self) -> str:
        return f"${self.address:02x}"


Ident: TypeAlias = Name | Number | Addr4 | Addr6 | Mac | Arcnet


@dataclass(slots=True, eq=False)
class Primitive:
    """An identifier and its qualifiers; an empty ``type`` means host."""

    proto: str
    dir: str
    type: str
    ident: Ident
    pos: int

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.proto, self.dir, self.type or "host", self.ident) if part)


@dataclass(slots=True, eq=False)
class PrimitiveList:
    """Primitives with the same qualifiers and many identifiers, any of which may hold.

    The identifiers are addresses, prefixes or ports, as written and as ranges of numbers.
    """

    proto: str
    dir: str
    type: str
    spellings: list[str]
    ranges: list[tuple[int, int]]
    pos: int

    def __str__(self) -> str:
        head = " ".join(part for part in (self.proto, self.dir, self.type or "host") if part)
        return " or ".join(f"{head} {spelling}" for spelling in self.spellings)


@dataclass(slots=True, eq=False)
class Word:
    """A keyword that is a test by itself, the protocol before it and what follows it.

    ``args`` are numbers, names and operators as they stand; alternatives (``vpi (1 or 2)``)
    come as one tuple of numbers.
    """

    name: str
    pos: int
    proto: str = ""
    args: tuple[int | str | tuple[int, ...], ...] = ()

    def __str__(self) -> str:
        words = [self.proto, self.name] if self.proto else [self.name]
        for position, arg in enumerate(self.args):
            if self.name == "type" and position == 1:
                words.append("subtype")
            if isinstance(arg, tuple):
                words.append(f"({' or '.join(map(str, arg))})")
            else:
                words.append(f"\\{arg}" if arg in KEYWORDS and self.name in _TAKES_ANY_NAME else str(arg))
        return " ".join(words)


_TAKES_ANY_NAME = ("ifname", "ruleset", "reason", "action")


@dataclass(slots=True, eq=False)
class Length:
    """The length of the packet on the wire."""

    pos: int

    def __str__(self) -> str:
        return "len"


@dataclass(slots=True, eq=False)
class Index:
    """``proto[offset:size]``."""

    proto: str
    offset: Arith
    size: int
    pos: int

    def __str__(self) -> str:
        return _show(self)


@dataclass(slots=True, eq=False)
class Negative:
    """``- operand``."""

    operand: Arith
    pos: int

    def __str__(self) -> str:
        return _show(self)


@dataclass(slots=True, eq=False)
class Binary:
    """``left op right``."""

    op: str
    left: Arith
    right: Arith
    pos: int

    def __str__(self) -> str:
        return _show(self)


Arith: TypeAlias = Number | Length | Index | Binary | Negative


@dataclass(slots=True, eq=False)
class Relation:
    """``left op right``, compared unsigned."""

    op: str
    left: Arith
    right: Arith
    pos: int

    def __str__(self) -> str:
        return _show(self)


@dataclass(slots=True, eq=False)
class Not:
    """True where ``operand`` is false."""

    operand: Expr
    pos: int

    def __str__(self) -> str:
        return _show(self)


@dataclass(slots=True, eq=False)
class And:
    """True where all ``items`` are; tried from the left until one is not."""

    items: list[Expr]
    pos: int

    def __str__(self) -> str:
        return _show(self)


@dataclass(slots=True, eq=False)
class Or:
    """True where one of the ``items`` is; tried from the left until one is."""

    items: list[Expr]
    pos: int

    def __str__(self) -> str:
        return _show(self)


Expr: TypeAlias = And | Or | Not | Primitive | PrimitiveList | Relation | Word
Node: TypeAlias = Expr | Arith


def children(node: Expr) -> list[Expr]:
    """Return the expressions an expression is made of."""
    if isinstance(node, And | Or):
        return node.items
    return [node.operand] if isinstance(node, Not) else []


def _show(root: Node) -> str:
    # A filter of a megabyte may nest as deep as it is long: no recursion.
    pieces: list[str] = []
    todo: list[Node | str] = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, str):
            pieces.append(node)
        else:
            todo.extend(reversed(_parts(node)))
    return "".join(pieces)


def _parts(node: Node) -> list[Node | str]:
    """Return the words and nodes a node is written as, in their order."""
    if isinstance(node, And | Or):
        joint = " and " if isinstance(node, And) else " or "
        parts: list[Node | str] = []
        for item in node.items:
            nested = isinstance(item, And | Or) or (isinstance(item, PrimitiveList) and isinstance(node, And))
            parts += [joint, *_grouped(item, nested)]
        return parts[1:]
    if isinstance(node, Not):
        return ["not ", *_grouped(node.operand, isinstance(node.operand, And | Or | PrimitiveList))]
    if isinstance(node, Relation):
        return [node.left, f" {node.op} ", node.right]
    if isinstance(node, Binary):
        left = _grouped(node.left, isinstance(node.left, Binary | Negative))
        right = _grouped(node.right, isinstance(node.right, Binary))
        return [*left, f" {node.op} ", *right]
    if isinstance(node, Negative):
        return ["- ", *_grouped(node.operand, isinstance(node.operand, Binary))]
    if isinstance(node, Index):
        return [f"{node.proto}[", node.offset, f":{node.size}]"]
    return [str(node)]


def _grouped(node: Node, group: bool) -> list[Node | str]:
    return ["(", node, ")"] if group else [node]
