"""pcapyplus, pcapy under another name: ``import nmpcap.compat.pcapyplus as pcapyplus``."""

from __future__ import annotations

from .pcapy import *  # noqa: F403
