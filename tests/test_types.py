"""What types promise: a typed program runs, and the stubs of the compiled modules are what those have.

That the program's types are right, mypy says, in .ci/run.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nmpcap._core.delivery import compiled

from . import user_program

STUBBED = ["nmpcap._core._deliver", "nmpcap._core._mapping"]
# What a class that exports a buffer has from Python 3.12 on.
BUFFERS = [
    "nmpcap._core._deliver.Block.__buffer__",
    "nmpcap._core._deliver.Packet.__buffer__",
    "nmpcap._core._mapping.Mapping.__buffer__",
]


def test_a_typed_program_runs(switch: str, netmap: str, tmp_path: Path) -> None:
    user_program.main(switch, tmp_path)


@pytest.mark.parametrize("module", STUBBED)
def test_stubs_say_what_compiled_modules_have(module: str, run_python: Callable, tmp_path: Path) -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("no mypy; to run it: pip install '.[lint]'")
    if not compiled:
        pytest.skip("no compiled delivery; to run it: CPython, without NMPCAP_DELIVERY=plain")
    allowed = tmp_path / "allowed"
    allowed.write_text("\n".join(BUFFERS) if sys.version_info < (3, 12) else "")
    run_python(
        "-m", "mypy.stubtest", module, "--allowlist", allowed, "--ignore-unused-allowlist", timeout=300
    )
