"""Something done in another thread after a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Later:
    """Runs something in another thread after a while; join tells how it went."""

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(seconds, action))
        self._thread.start()

    def _run(self, seconds: float, action: Callable[[], object]) -> None:
        time.sleep(seconds)
        try:
            action()
        except BaseException as error:
            self._error = error

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self._error:
            raise self._error
