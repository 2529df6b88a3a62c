"""Intermediate form -> decision graph, with as few decisions as can be.

    group    alternatives share tests; sets of addresses and ports are searched
    lower    the expression becomes a graph
    thread   decisions already taken are skipped, and what became equal is shared
    share    the searches of a large set are done by one piece of code

The verdict stays the same on every packet, cut ones included: unlike libpcap's optimizer
this one never drops a load that could fail.
"""

from __future__ import annotations

from nmpcap.filter.graph import Graph, lower
from nmpcap.filter.ir import Bool
from nmpcap.filter.optimize.fold import Folder
from nmpcap.filter.optimize.group import group
from nmpcap.filter.optimize.jump_threading import thread
from nmpcap.filter.optimize.shared_search import share

__all__ = ["optimize"]

_ROUNDS = 4
_LARGE = 10_000  # nodes from which one round must do


def optimize(body: Bool, folder: Folder) -> Graph:
    """Make the graph of an expression, and make it small."""
    graph = lower(group(body, folder), share=True)
    size = len(graph.in_order())
    for _ in range(_ROUNDS if size < _LARGE else 1):
        graph = thread(graph)
        before, size = size, len(graph.in_order())
        if size == before:
            break
    return share(graph, folder.values)
