"""Which of the two netmaps a program wants."""

from __future__ import annotations

import os

from nmpcap._core import lib
from nmpcap.errors import UsageError

__all__ = ["which_netmap"]

_WHICH = {"auto": lib.NM_NETMAP_AUTO, "kernel": lib.NM_NETMAP_KERNEL, "user": lib.NM_NETMAP_USER}


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
