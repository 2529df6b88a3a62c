"""Times as people say them."""

from __future__ import annotations

__all__ = ["lifetime"]


def lifetime(seconds: int) -> str:
    """Return a time in weeks, days, hours, minutes and seconds: ``1d1s``."""
    text = ""
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size:
            text += f"{seconds // size}{unit}"
            seconds %= size
    return text or "0s"
