"""Text that came in a packet, made harmless for a terminal."""

from __future__ import annotations

__all__ = ["safe", "safe_until"]


def _shown(byte: int) -> str:
    high = "M-" if byte & 0x80 else ""
    low = byte & 0x7F
    return f"{high}{chr(low)}" if 0x20 <= low < 0x7F else f"{high}^{chr(low ^ 0x40)}"


_SHOWN = [_shown(byte) for byte in range(256)]


def safe(data: bytes) -> str:
    """Return bytes as text: control characters as ``^X``, those with the high bit with ``M-`` in front."""
    if data.isascii():
        text = data.decode("ascii")
        if text.isprintable():
            return text
    return "".join([_SHOWN[byte] for byte in data])


def safe_until(data: bytes, at: int, end: int) -> tuple[str, int]:
    """Return the text up to a NUL or an end, and the offset behind it (and behind the NUL).

    IndexError if the captured bytes end before both.
    """
    stop = data.find(b"\0", at, end)
    if stop >= 0:
        return safe(data[at:stop]), stop + 1
    if end > len(data):
        raise IndexError(end)
    return safe(data[at:end]), end
