"""python-libpcap's functions over savefiles and devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .base import LibPcap, Sniff
from .open import OpenPcap

__all__ = ["LibPcap", "OpenPcap", "Sniff", "mpcap", "rpcap", "sniff", "wpcap"]


def rpcap(path: str, filters: str = "") -> Iterator[tuple[int, int, bytes]]:
    """Iterate over the packets of a capture: captured length, whole seconds, bytes."""
    return LibPcap(path, filters=filters).read()


def wpcap(v: bytes | Iterable[bytes], path: str) -> None:
    """Write a packet, or several, behind those of a capture."""
    with OpenPcap(path, "a") as file:
        file.write(v)


def mpcap(path: str, out_file: str, filters: str = "") -> None:
    """Write the packets of a capture, or of all captures in a folder, behind those of another."""
    with OpenPcap(out_file, "a", filters=filters) as file:
        file.write_path(path)


def sniff(*arguments: Any, **keywords: Any) -> Iterator[tuple[int, float, bytes]]:
    """Iterate over what comes in at a device; arguments as for Sniff."""
    return Sniff(*arguments, **keywords).capture()
