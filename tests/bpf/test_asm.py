"""The assemblers of the core write what GNU's and LLVM's do, for every instruction they have."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "nmpcap" / "_core"
ROOM = 32  # bytes: more than a line takes
FILL = 0xCC

NATIVE = platform.machine() if sys.platform == "linux" else None  # whose GNU assembler is "as"
AS = {
    machine: shutil.which(f"{machine}-linux-gnu-as") or (machine == NATIVE and shutil.which("as"))
    for machine in ("x86_64", "aarch64")
}
CLANG = shutil.which("clang") or shutil.which("clang-14")
DIALECT = {"x86_64": ".intel_syntax noprefix\n", "aarch64": ""}

needs_compiler = pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler; to run it: apt-get install gcc libc6-dev"
)


def assembler(maker: str, machine: str) -> list[str]:
    """The command that assembles a file for a machine, less the names of files."""
    if maker == "gnu" and AS[machine]:
        return [str(AS[machine])]
    if maker == "llvm" and CLANG:
        return [CLANG, f"--target={machine}-linux-gnu", "-c"]
    package = "clang" if maker == "llvm" else f"binutils-{machine.replace('_', '-')}-linux-gnu"
    pytest.skip(f"no {maker} assembler for {machine}; to run it: apt-get install {package}")


def text_section(image: bytes) -> bytes:
    """What .text of an ELF object of 64 bits, least significant byte first, holds."""
    [headers_at] = struct.unpack_from("<Q", image, 40)
    size, count, names = struct.unpack_from("<HHH", image, 58)
    headers = [struct.unpack_from("<IIQQQQ", image, headers_at + size * i) for i in range(count)]
    for name, _, _, _, offset, length in headers:
        name_at = headers[names][4] + name
        if image[name_at : image.index(b"\0", name_at)] == b".text":
            return image[offset : offset + length]
    raise LookupError("no .text")


@pytest.fixture(scope="module", params=["x86_64", "aarch64"])
def lines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A machine, and lines: bytes we write, a tab, the instructions they are to be, at the address "here"."""
    program = tmp_path_factory.mktemp("asm") / "show"
    source = HERE / f"{request.param}_asm.c"
    options = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I", CORE]
    subprocess.run(["cc", *options, "-o", program, source], check=True)
    shown = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return request.param, shown.splitlines()


@needs_compiler
@pytest.mark.parametrize("maker", ["gnu", "llvm"])
def test_instructions_are_what_they_are_called(
    lines: tuple[str, list[str]], maker: str, tmp_path: Path
) -> None:
    machine, ours = lines
    command = assembler(maker, machine)
    source, made = tmp_path / "lines.s", tmp_path / "lines.o"
    text = DIALECT[machine]
    for i, line in enumerate(ours):
        instruction = line.partition("\t")[2].replace("here", f"line{i}")
        text += f".balign {ROOM}, {FILL}\nline{i}: {instruction}\n"
    source.write_text(f"{text}.balign {ROOM}, {FILL}\n")
    done = subprocess.run([*command, "-o", made, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = text_section(made.read_bytes())
    assert len(theirs) == ROOM * len(ours)
    wrong = []
    for i, line in enumerate(ours):
        written, _, instruction = line.partition("\t")
        expected = theirs[ROOM * i : ROOM * (i + 1)].hex()
        if bytes.fromhex(written).ljust(ROOM, bytes([FILL])).hex() != expected:
            wrong.append(f"{instruction}: {written}, not {expected}")
    assert wrong == []
