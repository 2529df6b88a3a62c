"""The exception of python-libpcap."""

from __future__ import annotations

__all__ = ["LibpcapError"]


class LibpcapError(Exception):
    """Anything that libpcap refuses; ``message`` is its words."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message
