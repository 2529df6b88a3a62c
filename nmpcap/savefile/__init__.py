"""Savefiles: pcap and pcapng, plain or compressed, read and written.

``reader`` and ``writer`` are what the capture layer stands on; the formats themselves are
read and written in C.
"""

from nmpcap.savefile.pcapng import Block, Option
from nmpcap.savefile.reader import Interface, Reader, Record, read_blocks
from nmpcap.savefile.rotate import RotatingWriter
from nmpcap.savefile.sink import LimitReached
from nmpcap.savefile.writer import Writer, open_writer

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
