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

from nmpcap.filter import ast, ir
from nmpcap.filter.expand import expand
from nmpcap.filter.lex import tokenize
from nmpcap.filter.linklayer import Context, Options, describe
from nmpcap.filter.names import Answers
from nmpcap.filter.parse import parse

__all__ = ["Source", "explain"]


@dataclass(frozen=True)
class Source:
    """What a program was compiled from, with the answers that names got then."""

    text: str
    options: Options
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)

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
        title = str(node) if not isinstance(node, ast.PrimitiveList) else _shortened(node)
        body = _indented(ir.show(meaning))
        if f"{title}{body}" not in seen:
            seen.add(f"{title}{body}")
            lines.append(f"  {title}")
            lines.append(body)
    return "\n".join(lines)


def _shortened(node: ast.PrimitiveList) -> str:
    head = " ".join(part for part in (node.proto, node.dir, node.type or "host") if part)
    return f"{head} {node.spellings[0]} and {len(node.spellings) - 1} more"


def _indented(text: str) -> str:
    return "\n".join(f"      {line}" for line in text.splitlines())
