"""Where answers differ from the record, field by field, and how to show it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .scenarios import Answer, Scenario

# Geometry that an implementation may choose: recorded for the curious, not compared.
SOFT_FIELDS = frozenset({"memsize", "pools"})
ABSENT = "(absent)"


@dataclass(frozen=True)
class Difference:
    """One field of one answer that is not as recorded; values as JSON, or ``(absent)``."""

    scenario: str
    step: int
    field: str
    recorded: str
    obtained: str


def differences(scenario: Scenario, obtained: Sequence[Answer]) -> list[Difference]:
    """All fields that differ, in order of steps."""
    if len(obtained) != len(scenario.recorded):
        raise ValueError(
            f"{scenario.name}: {len(scenario.recorded)} answers recorded, {len(obtained)} obtained"
        )
    return [
        Difference(scenario.name, number, field, as_json(recorded, field), as_json(answer, field))
        for number, (step, recorded, answer) in enumerate(
            zip(scenario.steps, scenario.recorded, obtained, strict=True)
        )
        for field in sorted(recorded.keys() | answer.keys())
        if field not in SOFT_FIELDS | set(step.get("ignore", ()))
        and as_json(recorded, field) != as_json(answer, field)
    ]


def as_json(answer: Answer, field: str) -> str:
    """A field of an answer as it is compared and listed."""
    return json.dumps(answer[field], sort_keys=True) if field in answer else ABSENT


def told(difference: Difference, scenario: Scenario) -> str:
    """A difference for people: the step, and the two values; lists row by row."""
    head = f"{scenario.name}, step {difference.step}: {json.dumps(scenario.steps[difference.step])}"
    return "\n".join([head, *(f"    {line}" for line in _values(difference))])


def _values(difference: Difference) -> Iterator[str]:
    recorded, obtained = (_rows(value) for value in (difference.recorded, difference.obtained))
    if recorded is None or obtained is None:
        yield f"{difference.field}: recorded {difference.recorded}, obtained {difference.obtained}"
        return
    yield f"{difference.field}: - recorded, + obtained"
    yield from (line for line in difflib.ndiff(recorded, obtained) if not line.startswith("?"))


def _rows(value: str) -> list[str] | None:
    rows: Any = None if value == ABSENT else json.loads(value)
    return [json.dumps(row, sort_keys=True) for row in rows] if isinstance(rows, list) else None
