"""Impairments as text, and profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmpcap.errors import UsageError
from nmpcap.tools.link import Direction, Impairments, Step, impairments_of, read_profile


def test_every_impairment_can_be_written() -> None:
    words = (
        "rate=10M overhead=24 cell=48 cell_overhead=5 queue=50p loss=1% bit_errors=1e-9 burst=0.01,0.25,0.9 "
        "corrupt=0.1% delay=20ms jitter=5ms distribution=normal keep_order=no reorder=1%,2ms duplicate=0.5 "
        "drop=3,7 down=yes"
    )
    assert impairments_of(words.split()) == Impairments(
        rate="10M",
        overhead=24,
        cell=48,
        cell_overhead=5,
        queue="50p",
        loss="1%",
        bit_errors=1e-9,
        burst=("0.01", "0.25", "0.9"),
        corrupt="0.1%",
        delay="20ms",
        jitter="5ms",
        distribution="normal",
        keep_order=False,
        reorder=("1%", "2ms"),
        duplicate="0.5",
        drop=(3, 7),
        down=True,
    )
    assert impairments_of(["distribution=1ms,2ms"]).distribution == ("1ms", "2ms")


def test_a_profile_is_steps_in_time(tmp_path: Path) -> None:
    path = tmp_path / "profile"
    path.write_text("# a comment\n0 delay=20ms\n\n500ms there loss=5% # bad\n10\n")
    assert read_profile(path) == [
        Step(0, Impairments(delay="20ms")),
        Step(0.5, Impairments(loss="5%"), (Direction.THERE,)),
        Step(10, Impairments()),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("soon loss=1%", "line 1: the time of a step of 'soon'"),
        ("0 delay=1ms\n1 sideways loss=1%", "line 2: 'sideways': write it as NAME=VALUE"),
        ("0 overhead=many", "line 1: 'many' is not a number"),
        ("0 bit_errors=some", "line 1: 'some' is not a number"),
        ("0 keep_order=perhaps", "line 1: 'perhaps' is neither yes nor no"),
        ("0 drop=1,x", "line 1: 'x' is not a number"),
        ("0 loss=200%", "line 1: loss of '200%'"),
    ],
)
def test_the_line_that_cannot_be_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "profile"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_profile(path)
