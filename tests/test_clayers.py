"""The layers of the C core hold: no folder includes from its own row or above, and paths are whole."""

from __future__ import annotations

import re

import pytest

from .clayers import CORE, ROWS, UMBRELLA, Include, files, folder_of, includes_of, is_wrong

INCLUDES = [
    found
    for file in files()
    if (path := str(file.relative_to(CORE))) != UMBRELLA
    for found in includes_of(path, file.read_text())
]


def test_every_folder_has_a_row_and_every_row_a_file() -> None:
    assert {folder_of(str(file.relative_to(CORE))) for file in files()} == {f for row in ROWS for f in row}


def test_includes_name_files_from_the_top_of_the_core() -> None:
    assert [str(found) for found in INCLUDES if not (CORE / found.header).is_file()] == []


def test_folders_include_from_lower_rows_only() -> None:
    assert [str(found) for found in INCLUDES if is_wrong(found)] == []


def test_only_python_knows_of_python() -> None:
    strays = [f for f in files() if "<Python.h>" in f.read_text() and f.parent.name != "python"]
    assert strays == []


def test_every_source_is_built() -> None:
    """meson's list, beside what there is; what C tests alone build is below tests/."""
    built = set(re.findall(r"'([\w/]+\.c)'", (CORE / "meson.build").read_text())) - {"_lib.c"}
    assert {str(file.relative_to(CORE)) for file in files() if file.suffix == ".c"} == built


@pytest.mark.parametrize(
    ("file", "header", "wrong"),
    [
        ("bpf/vm.c", "bpf/vm.h", False),
        ("bpf/vm.c", "view.h", False),
        ("bpf/vm.c", "interfaces/link.h", True),
        ("source.h", "bpf/bpf.h", True),
        ("usernet/interface.c", "afpacket/afpacket.h", False),
        ("afpacket/ring.c", "usernet/impl.h", True),
        ("python/read.c", "capture/capture.h", False),
        ("capture/read.c", "nmpcap.h", True),
    ],
)
def test_the_check_itself(file: str, header: str, wrong: bool) -> None:
    [found] = includes_of(file, f'#include "{header}"\n')
    assert found == Include(file, header)
    assert is_wrong(found) is wrong
