"""install(), and the folders that put stand-ins on a program's path."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest
from nmpcap.compat import ORIGINALS
from nmpcap.compat._stand_ins import path_folders


def python(code: str, *, folders: list[str] | None = None, cwd: object = None) -> tuple[int, str, str]:
    """What a program comes to, in an interpreter of its own: status, output, last line of errors."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders or [])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=cwd or tempfile.gettempdir(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, (done.stderr.strip().splitlines() or [""])[-1]


def test_the_programs_own_import_gets_the_stand_in():
    code = (
        "import nmpcap.compat\nnmpcap.compat.install('pcapy')\nimport pcapy\nfrom pcapy import open_offline\n"
        "print(pcapy.__name__, open_offline.__module__)\nnmpcap.compat.install('pcapy')"
    )
    assert python(code) == (0, "nmpcap.compat.pcapy nmpcap.compat.pcapy\n", "")


def test_what_has_been_imported_is_left_alone_and_told(tmp_path):
    (tmp_path / "pcapy.py").write_text("mine = True")
    status, output, error = python(
        "import nmpcap.compat, pcapy\ntry:\n nmpcap.compat.install('pcapy')\nfinally:\n print(pcapy.mine)",
        cwd=tmp_path,
    )
    assert (status, output) == (1, "True\n")
    assert error == (
        f"nmpcap.errors.UsageError: pcapy has been imported already, from {tmp_path}/pcapy.py: "
        "install('pcapy') has to come before the program's own import"
    )


def test_what_is_half_imported_is_told_just_so(tmp_path):
    (tmp_path / "pcapy.py").write_text("import nmpcap.compat\nnmpcap.compat.install('pcapy')")
    status, _, error = python("import pcapy", cwd=tmp_path)
    assert status == 1
    assert "pcapy has been imported already, from" in error


def test_all_or_none_are_installed():
    code = (
        "import sys, nmpcap.compat\ntry:\n nmpcap.compat.install('pcapy', 'cypcap')\n"
        "except nmpcap.UsageError as error:\n print(error)\nprint('pcapy' in sys.modules)"
    )
    status, output, _ = python(code)
    assert status == 0
    assert output.splitlines() == [
        f"cypcap: there is no stand-in for that; there are {', '.join(ORIGINALS)}",
        "False",
    ]


def test_a_folder_on_the_path_does_the_same_in_any_process():
    code = (
        "import sys, subprocess, multiprocessing as mp, pcapy\nprint(pcapy.__name__, flush=True)\n"
        "subprocess.run([sys.executable, '-c', 'import pcapy; print(pcapy.__name__)'], check=True)\n"
    )
    assert python(code, folders=path_folders(["pcapy"])) == (0, "nmpcap.compat.pcapy\n" * 2, "")


@pytest.mark.parametrize("original", ORIGINALS)
def test_every_folder_serves_its_original(original):
    if original == "scapy":
        pytest.importorskip("scapy", reason="to run it: pip install scapy")
    code = f"import importlib\nprint(importlib.import_module({original!r}).__name__)"
    status, output, error = python(code, folders=path_folders([original]))
    name = original if original == "scapy" else f"nmpcap.compat.{original.replace('.', '_')}"
    assert (status, output, error) == (0, f"{name}\n", "")


def test_scapy_learns_of_ports_with_the_program_s_import_and_not_before():
    pytest.importorskip("scapy", reason="to run it: pip install scapy")
    code = (
        "import sys, nmpcap.compat\nnmpcap.compat.install('scapy')\nprint('scapy' in sys.modules)\n"
        "from scapy.interfaces import resolve_iface\nprint(resolve_iface('vale0:a'))\n"
        "nmpcap.compat.install('scapy')\nimport inspect, scapy.interfaces\n"
        "print('class NetworkInterfaceDict' in inspect.getsource(scapy.interfaces))"
    )
    assert python(code) == (0, "False\nvale0:a\nTrue\n", "")


def test_a_missing_original_that_stays_is_missing_still():
    code = (
        "import sys, nmpcap.compat\n"
        "sys.path = [p for p in sys.path if not p.endswith('site-packages')]\nimport scapy"
    )
    status, _, error = python(code, folders=path_folders(["scapy"]))
    assert (status, error) == (1, "ModuleNotFoundError: No module named 'scapy'")
