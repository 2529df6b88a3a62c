"""C strings as Python has them."""

from __future__ import annotations

from typing import Any

from nmpcap._core import ffi

__all__ = ["cstring"]


def cstring(chars: Any) -> str:
    """Return the text of a NUL-terminated ``char *`` or array.

    Bytes that are no UTF-8, which names and paths may hold, become lone surrogates, as in os.fsdecode.
    """
    return str(ffi.string(chars).decode(errors="surrogateescape"))
