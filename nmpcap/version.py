"""Which nmpcap this is."""

from __future__ import annotations

from nmpcap._core import ffi, lib

__all__ = ["VERSION", "lib_version"]

# Compiled in: asking importlib.metadata would take a third of the time that printing it takes.
VERSION: str = ffi.string(lib.NMPCAP_VERSION).decode()


def lib_version() -> str:
    """Return the library's name and version, as libpcap's pcap_lib_version does: ``nmpcap version 1.2.3``."""
    return f"nmpcap version {VERSION}"
