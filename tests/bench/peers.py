"""The libraries that benchmarks compare with, where they are installed."""

from __future__ import annotations

import importlib
from types import ModuleType

from measure import Missing

__all__ = ["peer"]

MODULES = {
    "cypcap": "cypcap",
    "dpkt": "dpkt.pcap",
    "numpy": "numpy",
    "pcapy-ng": "pcapy",
    "pypcap": "pcap",
    "scapy": "scapy.utils",
    "socket": "socket",
}
HINTS = {"pypcap": " (builds on Python 3.11 and before, and takes libpcap's headers: .ci/packages bench)"}


def peer(package: str) -> ModuleType | Missing:
    """A peer's module, or that it is missing and how to get it."""
    try:
        return importlib.import_module(MODULES[package])
    except ImportError as error:
        how = f"to compare: pip install '.[bench]'{HINTS.get(package, '')}"
        return Missing(package, f"{error}; {how}")
