"""What each step of a scenario does and answers, by topic; one function a step, of the step's name.

``perform`` runs one. A step on a descriptor that an earlier failure kept from existing answers
``no descriptor``.
"""

from __future__ import annotations

from ..scenarios import Answer, Step
from ..stage import Stage
from . import descriptors, requests, rings, syncs
from .registry import STEPS, MissingDescriptorError

__all__ = ["perform"]

# Importing the modules is what fills STEPS.
TOPICS = (descriptors, requests, rings, syncs)


def perform(stage: Stage, step: Step) -> Answer:
    """Does one step and returns its answer, which begins with the step's ``op`` and ``id``."""
    answer: Answer = {name: step[name] for name in ("op", "id") if name in step}
    try:
        return answer | STEPS[step["op"]](stage, step)
    except MissingDescriptorError:
        return answer | {"r": "no descriptor"}
