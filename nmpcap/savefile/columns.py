"""A batch's columns as C reads them."""

from __future__ import annotations

from typing import Any

from nmpcap._core import ffi
from nmpcap.errors import UsageError

__all__ = ["columns_of"]

_COLUMNS = {
    "ts_ns": "int64_t[]",
    "offsets": "int64_t[]",
    "caplens": "uint32_t[]",
    "lens": "uint32_t[]",
    "interfaces": "uint32_t[]",
    "linktypes": "uint16_t[]",
    "flags": "uint16_t[]",
}


def columns_of(batch: Any) -> tuple[Any, list[Any]]:
    """Return a batch as ``struct nm_columns *``, and what has to be kept while that is in use.

    Raises UsageError for columns of different lengths.
    """
    columns = ffi.new("struct nm_columns *")
    buffers = {name: ffi.from_buffer(kind, getattr(batch, name)) for name, kind in _COLUMNS.items()}
    counts = {len(buffer) for buffer in buffers.values()}
    if len(counts) != 1:
        raise UsageError(f"columns of different lengths: {sorted(counts)}")
    for name, buffer in buffers.items():
        setattr(columns, name, buffer)
    data = ffi.from_buffer("uint8_t[]", batch.data)
    columns.source = getattr(batch, "_origin", 0)
    columns.count = counts.pop()
    columns.data, columns.data_len = data, len(data)
    return columns, [*buffers.values(), data]
