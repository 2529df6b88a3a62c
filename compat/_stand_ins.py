"""Which module takes whose place, and how: in this process, or by a folder on the path in any other.

A folder ``_path/ORIGINAL/`` holds a module of the name that a program imports, which puts the stand-in in its
own place. Named in PYTHONPATH, folders serve a program and its children, however these are started.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from nmpcap.errors import UsageError

from ._scapy_hook import provide_when_imported

__all__ = ["ORIGINALS", "check_known", "install", "path_folders", "take_place"]

_SCAPY = "scapy"  # stays what it is, and gets to know nmpcap's ports
_TOGETHER = {"pcap": ("pcap", "_pcap")}  # what one original consists of, where that is more than one module

ORIGINALS: tuple[str, ...] = tuple(
    sorted(folder.name for folder in (Path(__file__).parent / "_path").iterdir() if folder.name[0] != "_")
)
"""Names of the originals, as programs import them."""


def check_known(originals: Iterable[str]) -> None:
    """Raise UsageError for what no stand-in is for."""
    for original in originals:
        if original not in ORIGINALS:
            raise UsageError(f"{original}: there is no stand-in for that; there are {', '.join(ORIGINALS)}")


def install(*originals: str) -> None:
    """Have ``import pcapy``, and whatever else is named, import nmpcap's stand-in from now on.

    To be called before the program's own import. ``dpkt.pcap`` is replaced inside of dpkt, which stays; scapy
    stays as well, and gets an interface provider with its import. UsageError, and nothing is changed, where a
    module has been imported already, or there is no stand-in for it. May be repeated.
    """
    check_known(originals)
    for original in originals:
        _check_not_imported(original)
    for original in originals:
        _replace(original)


def path_folders(originals: Iterable[str]) -> list[str]:
    """Return the folders to be put in front of a program's PYTHONPATH."""
    check_known(originals)
    return [str(Path(__file__).parent / "_path" / original) for original in originals]


def take_place(original: str, file: str) -> None:
    """Replace the module that is being imported from ``file``, in the folder of an original."""
    name = original.partition(".")[0]
    if name != original or original == _SCAPY:
        _import_genuine(name, str(Path(file).parent))
    _replace(original)


def _modules_of(original: str) -> dict[str, str]:
    """Names that programs import, and the modules that stand in for them."""
    if original == _SCAPY:
        return {}
    names = _TOGETHER.get(original, (original,))
    return {name: f"{__package__}.{name.replace('.', '_')}" for name in names}


def _check_not_imported(original: str) -> None:
    for name, stand_in in _modules_of(original).items():
        for module in [loaded for loaded in sys.modules if loaded == name or loaded.startswith(f"{name}.")]:
            found = sys.modules[module]
            if found is not None and not getattr(found, "__name__", "").startswith(stand_in):
                where = getattr(found, "__file__", None) or "this process"
                raise UsageError(
                    f"{module} has been imported already, from {where}: install({original!r}) has to come "
                    "before the program's own import"
                )


def _replace(original: str) -> None:
    if original == _SCAPY:
        provide_when_imported()
    for name, module in _modules_of(original).items():
        package, _, attribute = name.rpartition(".")
        parent = import_module(package) if package else None
        stand_in = import_module(module)
        sys.modules[name] = stand_in
        if parent:
            setattr(parent, attribute, stand_in)
        for inside in pkgutil.iter_modules(getattr(stand_in, "__path__", ())):
            sys.modules[f"{name}.{inside.name}"] = import_module(f"{module}.{inside.name}")


def _import_genuine(name: str, folder: str) -> None:
    """Import what ``name`` would be without a folder on the path; the folder stays there for children."""
    path = [entry for entry in sys.path if entry != folder]
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path, None)
        if spec is not None and spec.loader is not None:
            break
    else:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
