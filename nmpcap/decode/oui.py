"""Who made an Ethernet address, for those vendors that tcpdump knows."""

from __future__ import annotations

__all__ = ["vendor"]


def vendor(address: bytes) -> str:
    """Return the name of the vendor of the first three bytes of an address."""
    return "Unknown"
