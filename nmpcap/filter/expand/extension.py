"""Walks IPv6 extension headers without loops, for the dialect that looks through them.

Hop-by-hop, routing, destination options, authentication and fragment headers, as many as
``DEPTH``. Leaves the last next-header number and the place behind the headers in two
variables. A fragment that is not the first has a protocol, but no transport header.
"""

from __future__ import annotations

from nmpcap.filter.expand.linklayer import Context, Place
from nmpcap.filter.ir import Assign, Bool, Test, Value, all_of, any_of

__all__ = ["DEPTH", "leads_to", "set_start", "skip", "start"]

DEPTH = 6  # RFC 8200 section 4.1 recommends an order that uses each at most once, options twice

_NEXT, _AT = "next", "behind"
_OPTIONS = ((0, 0), (43, 43), (60, 60))  # hop-by-hop, routing, destination: length in units of 8
_FRAGMENT, _AH = 44, 51
_NOTHING = 59


def start(context: Context) -> Place:
    """Return the place behind the headers that ``skip`` went over."""
    return Place(context.values.var(_AT), 0)


def set_start(context: Context, value: Value) -> Bool:
    """Set the place to what it is where there is nothing to go over."""
    return Assign(_AT, value)


def leads_to(context: Context, protocols: tuple[int, ...]) -> Bool:
    """Return the test whether the header found there is of one of these protocols."""
    return Test(context.values.var(_NEXT), tuple((number, number) for number in protocols))


def skip(context: Context, *, to_header: bool) -> Bool:
    """Go over all extension headers; always true. ``to_header``: later fragments lead to none."""
    values, network = context.values, context.link.network
    fixed = values.const(network.k + 40)
    first = fixed if network.base is None else values.binary("+", network.base, fixed)
    steps: list[Bool] = [Assign(_NEXT, context.load(1, network, 6)), Assign(_AT, first)]
    for _ in range(DEPTH):
        steps.append(_step(context, to_header))
    return all_of(steps)


def _step(context: Context, to_header: bool) -> Bool:
    values = context.values
    found, at = values.var(_NEXT), values.var(_AT)

    def advance(units: int, extra: int) -> list[Bool]:
        length = values.binary("+", values.load(1, at, 1), values.const(extra))
        behind = values.binary("+", at, values.binary("*", length, values.const(units)))
        # The length stands beside the number of the next header: both before the place moves.
        return [Assign(_NEXT, values.load(1, at, 0)), Assign(_AT, behind)]

    fragment: list[Bool] = [Assign(_NEXT, values.load(1, at, 0))]
    if to_header:
        first = Test(values.masked(values.load(2, at, 2), 0xFFF8), ((0, 0),))
        fragment.append(any_of([first, Assign(_NEXT, values.const(_NOTHING))]))
    behind_fragment = Assign(_AT, values.binary("+", at, values.const(8)))
    return any_of(
        [
            all_of([Test(found, _OPTIONS), *advance(8, 1)]),
            all_of([Test(found, ((_AH, _AH),)), *advance(4, 2)]),
            all_of([Test(found, ((_FRAGMENT, _FRAGMENT),)), *fragment, behind_fragment]),
            Assign(_NEXT, found),
        ]
    )
