"""Text from packets, files and other people, as it may stand in a message or on a terminal.

A port, an interface, a path and an option of a pcapng file are called what somebody else wanted. Written as
they are, they move cursors, set titles, hide what stands behind them and add lines of their own.
"""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str, keep: str = "") -> str:
    r"""Return text with an escape for whatever is not to be seen: ``\x1b``, ``\u202e``.

    What that is, ``str.isprintable`` says: controls, separators but for the space, formats, code points that
    mean nothing. A byte that was no UTF-8, a lone surrogate here, becomes ``\xff``. The backslash stays, so
    that doing it twice does what doing it once does.

    keep: characters that stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else _escape(ord(char)) for char in text)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape's
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
