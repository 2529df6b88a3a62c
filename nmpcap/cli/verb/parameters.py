"""``nmpcap parameters``: netmap's module parameters, of the kernel or of a runtime directory."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from nmpcap import vale
from nmpcap.cli.verb.front import Parser, run
from nmpcap.errors import UsageError

__all__ = ["main"]

_NAMES = (
    *("bridge_batch", "max_bridges", "no_timestamp", "generic_ringsize"),
    *("if_num", "if_size", "ring_num", "ring_size", "buf_num", "buf_size"),
    *("priv_if_num", "priv_if_size", "priv_ring_num", "priv_ring_size", "priv_buf_num", "priv_buf_size"),
)


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = Parser("parameters", "Show netmap's parameters, or set them: nmpcap parameters buf_size=4096")
    parser.add_argument("parameter", nargs="*", metavar="NAME[=VALUE]")
    return run(parser, _work, words)


def _work(options: argparse.Namespace) -> None:
    for word in options.parameter or _NAMES:
        name, equals, value = word.partition("=")
        if equals:
            try:
                vale.set_parameter(name, int(value, 0))
            except ValueError:
                raise UsageError(f"parameter {name}: {value!r} is not a number") from None
        print(f"{name} = {vale.get_parameter(name)}")
