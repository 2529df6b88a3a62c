"""Syntax tree -> intermediate form: the third stage. Link types, names and qualifiers end here.

Terms are expanded in the order of the text, because each may move the link header for what
follows. Without ``scoped`` that is all the rest of the text, whatever parentheses and ``or``
say, as in libpcap. With it, a shift ends with the ``or``, the ``not`` or the text it is in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from nmpcap import dlt
from nmpcap.filter.expand import lists, wlan
from nmpcap.filter.expand.arithmetic import expand_relation
from nmpcap.filter.expand.encapsulation import ENCAPSULATIONS
from nmpcap.filter.expand.frames import FRAME_WORDS
from nmpcap.filter.expand.hosts import expand_gateway, expand_host, expand_net
from nmpcap.filter.expand.linklayer import Context, Link
from nmpcap.filter.expand.networks import NETWORK_WORDS
from nmpcap.filter.expand.transport import expand_port, expand_proto, expand_protochain, expand_word
from nmpcap.filter.ir import TRUE, Assign, Bool, all_of, any_of, negate
from nmpcap.filter.syntax import ast

__all__ = ["expand"]

_WORDS = {**ENCAPSULATIONS, **FRAME_WORDS, **NETWORK_WORDS}

_PRIMITIVES = {
    "": expand_host,
    "host": expand_host,
    "net": expand_net,
    "port": expand_port,
    "portrange": expand_port,
    "proto": expand_proto,
    "protochain": expand_protochain,
    "gateway": expand_gateway,
}


def expand(context: Context, tree: ast.Expr | None) -> Bool:
    """Expand a filter; the empty one is TRUE. Raises FilterError for what the link type does not allow."""
    if tree is None:
        return TRUE
    if context.options.linktype == dlt.DLT_PRISM_HEADER:
        context.foldable = False
    body = _expand_tree(context, tree)
    if "payload" in context.used and context.options.linktype != dlt.DLT_PFLOG:
        context.foldable = False
    return wlan.ppi_check(context, all_of([_prologue(context), body]))


def _prologue(context: Context) -> Bool:
    if context.options.linktype != dlt.DLT_PFLOG:
        return wlan.prologue(context)
    if "payload" not in context.used:
        return TRUE
    values = context.values
    length = values.binary("+", values.load(1, None, 0), values.const(3))
    return Assign("payload", values.masked(length, 0xFFFFFFFC))


@dataclass(slots=True)
class _Frame:
    """A node whose children are being expanded."""

    node: ast.And | ast.Or | ast.Not
    link: Link
    items: list[ast.Expr]
    done: list[Bool] = field(default_factory=list)
    at: int = 0


_Nested: TypeAlias = ast.And | ast.Or | ast.Not


def _expand_tree(context: Context, root: ast.Expr) -> Bool:
    if not isinstance(root, ast.And | ast.Or | ast.Not):
        return _expand_leaf(context, root)
    scoped = context.options.scoped
    stack = [_Frame(root, context.link, ast.children(root))]
    while True:
        frame = stack[-1]
        if frame.at < len(frame.items):
            if scoped and isinstance(frame.node, ast.Or):
                context.link = frame.link
            item = frame.items[frame.at]
            if isinstance(item, ast.And | ast.Or | ast.Not):
                frame.at += 1
                stack.append(_Frame(item, context.link, ast.children(item)))
            elif isinstance(frame.node, ast.Or) and isinstance(item, ast.Primitive | ast.PrimitiveList):
                run = lists.run_length(frame.items, frame.at)
                together = (
                    lists.expand_run(context, frame.items[frame.at : frame.at + run]) if run > 1 else None
                )
                if together is None:
                    frame.done.append(_expand_leaf(context, item))
                    frame.at += 1
                else:
                    _note(context, ast.Or(frame.items[frame.at : frame.at + run], item.pos), together)
                    frame.done.append(together)
                    frame.at += run
            else:
                frame.done.append(_expand_leaf(context, item))
                frame.at += 1
            continue
        stack.pop()
        if scoped and not isinstance(frame.node, ast.And):
            context.link = frame.link
        result = _combine(frame.node, frame.done)
        if not stack:
            return result
        stack[-1].done.append(result)


def _combine(node: _Nested, done: list[Bool]) -> Bool:
    if isinstance(node, ast.Not):
        return negate(done[0])
    return all_of(done) if isinstance(node, ast.And) else any_of(done)


def _note(context: Context, node: ast.Expr, meaning: Bool) -> None:
    if context.parts is not None:
        context.parts.append((node, meaning))


def _expand_leaf(context: Context, node: ast.Expr) -> Bool:
    meaning = _meaning(context, node)
    _note(context, node, meaning)
    return meaning


def _meaning(context: Context, node: ast.Expr) -> Bool:
    if isinstance(node, ast.Primitive):
        return _PRIMITIVES[node.type](context, node)
    if isinstance(node, ast.Relation):
        return expand_relation(context, node)
    if isinstance(node, ast.PrimitiveList):
        return lists.expand_list(context, node)
    assert isinstance(node, ast.Word)
    expander = _WORDS.get(node.name)
    if expander is None:
        return expand_word(context, node.name, node.pos)
    return expander(context, node)
