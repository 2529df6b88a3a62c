"""What all verbs have in common: a parser whose complaints are one line, and errors that end in one line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from nmpcap.cli.messages import BROKEN_PIPE, FAILURE, tell
from nmpcap.errors import PcapError

__all__ = ["Parser", "print_json", "run"]


class Parser(argparse.ArgumentParser):
    """argparse's, but for one line of what is wrong, and status 1."""

    def __init__(self, verb: str, description: str, **keywords: Any) -> None:
        super().__init__(
            prog=f"nmpcap {verb}",
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **keywords,
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where help is."""
        tell(f"{self.prog}: {message} (--help lists what there is)")
        raise SystemExit(FAILURE)


def run(parser: Parser, work: Callable[[argparse.Namespace], int | None], words: Sequence[str]) -> int:
    """Parse words, do the work, and return the status; what the library raises is one line on stderr."""
    try:
        status = work(parser.parse_args(list(words))) or 0
        sys.stdout.flush()
        return status
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        return FAILURE
    except BrokenPipeError:
        # The interpreter would flush again at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (PcapError, OSError, TypeError, ValueError, MemoryError) as error:
        tell(f"{parser.prog}: {error}")
        return FAILURE


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    print(json.dumps(value, default=str))
