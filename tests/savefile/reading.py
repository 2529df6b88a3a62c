"""Reading a savefile to its end, from whatever its bytes come from."""

from __future__ import annotations

import io

from nmpcap import SavefileError
from nmpcap.savefile import Reader
from nmpcap.savefile.input import Source


def read(source: Source) -> tuple[list[tuple[int, bytes, int]], str]:
    """What our reader makes of a source: packets, and libpcap's words for what ended them."""
    packets: list[tuple[int, bytes, int]] = []
    try:
        with Reader(source) as reader:
            packets.extend((record.ts_ns, record.data, record.len) for record in reader)
    except SavefileError as error:
        return packets, error.reason
    return packets, ""


class Trickle(io.RawIOBase):
    """A file object that gives one byte at a time."""

    def __init__(self, contents: bytes) -> None:
        self._contents = iter(contents)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return bytes(byte for byte in [next(self._contents, None)] if byte is not None)
