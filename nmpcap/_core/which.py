"""Which of the two netmaps a program wants, and where user space has its switches."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

from nmpcap._core import ffi, lib
from nmpcap.errors import UsageError

__all__ = ["Directory", "runtime_directory", "which_netmap"]

_WHICH = {"auto": lib.NM_NETMAP_AUTO, "kernel": lib.NM_NETMAP_KERNEL, "user": lib.NM_NETMAP_USER}


Directory: TypeAlias = "str | os.PathLike[str] | None"
"""The path of a runtime directory; None: the one that the environment says."""


def which_netmap(netmap: str | None) -> int:
    """Return the core's number for ``auto``, ``kernel`` or ``user``; None asks ``NMPCAP_NETMAP``."""
    if netmap is not None and not isinstance(netmap, str):
        raise TypeError(f"netmap= must be a str, not {type(netmap).__name__}")
    chosen = netmap or os.environ.get("NMPCAP_NETMAP") or "auto"
    try:
        return int(_WHICH[chosen])
    except KeyError:
        origin = "netmap=" if netmap else "NMPCAP_NETMAP="
        raise UsageError(f"{origin}{chosen!r}: there are 'auto', 'kernel' and 'user'") from None


def runtime_directory(path: Directory) -> Any:
    """Return a path for C, to be held for as long as C looks at it; NULL for None."""
    if path is None:
        return ffi.NULL
    try:
        encoded = os.fsencode(path)
    except TypeError:
        raise TypeError(f"runtime_dir= must be a path, not {type(path).__name__}") from None
    if not encoded or b"\0" in encoded:
        raise UsageError(f"runtime_dir={path!r}: not the path of a directory")
    return ffi.new("char[]", encoded)
