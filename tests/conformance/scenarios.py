"""The recorded scenarios as data.

data/scenarios/THEME.json holds what to do, data/recorded/THEME.json what the genuine module
answered, step by step; data/PROVENANCE.md says where both come from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Step = dict[str, Any]
Answer = dict[str, Any]

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Scenario:
    """Steps to play and the answers to them; ``needs`` are conditions the machine must meet."""

    name: str
    doc: str
    needs: frozenset[str]
    steps: tuple[Step, ...]
    recorded: tuple[Answer, ...]


@cache
def scenarios() -> dict[str, Scenario]:
    """All scenarios by name, theme by theme."""
    found = {}
    for file in sorted((DATA / "scenarios").glob("*.json")):
        record: dict[str, list[Answer]] = json.loads((DATA / "recorded" / file.name).read_text())["results"]
        for entry in json.loads(file.read_text())["scenarios"]:
            found[entry["name"]] = _scenario(entry, record[entry["name"]])
    return found


def _scenario(entry: dict[str, Any], recorded: list[Answer]) -> Scenario:
    steps = entry["steps"]
    asked = [(step["op"], step.get("id")) for step in steps]
    answered = [(answer["op"], answer.get("id")) for answer in recorded]
    if asked != answered:
        raise ValueError(f"the record of {entry['name']} is of other steps")
    return Scenario(
        entry["name"], entry["doc"], frozenset(entry.get("needs", ())), tuple(steps), tuple(recorded)
    )
