from __future__ import annotations

import pytest

from .compare import Difference, differences, told
from .scenarios import Scenario

STEPS = ({"op": "open", "id": "a"}, {"op": "state", "id": "a", "ignore": ["ts"]})
RECORDED = (
    {"op": "open", "id": "a", "r": "ok", "memsize": 5},
    {
        "op": "state",
        "id": "a",
        "head": 1,
        "ts": "set",
        "slots": [{"at": "0", "len": 60}, {"at": "1", "len": 9}],
    },
)


@pytest.fixture
def scenario() -> Scenario:
    return Scenario("x", "", frozenset(), STEPS, RECORDED)


def changed(step: int, **fields):
    return [answer | (fields if number == step else {}) for number, answer in enumerate(RECORDED)]


def test_equal_answers_do_not_differ(scenario) -> None:
    assert differences(scenario, RECORDED) == []


def test_soft_and_ignored_fields_are_not_compared(scenario) -> None:
    assert differences(scenario, changed(0, memsize=6)) == []
    assert differences(scenario, changed(1, ts="zero")) == []
    assert differences(scenario, changed(0, ts="zero")) != []


def test_a_field_changed_missing_or_added_differs(scenario) -> None:
    assert differences(scenario, changed(1, head=2)) == [Difference("x", 1, "head", "1", "2")]
    assert differences(scenario, changed(0, tx="0")) == [Difference("x", 0, "tx", "(absent)", '"0"')]
    without = [{"op": "open", "id": "a"}, RECORDED[1]]
    assert differences(scenario, without) == [Difference("x", 0, "r", '"ok"', "(absent)")]


def test_another_number_of_answers_is_an_error(scenario) -> None:
    with pytest.raises(ValueError, match="2 answers recorded, 1 obtained"):
        differences(scenario, RECORDED[:1])


def test_lists_are_told_row_by_row(scenario) -> None:
    (difference,) = differences(scenario, changed(1, slots=[{"at": "0", "len": 60}, {"at": "1", "len": 8}]))
    text = told(difference, scenario)
    assert text.startswith('x, step 1: {"op": "state"')
    assert '    - {"at": "1", "len": 9}\n    + {"at": "1", "len": 8}' in text
    assert '      {"at": "0", "len": 60}\n' in text
