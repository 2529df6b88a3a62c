"""Describes the compiled core to cffi: run by ``cffi-gen-src exec-python`` during the build.

The headers listed are C manual and cffi declaration in one: no directives but include guards,
includes and plain numeric ``#define`` lines. ``abi.h`` is for C compilers first; of it cffi gets the
structures, and each number as the compiler computes it.
"""

import re
from pathlib import Path

from cffi import FFI

HEADERS = [
    "additions.h",
    "view.h",
    "block.h",
    "nmpcap.h",
    "netmap/mapping.h",
    "netmap/portname.h",
    "netmap/desc.h",
    "netmap/port_source.h",
    "bpf/bpf.h",
    "savefile/savefile.h",
    "capture.h",
    "paced.h",
    "packet/packet.h",
    "interfaces/interfaces.h",
]

here = Path(__file__).resolve().parent


def declarations(header: str) -> str:
    """Returns a header without the directives that only a preprocessor needs."""
    text = (here / header).read_text()
    return re.sub(r"^#(ifndef|endif|include|define \w+$).*\n", "", text, flags=re.MULTILINE)


def abi() -> str:
    """Returns netmap's numbers and structures, sizes and alignments left to the compiler."""
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
ffibuilder.cdef("#define NM_MSG_SIZE ...\n")
ffibuilder.cdef("\n".join(declarations(header) for header in HEADERS))
ffibuilder.set_source(
    "nmpcap._core._lib",
    # The module's initialiser, which cffi writes, has no prototype.
    '#pragma GCC diagnostic ignored "-Wmissing-prototypes"\n'
    "#include <stddef.h>\n#include <stdint.h>\n"
    + "".join(f'#include "{header}"\n' for header in ["abi.h", "device.h", *HEADERS]),
)
