"""The AArch64 machine code, on another processor: tests/c/bpf.c built for it, under qemu-user."""

from __future__ import annotations

import platform
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "nmpcap" / "_core"
TEST = ROOT / "tests" / "c" / "bpf.c"
COMPILER = "aarch64-linux-gnu-gcc"
EMULATORS = ("qemu-aarch64", "qemu-aarch64-static")
PROGRAMS = 3000

EMULATOR = next(filter(None, map(shutil.which, EMULATORS)), None)

pytestmark = [
    pytest.mark.skipif(platform.machine() == "aarch64", reason="runs natively here; to run it: use tests/c"),
    pytest.mark.skipif(
        not (shutil.which(COMPILER) and EMULATOR),
        reason="no AArch64 compiler or emulator; to run it: "
        "apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    ),
]


def test_machine_code_agrees_with_the_definition(tmp_path: Path, rng: random.Random) -> None:
    [folder] = re.findall(r"core: (.*)", TEST.read_text())
    sources = sorted((CORE / folder).glob("*.c"))
    program = tmp_path / "test_bpf"
    options = ["-static", "-DSTATIC", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", CORE]
    subprocess.run([COMPILER, *options, "-o", program, TEST, *sources], check=True)
    seed = str(rng.getrandbits(32))
    command = [EMULATOR, program, seed, str(PROGRAMS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"seed {seed}, {PROGRAMS} programs" in done.stdout
