"""Have scapy know nmpcap's ports as soon as a program imports it, and not before."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

__all__ = ["provide_when_imported"]

_INTERFACES = "scapy.interfaces"  # what all of scapy that knows interfaces imports; light by itself
_PROVIDER = f"{__package__}.scapy"


def provide_when_imported() -> None:
    """Register nmpcap's interface provider, at once or with the import of scapy.interfaces."""
    if _INTERFACES in sys.modules:
        import_module(_PROVIDER)
    elif not any(isinstance(finder, _Hook) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Hook())


class _Hook(importlib.abc.MetaPathFinder):
    """Finds scapy.interfaces as the other finders do, once, with a loader that goes on to the provider."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _INTERFACES:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _ThenProvider(spec.loader)
                return spec
        return None


class _ThenProvider(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        import_module(_PROVIDER)

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)  # get_source, get_resource_reader ...: tracebacks ask for them
