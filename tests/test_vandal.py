"""A vandal beside honest peers: random words, at random times, in memory that it shares with others.

What must hold is in c/usernet_vandal.c, which does it: no peer ends by a signal, no call lasts longer than
its deadline and two seconds, and who does not share the vandal's memory gets its packets unaltered and in
order.

Environment
    NMPCAP_VANDAL_SECONDS  how long each scene lasts, by default 4
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = float(os.environ.get("NMPCAP_VANDAL_SECONDS", "4"))
SOURCE = Path(__file__).parent / "c" / "usernet_vandal.c"
SCENES = re.findall(r'^    \{"([^"]+)", ', SOURCE.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("cc"):
        pytest.skip("no C compiler; to run it: apt-get install gcc libc6-dev")
    built = tmp_path_factory.mktemp("vandal") / "vandal"
    subprocess.run([SOURCE.with_name("run.sh"), "build", SOURCE, built], check=True)
    return built


def play(program: Path, rng: random.Random, scene: str, *target: str) -> str:
    """Plays a scene; returns what it says of itself."""
    seed = rng.getrandbits(63)
    command = [program, scene, str(int(SECONDS * 1000)), str(seed), *target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 60, check=False)
    assert done.returncode == 0, f"seed {seed}\n{done.stdout}{done.stderr}"
    return f"\nvandal, seed {seed}: {done.stdout.splitlines()[-1]}"


@pytest.mark.parametrize("scene", SCENES)
def test_a_vandal_hurts_nobody(
    scene: str,
    program: Path,
    runtime_dir: Path,
    rng: random.Random,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = play(program, rng, scene)
    assert list(runtime_dir.iterdir()) == []
    with capsys.disabled():
        print(said, file=sys.stderr)


@pytest.mark.parametrize(("scene", "files"), [(SCENES[1], "nmpcap-registry"), (SCENES[3], "nmpcap-")])
def test_not_even_one_who_writes_into_the_registry_ends_a_process(
    scene: str,
    files: str,
    program: Path,
    runtime_dir: Path,
    rng: random.Random,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All peers may fail then, and what is left of the directory is nobody's; but none crashes or hangs."""
    said = play(program, rng, scene, files)
    for file in runtime_dir.iterdir():
        file.unlink()
    with capsys.disabled():
        print(f"{said}, {files}*", file=sys.stderr)


def test_every_scene_is_played() -> None:
    assert len(SCENES) == SOURCE.read_text().count("{{")
