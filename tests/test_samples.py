"""The samples run as they stand, against the installed package, and stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*.py"))
MAX_LINES = 60


def test_there_are_samples_and_the_one_to_start_with() -> None:
    assert "quickstart" in [sample.stem for sample in SAMPLES]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_sample_runs_and_says_what_it_did(sample: Path, run_python) -> None:
    assert run_python(sample).stdout.strip()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_sample_is_one_idea_and_says_which(sample: Path) -> None:
    text = sample.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(text))
