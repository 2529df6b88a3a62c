"""The README is true: its Python runs, its commands are the ones CI runs, what it points at is there."""

from __future__ import annotations

import re

import pytest

from .layers import ROOT

TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [code for language, code in BLOCKS if language == "sh"]


@pytest.mark.parametrize("code", PYTHON, ids=lambda code: code.splitlines()[0][:40])
def test_python_runs(code: str, run_python, tmp_path) -> None:
    program = tmp_path / "readme.py"
    program.write_text(code)
    run_python(program)


def test_there_is_python_to_read() -> None:
    assert PYTHON


def test_the_first_two_commands_are_to_try_it_and_to_test_it() -> None:
    try_it, test_it = SHELL[:2]
    assert len(try_it.splitlines()) == len(test_it.splitlines()) == 1
    assert try_it.rstrip().endswith("samples/quickstart.py")
    assert test_it.rstrip().endswith("pytest")
    assert "'.[test]'" in test_it


def test_files_it_names_are_there() -> None:
    named = set(re.findall(r"\]\(([^):#]+)\)", TEXT))
    folders = TEXT.partition("| folder | |")[2].partition("\n\n")[0]
    named |= set(re.findall(r"`(\S+/)`", folders))
    for code in SHELL:
        named |= set(re.findall(r"(?<!\S)((?:samples|tests|\.ci)/\S+)", code))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
