"""Names as C has them, and the captures in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

__all__ = ["from_c_str", "get_pcap_file", "to_c_str"]


def to_c_str(v: Any) -> bytes:
    """Return a str in UTF-8; nothing for what is none."""
    return v.encode() if isinstance(v, str) else b""


def from_c_str(v: Any) -> str:
    """Return bytes in UTF-8 as a str; nothing for what is none."""
    try:
        return v.decode() if isinstance(v, bytes) else ""
    except UnicodeDecodeError:
        return ""


def get_pcap_file(path: str | bytes) -> Iterable[str]:
    """Return a file's own path, or those of the files below a folder whose names have ``.pcap`` in them."""
    where = from_c_str(path) if isinstance(path, bytes) else path
    if os.path.isfile(where):
        return (where,)
    return (
        os.path.join(folder, file) for folder, _, files in os.walk(where) for file in files if ".pcap" in file
    )
