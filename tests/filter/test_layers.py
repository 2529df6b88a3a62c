"""The stages of the compiler import from earlier stages, and from what lies beside them, only."""

from __future__ import annotations

import ast
from pathlib import Path

import nmpcap.filter

STAGES = ("syntax", "expand", "optimize", "codegen")
BESIDE = {"ir", "graph", "ranges", "names"}
FOLDER = Path(nmpcap.filter.__file__).parent


def parts_imported(text: str) -> set[str]:
    """The stages and neighbours that a module imports, by the first name behind the package's."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nmpcap.filter"):
            inside = (node.module or "").split(".")[2:]
            found |= {inside[0]} if inside else {alias.name for alias in node.names}
    return found


def strays(stage: str, text: str) -> set[str]:
    """What a stage's module must not import."""
    return parts_imported(text) - set(STAGES[: STAGES.index(stage) + 1]) - BESIDE


def test_stages_import_earlier_ones_only() -> None:
    files = [file for stage in STAGES for file in sorted((FOLDER / stage).glob("*.py"))]
    assert {file.parent.name for file in files} == set(STAGES)
    found = {str(file.relative_to(FOLDER)): strays(file.parent.name, file.read_text()) for file in files}
    assert {file: names for file, names in found.items() if names} == {}


def test_what_is_beside_the_stages_imports_none() -> None:
    for name in BESIDE:
        assert parts_imported((FOLDER / f"{name}.py").read_text()) & set(STAGES) == set(), name


def test_the_check_itself() -> None:
    assert strays("expand", "from nmpcap.filter.codegen import generate") == {"codegen"}
    assert strays("expand", "from nmpcap.filter import pipeline, ir") == {"pipeline"}
    assert strays("codegen", "from nmpcap.filter.syntax.lex import tokenize") == set()
