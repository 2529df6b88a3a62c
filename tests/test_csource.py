"""Rules of the C core that a compiler does not enforce."""

from __future__ import annotations

import errno as errnos
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .layers import ROOT

CORE = ROOT / "nmpcap" / "_core"
SOURCES = sorted(CORE.rglob("*.c"))
HEADERS = sorted(CORE.rglob("*.h"))
MAX_LINES = 700

needs_compiler = pytest.mark.skipif(
    not shutil.which("cc"), reason="no C compiler; to run it: apt-get install gcc libc6-dev"
)

# A library neither prints nor ends its host, and copies no string without a bound.
FORBIDDEN = re.compile(
    r"\b(v?f?printf|v?sprintf|dprintf|puts|putchar|perror|abort|_?exit|_Exit|assert|system|popen"
    r"|strcpy|strcat|gets|alloca|strtok|rand|srand|localtime|gmtime)\s*\("
)


def code_of(text: str) -> str:
    """C text with comments, strings and characters blanked, line for line."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def forbidden_calls(text: str) -> list[str]:
    lines = enumerate(code_of(text).splitlines(), 1)
    return [f"line {number}: {match[1]}" for number, line in lines for match in FORBIDDEN.finditer(line)]


def in_core(file: Path) -> str:
    return str(file.relative_to(CORE))


def for_python(file: Path) -> bool:
    """Whether a file makes Python objects: the types of a module are its state, and writable."""
    return "#include <Python.h>" in file.read_text()


def compile_(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-I", CORE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("file", SOURCES, ids=in_core)
def test_the_core_calls_nothing_that_prints_ends_or_overruns(file: Path) -> None:
    assert forbidden_calls(file.read_text()) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('printf("x");', ["line 1: printf"]),
        ("int x;\n  abort ();", ["line 2: abort"]),
        ('snprintf(p, n, "abort()"); /* exit(1) */ // puts("")', []),
        ("_Static_assert(1, 2); nm_exit(3); x.assertion(4);", []),
    ],
)
def test_the_check_itself(text: str, found: list[str]) -> None:
    assert forbidden_calls(text) == found


@pytest.mark.parametrize("file", [*SOURCES, *HEADERS], ids=in_core)
def test_no_file_is_too_long(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("file", [*SOURCES, *HEADERS], ids=in_core)
def test_every_file_says_what_it_is(file: Path) -> None:
    assert file.read_text().startswith("/*")


@needs_compiler
@pytest.mark.parametrize("file", [f for f in HEADERS if not for_python(f)], ids=in_core)
def test_every_header_compiles_alone(file: Path) -> None:
    done = compile_("-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c", file)
    assert done.returncode == 0, done.stderr


def objects_of(sources: list[Path], folder: Path, *options: str) -> dict[str, Path]:
    """Compiles sources into a folder: the object file of each, by the source's path in the core."""
    made = {in_core(file): folder / in_core(file).replace("/", "-").replace(".c", ".o") for file in sources}
    for name, object_file in made.items():
        done = compile_(
            *("-O1", "-fPIC", "-fvisibility=hidden", *options, "-c", "-o"), object_file, CORE / name
        )
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The object file of each source that knows nothing of Python."""
    sources = [file for file in SOURCES if not for_python(file)]
    return objects_of(sources, tmp_path_factory.mktemp("objects"))


@pytest.fixture(scope="module")
def python_objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The object file of each source that makes Python objects."""
    include = Path(sysconfig.get_path("include"))
    if sys.implementation.name != "cpython" or not (include / "Python.h").is_file():
        pytest.skip("no Python.h of CPython; to run it: CPython, and apt-get install python3-dev")
    sources = [file for file in SOURCES if for_python(file)]
    return objects_of(sources, tmp_path_factory.mktemp("objects"), "-I", str(include))


@needs_compiler
def test_no_state_is_global(objects: dict[str, Path]) -> None:
    """No object has writable data: what a program opens twice must not meet itself."""
    for name, object_file in objects.items():
        sections = subprocess.run(
            ["size", "-A", object_file], capture_output=True, text=True, check=True
        ).stdout
        writable = re.findall(r"^(\.(?:data|bss|tdata|tbss)\S*)\s+([1-9]\d*)", sections, re.MULTILINE)
        assert [size for size in writable if not size[0].startswith(".data.rel.ro")] == [], name


def symbols(object_file: Path) -> tuple[set[str], set[str]]:
    """What an object defines for others, and what it asks of others."""
    lines = subprocess.run(
        ["nm", object_file], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    fields = [line.split() for line in lines]
    return {f[-1] for f in fields if f[-2] in "TDRBV"}, {f[-1] for f in fields if f[-2] == "U"}


def circles(needs: dict[str, set[str]]) -> list[list[str]]:
    """The groups of files that need each other, directly or by way of others."""
    reached = {file: set(others) for file, others in needs.items()}
    for middle in needs:
        for file in needs:
            if middle in reached[file]:
                reached[file] |= reached[middle]
    groups = {
        tuple(sorted({file, *(o for o in reached[file] if file in reached[o])}))
        for file in needs
        if file in reached[file]
    }
    return sorted(list(group) for group in groups)


def needs_of(objects: dict[str, Path]) -> dict[str, set[str]]:
    """Which of the others each source calls or refers to."""
    tables = {file: symbols(path) for file, path in objects.items()}
    home = {symbol: file for file, (defined, _) in tables.items() for symbol in defined}
    return {
        file: {home[symbol] for symbol in wanted if symbol in home} - {file}
        for file, (_, wanted) in tables.items()
    }


@needs_compiler
def test_no_files_call_each_other_in_a_circle(objects: dict[str, Path]) -> None:
    assert circles(needs_of(objects)) == []


@needs_compiler
def test_nor_do_those_that_make_python_objects(python_objects: dict[str, Path]) -> None:
    needs = needs_of(python_objects)
    assert "python/read.c" in needs["python/handle.c"]
    assert circles(needs) == []


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d2"}, "d2": {"d"}}) == [
        ["b", "c"],
        ["d", "d2"],
    ]


# What answers as ioctl(2) does says errors by positive numbers, all else by negative ones (nmpcap.h).
POSITIVE = {"bpf", "usernet", "device", "netmap"}
SIGN_CHANGES = {"netmap/as_source.c", "usernet/interface.c"}
OF_SOURCES = {"usernet/interface_tx.c"}  # hands on what the interface's source would say
DESCRIPTORS = {"usernet/region.c"}  # returns a descriptor, which an error must not be taken for
RESULT = re.compile(r"\breturn\b([^;]*);|\berror = ([^;]*);")
CALL = re.compile(r"\b(?!return\b)(\w+)\s*\([^()]*\)")
NUMBER = re.compile(r"(==|!=)?\s*(-?)\s*\b(E[A-Z0-9]+|errno|error)\b(?!\s*(?:==|!=|[(\[.&|?]))")


def signs(text: str) -> set[str]:
    """Which signs errors have that are returned, or put into ``error``; not those that calls are given."""
    found, text = set(), code_of(text)
    while (without := CALL.sub(r"\1", text)) != text:
        text = without
    for match in RESULT.finditer(text):
        for compared, minus, name in NUMBER.findall(match[1] or match[2] or ""):
            if not compared and (name in errnos.errorcode.values() or minus or name == "errno"):
                found.add(minus or "+")
    return found


@pytest.mark.parametrize(
    "file", [file for file in SOURCES if in_core(file) not in SIGN_CHANGES | DESCRIPTORS], ids=in_core
)
def test_errors_have_the_sign_that_the_umbrella_says(file: Path) -> None:
    positive = file.relative_to(CORE).parts[0] in POSITIVE and in_core(file) not in OF_SOURCES
    assert signs(file.read_text()) <= {"+" if positive else "-"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("return -EINVAL; /* return EINVAL; */", {"-"}),
        ("return a ? EBUSY : 0;", {"+"}),
        ("error = errno;", {"+"}),
        ("return n < 0 ? n : - errno;", {"-"}),
        ("return errno == EINTR ? 0 : error; errno = EAGAIN; error = 0;", set()),
        ("return fail(p, EBADF); return END_OF_IT; return -errno;", {"-"}),
        ("return bad(f(p)) ? -error : ENXIO;", {"+", "-"}),
    ],
)
def test_signs_are_found(text: str, found: set[str]) -> None:
    assert signs(text) == found


# Structures in memory that others may be writing at: only shared.h looks into them.
SEALED = ("netmap_slot", "netmap_ring", "netmap_if")


def seal(folder: Path) -> Path:
    """Copies the core, with the structures incomplete and what shared.h does with them declared only."""
    sealed = folder / "_core"
    shutil.copytree(CORE, sealed, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    abi = (CORE / "abi.h").read_text()
    for name in SEALED:
        abi, count = re.subn(
            rf"^struct {name} \{{\n.*?^\}};", f"struct {name};", abi, flags=re.MULTILINE | re.DOTALL
        )
        assert count == 1
        abi = re.sub(rf"^NM_(SIZE|AT)\({name},.*\n", "", abi, flags=re.MULTILINE)
    (sealed / "abi.h").write_text(abi)
    shared = re.sub(r"^(_Static_assert|typedef).*\n", "", (CORE / "shared.h").read_text(), flags=re.MULTILINE)
    declared, count = re.subn(
        r"^(static inline [^{;]*\))\n\{\n.*?^\}", r"\1;", shared, flags=re.MULTILINE | re.DOTALL
    )
    assert count > 20
    (sealed / "shared.h").write_text(declared)
    return sealed


def looks_inside(sealed: Path, source: Path) -> str:
    """What a compiler says of a source that may not look into the structures; "" if it need not."""
    arguments = ("-std=gnu11", "-D_GNU_SOURCE", "-I", sealed, "-w", "-fsyntax-only", source)
    done = subprocess.run(["cc", *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.stderr


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seal(tmp_path_factory.mktemp("sealed"))


@needs_compiler
@pytest.mark.parametrize("file", [f for f in SOURCES if not for_python(f)], ids=in_core)
def test_shared_memory_is_looked_into_by_one_file(file: Path, sealed: Path) -> None:
    assert looks_inside(sealed, sealed / in_core(file)) == ""


@needs_compiler
@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("nm_slot_read(slot).len + nm_ring_head(ring)", ""),
        ("slot->len", "struct netmap_"),
        ("ring->head", "struct netmap_"),
        ("ring->slot[1].len", "struct netmap_"),
        ("nifp->ni_bufs_head", "struct netmap_"),
        ("({ struct netmap_slot copy = *slot; 0; })", "struct netmap_"),
    ],
)
def test_looking_into_it_is_found(expression: str, complaint: str, sealed: Path, tmp_path: Path) -> None:
    source = tmp_path / "looks.c"
    source.write_text(
        '#include "shared.h"\n'
        "unsigned f(struct netmap_slot *slot, struct netmap_ring *ring, struct netmap_if *nifp)\n"
        f"{{\n    return {expression};\n}}\n"
    )
    said = looks_inside(sealed, source)
    assert complaint in said
    assert complaint or not said


PUBLIC_HEADERS = re.findall(r'^#include "(.+)"', (CORE / "nmpcap.h").read_text(), re.MULTILINE)


@needs_compiler
def test_public_is_what_the_public_headers_declare(objects: dict[str, Path]) -> None:
    declared = {
        name
        for header in PUBLIC_HEADERS
        for name in re.findall(
            r"^(?!typedef)\w[\w *]*?\b(nm_\w+)\(", code_of((CORE / header).read_text()), re.MULTILINE
        )
    }
    visible = set()
    for object_file in objects.values():
        lines = subprocess.run(
            ["readelf", "-Ws", object_file], capture_output=True, text=True, check=True
        ).stdout
        fields = [line.split() for line in lines.splitlines() if " GLOBAL " in line and " UND " not in line]
        visible |= {f[7] for f in fields if f[5] == "DEFAULT"}
    assert visible == declared - {"nm_deliver_calls"}


LINKERS = {"_init", "_fini", "__bss_start", "_edata", "_end"}  # which some give to whatever they link


@pytest.mark.parametrize("name", ["_lib", "_mapping", "_deliver"])
def test_modules_are_hardened_and_export_what_python_looks_for(name: str) -> None:
    try:
        spec = importlib.util.find_spec(f"nmpcap._core.{name}")
    except ImportError:
        spec = None
    if spec is None or spec.origin is None or not shutil.which("readelf"):
        pytest.skip(f"no {name}, or no readelf; to run it: CPython, and apt-get install binutils")
    asked = ["readelf", "-Wlhd", "--dyn-syms", spec.origin]
    text = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    exported = {
        line.split()[7] for line in text.splitlines() if re.search(r" (GLOBAL|WEAK) +DEFAULT +\d+ ", line)
    }
    assert exported - LINKERS == {f"PyInit_{name}"}
    needed = set(re.findall(r" UND (\w+)", text))
    assert "__stack_chk_fail" in needed
    if platform.libc_ver()[0] == "glibc" and name == "_lib":
        assert {"__memcpy_chk", "__snprintf_chk"} & needed, "built without _FORTIFY_SOURCE"
    assert "GNU_RELRO" in text
    assert "BIND_NOW" in text
    assert re.search(r"GNU_STACK.* RW ", text)
    notes = subprocess.run(["readelf", "-Wn", spec.origin], capture_output=True, text=True, check=True).stdout
    if platform.machine() == "x86_64" and "x86 feature" in notes:
        assert "IBT" in notes
        assert "SHSTK" in notes


# A table of the registry, reached into: whoever may write there may have written any index.
TABLE = re.compile(r"->(?:ports|krings|regions|descs|switches)\s*\[")
OF_THE_SWITCH = re.compile(r"\bsw->ports\[")  # what a switch knows of its places, not a table


def test_no_file_but_records_h_reaches_into_the_registrys_tables() -> None:
    folder = CORE / "usernet"
    code = {
        file.name: OF_THE_SWITCH.sub("", code_of(file.read_text())) for file in sorted(folder.glob("*.[ch]"))
    }
    assert [name for name, text in code.items() if TABLE.search(text)] == []
