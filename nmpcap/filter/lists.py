"""Expands long lists of one primitive, ``host A or host B or ...``, all at once."""

from __future__ import annotations

from nmpcap.filter import ast
from nmpcap.filter.ir import Bool
from nmpcap.filter.linklayer import Context

__all__ = ["expand_run", "run_length"]


def run_length(items: list[ast.Expr], start: int) -> int:
    return 1


def expand_run(context: Context, items: list[ast.Expr]) -> Bool | None:
    return None
