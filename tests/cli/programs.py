"""Runs a command line with nmdump and with the system's tcpdump, to compare what they do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ..decode import judge

NMDUMP = Path(sys.executable).parent / "nmdump"
CAPTURES = Path(__file__).parents[2] / "samples" / "captures"


@dataclass
class Outcome:
    """What a run left: texts without the program's own name, status, and files by name."""

    out: bytes
    err: str
    status: int
    files: dict[str, bytes] = field(default_factory=dict)


def nmdump(*words: str, cwd: Path | None = None, input: bytes = b"") -> Outcome:
    """Run nmdump to its end."""
    return _run([str(NMDUMP), *words], cwd, input)


def tcpdump(*words: str, cwd: Path | None = None, input: bytes = b"") -> Outcome:
    """Run tcpdump to its end; as root it stays root, as nmdump does."""
    return _run([*tcpdump_command(), *words], cwd, input)


def tcpdump_command() -> list[str]:
    """The first words of tcpdump's command line. Without it, or with another version, the test is skipped."""
    return [judge.find(), *(["-Z", "root"] if os.geteuid() == 0 else [])]


def _run(command: list[str], cwd: Path | None, input: bytes) -> Outcome:
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    done = subprocess.run(
        command, capture_output=True, timeout=60, check=False, cwd=cwd, env=environment, input=input
    )
    files = {file.name: file.read_bytes() for file in sorted(cwd.iterdir())} if cwd is not None else {}
    return Outcome(done.stdout, without_name(done.stderr.decode()), done.returncode, files)


def without_name(text: str) -> str:
    """Return what a program said, as if both had the same name."""
    return re.sub(r"^(tcpdump|nmdump|.*/tcpdump): ", "PROGRAM: ", text, flags=re.MULTILINE)


def both(tmp_path: Path, *words: str) -> tuple[Outcome, Outcome]:
    """Run the same words with both, each in a folder of its own: (ours, theirs)."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir(exist_ok=True)
    return nmdump(*words, cwd=ours), tcpdump(*words, cwd=theirs)
