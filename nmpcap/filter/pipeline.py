"""The stages of compilation, one after the other; each leaves something that can be printed.

text -> tokens -> tree -> expanded -> graph -> instructions
"""

from __future__ import annotations

from dataclasses import dataclass

from nmpcap.bpf.insn import Instruction
from nmpcap.errors import FilterError
from nmpcap.filter import ir
from nmpcap.filter.codegen.generate import generate
from nmpcap.filter.expand.expression import expand
from nmpcap.filter.expand.linklayer import Context, Options
from nmpcap.filter.expand.linktypes import is_known
from nmpcap.filter.graph import Graph, lower
from nmpcap.filter.names import Resolver
from nmpcap.filter.optimize.always_false import rejects_all
from nmpcap.filter.optimize.decisions import optimize
from nmpcap.filter.optimize.fold import Folder
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.lex import Tokens, tokenize
from nmpcap.filter.syntax.parse import parse

__all__ = ["Stages", "run"]

_AROUND = 40  # characters on each side of an error that are shown
_LONGEST_MESSAGE = 500


@dataclass(frozen=True)
class Stages:
    """What each stage made of a filter."""

    tokens: Tokens
    tree: ast.Expr | None
    expanded: ir.Bool
    graph: Graph
    instructions: tuple[Instruction, ...]


def run(text: str, options: Options, resolver: Resolver) -> Stages:
    """Compile a filter; raises FilterError with the position of what is wrong, and a picture of it."""
    try:
        return _run(text, options, resolver)
    except FilterError as error:
        message = str(error)
        if len(message) > _LONGEST_MESSAGE:  # a name may be as long as the text
            message = f"{message[:_LONGEST_MESSAGE]} ..."
        raise FilterError(f"{message}{_pointer(text, error.position)}", error.position) from None


def _pointer(text: str, position: int) -> str:
    """Return the text around a position, with a caret under it."""
    if not text:
        return ""
    start = max(0, position - _AROUND)
    shown = text[start : position + _AROUND]
    plain = "".join(char if char.isprintable() else " " for char in shown)
    before, behind = "..." * (start > 0), "..." * (position + _AROUND < len(text))
    return f"\n  {before}{plain}{behind}\n  {' ' * (len(before) + position - start)}^"


def _run(text: str, options: Options, resolver: Resolver) -> Stages:
    if options.snaplen == 0:
        raise FilterError("snaplen of 0 rejects all packets", 0)
    if not is_known(options.linktype):
        raise FilterError(f"unknown data link type {options.linktype}", 0)
    tokens = tokenize(text)
    tree = parse(tokens)
    context = Context(options, resolver)
    expanded = expand(context, tree)
    if options.optimize:
        folder = Folder(context.values)
        graph = optimize(expanded, folder)
        if graph.root is graph.reject and context.foldable and rejects_all(expanded, folder):
            raise FilterError("expression rejects all packets", 0)
    else:
        graph = lower(expanded, share=False)
    instructions = generate(graph, context.values, options.snaplen, track=options.optimize)
    return Stages(tokens, tree, expanded, graph, instructions)
