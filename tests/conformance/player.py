"""Playing a scenario on a netmap."""

from __future__ import annotations

from .backend import Backend
from .scenarios import Answer, Scenario
from .stage import Stage
from .steps import perform


def play(scenario: Scenario, backend: Backend) -> list[Answer]:
    """Plays all steps and returns the answers. Everything opened is closed, however it ends."""
    stage = Stage(scenario.name, backend)
    try:
        return [perform(stage, step) for step in scenario.steps]
    finally:
        stage.clear()
