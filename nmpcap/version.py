"""Which nmpcap this is."""

from __future__ import annotations

__all__ = ["lib_version"]


def lib_version() -> str:
    """Return the library's name and version, as libpcap's pcap_lib_version does: ``nmpcap version 1.2.3``."""
    from importlib.metadata import version  # reads files, and few programs ask

    return f"nmpcap version {version('nmpcap')}"
