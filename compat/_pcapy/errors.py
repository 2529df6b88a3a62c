"""pcapy's two exceptions, and which of them an error of ours is."""

from __future__ import annotations

from nmpcap import errors

from .._source import Source
from .._words import words

__all__ = ["CLOSED", "BPFError", "PcapError", "original"]

CLOSED = "pcap is closed"


class PcapError(Exception):
    """Anything that libpcap refuses; ``args[0]`` is its words."""


class BPFError(Exception):
    """A filter expression that BPFProgram cannot compile."""


# What pickles them, and prints their names, looks here.
PcapError.__module__ = BPFError.__module__ = "nmpcap.compat.pcapy"


def original(error: errors.PcapError, source: Source | None = None) -> Exception:
    """Return pcapy's exception for one of ours."""
    if source is not None and source.closed and isinstance(error, errors.UsageError):
        return ValueError(CLOSED)
    return PcapError(words(error, None if source is None else source.name))
