"""Time limits that hold on a busy machine.

What must be prompt has ``PROMPT`` seconds: less than the time it would take otherwise, and more
than a process has to wait for its turn. Finer limits are for the best of several attempts.
"""

from __future__ import annotations

from collections.abc import Callable

PROMPT = 3.0
ATTEMPTS = 10


def best(measure: Callable[[], float], enough: float) -> float:
    """The smallest of up to ten measurements; the first that is small enough is the last."""
    smallest = float("inf")
    for _ in range(ATTEMPTS):
        smallest = min(smallest, measure())
        if smallest < enough:
            break
    return smallest
