"""The fuzz targets beside this file, each for a few seconds from its seeds.

    savefile.c, program.c            by libFuzzer, with the sanitizers of clang
    decompression.py, expression.py  by mutation of their seeds, in this process

Environment
    NMPCAP_FUZZ_SECONDS  how long each target runs, by default 3

What was found is printed, and repeated by ``NMPCAP_TEST_SEED``, or by giving libFuzzer's file to the target.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ..layers import ROOT
from . import decompression, expression, make

SECONDS = float(os.environ.get("NMPCAP_FUZZ_SECONDS", "3"))
HERE = Path(__file__).parent
CORE = ROOT / "nmpcap" / "_core"
C_TARGETS = sorted(HERE.glob("*.c"))
TARGETS: dict[str, Callable[[bytes], None]] = {
    "decompression": decompression.test_one_input,
    "expression": expression.test_one_input,
}
SANITIZERS = "-fsanitize=fuzzer,address,undefined"


def clang() -> str | None:
    """A clang that has libFuzzer."""
    for name in ("clang", "clang-14", "clang-15", "clang-16", "clang-19"):
        found = shutil.which(name)
        if found and _links(found):
            return found
    return None


def _links(compiler: str) -> bool:
    source = "int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 99; }"
    asked = [compiler, SANITIZERS, "-x", "c", "-o", "/dev/null", "-"]
    return subprocess.run(asked, input=source, text=True, capture_output=True, check=False).returncode == 0


def sources(target: Path) -> list[Path]:
    """What a target is made of beside itself: the files and folders its first comment names."""
    named = re.search(r"^ \* core: (.+)$", target.read_text(), re.MULTILINE)
    assert named
    return [
        file
        for name in named[1].split()
        for file in (sorted((CORE / name).glob("*.c")) if (CORE / name).is_dir() else [CORE / name])
    ]


@pytest.fixture(scope="module")
def compiler() -> str:
    found = clang()
    if not found:
        pytest.skip("no clang with libFuzzer; to run it: apt-get install clang-14")
    return found


@pytest.mark.parametrize("target", C_TARGETS, ids=lambda target: target.stem)
def test_target_in_c(target: Path, compiler: str, tmp_path: Path, rng: random.Random) -> None:
    program, corpus = tmp_path / target.stem, tmp_path / "corpus"
    shutil.copytree(HERE / "seeds" / target.stem, corpus)
    built = [
        compiler,
        "-std=gnu11",
        "-D_GNU_SOURCE",
        "-g",
        "-O1",
        "-fno-strict-aliasing",
        "-pthread",
        SANITIZERS,
    ]
    built += ["-fno-sanitize-recover=all", "-I", str(CORE), "-o", str(program)]
    subprocess.run([*built, target, *sources(target)], check=True, timeout=120)
    limits = [
        f"-max_total_time={max(1, round(SECONDS))}",
        "-timeout=5",
        "-rss_limit_mb=0",  # counts what the process had before it was this program, too
        "-malloc_limit_mb=256",
        "-max_len=4096",
    ]
    done = subprocess.run(
        [program, *limits, f"-seed={rng.getrandbits(31)}", f"-artifact_prefix={tmp_path}/", corpus],
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    runs = re.search(r"^Done (\d+) runs", done.stderr, re.MULTILINE)
    assert runs
    assert int(runs[1]) > len(list(corpus.iterdir())), "nothing but the seeds was run"


def mutated(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """An input made of another one, as libFuzzer makes them."""
    changed = bytearray(data)
    for _ in range(1 + rng.randrange(4)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(6):
            case 0:
                changed[at : at + 1] = rng.randbytes(1)
            case 1:
                del changed[at : at + 1 + rng.randrange(16)]
            case 2:
                changed[at:at] = rng.randbytes(rng.randrange(8))
            case 3:
                changed[at : at + 4] = rng.choice([bytes(4), b"\xff" * 4, b"\0\0\0\x80", b"\x7f"])
            case 4:
                other = rng.choice(others)
                changed[at:] = other[rng.randrange(len(other)) :]
            case 5:
                changed[at:at] = changed[at : at + rng.randrange(64)]
    return bytes(changed)


@pytest.mark.parametrize("target", TARGETS)
def test_target_in_python(target: str, rng: random.Random) -> None:
    corpus = [file.read_bytes() for file in sorted((HERE / "seeds" / target).iterdir())]
    for seed in corpus:
        TARGETS[target](seed)
    ends = time.monotonic() + SECONDS
    runs = 0
    while time.monotonic() < ends:
        data = mutated(rng.choice(corpus), corpus, rng)
        try:
            TARGETS[target](data)
        except Exception as error:
            raise AssertionError(f"{target} fails on {data!r}") from error
        runs += 1
    assert runs > 10


@pytest.mark.parametrize("target", [*(file.stem for file in C_TARGETS), *TARGETS])
def test_every_target_has_the_seeds_that_are_made_for_it(target: str, tmp_path: Path) -> None:
    make.make(tmp_path)
    names = {file.name for file in (HERE / "seeds" / target).iterdir()}
    assert names == {file.name for file in (tmp_path / target).iterdir()}
    assert len(names) > 3
