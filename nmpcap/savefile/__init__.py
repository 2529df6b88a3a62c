"""Savefiles: pcap and pcapng, plain or compressed, read and written.

``reader`` and ``writer`` are what the capture layer stands on; the formats themselves are
read and written in C.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nmpcap.savefile.pcapng import Block, Option
from nmpcap.savefile.reader import Interface, Reader, Record, read_blocks
from nmpcap.savefile.sink import LimitReached
from nmpcap.savefile.writer import Writer, open_writer

if TYPE_CHECKING:
    from nmpcap.savefile.rotate import RotatingWriter

__all__ = [
    "Block",
    "Interface",
    "LimitReached",
    "Option",
    "Reader",
    "Record",
    "RotatingWriter",
    "Writer",
    "open_writer",
    "read_blocks",
]


def __getattr__(name: str) -> Any:
    # Rotation is a thread and paths: what few programs need.
    if name == "RotatingWriter":
        return import_module("nmpcap.savefile.rotate").RotatingWriter
    raise AttributeError(f"module 'nmpcap.savefile' has no attribute {name!r}")
