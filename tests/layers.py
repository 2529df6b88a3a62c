"""The import table: which part of nmpcap may import which, read from the source with ``ast``.

A part imports from lower rows only; the README of nmpcap/ shows the same table. A file below ``compat/`` or
``samples/`` counts as a part of its own kind.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

ROWS: tuple[tuple[str, ...], ...] = (
    ("_printable",),
    ("errors", "_snaplen"),
    ("_arguments", "dlt", "bpf", "tstamp", "_core"),
    ("bpf.native", "packet", "version"),
    ("bpf.program",),
    ("filter", "savefile", "decode"),
    ("netmap",),
    ("vale",),
    ("devices", "ports"),
    ("capture",),
    ("tools", "compat", "rig"),
    ("cli",),
    ("samples", "__main__"),
)
# Parts that have a place and no module yet; nmpcap/preload/ will be C, above the core's capture/.
RESERVED = {"rig"}
# Parts that may touch the compiled core; all others deal in what these hand up. The package imports it first.
OVER_THE_CORE = {
    *(
        "",
        "_core",
        "bpf.native",
        "packet",
        "version",
        "savefile",
        "netmap",
        "vale",
        "devices",
        "ports",
        "capture",
        "tools",
    ),
}
# Packages from elsewhere, and the only parts that may know of them.
FROM_ELSEWHERE = {
    "cffi": {"_core"},
    "dpkt": {"_core", "decode", "compat"},
    "numpy": {"packet"},
    "pandas": {"packet"},
    "scapy": {"compat"},
    "ptf": {"compat"},
}


@dataclass(frozen=True)
class Import:
    """One import statement: where it stands and the absolute module it names."""

    file: Path
    line: int
    part: str
    module: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}: {self.part} imports {self.module}"


def part_of(module: str) -> str | None:
    """The part of nmpcap that a module belongs to; "" is the package itself, None is elsewhere."""
    package, _, inside = module.partition(".")
    if package != "nmpcap":
        return None
    for part in sorted((part for row in ROWS for part in row), key=len, reverse=True):
        if inside == part or inside.startswith(f"{part}."):
            return part
    return inside.partition(".")[0]


def row_of(part: str) -> float:
    """The part's row; the package itself is above all it re-exports and below what is built on it."""
    if part == "":
        return row_of("capture") + 0.5
    return next(i for i, row in enumerate(ROWS) if part in row)


def modules() -> Iterator[tuple[str, Path]]:
    """Every source file of the project outside the tests, and its module's name when installed."""
    for folder, package in (("nmpcap", "nmpcap"), ("compat", "nmpcap.compat"), ("samples", "nmpcap.samples")):
        for file in sorted((ROOT / folder).rglob("*.py")):
            names = file.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join((package, *(name for name in names if name != "__init__"))), file


def imports_of(module: str, file: Path, text: str | None = None) -> Iterator[Import]:
    """Every import of a module, wherever in it; ``from a import b`` counts as a and, if a module, a.b.

    What only a type checker imports (``if TYPE_CHECKING:``) is none.
    """
    part = part_of(module) or ""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    known = {name for name, _ in modules()} | {f"nmpcap.{part}" for row in ROWS for part in row}
    for node in _executed(ast.parse(file.read_text() if text is None else text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, part, alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            submodules = [f"{source}.{alias.name}" for alias in node.names]
            for name in [name for name in submodules if name in known] or [source]:
                yield Import(file, node.lineno, part, name)


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from _executed(node)
