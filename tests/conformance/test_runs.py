from __future__ import annotations

import pytest

from .runs import merge, ranges


def test_labels_that_count_up_become_one_run() -> None:
    rows = [{"at": i, "len": 60, "buf": f"b.r0.{i}", "data": f"p{i + 7}"} for i in range(3)]
    assert merge(rows, {"buf", "data"}) == [
        {"at": "0-2", "len": 60, "buf": "b.r0.0-2", "data": "p7-9", "n": 3}
    ]


def test_labels_that_stay_become_one_run_without_a_range() -> None:
    rows = [{"at": i, "buf": f"x{i}", "data": "zeros"} for i in range(2)]
    assert merge(rows, {"buf", "data"}) == [{"at": "0-1", "buf": "x0-1", "data": "zeros", "n": 2}]


def test_a_run_keeps_to_what_its_second_row_decided() -> None:
    data = ["p0", "p1", "p1"]
    rows = [{"at": i, "buf": f"x{i}", "data": tag} for i, tag in enumerate(data)]
    assert [run["n"] for run in merge(rows, {"buf", "data"})] == [2, 1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"at": 0, "len": 60}, {"at": 1, "len": 61}),
        ({"at": 0, "len": 60}, {"at": 2, "len": 60}),
        ({"at": 7, "len": 60}, {"at": 0, "len": 60}),
        ({"at": 0, "buf": "a.t0.3"}, {"at": 1, "buf": "a.t0.5"}),
        ({"at": 0, "buf": "a.t0.3"}, {"at": 1, "buf": "b.t0.4"}),
        ({"at": 0, "buf": "zeros"}, {"at": 1, "buf": "other"}),
        ({"at": 0, "buf": "p1[:9]"}, {"at": 1, "buf": "p2[:9]"}),
    ],
)
def test_rows_that_differ_otherwise_stay_apart(first, second) -> None:
    assert [run["n"] for run in merge([first, second], {"buf"})] == [1, 1]


def test_rows_without_a_place_are_merged_too() -> None:
    assert merge([{"buf": "x.x.0"}, {"buf": "x.x.1"}], {"buf"}) == [{"buf": "x.x.0-1", "n": 2}]


@pytest.mark.parametrize(
    ("numbers", "told"), [([], ""), ([3], "3"), ([0, 1, 2, 5], "0-2,5"), ([5, 4, 1], "1,4-5")]
)
def test_ranges(numbers, told) -> None:
    assert ranges(numbers) == told
