"""Stand-ins for other pcap libraries: one module an original, with its names, types and errors.

Three ways to switch: import the stand-in by its own name (``import nmpcap.compat.pcapy as pcapy``); have it
imported by the original's, ``install("pcapy")``; or start a program that nobody may edit with
``python -m nmpcap.compat SCRIPT ARGUMENTS``. NMPCAP_DEVICE_MAP says what the names of devices mean in each.
"""

from __future__ import annotations

from ._stand_ins import ORIGINALS, install

__all__ = ["ORIGINALS", "install"]
