"""The layers hold: no part imports from its own row or above, and few know the compiled core."""

from __future__ import annotations

import sys

import pytest

from .layers import (
    FROM_ELSEWHERE,
    OVER_THE_CORE,
    RESERVED,
    ROOT,
    ROWS,
    Import,
    imports_of,
    modules,
    part_of,
    row_of,
)

IMPORTS = [found for name, file in modules() for found in imports_of(name, file)]


def wrong_layer(found: Import) -> bool:
    target = part_of(found.module)
    return target is not None and target != found.part and row_of(target) >= row_of(found.part)


def test_every_module_has_a_row_and_every_part_a_module() -> None:
    parts = {part_of(name) for name, _ in modules()} - {""}
    assert parts == {part for row in ROWS for part in row} - RESERVED


def test_modules_import_from_lower_rows_only() -> None:
    assert [str(found) for found in IMPORTS if wrong_layer(found)] == []


def test_only_parts_over_the_core_import_it() -> None:
    strays = [
        found for found in IMPORTS if part_of(found.module) == "_core" and found.part not in OVER_THE_CORE
    ]
    assert [str(found) for found in strays] == []


def test_packages_from_elsewhere_are_imported_where_they_belong() -> None:
    strays = []
    for found in IMPORTS:
        package = found.module.partition(".")[0]
        if package == "nmpcap" or package in sys.stdlib_module_names or package == "__main__":
            continue
        if found.part not in FROM_ELSEWHERE.get(package, ()):
            strays.append(str(found))
    assert strays == []


def test_samples_use_what_is_public() -> None:
    private = [
        found
        for found in IMPORTS
        if found.part == "samples" and any(name.startswith("_") for name in found.module.split(".")[1:])
    ]
    assert [str(found) for found in private] == []


@pytest.mark.parametrize(
    ("module", "statement", "wrong"),
    [
        ("nmpcap.filter.syntax.parse", "from nmpcap.errors import FilterError", False),
        ("nmpcap.filter.syntax.parse", "from . import lex", False),
        ("nmpcap.filter.syntax.parse", "import nmpcap.capture", True),
        ("nmpcap.filter.syntax.parse", "from nmpcap import open_offline", True),
        ("nmpcap.filter.syntax.parse", "from ...savefile import reader", True),
        ("nmpcap.filter.syntax.parse", "def f():\n    from nmpcap.netmap import Device", True),
        ("nmpcap.errors", "from .packet import Packet", True),
        ("nmpcap.bpf.check", "from .native import run", True),
        ("nmpcap.bpf.native", "from .insn import Insn", False),
        ("nmpcap.capture", "from nmpcap import netmap", False),
        ("nmpcap.samples.quickstart", "from nmpcap.compat import pcapy", False),
        ("nmpcap.compat.pcapy", "import nmpcap.samples.quickstart", True),
        ("nmpcap", "from nmpcap.capture import Capture", False),
        ("nmpcap", "from nmpcap.compat import pcapy", True),
        ("nmpcap.netmap.rings", "from nmpcap.netmap import NmDesc", False),
        ("nmpcap.netmap.rings", "from nmpcap.vale import ValePort", True),
        ("nmpcap.errors", "if TYPE_CHECKING:\n    from nmpcap.capture import Capture", False),
        ("nmpcap.errors", "if sys:\n    from nmpcap.capture import Capture", True),
    ],
)
def test_the_check_itself(module, statement, wrong) -> None:
    file = ROOT / "nmpcap" / ("__init__.py" if module == "nmpcap" else "x.py")
    assert any(wrong_layer(found) for found in imports_of(module, file, statement)) is wrong
