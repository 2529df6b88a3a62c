"""Signals, as tcpdump takes them: INT, TERM, HUP and PIPE end the capture; USR1 asks, USR2 flushes."""

from __future__ import annotations

import signal
from collections.abc import Callable

__all__ = ["Signals"]

_ENDING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """The program's handlers. ``stopped`` tells whether a signal has ended it."""

    def __init__(self, stop: Callable[[], None], ask: Callable[[], None], flush: Callable[[], None]) -> None:
        """Call ``stop`` on what ends the capture, ``ask`` on USR1, ``flush`` on USR2."""
        self.stopped = False
        self._stop = stop
        for number in _ENDING:
            signal.signal(number, self._end)
        # nohup has HUP ignored, and that stays so.
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, self._end)
        signal.signal(signal.SIGUSR1, lambda *_: ask())
        signal.signal(signal.SIGUSR2, lambda *_: flush())

    def _end(self, *_: object) -> None:
        self.stopped = True
        self._stop()
