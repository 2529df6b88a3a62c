"""``__all__`` is what a module defines or re-exports in public, and all of it says what it is."""

from __future__ import annotations

import ast
import importlib
import inspect
from types import ModuleType

import pytest

from .layers import modules

PUBLIC = {
    name: file
    for name, file in modules()
    if not any(part.startswith("_") for part in name.split("."))
    and not name.startswith(("nmpcap.samples", "nmpcap.cli"))
}


def public_definitions(text: str) -> set[str]:
    """Names without a leading underscore that a module binds by def, class or assignment."""
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))
    return {name for name in names if not name.startswith("_")}


def imported(name: str) -> ModuleType:
    """The module; a stand-in for a library's own classes can be had with that library only."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith("nmpcap"):
            raise
        pytest.skip(f"no {missing.name}; to run it: pip install {missing.name}")


@pytest.mark.parametrize("name", PUBLIC)
def test_all_names_what_is_public(name: str) -> None:
    module = imported(name)
    exported = getattr(module, "__all__", None)
    defined = public_definitions(PUBLIC[name].read_text())
    if exported is None:
        assert defined == set(), f"{name} defines public names and has no __all__"
        return
    assert sorted(set(exported)) == sorted(exported), f"{name}.__all__ names something twice"
    assert defined - set(exported) == set(), f"public in {name}, not in its __all__"
    assert [missing for missing in exported if not hasattr(module, missing)] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_exported_is_documented(name: str) -> None:
    module = imported(name)
    assert (module.__doc__ or "").strip(), f"{name} has no docstring"
    # The package's own is the page that help() begins with: where to start.
    most = 25 if name == "nmpcap" else 15
    assert len((module.__doc__ or "").splitlines()) <= most + 1, f"{name}: {most} lines at most"
    for exported in getattr(module, "__all__", ()):
        thing = getattr(module, exported)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            assert inspect.getdoc(thing), f"{name}.{exported} has no docstring"


def test_the_package_only_re_exports() -> None:
    assert public_definitions(PUBLIC["nmpcap"].read_text()) == set()


def test_definitions_are_seen_however_they_are_made() -> None:
    text = "A = 1\nB: int = 2\n(C, D) = 3, 4\ndef e(): pass\nclass F: pass\n_g = 5\nimport h\n"
    assert public_definitions(text) == {"A", "B", "C", "D", "e", "F"}
