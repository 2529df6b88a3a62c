"""The include table of the C core: which folder of ``nmpcap/_core`` may include which.

A folder includes from lower rows and from itself only; what lies in ``_core`` itself is the lowest row,
``nmpcap.h`` apart, which is the whole. The README beside the core shows the same table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .layers import ROOT

CORE = ROOT / "nmpcap" / "_core"

ROWS: tuple[tuple[str, ...], ...] = (
    ("",),
    ("bpf", "interfaces"),
    ("savefile", "sources", "afpacket"),
    ("usernet",),
    ("device",),
    ("netmap",),
    ("capture",),
    ("wire",),
    ("traffic",),
    ("python",),
)
UMBRELLA = "nmpcap.h"
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Include:
    """One quoted include: the file it stands in and the file it names, both below ``_core``."""

    file: str
    header: str

    def __str__(self) -> str:
        return f"nmpcap/_core/{self.file} includes {self.header}"


def folder_of(path: str) -> str:
    """The first folder of a path below ``_core``; "" is ``_core`` itself."""
    return path.partition("/")[0] if "/" in path else ""


def row_of(folder: str) -> int:
    """The row of a folder."""
    return next(i for i, row in enumerate(ROWS) if folder in row)


def is_wrong(found: Include) -> bool:
    """Whether an include reaches up, or across to a folder of its own row."""
    source, target = folder_of(found.file), folder_of(found.header)
    return found.header == UMBRELLA or (source != target and row_of(target) >= row_of(source))


def files() -> list[Path]:
    """Every C file of the core."""
    return sorted([*CORE.rglob("*.c"), *CORE.rglob("*.h")])


def includes_of(file: str, text: str) -> Iterator[Include]:
    """Every quoted include of a file, given its path below ``_core``."""
    for header in INCLUDE.findall(text):
        yield Include(file, header)
