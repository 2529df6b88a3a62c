"""Packet, Pkthdr, Handle and Recorder: the compiled ones of CPython, or the same in Python over cffi.

``NMPCAP_DELIVERY`` chooses: ``auto`` (the default), ``compiled``, or ``plain``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nmpcap._core import ffi, lib

__all__ = ["Handle", "Packet", "Pkthdr", "Recorder", "compiled"]

wanted = os.environ.get("NMPCAP_DELIVERY") or "auto"
if wanted not in ("auto", "compiled", "plain"):
    raise ImportError(f"NMPCAP_DELIVERY={wanted}: there are auto, compiled and plain")

if TYPE_CHECKING:
    from nmpcap._core._deliver import Handle, Packet, Pkthdr, Recorder

    compiled: bool
else:
    compiled = wanted != "plain"
    if compiled:
        try:
            from nmpcap._core import _deliver
        except ModuleNotFoundError:
            if wanted == "compiled":
                raise
            compiled = False
    if compiled:
        _deliver.bind(int(ffi.cast("uintptr_t", lib.nm_deliver_calls())))
        Handle, Packet = _deliver.Handle, _deliver.Packet
        Pkthdr, Recorder = _deliver.Pkthdr, _deliver.Recorder
    else:
        from nmpcap._core._plain import Handle, Packet, Pkthdr, Recorder
