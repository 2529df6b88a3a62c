"""The source tree in front of the installed package: Python started in a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nmpcap

ROOT = Path(__file__).parents[1]


def python(code: str, *options: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run code in this interpreter, started in a folder, which is first on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_a_checkout_the_installed_package_is_meant() -> None:
    run = python(
        "import nmpcap, nmpcap.vale, nmpcap.savefile, nmpcap.errors\n"
        "with nmpcap.open('vale0:a', netmap='user') as a, nmpcap.open('vale0:b', netmap='user') as b:\n"
        "    a.inject(b'\\xff' * 60), print(b.next(1).len)\n"
        "print(*{m.__file__ for m in (nmpcap.vale, nmpcap.savefile, nmpcap.capture)}, sep='\\n')\n"
    )
    assert run.stderr == ""
    length, *files = run.stdout.splitlines()
    assert length == "60"
    installed = str(Path(nmpcap.vale.__file__).parent)
    assert len(files) == 3
    assert all(file.startswith(installed) for file in files)


def test_where_it_is_not_installed_that_is_said(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "nmpcap", tmp_path / "nmpcap")
    run = python("import nmpcap", "-S", folder=tmp_path)  # without site-packages
    assert run.returncode == 1
    assert f"is not installed for this Python, {sys.executable}: run 'pip install .' with it" in run.stderr
