"""How much of a packet is kept at most."""

from __future__ import annotations

from typing import Final

__all__ = ["MAXIMUM_SNAPLEN"]

MAXIMUM_SNAPLEN: Final = 262144
"""Bytes: more than any packet has. libpcap's number, and NM_MAXIMUM_SNAPLEN of the core."""
