"""Bytes in hexadecimal and as characters, in tcpdump's columns."""

from __future__ import annotations

import re

__all__ = ["ascii_text", "hex_and_ascii", "hex_lines"]

_SHOWN = bytes(byte if 0x21 <= byte <= 0x7E else 0x2E for byte in range(256))
_TEXT = bytes(byte if 0x20 <= byte <= 0x7E or byte in b"\t\n" else 0x2E for byte in range(256))

# As in tcpdump, also one that is the last byte but one.
_CR = re.compile(rb"\r(?=\n|.?\Z)", re.DOTALL)


def _groups(data: bytes) -> str:
    return data.hex(" ", -2)


def hex_lines(data: bytes, indent: str = "\n\t", offset: int = 0) -> str:
    """Return 16 bytes a line as ``0x0000:  4500 0028``, each line after indent (-x).

    offset is the number of the first byte.
    """
    lines = []
    for at in range(0, len(data), 16):
        lines.append(f"{indent}0x{offset + at:04x}:  {_groups(data[at : at + 16])}")
    return "".join(lines)


def hex_and_ascii(data: bytes, indent: str = "\n\t", offset: int = 0) -> str:
    """Return 16 bytes a line as hex_lines() does, and behind column 39 as characters (-X)."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        lines.append(
            f"{indent}0x{offset + at:04x}:  {_groups(row):<39}  {row.translate(_SHOWN).decode('ascii')}"
        )
    return "".join(lines)


def ascii_text(data: bytes) -> str:
    """Return bytes as characters (-A): tabs and line feeds as they are, a CR at the end of a line dropped."""
    return "\n" + _CR.sub(b"", data).translate(_TEXT).decode("ascii")
