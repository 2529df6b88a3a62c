"""What happens each second: the counter of -v -w, --stats, progress."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Ticks"]

_SECOND = 1.0


class Ticks:
    """Functions to be called once a second by whoever polls, late rather than twice."""

    def __init__(self, *functions: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._functions = functions
        self._clock = clock
        self._due = clock() + _SECOND

    def poll(self) -> float | None:
        """Call what is due; the seconds until the next time, None where there is nothing to call."""
        if not self._functions:
            return None
        now = self._clock()
        if now >= self._due:
            self._due = now + _SECOND
            for function in self._functions:
                function()
        return max(0.0, self._due - now)
