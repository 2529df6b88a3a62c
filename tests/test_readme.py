"""The pages are true: their Python runs, their commands are the ones CI runs, what they point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .clayers import ROWS as FOLDERS
from .layers import ROOT, ROWS

TOP = ROOT / "README.md"
PAGES = [
    TOP,
    *(page for part in ("nmpcap", "compat", "tests", "samples") for page in (ROOT / part).rglob("*.md")),
]
MOST_LINES = 120  # of the top page


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: language and text."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def in_project(page: Path) -> str:
    return str(page.relative_to(ROOT))


PYTHON = [
    pytest.param(code, id=f"{in_project(page)}-{number}")
    for page in PAGES
    for number, (language, code) in enumerate(blocks(page), 1)
    if language == "python"
]
SHELL = [code for language, code in blocks(TOP) if language == "sh"]


@pytest.mark.parametrize("code", PYTHON)
def test_python_runs(code: str, run_python, tmp_path) -> None:
    program = tmp_path / "readme.py"
    program.write_text(code)
    run_python(program)


def test_there_is_python_to_read() -> None:
    assert len([language for language, _ in blocks(TOP) if language == "python"]) >= 2


def test_the_top_page_is_for_newcomers() -> None:
    assert len(TOP.read_text().splitlines()) <= MOST_LINES


def test_the_first_two_commands_are_to_try_it_and_to_test_it() -> None:
    try_it, test_it = SHELL[:2]
    assert len(try_it.splitlines()) == len(test_it.splitlines()) == 1
    assert try_it.rstrip().endswith("samples/quickstart.py")
    assert test_it.rstrip().endswith("pytest")
    assert "'.[test]'" in test_it


@pytest.mark.parametrize("page", PAGES, ids=in_project)
def test_files_a_page_names_are_there(page: Path) -> None:
    text = page.read_text()
    linked = set(re.findall(r"\]\(([^):#]+)\)", text))
    assert [name for name in sorted(linked) if not (page.parent / name).exists()] == []
    folders = text.partition("| folder | |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\S+/)`", folders))
    if page == TOP:
        for code in SHELL:
            named |= set(re.findall(r"(?<!\S)((?:samples|tests|\.ci)/\S+)", code))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_tables_of_layers_are_the_enforced_ones() -> None:
    parts = (ROOT / "nmpcap" / "README.md").read_text()
    for number, row in enumerate(ROWS):
        assert f"| {number} | {' '.join(f'`{part}`' for part in row)} |" in parts
    folders = (ROOT / "nmpcap" / "_core" / "README.md").read_text()
    for number, row in enumerate(FOLDERS):
        named = " ".join(f"`{folder or '.'}/`" for folder in row)
        assert f"| {number} | {named} |" in folders
