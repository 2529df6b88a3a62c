"""OpenPcap: a savefile in a ``with``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .base import LibPcap

__all__ = ["LibPcap", "OpenPcap"]


class OpenPcap:
    """A savefile that is read (``r``), written (``w``) or gone on with (``a``), until the ``with`` ends."""

    def __init__(self, path: str, mode: str = "r", *arguments: Any, **keywords: Any) -> None:
        self._pcapobj = LibPcap(path, mode, *arguments, **keywords)

    def read(self) -> Iterator[tuple[int, int, bytes]]:
        """Iterate over the packets: captured length, whole seconds, bytes."""
        return self._pcapobj.read()

    def write(self, v: bytes | Iterable[bytes]) -> None:
        """Write a packet, or several."""
        self._pcapobj.write(v)

    def write_path(self, path: str) -> None:
        """Write the packets of a capture, or of all captures in a folder."""
        self._pcapobj.write_path(path)

    def __enter__(self) -> OpenPcap:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pcapobj.close()
