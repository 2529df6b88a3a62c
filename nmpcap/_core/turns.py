"""A turn in a handle that another thread reads from: to send, or to set something."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from nmpcap._core import lib

__all__ = ["enter_aside"]

_PATIENCE = 50  # slices of a tenth of a second, while another thread is in a callback that does not return


def enter_aside(capture: Any, error_for: Callable[[int, str], Exception]) -> None:
    """Enter a ``struct nm_capture *`` once the thread that is in passes it on; nm_capture_leave undoes it.

    Raises what ``error_for(errno, "")`` returns: EBADF where it is closed, EBUSY where nobody let go of it.
    """
    error = lib.nm_capture_enter_aside(capture, 0)
    for _ in range(_PATIENCE):
        if error != -errno.EINTR:
            break
        error = lib.nm_capture_enter_aside(capture, 1)
    if error:
        raise error_for(errno.EBUSY if error == -errno.EINTR else -error, "")
