"""Fuzz target: any bytes as a compressed savefile, read through decompression and the reader.

They give packets or a PcapError, in pieces of bounded size; in small bites what comes out is the same.
"""

from __future__ import annotations

import contextlib
import io

from nmpcap import PcapError
from nmpcap.savefile import Reader
from nmpcap.savefile.compression import Decompressor, compression_of_bytes

MEMORY = 8 << 20
PIECE = 256 << 10
MOST = 16 << 20  # bytes that one input may become here: what is larger is cut off, not judged


def expand(data: bytes, bite: int) -> tuple[bytes, bool]:
    """What a stream holds, and whether it was whole."""
    name = compression_of_bytes(data)
    assert name is not None
    stream, out, at = Decompressor(name, MEMORY), [], 0
    total = 0
    try:
        while total < MOST and (at < len(data) or not stream.needs_input):
            bitten = data[at : at + bite] if stream.needs_input else b""
            at += len(bitten)
            piece = stream.decompress(bitten, last=at == len(data))
            assert len(piece) <= PIECE
            total += len(piece)
            out.append(piece)
        return b"".join(out), True
    except PcapError:
        return b"".join(out), False


def test_one_input(data: bytes) -> None:
    """Judge one input; an exception is a finding."""
    if compression_of_bytes(data) is None:
        return
    whole, was_whole = expand(data, len(data))
    bites, also_whole = expand(data, 7)
    if was_whole and also_whole and len(whole) < MOST:
        assert whole == bites
    with contextlib.suppress(PcapError), Reader(io.BytesIO(data), max_memory=MEMORY) as reader:
        for number, record in enumerate(reader):
            assert record.interface < len(reader.interfaces)
            if number > 1000:
                break
