"""No port at all, but a link type."""

from __future__ import annotations

from typing import Any

from nmpcap._core import lib
from nmpcap.packet import Explanation
from nmpcap.ports.port import Port

__all__ = ["DeadPort"]


class DeadPort(Port):
    """No port at all, but a link type."""

    name = "open_dead"
    holds = False

    def __init__(self, linktype: int) -> None:
        self.linktype = linktype

    def take_source(self) -> Any:
        """Hand over a source that refuses everything."""
        source = lib.nm_dead_open()
        if not source:
            raise MemoryError
        return source

    def explain(self, filter: str) -> Explanation:
        """Return that there is nothing."""
        return Explanation(
            name=self.name, source="dead", backend="none", rings="none", filter=filter, timestamps="none"
        )
