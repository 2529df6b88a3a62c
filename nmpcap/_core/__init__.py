"""The compiled core: ``ffi`` and ``lib``, and nothing else.

Only the modules named in the import table of the README touch these two; everything
above deals in int, bytes, memoryview and dataclasses.
"""

from __future__ import annotations

try:
    from nmpcap._core._lib import ffi, lib
except ImportError as error:
    import sys
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path

    if any(Path(__file__).parent.glob("_lib.*.so")):
        raise
    # Python was started in a checkout, whose nmpcap/ is in front of the installed one. That one is meant.
    try:
        installed = Path(str(distribution("nmpcap").locate_file("nmpcap")))
    except PackageNotFoundError:
        installed = Path(__file__).parent
    if not any((installed / "_core").glob("_lib.*.so")):
        raise ImportError(
            f"nmpcap was imported from its source tree ({Path(__file__).parents[2]}), which holds no "
            f"compiled core, and is not installed for this Python, {sys.executable}: "
            "run 'pip install .' with it"
        ) from error
    sys.modules["nmpcap"].__path__ = [str(installed)]
    __path__ = [str(installed / "_core")]
    from nmpcap._core._lib import ffi, lib

__all__ = ["ffi", "lib"]
