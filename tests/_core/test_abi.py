"""abi.h against the genuine netmap headers of FreeBSD's base system, and the C over /dev/netmap for it.

The headers and the compiler come with the PyPI package ziglang. Every structure, field, constant and
request number that abi.h declares is put into a table of numbers, which is compiled once with each of
the two headers; the tables are read from the assembly and compared. Nothing is executed.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "nmpcap" / "_core"
ZIG = importlib.util.find_spec("ziglang")
HEADERS = Path(ZIG.origin).parent / "lib/libc/include/generic-freebsd/net" if ZIG and ZIG.origin else None

pytestmark = pytest.mark.skipif(
    HEADERS is None, reason="no netmap headers to compare with; to run it: pip install '.[abi]' (ziglang)"
)

FREEBSD = ["x86_64-freebsd", "aarch64-freebsd"]
# Ours: names for lengths that netmap takes from the system.
OURS = {"NM_IFNAMSIZ"}
# Not in the order, or under the names, of the genuine header, and nobody's to use.
PADDING = re.compile(r"pad\d*|spare\d|ni_spare1")


def text_of(header: str) -> str:
    text = (CORE / header).read_text().partition("/* ---- layout, pinned")[0]
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def probes() -> dict[str, str]:
    """Every number abi.h stands for: what it is called -> the C expression for it."""
    text = text_of("abi.h")
    found = {}
    for name in re.findall(r"^#define (\w+) (?!\")", text, flags=re.MULTILINE):
        found[name] = name
    for name in re.findall(r"^    (\w+) = \d+,", text, flags=re.MULTILINE):
        found[name] = name
    for name in re.findall(
        r"^#define (NM_OPEN_\w+|NM_MORE_PKTS)", text_of("netmap/desc.h"), flags=re.MULTILINE
    ):
        found[name] = name
    for struct, body in re.findall(r"^struct (\w+) \{\s*\n(.*?)^\}", text, flags=re.DOTALL | re.MULTILINE):
        found[f"sizeof {struct}"] = f"sizeof(struct {struct})"
        found[f"alignof {struct}"] = f"_Alignof(struct {struct})"
        nested = re.search(r"struct \{\n(.*?)\} (\w+)\[\];", body, flags=re.DOTALL)
        if nested:
            found[f"sizeof {struct}.{nested[2]}[0]"] = f"sizeof(((struct {struct} *)0)->{nested[2]}[0])"
            for field in re.findall(r"(\w+);", nested[1]):
                path = f"{nested[2]}[0].{field}"
                found[f"{struct}.{path}"] = f"offsetof(struct {struct}, {path})"
        plain = body.replace(nested[0], "") if nested else body
        for field, length in re.findall(
            r"^    [\w ]+? \**(\w+)(\[\w*\])?(?: __attribute__.*)?;", plain, flags=re.MULTILINE
        ):
            if PADDING.fullmatch(field):
                continue
            found[f"{struct}.{field}"] = f"offsetof(struct {struct}, {field})"
            member = f"((struct {struct} *)0)->{field}" + ("[0]" if length == "[]" else "")
            found[f"sizeof {struct}.{field}"] = f"sizeof({member})"
    return {name: expression for name, expression in found.items() if name not in OURS}


PROBES = probes()
GENUINE = """#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
"""
RESTATED = '#include "abi.h"\n#include "netmap/desc.h"\n'


def compile_for(target: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", target, "-std=gnu11", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def numbers(target: str, include: str, folder: Path, *options: str | Path) -> dict[str, int]:
    source, assembly = folder / "probes.c", folder / "probes.s"
    table = "".join(f"    (unsigned long long)({expression}),\n" for expression in PROBES.values())
    source.write_text(f"{include}const unsigned long long probes[] = {{\n{table}}};\n")
    compile_for(target, "-O0", "-w", *options, "-S", "-o", assembly, source)
    lines = assembly.read_text().split("\nprobes:", 1)[1].partition(".size")[0]
    values = [
        int(value, 0) for value in re.findall(r"^\s*\.(?:quad|xword)\s+(\S+)", lines, flags=re.MULTILINE)
    ]
    assert len(values) == len(PROBES)
    return dict(zip(PROBES, (value % 2**64 for value in values), strict=True))


def test_the_probes_cover_the_header() -> None:
    text = text_of("abi.h")
    assert len(PROBES) > 350
    for struct in re.findall(r"^struct (\w+) \{", text, flags=re.MULTILINE):
        assert f"sizeof {struct}" in PROBES
    for name in (
        "NIOCREGIF",
        "NETMAP_REQ_OPT_OFFSETS",
        "NR_REG_ONE_SW",
        "netmap_ring.slot",
        "nmreq.nr_flags",
    ):
        assert name in PROBES
    assert "nmreq_opt_sync_kloop_eventfds.eventfds[0].irqfd" in PROBES


@pytest.mark.parametrize("target", [*FREEBSD, "x86_64-linux-gnu"])
def test_every_number_is_netmaps(target: str, tmp_path: Path) -> None:
    assert HEADERS
    folder = tmp_path / "genuine" / "net"
    folder.mkdir(parents=True)
    for header in HEADERS.glob("netmap*.h"):
        shutil.copy(header, folder)
    theirs = numbers(target, GENUINE, tmp_path, "-I", tmp_path / "genuine")
    ours = numbers(target, RESTATED, tmp_path, "-I", CORE)
    assert {name: ours[name] for name in ours if ours[name] != theirs[name]} == {}
    assert ours == theirs


def test_a_wrong_number_would_be_seen(tmp_path: Path) -> None:
    """The same comparison on a header with one field too wide and one flag off."""
    spoiled = (CORE / "abi.h").read_text().partition("/* ---- layout, pinned")[0] + "#endif\n"
    spoiled = spoiled.replace("#define NS_MOREFRAG 0x0020", "#define NS_MOREFRAG 0x0021")
    spoiled = spoiled.replace("uint32_t cur;", "uint64_t cur;", 1)
    (tmp_path / "spoiled").mkdir()
    (tmp_path / "spoiled" / "abi.h").write_text(spoiled)
    right = numbers("x86_64-freebsd", RESTATED, tmp_path, "-I", CORE)
    wrong = numbers("x86_64-freebsd", RESTATED, tmp_path, "-I", tmp_path / "spoiled", "-I", CORE)
    different = {name for name in right if right[name] != wrong[name]}
    assert {"NS_MOREFRAG", "netmap_ring.tail", "sizeof netmap_ring.cur"} <= different
    assert "NS_INDIRECT" not in different


@pytest.mark.parametrize("target", FREEBSD)
@pytest.mark.parametrize(
    "source",
    [*sorted(CORE.glob("netmap/*.c")), CORE / "afpacket/no_packet_sockets.c"],
    ids=lambda path: path.name,
)
def test_compiles_for_freebsd(source: Path, target: str, tmp_path: Path) -> None:
    warnings = "-Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes"
    compile_for(target, *warnings.split(), "-I", CORE, "-c", "-o", tmp_path / "object.o", source)
