"""The compiled core: ``ffi`` and ``lib``, and nothing else.

Only the modules named in the import table of the README touch these two; everything
above deals in int, bytes, memoryview and dataclasses.
"""

from __future__ import annotations

try:
    from nmpcap._core._lib import ffi, lib
except ImportError as error:
    from pathlib import Path

    if any(Path(__file__).parent.glob("_lib.*.so")):
        raise
    raise ImportError(
        f"nmpcap was imported from its source tree ({Path(__file__).parents[2]}), which holds no compiled "
        "core. Install it with 'pip install .' and start Python from another directory."
    ) from error

__all__ = ["ffi", "lib"]
