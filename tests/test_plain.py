"""The plain delivery passes the tests of the compiled one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nmpcap._core.delivery import compiled

HERE = Path(__file__).parent
FILES = [
    "test_packet.py",
    "test_batches.py",
    "test_forms.py",
    "savefile/test_recorder.py",
    *(file.name for file in sorted(HERE.glob("test_capture*.py"))),
]


@pytest.mark.skipif(
    not compiled, reason="this run has the plain delivery already; to run it: NMPCAP_DELIVERY=auto"
)
@pytest.mark.parametrize("file", FILES)
def test_plain_delivery(file: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / file],
        env={**os.environ, "NMPCAP_DELIVERY": "plain"},
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr


@pytest.mark.parametrize(
    ("delivery", "result"),
    [("plain", "False"), ("compiled", "True"), ("auto", "True"), ("", "True"), ("fast", None)],
)
def test_the_environment_chooses(delivery: str, result: str | None) -> None:
    if not compiled:
        pytest.skip("no compiled delivery; to run it: CPython, without NMPCAP_DELIVERY=plain")
    done = subprocess.run(
        [sys.executable, "-c", "from nmpcap._core.delivery import compiled; print(compiled)"],
        env={**os.environ, "NMPCAP_DELIVERY": delivery},
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip() or None) == result
    if result is None:
        assert "NMPCAP_DELIVERY=fast: there are auto, compiled and plain" in done.stderr
