"""Explains a filter: the expression with nothing left to inherit, then what each part tests.

    tcp port 80 or 443
    =>
    tcp port 80 or tcp port 443
    ...

The parts are shown before optimization, where they still are parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nmpcap.filter import ir
from nmpcap.filter.expand.expression import expand
from nmpcap.filter.expand.linklayer import Context, Options, describe
from nmpcap.filter.names import Answers
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.lex import tokenize
from nmpcap.filter.syntax.parse import parse

__all__ = ["Origin", "explain"]

_SHOWN = 8


@dataclass(frozen=True)
class Origin:
    """What a program was compiled from, with the answers that names got then."""

    text: str
    options: Options
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Whether the options say so."""
        return self.options.live

    def explain(self) -> str:
        """Say what the expression means, part by part."""
        return explain(self.text, self.options, Answers(self.answers))


def explain(text: str, options: Options, resolver: Answers) -> str:
    """Write the expression with its qualifiers, and under each part the tests it became."""
    tree = parse(tokenize(text))
    where = f"on {describe(options.linktype)} packets"
    if tree is None:
        return f"(empty): accepts everything, {where}"
    context = Context(options, resolver)
    context.parts = []
    expand(context, tree)
    lines = [str(tree), f"in this order, {where}; x in [n] is the byte n, w a word, h a half-word:"]
    seen: set[str] = set()
    for node, meaning in context.parts:
        title = _title(node)
        body = _indented(ir.show(meaning))
        if f"{title}{body}" not in seen:
            seen.add(f"{title}{body}")
            lines.append(f"  {title}")
            lines.append(body)
    return "\n".join(lines)


def _title(node: ast.Expr) -> str:
    """Return the part as it would be written; of a long list its first member and the count of the rest."""
    members = node.items if isinstance(node, ast.Or) else [node]
    count = sum(len(member.spellings) if isinstance(member, ast.PrimitiveList) else 1 for member in members)
    if count <= _SHOWN:
        return str(node)
    first = members[0]
    if isinstance(first, ast.PrimitiveList):
        head = " ".join(part for part in (first.proto, first.dir, first.type or "host") if part)
        return f"{head} {first.spellings[0]} and {count - 1} more"
    return f"{first} and {count - 1} more"


def _indented(text: str) -> str:
    return "\n".join(f"      {line}" for line in text.splitlines())
