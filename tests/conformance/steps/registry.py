"""The table of steps, filled by ``@step``."""

from __future__ import annotations

from collections.abc import Callable

from ..scenarios import Answer, Step
from ..stage import Stage

Action = Callable[[Stage, Step], Answer]

STEPS: dict[str, Action] = {}


class MissingDescriptorError(Exception):
    """A step named a descriptor that is not there, as an earlier open failed."""


def step(action: Action) -> Action:
    """Enters a function under its own name."""
    STEPS[action.__name__] = action
    return action


def on_descriptor(action: Action) -> Action:
    """For steps that need their descriptor: not run without it."""

    def guarded(stage: Stage, step: Step) -> Answer:
        if step["id"] not in stage.opened:
            raise MissingDescriptorError(step["id"])
        return action(stage, step)

    guarded.__name__ = action.__name__
    return guarded
