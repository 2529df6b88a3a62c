"""What types promise: a typed program runs, and the stubs of the compiled modules are what those have.

That the program's types are right, mypy says, in .ci/run.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nmpcap._core.delivery import compiled

from . import user_program
from .layers import ROOT

STUBBED = ["nmpcap._core._deliver", "nmpcap._core._mapping"]
# What a class that exports a buffer has from Python 3.12 on.
BUFFERS = [
    "nmpcap._core._deliver.Slab.__buffer__",
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


def documented(source: str) -> dict[str, str]:
    """The docstrings of a stub's classes and of their methods, by dotted name."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = ast.get_docstring(node) or ""
            for inside in node.body:
                if isinstance(inside, ast.FunctionDef) and (text := ast.get_docstring(inside)):
                    found[f"{node.name}.{inside.name}"] = text
    return found


@pytest.mark.skipif(not compiled, reason="plain delivery; to run it: NMPCAP_DELIVERY=compiled")
def test_the_stub_carries_the_docstrings_of_compiled_classes() -> None:
    from nmpcap._core import _deliver

    stub = documented((ROOT / "nmpcap" / "_core" / "_deliver.pyi").read_text())
    assert {
        "Packet",
        "Packet.ts_ns",
        "Handle",
        "Handle.next",
        "Handle.inject",
        "Recorder.write",
    } <= stub.keys()
    for name, text in stub.items():
        owner, _, attribute = name.partition(".")
        thing = getattr(getattr(_deliver, owner), attribute) if attribute else getattr(_deliver, owner)
        assert text == inspect.cleandoc(thing.__doc__.rpartition("\n--\n\n")[2]), name
