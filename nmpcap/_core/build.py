"""Describes the compiled core to cffi: run by ``cffi-gen-src exec-python`` during the build.

The headers are those that ``nmpcap.h`` includes: C manual and cffi declaration in one, with no directives
but include guards, includes and plain numeric ``#define`` lines. ``abi.h`` is for C compilers first; of it
cffi gets the structures, and each number as the compiler computes it.
"""

import re
from pathlib import Path

from cffi import FFI

here = Path(__file__).resolve().parent
HEADERS = re.findall(r'^#include "(.+)"', (here / "nmpcap.h").read_text(), flags=re.MULTILINE)


def declarations(header: str) -> str:
    """Return a header without the directives that only a preprocessor needs."""
    text = (here / header).read_text()
    return re.sub(r"^#(ifndef|endif|include|pragma|define \w+$).*\n", "", text, flags=re.MULTILINE)


def abi() -> str:
    """Return netmap's numbers and structures, sizes and alignments left to the compiler."""
    text = (here / "abi.h").read_text().partition("/* ---- layout, pinned")[0]
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    numbers = re.findall(r"^#define (\w+) (?!\")", text, flags=re.MULTILINE)
    text = re.sub(r"^#(?:.*\\\n)*.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\s*__attribute__\(\(aligned\(\w+\)\)\)", "", text)
    text = re.sub(r"\[[A-Z_]+\]", "[...]", text)
    structures = re.sub(r"^};", "...;\n};", text, flags=re.MULTILINE)
    structures = re.sub(r"^(enum \{.*?)\.\.\.;\n\};", r"\1};", structures, flags=re.MULTILINE | re.DOTALL)
    time = "struct timeval { long tv_sec; long tv_usec; ...; };\n"
    return time + structures + "".join(f"#define {name} ...\n" for name in numbers)


ffibuilder = FFI()
ffibuilder.cdef(abi())
ffibuilder.cdef("\n".join(declarations(header) for header in HEADERS if header != "abi.h"))
ffibuilder.cdef("const void *nm_deliver_calls(void);")
ffibuilder.cdef("static const char *const NMPCAP_VERSION;")  # defined by meson, whose project's version it is
ffibuilder.set_source(
    "nmpcap._core._lib",
    # The module's initialiser, which cffi writes, has no prototype.
    '#pragma GCC diagnostic ignored "-Wmissing-prototypes"\n#include "nmpcap.h"\n#include "python/calls.h"\n',
)
